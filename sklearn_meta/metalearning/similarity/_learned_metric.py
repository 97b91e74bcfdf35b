"""The metric of the meta-features, learned from which datasets rank pipelines alike."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls
from scipy.stats import rankdata

# Of the squared weights, against the mean squared error of a pair of datasets: pairs
# are not independent, and meta-features say much the same as others do.
PENALTY = 0.01

# Share of equal weights that is mixed in: a meta-feature that told nothing on these
# datasets may tell something on the next.
EQUAL_SHARE = 0.1


def learned_weights(points, regrets, families):
    """Weigh meta-features so that near datasets rank pipelines alike.

    The distance of two datasets in performance is the mean squared difference of the
    ranks of their pipelines. It is regressed on the squared differences of the
    meta-features, with weights that are not negative: a metric, of which those
    meta-features that tell nothing have no part.

    Parameters
    ----------
    points : ndarray of shape (n_datasets, n_metafeatures)
        On a common scale, see `MetaSpace`.
    regrets : ndarray of shape (n_datasets, n_pipelines)
        Without gaps.
    families : sequence of str of length n_datasets
        Two datasets of one family say nothing about the next one: such pairs are left
        out.

    Returns
    -------
    weights : ndarray of shape (n_metafeatures,)
        Not negative, and they sum to one. Equal where nothing can be learned.

    References
    ----------
    Weights of the coordinates of a metric, learned for a regression on distances, are
    those of K. Q. Weinberger and G. Tesauro, "Metric learning for kernel regression",
    2007; here the problem is a convex one.
    """
    points = np.asarray(points, dtype=float)
    n_metafeatures = points.shape[1]
    equal = np.full(n_metafeatures, 1.0 / max(n_metafeatures, 1))
    first, second = _pairs_of_families(families)
    if not len(first):
        return equal
    performance = rankdata(regrets, axis=1) / np.shape(regrets)[1]
    target = ((performance[first] - performance[second]) ** 2).mean(axis=1)
    differences = (points[first] - points[second]) ** 2
    learned = _nonnegative_ridge(differences, target, PENALTY)
    if learned.sum() <= 0:
        return equal
    return (1 - EQUAL_SHARE) * learned / learned.sum() + EQUAL_SHARE * equal


def _pairs_of_families(families):
    codes = np.unique(np.asarray(families), return_inverse=True)[1]
    first, second = np.triu_indices(len(codes), 1)
    different = codes[first] != codes[second]
    return first[different], second[different]


def _nonnegative_ridge(X, y, penalty):
    """Least squares with an intercept, a penalty, and coefficients not below zero."""
    n_samples, n_features = X.shape
    X_mean, y_mean = X.mean(axis=0), y.mean()
    # The normal equations of the centered problem, written as a square least squares
    # problem: as many rows as there are coefficients, not as there are pairs.
    gram = X.T @ X / n_samples - np.outer(X_mean, X_mean)
    moment = X.T @ y / n_samples - X_mean * y_mean
    factor = np.linalg.cholesky(gram + penalty * np.eye(n_features))
    coefficients, _ = nnls(
        factor.T, solve_triangular(factor, moment, lower=True), maxiter=10 * n_features
    )
    return coefficients
