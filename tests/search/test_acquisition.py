"""Expected improvement against its integral, and where it underflows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from sklearn_meta.search._acquisition import log_expected_improvement


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
