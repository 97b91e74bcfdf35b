"""Distributions of the numeric columns: skewness, tails, outliers, normality."""

from __future__ import annotations

import numpy as np

from sklearn_meta.metalearning.metafeatures._column_statistics import (
    quantiles,
    scaled_columns,
    sorted_columns,
    standardized_moments,
    summarize,
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
    spread,
)

_MOMENTS = frozenset({ROWS, COLUMNS, CLASSES, DUPLICATION, SCALE})
# Interpolated quantiles and tests depend on the number of rows.
_QUANTILES = _MOMENTS - {DUPLICATION}

_SKEWNESS = ("min", "q25", "median", "mean", "q75", "max", "sd")
_KURTOSIS = ("min", "q25", "median", "mean", "q75", "max", "sd")

# 95 % quantile of the chi-squared distribution with two degrees of freedom.
NORMAL_LIMIT = 5.991464547107979

# The standard deviation of a normal distribution over its median absolute deviation.
MAD_FACTOR = 1.482602218505602

FEATURES = (
    *spread("skewness", "skewness", _SKEWNESS, _MOMENTS),
    *spread("abs_skewness", "absolute skewness", ("mean",), _MOMENTS),
    *spread("kurtosis", "kurtosis, 0 for a normal one", _KURTOSIS, _MOMENTS),
    MetaFeature(
        "normal_share",
        "share of columns whose skewness and kurtosis pass for normal (Jarque-Bera)",
        _QUANTILES,
    ),
    MetaFeature(
        "outlier_columns",
        "share of columns with a value beyond 1.5 interquartile ranges",
        _QUANTILES,
    ),
    *spread(
        "outlier_share",
        "share of values beyond 1.5 interquartile ranges",
        ("median", "mean", "max"),
        _QUANTILES,
    ),
    *spread(
        "far_outlier_share",
        "share of values beyond 3 interquartile ranges",
        ("mean", "max"),
        _QUANTILES,
    ),
    *spread(
        "robust_spread",
        "median absolute deviation over standard deviation, 1 for a normal one",
        ("min", "mean"),
        _QUANTILES,
    ),
    *spread(
        "location",
        "log10(1 + |median| / interquartile range)",
        ("mean", "max"),
        _QUANTILES,
    ),
    MetaFeature(
        "log_helps_share",
        "share of columns that a logarithm makes less skewed",
        _MOMENTS,
    ),
)


def _moments(sample):
    unit = sample.varying
    if not unit.shape[1]:
        return {}
    counts = sample.ordered[1]
    _, skewness, kurtosis = standardized_moments(unit)
    jarque_bera = counts / 6 * (skewness**2 + kurtosis**2 / 4)
    return {
        **summarize("skewness", skewness, _SKEWNESS),
        **summarize("abs_skewness", np.abs(skewness), ("mean",)),
        **summarize("kurtosis", kurtosis, _KURTOSIS),
        "normal_share": np.mean(jarque_bera < NORMAL_LIMIT),
    }


def _outliers(sample):
    unit = sample.varying
    if not unit.shape[1]:
        return {}
    ordered, counts = sample.ordered
    low, median, high = quantiles(ordered, counts, (0.25, 0.5, 0.75))
    beyond = np.fmax(low - unit, unit - high)
    near = np.count_nonzero(beyond > 1.5 * (high - low), axis=0) / counts
    far = np.count_nonzero(beyond > 3 * (high - low), axis=0) / counts
    deviations = sorted_columns(np.abs(unit - median))
    mad = quantiles(*deviations, (0.5,))[0]
    sd = standardized_moments(unit)[0]
    return {
        "outlier_columns": np.mean(near > 0),
        **summarize("outlier_share", near, ("median", "mean", "max")),
        **summarize("far_outlier_share", far, ("mean", "max")),
        **summarize("robust_spread", MAD_FACTOR * mad / sd, ("min", "mean")),
    }


def _location(sample):
    numbers = sample.numbers[:, sample.n_distinct_numbers > 1]
    if not numbers.shape[1]:
        return {}
    quartiles = quantiles(*sorted_columns(numbers), (0.25, 0.5, 0.75))
    low, median, high = quartiles[:, quartiles[2] > quartiles[0]]
    location = np.log10(1 + np.abs(median) / (high - low))
    return summarize("location", location, ("mean", "max"))


def _logarithm(sample):
    """Compare the skewness before and after an inverse hyperbolic sine.

    Applied to multiples of the standard deviation, it is a logarithm for large values
    and defined for zero and negative ones.
    """
    numbers = sample.numbers[:, sample.n_distinct_numbers > 1]
    if not numbers.shape[1]:
        return {}
    scaled = scaled_columns(numbers)
    sd, before, _ = standardized_moments(scaled)
    after = standardized_moments(unit_columns(np.arcsinh(scaled / sd)))[1]
    # In symmetric columns, the difference is a rounding error.
    return {"log_helps_share": np.mean(np.abs(after) < np.abs(before) - 1e-6)}


GROUP = Group(
    "statistical",
    FEATURES,
    (
        Step(_moments, StepCost(3e-4, 3.5e-8)),
        Step(_outliers, StepCost(2e-4, 2.3e-8)),
        Step(_location, StepCost(1e-4, 8e-9)),
        Step(_logarithm, StepCost(2e-4, 4e-8)),
    ),
)
