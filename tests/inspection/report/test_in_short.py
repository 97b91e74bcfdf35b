"""Sentences say what the numbers say."""

import math
from dataclasses import replace

import pytest

from sklearn_meta.inspection.report._collect import collect_facts
from sklearn_meta.inspection.report._facts import HeldOutScore
from sklearn_meta.inspection.report._in_short import (
    expected_score,
    sentences,
    with_interval,
)
from sklearn_meta.inspection.report._metric import Metric, number


@pytest.fixture
def facts(cases):
    facts = collect_facts(cases["classes"].model)
    scores = replace(
        facts.scores, honest=-0.25, interval=(-0.3, -0.2), constant=-0.5, test=None
    )
    return replace(facts, scores=scores)


def test_the_honest_score_is_what_is_expected(facts):
    text = " ".join(sentences(facts))
    assert (
        "On new rows like these, expect a log loss of 0.250 (95 % interval 0.200 to "
        "0.300); smaller is better. Predicting the same shares of the classes for "
        "every row has 0.500: the model removes 50 % of that." in text
    )


def test_scores_of_which_more_is_better(facts):
    scores = replace(
        facts.scores, metric=Metric("accuracy"), honest=0.9, interval=(0.85, 0.95),
        constant=0.6,
    )  # fmt: skip
    text = " ".join(sentences(replace(facts, scores=scores)))
    assert (
        "expect an accuracy of 0.900 (95 % interval 0.850 to 0.950); larger is better"
        in text
    )
    assert "the model goes 75 % of the way from that to perfect" in text


@pytest.mark.parametrize(("honest", "words"), [(-0.499, "hardly"), (-0.6, "no")])
def test_a_model_that_is_no_better_is_said_to_be(facts, honest, words):
    scores = replace(facts.scores, honest=honest)
    text = " ".join(sentences(replace(facts, scores=scores)))
    assert f"the model is {words} better than that" in text


def test_what_is_expected_without_an_honest_score(facts):
    test = HeldOutScore(50, -0.4, (-0.5, -0.3), -0.7)
    nothing = (math.nan, math.nan)
    scores = replace(facts.scores, honest=math.nan, interval=nothing, best=-0.2)
    assert expected_score(scores)[::2] == (-0.2, "best")
    assert expected_score(replace(scores, test=test)) == (-0.4, (-0.5, -0.3), "test")
    text = " ".join(sentences(replace(facts, scores=replace(scores, test=test))))
    assert "On the 50 rows of X_test, the log loss is 0.400" in text
    assert "has 0.700: the model removes 43 % of that" in text


def test_where_no_row_is_wrong_there_is_no_interval():
    assert with_interval(1.0, (1.0, 1.0), lambda score: score) == "1.00"
    assert with_interval(0.9, (0.8, 1.0), float).startswith("0.900 (95 %")


def test_without_any_score_it_says_so(cases):
    text = " ".join(collect_facts(cases["no search"].model).summary_lines())
    assert "not known: there was no search" in text
    assert "recommended without a search" in text


def test_errors_of_numbers(cases):
    facts = collect_facts(cases["number"].model)
    (of,) = facts.quality.of_numbers
    text = " ".join(facts.summary_lines())
    assert f"off by less than {number(of.median_error)}" in text


def test_every_task_is_described(case):
    lines = case.report.facts.summary_lines()
    assert lines[0].startswith("The model predicts")
    assert f"{len(case.report.facts.watches)} thing" in lines[-1]
    assert not any("nan" in line or "  " in line for line in lines)
