"""What fits are expected to take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.timing._correction import FoldForecast, SecondsCorrection

SECONDS = st.floats(0.01, 100)


def forecast(operator="svc", by_operators=1.0, recalled=None):
    return FoldForecast(operator, by_operators, recalled, screening_share=1.0)


def test_nothing_seen_is_the_prediction_and_recall_is_the_better_one():
    correction = SecondsCorrection()
    assert correction.expect(forecast(by_operators=3.0)) == 3.0
    assert correction.expect(forecast(by_operators=3.0, recalled=0.5)) == 0.5


def test_one_fit_says_more_of_its_own_learner_than_of_others():
    correction = SecondsCorrection()
    correction.observe(forecast("svc"), 16.0)
    # Half of the logarithm for all, and half of what is left for its own.
    assert correction.expect(forecast("ridge")) == pytest.approx(4.0)
    assert correction.expect(forecast("svc")) == pytest.approx(8.0)


@given(st.lists(SECONDS, min_size=1, max_size=30), SECONDS)
def test_expectations_lie_between_the_prediction_and_what_was_seen(measured, predicted):
    correction = SecondsCorrection()
    for seconds in measured:
        correction.observe(forecast(by_operators=predicted), seconds)
    for operator in ("svc", "ridge"):
        seconds = correction.expect(forecast(operator, by_operators=predicted))
        low, high = min(*measured, predicted), max(*measured, predicted)
        assert low * (1 - 1e-9) <= seconds <= high * (1 + 1e-9)


@given(SECONDS, SECONDS, st.floats(0.1, 10))
def test_a_slower_machine_takes_longer_for_what_was_never_seen(one, other, slowness):
    correction = SecondsCorrection()
    for operator in "abcdefghijklmnopqrstuvwxyz":
        correction.observe(forecast(operator, one, recalled=one), slowness * one)
    for new in (forecast("new", other), forecast("new", 1e9, recalled=other)):
        assert np.isclose(correction.expect(new), slowness * other, rtol=0.1)


def test_what_recall_gets_wrong_is_not_laid_to_the_operators():
    correction = SecondsCorrection()
    correction.observe(forecast(by_operators=1.0, recalled=10.0), 1.0)
    assert correction.expect(forecast(by_operators=2.0)) == 2.0
    assert correction.expect(forecast(by_operators=2.0, recalled=20.0)) < 10.0
