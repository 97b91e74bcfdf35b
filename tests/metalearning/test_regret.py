"""Regrets: their range, invariances, and imputation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.metalearning._regret import LARGEST_REGRET, impute_regrets, regrets

SCORES = arrays(
    float, st.tuples(st.integers(1, 6), st.integers(1, 8)),
    elements=st.one_of(st.floats(-1e3, 1e3), st.just(np.nan)),
)  # fmt: skip


@given(SCORES)
@settings(max_examples=60, deadline=None)
def test_regret_is_zero_for_the_best_and_never_leaves_its_range(scores):
    result = regrets(scores)
    assert_array_equal(np.isnan(result), np.isnan(scores))
    known = ~np.isnan(result)
    assert ((result[known] >= 0) & (result[known] <= LARGEST_REGRET)).all()
    for row, of in zip(result, scores, strict=True):
        if np.isfinite(of).any():
            assert row[np.nanargmax(of)] == 0


def test_regret_does_not_depend_on_the_unit_of_the_metric():
    scores = np.random.default_rng(0).normal(size=(5, 9))
    shifted = scores * np.array([[1], [10], [0.1], [1e3], [1e-3]]) + 7
    assert_allclose(regrets(scores), regrets(shifted), atol=1e-9)


def test_median_pipeline_has_regret_one():
    assert_allclose(
        regrets([[1.0, 2.0, 3.0, 4.0, 9.0]])[0], [8 / 6, 7 / 6, 1, 5 / 6, 0]
    )


def test_a_dataset_that_tells_nothing_apart_has_small_regrets():
    scores = np.array([[0.50, 0.51, 0.52]])
    assert regrets(scores, np.full((1, 3), 0.1)).max() == pytest.approx(0.2)
    assert regrets(scores).max() == LARGEST_REGRET


def test_failure_is_the_largest_regret_and_no_trial_is_unknown():
    failed = np.array([[False, True, False]])
    result = regrets([[1.0, np.nan, np.nan]], failed=failed)
    assert_array_equal(result, [[0.0, LARGEST_REGRET, np.nan]])


def test_gaps_are_filled_by_no_less_than_a_median_regret():
    values = np.array([[0.0, np.nan], [0.2, 1.8], [0.1, 1.9]])
    filled = impute_regrets(values)
    assert filled[0, 1] == pytest.approx((1.8 + 1.9 + 1) / 3)
    assert impute_regrets(np.array([[0.0, 0.5], [np.nan, 0.5]]))[1, 0] == 1.0
    assert_array_equal(filled[1:], values[1:])
