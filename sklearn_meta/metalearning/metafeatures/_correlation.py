"""Linear and monotone dependence between columns, and with the target."""

from __future__ import annotations

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.metalearning.metafeatures._column_statistics import (
    average_ranks,
    summarize,
)
from sklearn_meta.metalearning.metafeatures._declarations import (
    CLASSES,
    COLUMNS,
    DUPLICATION,
    ROWS,
    SCALE,
    Group,
    MetaFeature,
    Step,
    StepCost,
    spread,
)

_ALL = frozenset({ROWS, COLUMNS, CLASSES, DUPLICATION, SCALE})
_TEST = _ALL - {DUPLICATION}

_PAIRS = ("median", "mean", "q75", "max", "sd")
_TARGET = ("median", "mean", "q75", "max", "sd")

# Rounding errors must not decide whether a correlation reaches a threshold.
_TOLERANCE = 1e-9

FEATURES = (
    *spread(
        "abs_correlation",
        "absolute correlation of pairs, missing values at the mean",
        _PAIRS,
        _ALL,
    ),
    MetaFeature(
        "correlated_pairs", "share of pairs with a correlation of 0.5 or more", _ALL
    ),
    MetaFeature(
        "collinear_pairs", "share of pairs with a correlation of 0.95 or more", _ALL
    ),
    *spread(
        "nearest_correlation",
        "largest absolute correlation with another column",
        ("median", "mean"),
        _ALL,
    ),
    *spread(
        "target_r2",
        "share of variance that it has in common with the target, linearly",
        _TARGET,
        _ALL,
    ),
    *spread(
        "rank_r2",
        "share of variance that its ranks have in common with those of the target",
        ("median", "mean", "max"),
        _ALL,
    ),
    MetaFeature(
        "monotone_gain",
        "largest shared variance between ranks, less the largest between values",
        _ALL,
    ),
    MetaFeature(
        "linear_share",
        "share of columns that depend on the target linearly (F-test, 1 %)",
        _TEST,
    ),
    MetaFeature(
        "canonical_correlation",
        "largest correlation of linear combinations of columns and of the target",
        _ALL,
    ),
    MetaFeature(
        "pillai_trace",
        "sum of the squared canonical correlations",
        _ALL,
        (CLASSIFICATION,),
    ),
    MetaFeature(
        "wilks_lambda",
        "product of one less the squared canonical correlations",
        _ALL,
        (CLASSIFICATION,),
    ),
    MetaFeature(
        "adjusted_r2",
        "share of variance that a linear model explains, adjusted for chance",
        _TEST,
        (REGRESSION,),
    ),
)


def _pairs(sample):
    columns = sample.standardized
    n_columns = columns.shape[1]
    if n_columns < 2:
        return {}
    correlation = np.abs(columns.T @ columns) / sample.n_samples
    pairs = correlation[np.triu_indices(n_columns, k=1)]
    np.fill_diagonal(correlation, 0.0)
    nearest = correlation.max(axis=0)
    return {
        **summarize("abs_correlation", pairs, _PAIRS),
        "correlated_pairs": np.mean(pairs >= 0.5 - _TOLERANCE),
        "collinear_pairs": np.mean(pairs >= 0.95 - _TOLERANCE),
        **summarize("nearest_correlation", nearest, ("median", "mean")),
    }


def _target(sample):
    from scipy.special import fdtri

    columns = sample.standardized
    if not columns.shape[1] or not sample.target.any():
        return {}
    n_samples = sample.n_samples
    ranks = np.nan_to_num(sample.ranks - 0.5)
    ranks /= np.sqrt(np.mean(ranks**2, axis=0))
    if sample.is_classification:
        explained = _between_classes(columns, sample)
        monotone = _between_classes(ranks - ranks.mean(axis=0), sample)
        freedom = len(sample.class_counts) - 1
    else:
        explained = _common(columns, sample.target[:, 0])
        monotone = _common(ranks, average_ranks(sample.y[:, None])[:, 0] - 0.5)
        freedom = 1
    values = {
        **summarize("target_r2", explained, _TARGET),
        **summarize("rank_r2", monotone, ("median", "mean", "max")),
        "monotone_gain": monotone.max() - explained.max(),
    }
    left = n_samples - freedom - 1
    if left > 0:
        limit = fdtri(freedom, left, 0.99) * freedom / left
        # F = (explained / freedom) / (unexplained / left)
        found = explained > limit * (1 - explained)
        values["linear_share"] = np.mean(found)
    return values


def _common(columns, y):
    """Squared correlation of standardized columns with a centered target."""
    return (columns.T @ y / len(y)) ** 2 / np.mean(y**2)


def _between_classes(columns, sample):
    """Share of the variance of standardized columns that lies between classes."""
    sums = columns.T @ sample.class_indicators
    return (sums**2 / sample.class_counts).sum(axis=1) / sample.n_samples


def _canonical(sample):
    design = sample.design
    if not design.shape[1] or not sample.target.any():
        return {}
    X_axes = _orthonormal(design, *sample.spectrum)
    target = sample.target
    values, vectors = np.linalg.eigh(target.T @ target / len(target))
    Y_axes = _orthonormal(target, values[::-1], vectors[:, ::-1])
    correlations = np.linalg.svd(X_axes.T @ Y_axes, compute_uv=False)
    squares = np.minimum(correlations**2, 1.0)
    # At a rank of the number of rows less one, any columns explain everything.
    rank, n_samples = X_axes.shape[1], sample.n_samples
    features = {
        "canonical_correlation": np.sqrt(squares.max()),
        "pillai_trace": squares.sum(),
        "wilks_lambda": np.prod(1 - squares),
    }
    if sample.is_classification:
        return features
    features = {"canonical_correlation": features["canonical_correlation"]}
    if rank < n_samples - 1:
        unexplained = 1 - squares.max()
        left = n_samples - 1 - rank
        features["adjusted_r2"] = 1 - unexplained * (n_samples - 1) / left
    return features


def _orthonormal(matrix, eigenvalues, eigenvectors):
    """Return an orthonormal basis of the column space of a centered matrix."""
    kept = eigenvalues > 1e-9 * eigenvalues[0]
    scale = np.sqrt(eigenvalues[kept] * len(matrix))
    return matrix @ eigenvectors[:, kept] / scale


GROUP = Group(
    "correlation",
    FEATURES,
    (
        Step(_pairs, StepCost(2e-4, 5e-9)),
        Step(_target, StepCost(per_cell=1e-7)),
        Step(_canonical, StepCost(2e-4, 8e-8)),
    ),
)
