"""Which targets are standardized before learners are fitted to them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_meta.data._target_scale import TargetScale
from sklearn_meta.pipelines._spec import instantiate

Y = np.random.default_rng(0).normal(size=200)


@pytest.mark.parametrize(
    "y",
    [
        Y,
        2000 + 10 * Y,  # years
        300 + Y,  # temperatures in kelvin
        2e5 + 1e5 * Y,  # prices
        1e8 * Y,
        0.01 * Y,
        np.full(200, 1.7e9),
        np.column_stack([Y, 20 * Y]),
        np.column_stack([Y, np.full(200, 1e9)]),
    ],
)
def test_usual_targets_are_left_alone(y):
    assert TargetScale.of(y).scaler() is None


@pytest.mark.parametrize("y", [1.7e9 + 40 * Y, Y - 2e3, np.column_stack([Y, Y + 1e6])])
def test_targets_far_from_zero_are_centered_and_scaled(y):
    scaler = instantiate(TargetScale.of(y).scaler())
    scaled = scaler.fit_transform(y.reshape(200, -1))
    assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    assert_allclose(scaled.std(axis=0), 1)


@pytest.mark.parametrize("y", [1e-9 * Y, 1e12 * Y, np.column_stack([Y, 100 * Y])])
def test_other_units_are_scaled_only(y):
    scaler = instantiate(TargetScale.of(y).scaler())
    scaled = scaler.fit_transform(y.reshape(200, -1))
    assert_allclose(scaled, np.repeat(Y[:, None] / Y.std(), scaled.shape[1], axis=1))


def test_outputs_are_brought_into_the_same_units():
    y = np.column_stack([Y, 1e9 + 1e3 * Y, np.full(200, 7.0)])
    standardized = TargetScale.of(y).standardize(y)
    assert_allclose(standardized[:, 0], standardized[:, 1], atol=1e-6)
    assert_allclose(standardized[:, 2], 0)
