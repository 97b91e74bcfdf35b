"""Statistics of columns against scipy."""

import numpy as np
import scipy.stats

from sklearn_meta.metalearning.metafeatures import _column_statistics


def table_with_holes(rng, n_rows=50):
    columns = [rng.normal(size=n_rows), rng.integers(5, size=n_rows)]
    X = np.column_stack([*columns, rng.exponential(size=n_rows)])
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    return X


def test_column_statistics_are_those_of_scipy(rng):
    X = table_with_holes(rng)
    probabilities = (0.0, 0.1, 0.25, 0.5, 0.99)
    ordered, counts = _column_statistics.sorted_columns(X)
    np.testing.assert_allclose(
        _column_statistics.quantiles(ordered, counts, probabilities),
        np.nanquantile(X, probabilities, axis=0),
    )
    distinct = [len(np.unique(c[~np.isnan(c)])) for c in X.T]
    assert _column_statistics.n_distinct(ordered, counts).tolist() == distinct
    sd, skewness, kurtosis = _column_statistics.standardized_moments(X)
    np.testing.assert_allclose(sd, np.nanstd(X, axis=0))
    np.testing.assert_allclose(skewness, scipy.stats.skew(X, nan_policy="omit"))
    np.testing.assert_allclose(kurtosis, scipy.stats.kurtosis(X, nan_policy="omit"))
    ranks = _column_statistics.average_ranks(X) * counts + 0.5
    np.testing.assert_allclose(
        ranks, scipy.stats.rankdata(X, axis=0, nan_policy="omit")
    )
