"""Principal components against scikit-learn."""

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA

from sklearn_meta.metalearning.metafeatures import (
    compute_metafeatures,
)


def test_spectrum_is_that_of_scikit_learn():
    X, y = load_wine(return_X_y=True)
    metafeatures = compute_metafeatures(X, y)
    pca = PCA().fit((X - X.mean(axis=0)) / X.std(axis=0))
    shares = pca.explained_variance_ratio_
    assert metafeatures["pca_first"] == pytest.approx(shares[0])
    assert metafeatures["pca_first_three"] == pytest.approx(shares[:3].sum())
    components = 1 + np.count_nonzero(np.cumsum(shares) < 0.95)
    assert metafeatures["pca_share_95"] == components / X.shape[1]
    scores = pca.transform((X - X.mean(axis=0)) / X.std(axis=0))[:, 0]
    skewness = abs(scipy.stats.skew(scores))
    assert metafeatures["pca_skewness"] == pytest.approx(skewness)
