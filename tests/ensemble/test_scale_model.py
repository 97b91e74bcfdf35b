"""The scale of the errors of a regressor."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from sklearn_meta.ensemble._scale_model import (
    MAX_COLUMNS,
    MIN_ROWS,
    N_TREES,
    fit_scale,
)


def heteroscedastic(rng, n=600, n_columns=3):
    """Predictions, a table whose first column is the scale, and sizes of errors."""
    X = rng.uniform(0.5, 4.0, size=(n, n_columns))
    predictions = rng.normal(size=(n, 1))
    return predictions, X, np.abs(rng.normal(size=(n, 1))) * X[:, :1]


def test_the_scale_follows_the_errors(rng):
    model = fit_scale(*heteroscedastic(rng), rng)
    predictions, X, _ = heteroscedastic(rng)
    scale = model.scale(predictions, X)
    assert scale.shape == (600, 1) and (scale > 0).all()
    assert np.corrcoef(scale[:, 0], X[:, 0])[0, 1] > 0.75
    assert np.median(scale) == pytest.approx(1.0, rel=0.2)


def test_the_prediction_itself_may_tell_the_scale(rng):
    predictions = rng.uniform(1, 10, size=(600, 1))
    sizes = np.abs(rng.normal(size=(600, 1))) * predictions
    for X in (np.zeros((600, 1)), csr_array((600, 5_000))):
        scale = fit_scale(predictions, X, sizes, rng).scale(predictions, X)
        assert np.corrcoef(scale[:, 0], predictions[:, 0])[0, 1] > 0.8


def test_units_of_predictions_errors_and_columns_do_not_matter(rng):
    predictions, X, sizes = heteroscedastic(rng)
    plain = fit_scale(predictions, X, sizes, np.random.default_rng(0))
    units = np.array([1e-3, 1.0, 1e6])
    other = fit_scale(
        1e9 + 1e6 * predictions, X * units, 1e6 * sizes, np.random.default_rng(0)
    )
    np.testing.assert_allclose(
        other.scale(1e9 + 1e6 * predictions, X * units),
        plain.scale(predictions, X),
        # Rounding to single precision may decide between equal splits.
        rtol=0.1,
    )


def test_of_many_columns_those_that_matter_are_used(rng):
    predictions, X, sizes = heteroscedastic(rng, n_columns=200)
    # An order in which the first column has no advantage.
    X = X[:, ::-1]
    X[rng.uniform(size=X.shape) < 0.05] = np.nan
    model = fit_scale(predictions, X, sizes, rng)
    assert len(model.columns) == MAX_COLUMNS and 199 in model.columns
    assert np.isfinite(model.scale(predictions, X)).all()


def test_missing_and_huge_values_of_new_rows(rng):
    predictions, X, sizes = heteroscedastic(rng)
    model = fit_scale(predictions, X, sizes, rng)
    X = np.array([[np.nan, 1.0, 1.0], [1e300, -np.inf, 2.0], [2.0, 1.0, 1.0]])
    scale = model.scale(np.array([[0.0], [1e200], [0.0]]), X)
    within = model.scale(predictions, heteroscedastic(rng)[1])
    assert (scale >= 0.5 * within.min()).all() and (scale <= 2 * within.max()).all()


def test_several_outputs_have_scales_of_their_own(rng):
    X = rng.uniform(0.5, 4.0, size=(800, 2))
    sizes = np.abs(rng.normal(size=(800, 2))) * X
    predictions = rng.normal(size=(800, 2))
    scale = fit_scale(predictions, X, sizes, rng).scale(predictions, X)
    own = [np.corrcoef(scale[:, k], X[:, k])[0, 1] for k in range(2)]
    other = [np.corrcoef(scale[:, k], X[:, 1 - k])[0, 1] for k in range(2)]
    assert min(own) > 0.6 > 0.3 > max(other)


def test_errors_of_zero_do_not_have_a_scale_of_zero(rng):
    predictions, X, sizes = heteroscedastic(rng)
    sizes[::2] = 0.0
    scale = fit_scale(predictions, X, sizes, rng).scale(predictions, X)
    assert scale.min() > 0.01
    assert fit_scale(predictions, X, np.zeros_like(sizes), rng) is None


def test_few_rows_have_no_model(rng):
    few = heteroscedastic(rng, n=MIN_ROWS - 1)
    assert fit_scale(*few, rng) is None


def test_rows_of_weight_zero_do_not_count(rng):
    predictions, X, sizes = heteroscedastic(rng)
    weight = np.ones(600)
    # Their errors say the opposite.
    weight[::2], sizes[::2] = 0.0, 1e3 / X[::2, :1]
    scale = fit_scale(predictions, X, sizes, rng, weight).scale(predictions, X)
    assert np.corrcoef(scale[:, 0], X[:, 0])[0, 1] > 0.5


def test_the_cost_does_not_grow_with_the_rows(rng):
    model = fit_scale(*heteroscedastic(rng, n=20_000), rng)
    assert len(model.trees) == N_TREES
    assert max(tree.tree_.n_node_samples[0] for tree in model.trees) <= 1_000
