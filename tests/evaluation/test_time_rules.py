"""Candidates are compared with the time that is left, as far as it is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._limits import SearchLimits
from sklearn_meta.evaluation._records import Candidate, FoldResult
from sklearn_meta.evaluation._time_rules import (
    CANDIDATE_SHARE,
    CANDIDATE_SHARE_OF_BUDGET,
    LIGHT_SECONDS,
    MULTIPLE_IN_PROCESS,
    SHARE_OF_SECONDS,
    SHORTEST_LIMIT,
    TimeRules,
)
from sklearn_meta.parallel._pool import Place
from sklearn_meta.pipelines import Node, X

N, N_FOLDS = 100, 4
TREE = Node("ridge", (X,))


def rules(
    *,
    screening=None,
    seconds_per_row=0.01,
    worthwhile=10.0,
    repeatable=False,
    score_seconds=0.0,
):
    """Rules for folds of 80 rows, of which a row takes some seconds."""
    stages = [Stage(np.arange(80), np.arange(20)) for _ in range(N_FOLDS)]
    if screening is not None:
        stages.insert(0, Stage(np.arange(screening), np.arange(20), screening=True))
    forecast = SimpleNamespace(
        fit_seconds=lambda tree, n: seconds_per_row * n,
        is_worthwhile=lambda candidate, seconds: seconds <= worthwhile,
        score_seconds=score_seconds,
    )
    context = EvaluationContext(SimpleNamespace(n_samples=N), tuple(stages))
    limits = SearchLimits(None, 10, repeatable=repeatable)
    return TimeRules(context, forecast, limits, Budget(100.0, lambda: 0.0))


def candidate(expected_seconds=None):
    return Candidate(TREE, "ridge(X)", "test", expected_seconds)


def results(*seconds, first=0):
    """Results of stages, a fifth of the seconds being those of predictions."""
    return [
        FoldResult(stage, 0.0, None, 0.8 * s, 0.2 * s)
        for stage, s in enumerate(seconds, first)
    ]


def test_a_fit_in_a_fold_is_predicted():
    forecast = rules().predict(candidate())
    assert forecast.operator == "ridge"
    assert forecast.by_operators == pytest.approx(0.8)
    assert forecast.recalled is None and forecast.screening_share == 1


def test_recalled_seconds_are_taken_from_all_rows_to_those_of_a_fold():
    forecast = rules(screening=20).predict(candidate(expected_seconds=5.0))
    assert forecast.recalled == pytest.approx(5.0 * 80 / 100)
    assert forecast.by_operators == pytest.approx(0.8)
    assert forecast.screening_share == pytest.approx(0.25)


def test_measured_seconds_correct_the_forecasts():
    time = rules()
    forecast = time.predict(candidate())
    assert not time.is_light(forecast)
    for _ in range(50):
        time.update(forecast, results(0.05, 0.05, 9.0))  # their median
    assert time.is_light(forecast)
    assert time._correction.expect(forecast) == pytest.approx(0.05, rel=0.1)


def test_the_fit_on_a_part_of_the_rows_alone_stands_for_a_fold():
    time = rules(screening=20)
    forecast = time.predict(candidate())
    for _ in range(200):
        time.update(forecast, results(1.0))
    assert time._correction.expect(forecast) == pytest.approx(4.0, rel=0.05)


def test_the_folds_count_where_there_are_some():
    time = rules(screening=20)
    forecast = time.predict(candidate())
    for _ in range(200):
        time.update(forecast, results(1.0, 2.0))
    assert time._correction.expect(forecast) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize(("seconds", "light"), [(0.99, True), (1.01, False)])
def test_light_is_what_may_block_this_process(seconds, light):
    time = rules(seconds_per_row=seconds * LIGHT_SECONDS / 80)
    assert time.is_light(time.predict(candidate())) == light


def test_all_folds_together_must_be_worth_it():
    # Four folds of 0.8 s, and a quarter of one.
    for screening, total in ((None, 3.2), (20, 3.4)):
        time = rules(screening=screening, worthwhile=total + 0.01)
        assert time.reason_not_worthwhile(candidate(), time.predict(candidate())) == ""
        time = rules(screening=screening, worthwhile=total - 0.01)
        reason = time.reason_not_worthwhile(candidate(), time.predict(candidate()))
        assert f"about {total} s: too long" in reason


def test_without_the_time_for_all_folds_a_candidate_is_skipped():
    time = rules()
    forecast = time.predict(candidate())
    needed = 3.2 * SHARE_OF_SECONDS
    assert time.reason_no_time(forecast, Place.WORKER, needed + 0.01) == ""
    reason = time.reason_no_time(forecast, Place.WORKER, needed - 0.01)
    assert reason == "it would take about 3.2 s, 1.9 s were left"
    assert "0.0 s were left" in time.reason_no_time(forecast, Place.WORKER, -5.0)


@pytest.mark.parametrize("place", [Place.IN_PROCESS, Place.STARTING])
def test_a_fold_that_nothing_can_end_must_fit_whatever_it_takes(place):
    time = rules()
    forecast = time.predict(candidate())
    most = 0.8 * MULTIPLE_IN_PROCESS
    assert time.reason_no_time(forecast, place, most + 0.01) == ""
    reason = time.reason_no_time(forecast, place, most - 0.01)
    assert reason.startswith("a fold, which nothing can end in this process")
    assert time.reason_no_time(forecast, Place.WORKER, most - 0.01) == ""


def test_a_candidate_may_take_a_share_of_what_is_left():
    time = rules()
    assert time.candidate_limit(50.0) == 50.0 * CANDIDATE_SHARE
    assert time.candidate_limit(0.1) == SHORTEST_LIMIT


def test_in_a_fixed_order_its_share_does_not_depend_on_the_clock():
    time = rules(repeatable=True)
    assert (
        time.candidate_limit(50.0)
        == time.candidate_limit(0.1)
        == 100.0 * CANDIDATE_SHARE_OF_BUDGET
    )


def test_the_seconds_of_a_slow_scorer_are_part_of_a_fold():
    time = rules(score_seconds=0.5)
    forecast = time.predict(candidate())
    # Four folds of 0.8 s and 0.5 s of the scorer.
    assert "about 5.2 s" in time.reason_no_time(forecast, Place.WORKER, 1.0)
    measured = [replace(r, score_seconds=1.5) for r in results(0.8, 0.8)]
    time.update(forecast, measured)
    assert "about 9.2 s" in time.reason_no_time(forecast, Place.WORKER, 1.0)


def test_a_scorer_is_expected_to_take_what_it_took():
    time = rules(score_seconds=0.5)
    forecast = time.predict(candidate())
    most = 0.8 * MULTIPLE_IN_PROCESS + 0.5
    assert time.reason_no_time(forecast, Place.IN_PROCESS, most + 0.01) == ""
    assert time.reason_no_time(forecast, Place.IN_PROCESS, most - 0.01) != ""


def test_the_seconds_of_a_usual_scorer_change_nothing():
    time = rules()
    forecast = time.predict(candidate())
    time.update(forecast, [replace(r, score_seconds=0.01) for r in results(0.8)])
    assert time.reason_no_time(forecast, Place.WORKER, 1.0).startswith(
        "it would take about 3.2 s"
    )


def test_in_this_process_a_single_fold_must_end_in_time():
    time = rules()
    forecast = time.predict(candidate())
    assert time.reason_no_fold(forecast, Place.IN_PROCESS, 0.81) == ""
    assert time.reason_no_fold(forecast, Place.WORKER, 0.1) == ""
    reason = time.reason_no_fold(forecast, Place.IN_PROCESS, 0.79)
    assert reason == "a fold would take about 0.80 s, 0.79 s were left"
