"""Column statistics and small models do what slower, independent ones do."""

import numpy as np
import scipy.stats
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, PredefinedSplit, cross_val_predict
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from sklearn_meta.metalearning.metafeatures import _columns, _models


def table_with_holes(rng, n_rows=50):
    columns = [rng.normal(size=n_rows), rng.integers(5, size=n_rows)]
    X = np.column_stack([*columns, rng.exponential(size=n_rows)])
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    return X


def test_column_statistics_are_those_of_scipy(rng):
    X = table_with_holes(rng)
    probabilities = (0.0, 0.1, 0.25, 0.5, 0.99)
    ordered, counts = _columns.sorted_columns(X)
    np.testing.assert_allclose(
        _columns.quantiles(ordered, counts, probabilities),
        np.nanquantile(X, probabilities, axis=0),
    )
    distinct = [len(np.unique(c[~np.isnan(c)])) for c in X.T]
    assert _columns.n_distinct(ordered, counts).tolist() == distinct
    sd, skewness, kurtosis = _columns.standardized_moments(X)
    np.testing.assert_allclose(sd, np.nanstd(X, axis=0))
    np.testing.assert_allclose(skewness, scipy.stats.skew(X, nan_policy="omit"))
    np.testing.assert_allclose(kurtosis, scipy.stats.kurtosis(X, nan_policy="omit"))
    ranks = _columns.average_ranks(X) * counts + 0.5
    np.testing.assert_allclose(
        ranks, scipy.stats.rankdata(X, axis=0, nan_policy="omit")
    )


def problem(rng, n_rows=30, n_outputs=2):
    X = rng.normal(size=(n_rows, 4))
    Y = X[:, :n_outputs] + rng.normal(size=(n_rows, n_outputs))
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def left_out(model, X, Y):
    return Y - cross_val_predict(model, X, Y, cv=LeaveOneOut())


def test_ridge_is_left_out_ridge(rng):
    X, Y = problem(rng)
    for penalty, errors in zip(
        (1e-3, 1.0), _models.ridge_errors(X, Y, (1e-3, 1.0)), strict=True
    ):
        reference = left_out(Ridge(alpha=penalty * len(X)), X, Y)
        np.testing.assert_allclose(errors, reference, rtol=1e-6, atol=1e-9)


def test_kernel_is_left_out_kernel_ridge(rng):
    X, Y = problem(rng)
    distances = _models.squared_distances(X)
    width = np.median(distances[np.triu_indices(len(X), 1)])
    (errors,) = _models.kernel_errors(distances, Y, (0.5,))
    model = KernelRidge(alpha=0.5, kernel="rbf", gamma=1 / width)
    np.testing.assert_allclose(errors, left_out(model, X, Y), rtol=1e-6)


def test_neighbors_are_left_out_neighbors(rng):
    X, Y = problem(rng)
    distances = _models.squared_distances(X)
    np.fill_diagonal(distances, np.inf)
    for k, errors in zip(
        (1, 4), _models.neighbor_errors(distances, Y, (1, 4)), strict=True
    ):
        reference = left_out(KNeighborsRegressor(k), X, Y)
        np.testing.assert_allclose(errors, reference, rtol=1e-6, atol=1e-12)


def test_tied_neighbors_count_as_one():
    distances = _models.squared_distances(np.array([[0.0], [1.0], [1.0], [5.0]]))
    np.fill_diagonal(distances, np.inf)
    Y = np.array([[0.0], [1.0], [3.0], [0.0]])
    (errors,) = _models.neighbor_errors(distances, Y, (1,))
    np.testing.assert_allclose(errors[:, 0], [-2, -2, 2, -2])


def test_bayes_is_left_out_bayes(rng):
    bins = rng.integers(4, size=(40, 3))
    classes = (bins[:, 0] + rng.integers(2, size=40)) // 2
    bins[:4] = np.arange(4)[:, None]

    class Smoothed(CategoricalNB):
        def _update_class_log_prior(self, class_prior=None):
            self.class_log_prior_ = np.log(self.class_count_ + 0.5)

    model = Smoothed(alpha=0.5, min_categories=4)
    predicted = cross_val_predict(model, bins, classes, cv=LeaveOneOut())
    np.testing.assert_array_equal(_models.bayes_predictions(bins, classes), predicted)


def test_trees_are_cross_validated_trees(rng):
    X, Y = problem(rng)
    X = X.astype(np.float32)
    model = DecisionTreeRegressor(max_depth=2, random_state=0)
    errors, constant = _models.tree_errors(X, Y, [model, model], 3)
    folds = PredefinedSplit(np.arange(len(X)) % 3)
    np.testing.assert_allclose(errors, Y - cross_val_predict(model, X, Y, cv=folds))
    np.testing.assert_allclose(constant[::3], Y[::3] - Y[np.arange(30) % 3 > 0].mean(0))
