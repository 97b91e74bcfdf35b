"""Expected improvement against its integral, and where it underflows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from sklearn_meta.search._acquisition import (
    KAPPA,
    confidence_bound,
    expected_improvement,
    log_expected_improvement,
)


@pytest.mark.parametrize("mean", [-2.0, 0.0, 0.4, 3.0])
@pytest.mark.parametrize("deviation", [0.1, 1.0])
def test_expected_improvement_agrees_with_its_integral(mean, deviation):
    best = 0.3
    density = norm(mean, deviation).pdf
    low = mean - 12 * deviation
    expected, _ = quad(lambda z: (best - z) * density(z), min(low, best), best)
    got = log_expected_improvement(best, np.array([mean]), np.array([deviation]))
    if expected > 1e-30:
        assert math.exp(got[0]) == pytest.approx(expected, rel=1e-4)


@given(st.floats(-2000, 2000), st.floats(1e-3, 10))
def test_expected_improvement_is_finite_and_falls_with_the_mean(mean, deviation):
    means = np.array([mean, mean + 0.1])
    got = log_expected_improvement(0.0, means, np.full(2, deviation))
    assert np.isfinite(got).all()
    assert got[0] >= got[1]


@pytest.mark.parametrize("u", [-30.0, 30.0])
def test_the_formulas_meet_where_they_change(u):
    near = log_expected_improvement(0.0, -np.array([u - 1e-6, u + 1e-6]), np.ones(2))
    assert near[0] == pytest.approx(near[1], rel=1e-4)


def test_expected_improvement_is_the_mean_over_draws(rng):
    mean, deviation = np.array([-0.5, 0.2, 1.0]), np.array([0.3, 1.0, 0.5])
    draws = mean + deviation * rng.normal(size=(400_000, 3))
    expected = np.maximum(0.1 - draws, 0).mean(axis=0)
    got = expected_improvement(0.1, mean, deviation)
    np.testing.assert_allclose(got, expected, rtol=0.05, atol=1e-3)
    np.testing.assert_allclose(
        np.exp(log_expected_improvement(0.1, mean, deviation)), got
    )


def test_its_logarithm_orders_where_it_underflows():
    mean, deviation = np.array([60.0, 50.0, 40.0]), np.ones(3)
    assert not expected_improvement(0.0, mean, deviation).any()
    logs = log_expected_improvement(0.0, mean, deviation)
    assert (np.diff(logs) > 0).all()


def test_the_confidence_bound_adds_deviations():
    got = confidence_bound(0.0, np.array([1.0, 2.0]), np.array([0.5, 1.0]))
    np.testing.assert_allclose(got, [KAPPA * 0.5 - 1.0, KAPPA - 2.0])
