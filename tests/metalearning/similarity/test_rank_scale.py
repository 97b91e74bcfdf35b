"""Ranks of meta-features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.metalearning.similarity._rank_scale import rank_scale


def distances(values, new):
    """Distances of all datasets to a new one, by their ranks."""
    scale = rank_scale([f"f{i}" for i in range(values.shape[1])], values)
    squares = (scale.points - scale.map(new)) ** 2
    return np.sqrt(squares[:, scale.varies].mean(axis=1))


@given(st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_ranks_do_not_change_under_monotone_transformations(seed):
    values = np.random.default_rng(seed).normal(size=(30, 4))
    new = np.random.default_rng(seed + 1).permutation(values)[0]
    plain = distances(values, new)
    bent = distances(np.exp(values) * 5, np.exp(new) * 5)
    assert_allclose(plain, bent, atol=0.12)  # quantiles are interpolated linearly
    assert plain[(values == new).all(axis=1)] == pytest.approx(0)


def test_undefined_and_constant_metafeatures_have_no_influence():
    values = np.array([[1.0, np.nan, 5.0], [2.0, np.nan, 5.0], [3.0, np.nan, 5.0]])
    assert_array_equal(rank_scale("abc", values).varies, [True, False, False])
    assert np.isfinite(distances(values, [np.nan, np.nan, np.nan])).all()
    assert np.isfinite(distances(values, [1e300, 1.0, -1e300])).all()
