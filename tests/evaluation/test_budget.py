"""The budget ends when it says, and leaves what the end of a fit takes."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_meta.evaluation._budget import (
    COMBINE_CALLS,
    COMBINE_SECONDS,
    COMBINE_SHARE,
    COMBINE_SHARE_OF_REST,
    DECIDE_SECONDS,
    HONEST_SHARE,
    HONEST_SHARE_OF_REST,
    MAX_RESERVE_SHARE,
    RESERVED_MEMBERS,
    Budget,
    combine_seconds,
    honest_seconds,
    reserve_seconds,
)
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Status
from sklearn_meta.timing._forecast import SLOW_SCORE_SECONDS
from sklearn_meta.timing._refits import refit_seconds
from tests.evaluation.records import evaluation

CONTEXT = EvaluationContext(
    SimpleNamespace(n_samples=12),
    tuple(Stage(np.arange(8), np.arange(4)) for _ in "ab"),
)


def test_it_begins_when_it_is_made():
    now = [10.0]
    budget = Budget(5.0, lambda: now[0])
    assert (budget.start, budget.deadline) == (10.0, 15.0)
    now[0] = 12.0
    assert (budget.elapsed(), budget.remaining()) == (2.0, 3.0)
    now[0] = 17.0
    assert (budget.elapsed(), budget.remaining()) == (7.0, 0.0)


def test_a_start_that_is_given_is_kept():
    assert Budget(5.0, lambda: 9.0, start=0.0).deadline == 5.0


def test_the_clock_is_monotonic_and_no_limit_is_infinity():
    budget = Budget(np.inf)
    assert budget.clock is time.monotonic
    assert budget.remaining() == budget.deadline == np.inf


SHARE = COMBINE_SHARE + HONEST_SHARE


@st.composite
def histories(draw):
    history = History()
    for i in range(draw(st.integers(0, 8))):
        status = draw(st.sampled_from([Status.OK, Status.PRUNED, Status.FAILED]))
        seconds = draw(st.floats(0, 20))
        score = draw(st.floats(-1, 1))
        history.add(evaluation(i, [score] * 2, status, seconds=seconds))
    return history


def reserve(history, seconds, n_workers=1):
    return reserve_seconds(history, CONTEXT, Budget(seconds, lambda: 0.0), n_workers)


LENGTHS = st.floats(0.01, 1e4)


@settings(max_examples=40)
@given(histories(), LENGTHS, st.integers(1, 16))
def test_the_reserve_is_between_combining_and_its_share(history, seconds, n_workers):
    most = MAX_RESERVE_SHARE * seconds
    least = COMBINE_SECONDS + SHARE * seconds
    assert min(least, most) <= reserve(history, seconds, n_workers) <= most


@settings(max_examples=40)
@given(histories(), LENGTHS, st.integers(1, 15))
def test_more_workers_need_no_more_and_one_fit_is_always_counted(history, s, n_workers):
    fewer, more = reserve(history, s, n_workers + 1), reserve(history, s, n_workers)
    assert fewer <= more
    longest = max(
        (refit_seconds(e, CONTEXT) for e in best_of(history)),
        default=0.0,
    )
    assert fewer >= min(longest, MAX_RESERVE_SHARE * s)


def best_of(history):
    finished = [e for e in history if e.status is Status.OK]
    return sorted(finished, key=lambda e: -e.score)[:RESERVED_MEMBERS]


@settings(max_examples=40)
@given(histories())
def test_on_one_worker_it_is_the_sum_of_the_fits_of_the_best(history):
    fits = sum(refit_seconds(e, CONTEXT) for e in best_of(history))
    expected = COMBINE_SECONDS + SHARE * 1e4 + fits
    assert reserve(history, 1e4) == pytest.approx(expected)


@settings(max_examples=40)
@given(histories(), LENGTHS)
def test_a_longer_budget_has_no_smaller_reserve(history, seconds):
    assert reserve(history, seconds) <= reserve(history, 1.1 * seconds)


@settings(max_examples=40)
@given(histories())
def test_without_a_limit_nothing_is_set_aside(history):
    assert reserve(history, np.inf) == 0.0


def test_candidates_that_did_not_finish_are_not_fitted_again():
    history = History()
    before = reserve(history, 1e3)
    history.add(evaluation(0, [0.9] * 2, Status.PRUNED, seconds=9.0))
    assert reserve(history, 1e3) == before
    history.add(evaluation(1, [0.1] * 2, seconds=9.0))
    assert reserve(history, 1e3) > before + 9.0


def test_one_fit_takes_no_less_on_many_workers():
    history = History()
    history.add(evaluation(0, [0.1] * 2, seconds=9.0))
    assert reserve(history, 1e3, n_workers=8) == reserve(history, 1e3)


def slow_history(score_seconds):
    history = History()
    one = evaluation(0, [0.5] * 2, seconds=0.0)
    folds = tuple(replace(f, score_seconds=score_seconds) for f in one.folds)
    history.add(replace(one, folds=folds))
    return history


@pytest.mark.parametrize(
    ("score_seconds", "calls"),
    [(SLOW_SCORE_SECONDS / 2, 0), (0.1, COMBINE_CALLS), (100.0, 0)],
)
def test_calls_of_a_slow_scorer_are_set_aside_if_there_is_time(score_seconds, calls):
    expected = COMBINE_SECONDS + SHARE * 10.0 + calls * score_seconds
    assert reserve(slow_history(score_seconds), 10.0) == pytest.approx(expected)


def test_combining_takes_its_share_and_the_calls_of_a_slow_scorer():
    assert combine_seconds(1.0, 0.001) == pytest.approx(COMBINE_SHARE_OF_REST)
    calls = COMBINE_CALLS * 0.1
    assert combine_seconds(3.0, 0.1) == pytest.approx(
        calls + COMBINE_SHARE_OF_REST * (3.0 - calls)
    )
    # No time for them: the fits matter more.
    assert combine_seconds(1.0, 0.1) == pytest.approx(COMBINE_SHARE_OF_REST)
    assert combine_seconds(np.inf, 0.1) == np.inf


def test_a_decision_between_classes_has_its_reserve():
    context = replace(CONTEXT, judges_labels=True)
    budget = Budget(100.0, lambda: 0.0)
    of_decision = reserve_seconds(History(), context, budget, 1)
    without = reserve_seconds(History(), CONTEXT, budget, 1)
    assert of_decision == pytest.approx(without + DECIDE_SECONDS)
    short = Budget(1.0, lambda: 0.0)
    assert reserve_seconds(History(), context, short, 1) == pytest.approx(0.3)


def test_the_bootstrap_takes_its_share_of_the_budget_or_of_what_is_left():
    assert honest_seconds(Budget(np.inf, lambda: 0.0)) == np.inf
    assert honest_seconds(Budget(10.0, lambda: 0.0)) == pytest.approx(0.3)
    late = Budget(10.0, lambda: 9.0, start=0.0)
    assert honest_seconds(late) == pytest.approx(HONEST_SHARE_OF_REST * 1.0)
    assert honest_seconds(Budget(1.0, lambda: 2.0, start=0.0)) == 0.0
