"""Priors over functions, and observed columns."""

import numpy as np
import pytest

from sklearn_meta.maml.training._random_functions import (
    CODES,
    MAX_COLUMN_LEVELS,
    PRIORS,
    Measurement,
)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("k", [1, 4])
def test_shapes_and_variation(prior, k):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        measurement = Measurement.draw(rng, 7)
        z, f = PRIORS[prior](rng, 60, k, measurement)
        assert z.shape == (60, 7)
        assert f.shape == (60, k)
        assert np.isfinite(z).all()
        assert np.isfinite(f).all()


def test_recording_keeps_order_and_levels():
    rng = np.random.default_rng(0)
    measurement = Measurement(np.arange(5), np.full(5, MAX_COLUMN_LEVELS))
    z = rng.standard_normal((500, 5))
    x = measurement.record(np.random.default_rng(3), z)
    if np.isnan(x).any():
        pytest.fail("this seed has gaps; take another one")
    for j in range(3):
        assert np.array_equal(np.argsort(x[:, j]), np.argsort(z[:, j]))
    assert len(np.unique(x[:, 3])) <= MAX_COLUMN_LEVELS
    assert (np.diff(x[np.argsort(z[:, 3]), 3]) >= 0).all()
    # Codes name the levels, one to one, in another order.
    pairs = {*zip(measurement.level(z)[:, CODES], x[:, CODES], strict=True)}
    assert len(pairs) == len(np.unique(x[:, CODES]))
    assert (np.diff(x[np.argsort(z[:, CODES]), CODES]) < 0).any()


def test_quantized_values_are_those_of_the_levels():
    measurement = Measurement(np.array([0, 3, 4]), np.array([5, 5, 3]))
    z = np.random.default_rng(0).standard_normal((300, 3))
    quantized = measurement.quantized(z)
    assert np.array_equal(quantized[:, 0], z[:, 0])
    assert len(np.unique(quantized[:, 1])) == 5
    assert len(np.unique(quantized[:, 2])) == 3
    # Within half the width of a level, where it is not beyond the last one.
    inside = np.abs(z[:, 1]) < 2
    assert np.abs(quantized - z)[inside, 1].max() <= 0.4 + 1e-12
