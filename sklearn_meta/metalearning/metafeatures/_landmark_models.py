"""Models of the landmarks: closed-form leave-one-out errors, and trees.

All predict a centered matrix `Y` of shape (n, k): class indicators or numbers. They
return out-of-sample errors or predictions. The order of the rows has no effect, except
on the folds of the trees.
"""

from __future__ import annotations

import numpy as np

# Lower bound of one minus the leverage; below, the leave-one-out error is the quotient
# of two rounding errors.
_LEVERAGE = 1e-8


def constant_errors(Y):
    """Return leave-one-out errors of the mean of the other rows.

    Parameters
    ----------
    Y : ndarray of shape (n, k)
        Centered.
    """
    return Y * (len(Y) / (len(Y) - 1))


def ridge_errors(X, Y, penalties):
    """Return leave-one-out errors of ridge regression for each penalty.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Centered.
    Y : ndarray of shape (n, k)
        Centered.
    penalties : sequence of float
        ``n`` times the penalty is added to the diagonal of ``X.T @ X``.

    Yields
    ------
    errors : ndarray of shape (n, k)
    """
    n_samples = len(X)
    variances, vectors = np.linalg.eigh(X.T @ X / n_samples)
    components = X @ vectors
    products = components.T @ Y / n_samples
    squares = components**2
    for penalty in penalties:
        shrunk = 1 / (np.maximum(variances, 0.0) + penalty)
        fitted = components @ (shrunk[:, None] * products)
        leverage = (1 + squares @ shrunk) / n_samples
        yield (Y - fitted) / np.maximum(1 - leverage, _LEVERAGE)[:, None]


def squared_distances(X):
    """Return squared Euclidean distances between all rows, (n, n)."""
    norms = (X**2).sum(axis=1)
    distances = X @ X.T
    distances *= -2
    distances += norms[:, None]
    distances += norms
    return np.maximum(distances, 0.0, out=distances)


def neighbor_errors(distances, Y, numbers):
    """Return leave-one-out errors of the mean of the nearest rows.

    All rows that are as near as the last neighbor are neighbors as well, so that the
    order of the rows has no effect.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
        The diagonal is infinite.
    Y : ndarray of shape (n, k)
    numbers : sequence of int
        Numbers of neighbors, each less than n.

    Yields
    ------
    errors : ndarray of shape (n, k)
        For each number of neighbors.
    """
    most = max(numbers)
    nearest = np.sort(np.partition(distances, most - 1, axis=1)[:, :most], axis=1)
    for number in numbers:
        # Ties up to rounding errors.
        limit = nearest[:, [number - 1]] * (1 + 1e-9) + 1e-9
        near = (distances <= limit).astype(np.float64)
        yield Y - near @ Y / near.sum(axis=1, keepdims=True)


def kernel_errors(distances, Y, penalties):
    """Return leave-one-out errors of kernel ridge regression with a Gaussian kernel.

    The width of the kernel is the median distance. The predictions are the mean of a
    Gaussian process with that kernel and noise.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
        Squared; the diagonal is not used.
    Y : ndarray of shape (n, k)
        Centered.
    penalties : sequence of float
        Variance of the noise; that of the process is one.

    Yields
    ------
    errors : ndarray of shape (n, k)
        For each penalty.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT
    Press, 2006, equation 5.12.
    """
    from scipy.linalg import blas, lapack

    # Without the diagonal, which is infinite.
    others = distances[np.triu_indices(len(distances), k=1)]
    kernel = np.exp(-distances / max(np.median(others), 1e-12))
    for penalty in penalties:
        np.fill_diagonal(kernel, 1 + penalty)
        factor, _ = lapack.dpotrf(kernel.T, lower=True)
        inverse, _ = lapack.dpotri(factor, lower=True, overwrite_c=True)
        solution = blas.dsymm(1.0, inverse, Y, lower=True)
        yield solution / np.diag(inverse)[:, None]


def bayes_predictions(bins, classes, smoothing=0.5):
    """Return leave-one-out predictions of naive Bayes on binned columns.

    Parameters
    ----------
    bins : ndarray of int of shape (n, p)
    classes : ndarray of int of shape (n,)
        Numbered without gaps.
    smoothing : float, default=0.5
        Added to each count, as the Jeffreys prior.

    Returns
    -------
    predictions : ndarray of int of shape (n,)
    """
    n_samples, n_classes = len(bins), classes.max() + 1
    rows = np.arange(n_samples)
    size = np.bincount(classes).astype(float)
    scores = np.tile(np.log(size + smoothing), (n_samples, 1))
    own_scores = np.log(size[classes] - 1 + smoothing)
    for column in bins.T:
        n_bins = column.max() + 1
        joint = np.bincount(column * n_classes + classes, minlength=n_bins * n_classes)
        joint = joint.reshape(n_bins, n_classes) + smoothing
        total = size + smoothing * n_bins
        scores += np.log(joint / total)[column]
        # The row itself is subtracted from the counts of its own class.
        own_scores += np.log((joint[column, classes] - 1) / (total[classes] - 1))
    scores[rows, classes] = own_scores
    # Scores that differ by rounding errors are ties, which the largest class wins.
    best = scores.max(axis=1, keepdims=True)
    tied = scores >= best - 1e-9
    return np.where(tied, size, -1.0).argmax(axis=1)


def tree_errors(X, Y, models, n_folds):
    """Return errors of the mean prediction of some trees in cross-validation.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite.
    Y : ndarray of shape (n, k)
    models : list of regressors
        Fitted in each fold; their predictions are averaged.
    n_folds : int
        Row ``i`` is in fold ``i % n_folds``: stratified if rows are sorted by target.

    Returns
    -------
    errors, constant : ndarray of shape (n, k)
        Errors of the trees, and of the mean of the training rows.
    """
    from sklearn import config_context

    X = np.ascontiguousarray(X, dtype=np.float32)
    errors, constant = np.empty_like(Y), np.empty_like(Y)
    folds = np.arange(len(Y)) % n_folds
    # Validation would take as long as a small tree.
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for fold in range(n_folds):
            test = folds == fold
            X_train, Y_train = X[~test], np.ascontiguousarray(Y[~test])
            X_test = X[test]
            predicted = np.zeros((len(X_test), Y.shape[1]))
            for model in models:
                model.fit(X_train, Y_train, check_input=False)
                predicted += model.predict(X_test, check_input=False).reshape(
                    predicted.shape
                )
            errors[test] = Y[test] - predicted / len(models)
            constant[test] = Y[test] - Y_train.mean(axis=0)
    return errors, constant
