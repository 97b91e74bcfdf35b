"""Variance that a linear model explains, against scikit-learn."""

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from sklearn_meta.metalearning.metafeatures import (
    compute_metafeatures,
)


def test_explained_variance_of_a_linear_model():
    X, y = load_diabetes(return_X_y=True)
    metafeatures = compute_metafeatures(X, y, task="regression")
    r2 = Ridge(alpha=1e-9).fit(X, y).score(X, y)
    assert metafeatures["canonical_correlation"] == pytest.approx(np.sqrt(r2))
    adjusted = 1 - (1 - r2) * (len(y) - 1) / (len(y) - 1 - X.shape[1])
    assert metafeatures["adjusted_r2"] == pytest.approx(adjusted)
    correlations = [np.corrcoef(column, y)[0, 1] ** 2 for column in X.T]
    assert metafeatures["target_r2_mean"] == pytest.approx(np.mean(correlations))
    ranks = [scipy.stats.spearmanr(column, y)[0] ** 2 for column in X.T]
    assert metafeatures["rank_r2_max"] == pytest.approx(np.max(ranks))
