"""Section "Watch out": what may mislead a reader of the numbers."""

from __future__ import annotations

import math

from sklearn_meta.inspection.report._facts import Facts, Watch
from sklearn_meta.inspection.report._html import join, paragraph, section, tag
from sklearn_meta.inspection.report._metric import (
    count,
    listed,
    number,
    percent,
    seconds,
    short,
)

# Rows of a class below which little can be said about it.
RARE_CLASS = 20

# Tables of fewer rows, and test sets of fewer rows, have wide intervals.
FEW_ROWS, FEW_TEST_ROWS = 200, 50

# Share of missing cells of a column that is worth a word.
MOSTLY_MISSING = 0.5

# Evaluations below which a search has hardly begun, and the share of candidates whose
# failure is worth a word.
FEW_EVALUATIONS, MANY_FAILURES = 10, 0.5

# Share of the way from a guess to perfect predictions below which a model is useless.
USELESS = 0.02

# Expected calibration error above which probabilities are not to be taken literally.
UNRELIABLE = 0.1

_FAILURES = ("failed", "memory", "crashed", "timeout")


def find_watches(facts: Facts) -> tuple[Watch, ...]:
    """Return what to watch out for, serious things first.

    Parameters
    ----------
    facts : Facts
        Without summary and watches.

    Returns
    -------
    watches : tuple of Watch
    """
    rules = (
        _constant, _useless, _test_score, _suspects, _rare_classes, _unseen_classes,
        _no_honest_score, _order, _few_rows, _one_part, _speed, _size, _left_out,
        _missing, _copies, _search, _failures, _members_of_folds, _calibration,
        _objective, _undefined_test, _seed,
    )  # fmt: skip
    found = [watch for rule in rules for watch in rule(facts)]
    return tuple(sorted(found, key=lambda watch: not watch.is_serious))


def render(facts):
    """Return the section as HTML."""
    if not facts.watches:
        nothing = paragraph("No rule of this report has found anything unusual.")
        return section("watch-out", "Watch out", nothing)
    entries = [
        tag(
            "li",
            tag("strong", f"{watch.title}."),
            " ",
            watch.text,
            class_="serious" if watch.is_serious else None,
        )
        for watch in facts.watches
    ]
    return section("watch-out", "Watch out", tag("ul", join(entries), class_="watch"))


def _constant(facts):
    if facts.inside.kind == "constant":
        yield Watch(
            "The model is a constant",
            "No pipeline was finished within the time budget. It predicts the same for "
            "every row: raise time_budget and fit again.",
            True,
        )


def _useless(facts):
    scores = facts.scores
    if facts.inside.kind == "constant":
        return
    for value in (scores.honest, scores.best):
        if math.isfinite(value):
            gain = scores.metric.gain(value, scores.constant)
            if math.isfinite(gain) and gain < USELESS:
                yield Watch(
                    "Hardly better than a guess",
                    f"By {scores.metric.words}, the model is not noticeably better "
                    "than a constant. The columns may say nothing about the target, "
                    "or the rows are too few.",
                    True,
                )
            return


def _test_score(facts):
    scores, test = facts.scores, facts.scores.test
    if test is None or not math.isfinite(test.score):
        return
    low, high = scores.interval
    if not (math.isfinite(low) and math.isfinite(high)) or low <= test.score <= high:
        return
    shown = scores.metric.shown
    worse = test.score < low
    inside = (
        math.isfinite(test.interval[0])
        and test.interval[0] <= high
        and test.interval[1] >= low
    )
    band = " to ".join(number(x) for x in sorted((shown(low), shown(high))))
    text = (
        f"{number(shown(test.score))} on X_test is {'worse' if worse else 'better'} "
        f"than the band of the honest score ({band}). "
    )
    if inside:
        text += "The intervals of both overlap, so chance may explain it."
    elif worse:
        text += (
            "That is more than chance: the rows of X_test may be of another kind "
            "(later, other groups, other sources) than those of fit."
        )
    else:
        text += (
            "That is more than chance: X_test may be easier, or have rows that fit "
            "has seen."
        )
    yield Watch("The test score is outside of the band", text, not inside)


def _suspects(facts):
    by_target: dict[str, list] = {}
    for suspect in facts.suspects:
        by_target.setdefault(suspect.target, []).append(suspect)
    for target, suspects in by_target.items():
        first = suspects[0]
        of = f" of {short(target)}" if target else ""
        what = (
            f"determines the order{of} by {percent(first.share)} of its variance"
            if facts.record.task == "numbers"
            else f"alone gives the right class{of} for {percent(first.share)} of the "
            "rows (mean over the classes)"
        )
        others = [f"“{short(s.column)}”" for s in suspects[1:]]
        more = f" So do {listed(others, 4)}." if len(others) > 1 else ""
        more = f" So does {others[0]}." if len(others) == 1 else more
        yield Watch(
            "One column suffices alone",
            f"“{short(first.column)}” {what}.{more} If it is known only after the "
            "target is, scores are too good to be true: leave it out with "
            "column_kinds={...: 'drop'}. Otherwise the task is easy.",
            True,
        )


def _rare_classes(facts):
    record = facts.record
    names = facts.classes if record.task == "classes" else facts.targets
    if record.task == "numbers":
        return
    pairs = zip(names, record.counts, strict=True)
    rare = sorted((n, name) for name, n in pairs if n < RARE_CLASS)
    if not rare:
        return
    parts = [f"“{short(name, 24)}” ({n})" for n, name in rare]
    them = "it" if len(rare) == 1 else "them"
    what = "class" if record.task == "classes" else "label"
    plural = {"class": "classes", "label": "labels"}[what]
    title = f"Rare {what if len(rare) == 1 else plural}"
    yield Watch(
        title,
        f"{count(len(rare), what, plural)} with fewer than {RARE_CLASS} rows: "
        f"{listed(parts, 6)}. What the report says about {them} rests on these rows "
        "alone.",
        rare[0][0] < RARE_CLASS / 2,
    )


def _unseen_classes(facts):
    test = facts.scores.test
    if test is not None and test.n_unseen:
        yield Watch(
            "Classes that fit has not seen",
            f"{count(test.n_unseen, 'row')} of X_test with such a class, which no "
            "prediction can be, left out of the test score.",
            True,
        )


def _no_honest_score(facts):
    scores = facts.scores
    if not facts.search.is_search:
        yield Watch(
            "No cross-validation",
            "With search=None nothing is cross-validated: there is no score of the "
            "model but the one on X_test.",
            True,
        )
    elif not math.isfinite(scores.honest) and facts.inside.kind != "constant":
        reason = f" ({scores.note})" if scores.note else ""
        yield Watch(
            "No honest score",
            f"best_score_ is that of the best of {facts.search.n_evaluations} "
            f"evaluations, and a little optimistic; there is no correction{reason}.",
        )


def _order(facts):
    if facts.record.is_in_order:
        yield Watch(
            "Splits are in temporal order",
            "Scores are those of later rows, predicted from earlier ones. They hold as "
            "long as the future changes no faster than the past did; intervals of the "
            "bootstrap do not cover such a change.",
        )


def _few_rows(facts):
    record = facts.record
    if record.n_rows < FEW_ROWS:
        yield Watch(
            "Few rows",
            f"With {count(record.n_rows, 'row')}, all scores have wide intervals, and "
            "the choice between good pipelines is left to chance.",
        )
    if 0 < record.n_groups < 10:
        yield Watch(
            "Few groups",
            f"With {count(record.n_groups, 'group')}, scores say little about "
            "new groups.",
        )
    test = facts.scores.test
    if test is not None and test.n_rows < FEW_TEST_ROWS:
        yield Watch(
            "Few test rows",
            f"The test score rests on {count(test.n_rows, 'row')}.",
        )


def _one_part(facts):
    if facts.search.is_search and facts.search.n_folds == 1:
        yield Watch(
            "One holdout part",
            "Pipelines were compared on one part of the rows in place of folds, to "
            "have time for more of them.",
        )


def _speed(facts):
    speed = facts.speed
    if speed.limit_ms is None or speed.one_row is None:
        return
    if 1000 * speed.one_row > speed.limit_ms:
        yield Watch(
            "Slower than asked",
            f"Predicting one row took {seconds(speed.one_row)} here; max_predict_ms is "
            f"{number(speed.limit_ms)}.",
            True,
        )


def _size(facts):
    speed = facts.speed
    if speed.limit_megabytes is None or speed.n_bytes is None:
        return
    if speed.n_bytes > 1e6 * speed.limit_megabytes:
        yield Watch(
            "Larger than asked",
            f"The pickled model has {number(speed.n_bytes / 1e6)} MB; max_megabytes is "
            f"{number(speed.limit_megabytes)}.",
            True,
        )


def _left_out(facts):
    left = [column for column in facts.columns if column.is_left_out]
    if not left:
        return
    kinds: dict[str, list[str]] = {}
    for column in left:
        kinds.setdefault(column.kind, []).append(f"“{short(column.name, 30)}”")
    words = {"drop": "by column_kinds", "identifier": "identifiers of rows"}
    parts = [
        f"{listed(names, 4)} ({words.get(kind, kind)})" for kind, names in kinds.items()
    ]
    title = "A column is left out" if len(left) == 1 else "Columns are left out"
    yield Watch(title, f"{'; '.join(parts)}.", False)


def _missing(facts):
    n = facts.record.n_rows
    found = [
        f"“{short(column.name, 30)}” ({percent(column.missing / n)})"
        for column in facts.columns
        if column.missing and column.missing > MOSTLY_MISSING * n
        if not column.is_left_out
    ]
    if found:
        yield Watch(
            "Mostly missing",
            f"More than half of the cells are missing in {listed(found, 5)}.",
        )


def _copies(facts):
    n = facts.record.n_copies
    if n > 0.05 * facts.record.n_rows:
        yield Watch(
            "Copies of rows",
            f"{count(n, 'row')} are copies of others. They are kept on one side of "
            "every split.",
        )


def _search(facts):
    search = facts.search
    if not search.is_search or facts.inside.kind == "constant":
        return
    if search.stop_reason == "interrupted":
        yield Watch(
            "The search was interrupted",
            f"The model is made of what was found by then: "
            f"{count(search.n_evaluations, 'evaluation')}.",
        )
    elif search.n_evaluations < FEW_EVALUATIONS:
        yield Watch(
            "A short search",
            f"{count(search.n_evaluations, 'pipeline')} "
            f"{'was' if search.n_evaluations == 1 else 'were'} evaluated before the "
            f"search ended ({search.stop_reason}). More time may give a better model.",
        )


def _failures(facts):
    statuses = dict(facts.search.statuses)
    n = sum(statuses.get(status, 0) for status in _FAILURES)
    if n >= max(2, MANY_FAILURES * facts.search.n_evaluations):
        parts = [f"{statuses[s]} × {s}" for s in _FAILURES if statuses.get(s)]
        yield Watch(
            "Many evaluations failed",
            f"{listed(parts)} of {facts.search.n_evaluations}: leaderboard_ has the "
            "reasons.",
        )


def _members_of_folds(facts):
    of_folds = [m for m in facts.inside.members if m.is_of_folds]
    if of_folds:
        yield Watch(
            "Not fitted on all rows",
            f"There was no time to fit {count(len(of_folds), 'member')} on all rows: "
            "the models of the folds are averaged in place.",
        )


def _calibration(facts):
    quality = facts.quality
    measured = None if quality is None else quality.of_classes
    if measured is None or measured.reliability is None:
        return
    if measured.reliability.error > UNRELIABLE:
        yield Watch(
            "Probabilities are off",
            "On average they differ from the observed shares by "
            f"{percent(measured.reliability.error)}: use them to rank rows, not as "
            "probabilities.",
        )


def _objective(facts):
    if facts.record.objective and facts.inside.is_tuned:
        yield Watch(
            "The decision is tuned",
            f"Pipelines were compared by log loss, and the decision was chosen for "
            f"{facts.scores.metric.words}: predict does not always return the most "
            "probable class.",
        )


def _undefined_test(facts):
    test = facts.scores.test
    if test is not None and test.note:
        yield Watch("The test score is not complete", f"{_sentence(test.note)}.")


def _seed(facts):
    if not facts.repeat.seed:
        yield Watch(
            "No seed",
            "random_state is None: another fit will find another model. Pass an "
            "integer, and max_evaluations, to get the same one.",
        )


def _sentence(text):
    """Return a text that begins a sentence."""
    return text[:1].upper() + text[1:]
