"""Each rule fires where it should, and only there."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sklearn_meta.inspection.report._collect import collect_facts
from sklearn_meta.inspection.report._facts import (
    ClassQuality,
    ColumnFacts,
    HeldOutScore,
    Quality,
    Reliability,
    Suspect,
)
from sklearn_meta.inspection.report._metric import Metric
from sklearn_meta.inspection.report._watch_out import find_watches, render


@pytest.fixture(scope="module")
def quiet(cases):
    """Facts of a model with nothing to watch out for."""
    facts = collect_facts(cases["classes"].model)
    member = replace(facts.inside.members[0], is_of_folds=False)
    return replace(
        facts,
        record=replace(
            facts.record, n_rows=1000, counts=(400, 600), constant_score=-0.67,
            single_columns=(), is_in_order=False,
        ),
        scores=replace(
            facts.scores, metric=Metric("neg_log_loss"), best=-0.2, honest=-0.25,
            interval=(-0.3, -0.2), note="", constant=-0.67, test=None,
        ),
        quality=None,
        suspects=(),
        columns=(ColumnFacts("a", "number", "", None, 0, "number"),),
        search=replace(
            facts.search, is_search=True, n_evaluations=50, n_folds=5,
            statuses=(("ok", 50),), stop_reason="time budget used",
        ),
        inside=replace(
            facts.inside, kind="single", members=(member,), is_tuned=False,
        ),
        speed=replace(facts.speed, limit_ms=None, limit_megabytes=None),
        repeat=replace(facts.repeat, seed="0"),
    )  # fmt: skip


def titles(facts):
    return [watch.title for watch in find_watches(facts)]


def test_nothing_to_watch(quiet):
    assert titles(quiet) == []
    assert "has found anything unusual" in render(replace(quiet, watches=()))


def held_out(score, interval=(math.nan, math.nan), n_unseen=0, n_rows=500):
    return HeldOutScore(n_rows, score, interval, math.nan, n_unseen)


@pytest.mark.parametrize(
    ("title", "part", "changes"),
    [
        ("The model is a constant", "inside", {"kind": "constant"}),
        ("Hardly better than a guess", "scores", {"honest": -0.665}),
        ("Hardly better than a guess", "scores", {"honest": math.nan, "best": -0.68}),
        ("One column suffices alone", "", {"suspects": (Suspect("b", "", 0.99),)}),
        ("Rare class", "record", {"counts": (19, 981)}),
        ("Rare classes", "record", {"counts": (5, 4)}),
        ("No cross-validation", "search", {"is_search": False}),
        ("No honest score", "scores", {"honest": math.nan}),
        ("Splits are in temporal order", "record", {"is_in_order": True}),
        ("Few rows", "record", {"n_rows": 199}),
        ("Few groups", "record", {"n_groups": 9}),
        ("One holdout part", "search", {"n_folds": 1}),
        ("Slower than asked", "speed", {"limit_ms": 5.0, "one_row": 0.006}),
        ("Larger than asked", "speed", {"limit_megabytes": 1.0, "n_bytes": 1_100_000}),
        ("Copies of rows", "record", {"n_copies": 60}),
        ("The search was interrupted", "search", {"stop_reason": "interrupted"}),
        ("A short search", "search", {"n_evaluations": 9}),
        ("Many evaluations failed", "search", {"statuses": (("failed", 25),)}),
        ("No seed", "repeat", {"seed": ""}),
        (
            "A column is left out",
            "",
            {"columns": (ColumnFacts("k", "identifier", "", 9, 0, "left out"),)},
        ),
        (
            "Mostly missing",
            "",
            {"columns": (ColumnFacts("k", "number", "", None, 501, "number"),)},
        ),
        ("Few test rows", "scores", {"test": held_out(-0.25, n_rows=49)}),
        (
            "Classes that fit has not seen",
            "scores",
            {"test": held_out(-0.25, n_unseen=1)},
        ),
        ("The test score is outside of the band", "scores", {"test": held_out(-0.31)}),
        ("The test score is outside of the band", "scores", {"test": held_out(-0.1)}),
    ],
)  # fmt: skip
def test_rules(quiet, title, part, changes):
    changed = replace(getattr(quiet, part), **changes) if part else None
    facts = replace(quiet, **({part: changed} if part else changes))
    assert title in titles(facts)
    page = render(replace(facts, watches=find_watches(facts)))
    assert f"<strong>{title}.</strong>" in page


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("record", {"counts": (20, 980)}),
        ("record", {"n_rows": 200}),
        ("record", {"n_groups": 10}),
        ("search", {"n_evaluations": 10}),
        ("speed", {"limit_ms": 5.0, "one_row": 0.005}),
        ("speed", {"limit_megabytes": 1.0, "n_bytes": 900_000}),
        ("scores", {"test": held_out(-0.25)}),
        ("scores", {"test": held_out(-0.3)}),
        ("search", {"statuses": (("failed", 24), ("ok", 26))}),
    ],
)
def test_rules_do_not_fire_below_their_bounds(quiet, part, changes):
    assert (
        titles(replace(quiet, **{part: replace(getattr(quiet, part), **changes)})) == []
    )


def test_a_test_score_that_chance_explains_is_not_serious(quiet):
    def watch(test):
        scores = replace(quiet.scores, test=test)
        (found,) = find_watches(replace(quiet, scores=scores))
        return found

    close = watch(held_out(-0.35, (-0.5, -0.25)))
    assert not close.is_serious and "chance may explain it" in close.text
    far = watch(held_out(-0.6, (-0.7, -0.5)))
    assert far.is_serious and "0.600 on X_test is worse" in far.text
    assert "0.200 to 0.300" in far.text


def test_probabilities_that_are_off(quiet):
    line = np.linspace(0, 1, 5)

    def facts(error):
        of = ClassQuality(("a", "b"), np.eye(2), (), Reliability(line, line, error))
        return replace(quiet, quality=Quality("out-of-fold", 100, of_classes=of))

    assert titles(facts(0.11)) == ["Probabilities are off"]
    assert titles(facts(0.09)) == []


def test_serious_things_come_first(quiet):
    facts = replace(
        quiet,
        record=replace(quiet.record, n_rows=10),
        suspects=(Suspect("b", "", 0.99), Suspect("c", "", 0.98)),
    )
    found = find_watches(facts)
    assert [watch.is_serious for watch in found] == [True, False]
    assert "So does “c”" in found[0].text
