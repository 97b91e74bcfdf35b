"""Closed-form errors of the landmark models against scikit-learn."""

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, PredefinedSplit, cross_val_predict
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from sklearn_meta.metalearning.metafeatures import _landmark_models


def problem(rng, n_rows=30, n_outputs=2):
    X = rng.normal(size=(n_rows, 4))
    Y = X[:, :n_outputs] + rng.normal(size=(n_rows, n_outputs))
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def left_out(model, X, Y):
    return Y - cross_val_predict(model, X, Y, cv=LeaveOneOut())


def test_ridge_is_left_out_ridge(rng):
    X, Y = problem(rng)
    for penalty, errors in zip(
        (1e-3, 1.0), _landmark_models.ridge_errors(X, Y, (1e-3, 1.0)), strict=True
    ):
        reference = left_out(Ridge(alpha=penalty * len(X)), X, Y)
        np.testing.assert_allclose(errors, reference, rtol=1e-6, atol=1e-9)


def test_kernel_is_left_out_kernel_ridge(rng):
    X, Y = problem(rng)
    distances = _landmark_models.squared_distances(X)
    width = np.median(distances[np.triu_indices(len(X), 1)])
    (errors,) = _landmark_models.kernel_errors(distances, Y, (0.5,))
    model = KernelRidge(alpha=0.5, kernel="rbf", gamma=1 / width)
    np.testing.assert_allclose(errors, left_out(model, X, Y), rtol=1e-6)


def test_neighbors_are_left_out_neighbors(rng):
    X, Y = problem(rng)
    distances = _landmark_models.squared_distances(X)
    np.fill_diagonal(distances, np.inf)
    for k, errors in zip(
        (1, 4), _landmark_models.neighbor_errors(distances, Y, (1, 4)), strict=True
    ):
        reference = left_out(KNeighborsRegressor(k), X, Y)
        np.testing.assert_allclose(errors, reference, rtol=1e-6, atol=1e-12)


def test_tied_neighbors_count_as_one():
    distances = _landmark_models.squared_distances(
        np.array([[0.0], [1.0], [1.0], [5.0]])
    )
    np.fill_diagonal(distances, np.inf)
    Y = np.array([[0.0], [1.0], [3.0], [0.0]])
    (errors,) = _landmark_models.neighbor_errors(distances, Y, (1,))
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
    np.testing.assert_array_equal(
        _landmark_models.bayes_predictions(bins, classes), predicted
    )


def test_trees_are_cross_validated_trees(rng):
    X, Y = problem(rng)
    X = X.astype(np.float32)
    model = DecisionTreeRegressor(max_depth=2, random_state=0)
    errors, constant = _landmark_models.tree_errors(X, Y, [model, model], 3)
    folds = PredefinedSplit(np.arange(len(X)) % 3)
    np.testing.assert_allclose(errors, Y - cross_val_predict(model, X, Y, cv=folds))
    np.testing.assert_allclose(constant[::3], Y[::3] - Y[np.arange(30) % 3 > 0].mean(0))
