"""Missing values and the target."""

import numpy as np
import pytest

from sklearn_meta.metalearning.metafeatures import (
    compute_metafeatures,
)


def test_missing_target_is_the_share_of_explained_variance(rng):
    X = rng.normal(size=(50, 4))
    X[:, :3][rng.uniform(size=(50, 3)) < 0.2] = np.nan
    y = rng.normal(size=50)
    absent = np.isnan(X[:, :3])
    expected = max(np.corrcoef(column, y)[0, 1] ** 2 for column in absent.T)
    metafeatures = compute_metafeatures(X, y)
    assert metafeatures["missing_target_max"] == pytest.approx(expected)
