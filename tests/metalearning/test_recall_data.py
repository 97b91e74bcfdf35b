"""Recall from matrices with few known values."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.metalearning._recall_data import prepare
from tests.metalearning.matrices import matrix_of, planted


def test_recall_from_datasets_with_few_known_values():
    mean = np.full((12, 5), np.nan)
    mean[0, 0], mean[1, :2] = 1.0, [0.5, 0.7]
    data = prepare(matrix_of(mean, np.full((12, 3), np.nan)))
    weights = data.posterior(np.full(3, np.nan), shrinkage=1.0).weights
    criterion = data.criterion((10, 3, 2))
    assert sorted(criterion.select(9, weights)) == list(range(5))
    assert np.isfinite(criterion.gains(weights)).all()


def test_importance_multiplies_the_weights():
    data = prepare(planted(n_datasets=20))
    new = data.matrix.metafeatures[3]
    importance = np.where(np.arange(20) < 5, 10.0, 1.0)
    plain = data.posterior(new, shrinkage=0.5).weights
    heavier = data.posterior(new, shrinkage=0.5, importance=importance).weights
    assert_allclose(heavier, importance * plain / (importance @ plain))


def test_learners_are_the_outermost_operators():
    texts = ("ridge(X)", "svr(X)", "ridge(pca(X), alpha=3.0)")
    data = prepare(matrix_of(np.random.default_rng(0).normal(size=(4, 3)),
                             pipelines=texts))  # fmt: skip
    assert_array_equal(data.criterion((10, 3, 2)).learners, [0, 1, 0])
