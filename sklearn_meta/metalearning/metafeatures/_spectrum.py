"""Principal component analysis of the design matrix."""

from __future__ import annotations

import numpy as np

from sklearn_meta.metalearning.metafeatures._column_statistics import (
    standardized_moments,
    unit_columns,
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
)

_ALL = frozenset({ROWS, COLUMNS, CLASSES, DUPLICATION, SCALE})

FEATURES = (
    MetaFeature("pca_first", "share of variance of the first component", _ALL),
    MetaFeature("pca_first_three", "share of variance of the first three", _ALL),
    MetaFeature("pca_share_50", "share of components for 50 % of the variance", _ALL),
    MetaFeature("pca_share_95", "share of components for 95 % of the variance", _ALL),
    MetaFeature("pca_log_95", "log10 of the components for 95 % of the variance", _ALL),
    MetaFeature(
        "pca_effective_rank",
        "exponential of the entropy of the shares of variance, per component",
        _ALL,
    ),
    MetaFeature("pca_null_share", "share of components without variance", _ALL),
    MetaFeature(
        "pca_log_condition",
        "log10 of the largest over the smallest variance that is not zero",
        _ALL,
    ),
    MetaFeature("pca_skewness", "absolute skewness of the first component", _ALL),
    MetaFeature("pca_kurtosis", "kurtosis of the first component, normal 0", _ALL),
)

# Share of the largest variance below which a variance is rounding error.
_NULL = 1e-10

# Relative difference of variances below which the directions are not determined.
_TIED = 1e-6


def _spectrum(sample):
    if not sample.design.shape[1]:
        return {}
    variances, _ = sample.spectrum
    if variances[0] == 0:
        return {}
    held = variances > _NULL * variances[0]
    shares = np.where(held, variances, 0.0) / variances[held].sum()
    explained = np.cumsum(shares)
    n_components = len(shares)
    half, most = (1 + np.count_nonzero(explained < s - 1e-9) for s in (0.5, 0.95))
    positive = shares[held]
    entropy = -(positive * np.log(positive)).sum()
    return {
        "pca_first": shares[0],
        "pca_first_three": shares[:3].sum(),
        "pca_share_50": half / n_components,
        "pca_share_95": most / n_components,
        "pca_log_95": np.log10(most),
        "pca_effective_rank": np.exp(entropy) / n_components,
        "pca_null_share": 1 - np.mean(held),
        "pca_log_condition": np.log10(variances[0] / variances[held][-1]),
    }


def _first_component(sample):
    if not sample.design.shape[1]:
        return {}
    variances, vectors = sample.spectrum
    if variances[0] == 0:
        return {}
    if len(variances) > 1 and variances[1] > (1 - _TIED) * variances[0]:
        return {}
    scores = sample.design @ vectors[:, :1]
    _, (skewness,), (kurtosis,) = standardized_moments(unit_columns(scores))
    return {"pca_skewness": abs(skewness), "pca_kurtosis": kurtosis}


GROUP = Group(
    "spectrum",
    FEATURES,
    (
        Step(_spectrum, StepCost(1e-4, 1e-9)),
        Step(_first_component, StepCost(1e-4, 2e-9)),
    ),
)
