"""Only the ratios of weights count."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.data._weights import as_counts, relative_weights

FACTORS = [5, 0.37, 1e-6, 1e6, 1e-300, 1e300]
WEIGHTS = np.array([1.0, 2.0, 0.0, 3.0])


@pytest.mark.parametrize("value", [1.0, 5.0, 0.37, 1e-300])
def test_equal_weights_are_none(value):
    assert relative_weights(np.full(7, value)) is None


@pytest.mark.parametrize("factor", FACTORS)
def test_multiples_of_weights_are_the_same_weights(factor):
    for weight in (WEIGHTS, np.random.default_rng(0).uniform(size=500)):
        relative = relative_weights(weight)
        assert_array_equal(relative_weights(factor * weight), relative)
        assert_allclose(relative / relative.max(), weight / weight.max(), rtol=1e-9)
        assert_allclose(relative[relative > 0].mean(), 1)


@pytest.mark.parametrize("factor", [1, *FACTORS])
@pytest.mark.parametrize(
    "counts", [[1, 2, 0, 3], [1, 1, 1, 1], [4, 9, 25], [2, 3] * 50, [1, 0, 0, 20]]
)
def test_multiples_of_small_numbers_are_counts(counts, factor):
    weight = factor * np.array(counts, dtype=float)
    total = sum(counts)
    assert as_counts(weight, total).tolist() == counts
    assert as_counts(weight, total - 1) is None
    relative = relative_weights(weight)
    if relative is not None:
        assert as_counts(relative, total).tolist() == counts


def test_the_smallest_numbers_are_taken():
    assert as_counts(np.array([5.0, 10.0, 15.0]), 100).tolist() == [1, 2, 3]
    assert as_counts(np.array([0.5, 1.0]), 100).tolist() == [1, 2]


def test_other_weights_are_no_counts():
    assert as_counts(np.random.default_rng(0).uniform(size=10), 2000) is None
    assert as_counts(np.array([1.0, 2**0.5, 3.0]), 2000) is None
