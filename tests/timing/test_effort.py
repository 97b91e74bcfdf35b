"""What a candidate is worth grows with the rows and with the budget."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.timing._effort import (
    FULL_EFFORT,
    SECONDS,
    SHARE_OF_BUDGET,
    Effort,
    seconds_for_folds,
    usual_seconds,
    worthwhile_seconds,
)

ROWS, BUDGETS = st.integers(1, 10**6), st.floats(0.1, 1e5)


@given(ROWS, BUDGETS, st.integers(0, 1000), st.floats(1, 10))
def test_more_rows_and_more_time_are_worth_no_less(n, budget, more, factor):
    seconds = worthwhile_seconds(n, budget)
    assert seconds >= max(SECONDS, SHARE_OF_BUDGET * budget)
    assert worthwhile_seconds(n + more, budget) >= seconds
    assert worthwhile_seconds(n, budget * factor) >= seconds


@pytest.mark.parametrize(
    ("n_samples", "budget", "seconds"),
    [
        (10, 10.0, 0.3),  # the least
        (35, 10.0, 0.35),  # a hundredth of a second for each row
        (200, 10.0, 6.4),  # four hundredths for those beyond forty
        (10, 1_000.0, 5.0),  # the share of a long budget
        (10, np.inf, np.inf),
    ],
)
def test_seconds_that_a_candidate_is_worth(n_samples, budget, seconds):
    assert worthwhile_seconds(n_samples, budget) == pytest.approx(seconds)


@given(BUDGETS)
def test_few_folds_may_take_longer_than_a_fit_beside_a_holdout(budget):
    assert 0 < usual_seconds(budget) < seconds_for_folds(budget) < budget


def test_full_effort_repeats_five_folds():
    assert FULL_EFFORT == Effort(max_repeats=2, max_folds=5, max_train=None)
