"""Distribution of the target: balance of classes, shape of a numeric target."""

from __future__ import annotations

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.metalearning.metafeatures._column_statistics import (
    n_distinct,
    quantiles,
    scaled_columns,
    sorted_columns,
    standardized_moments,
    unit_columns,
)
from sklearn_meta.metalearning.metafeatures._declarations import (
    CLASSES,
    COLUMNS,
    DUPLICATION,
    FREE,
    ROWS,
    SCALE,
    Group,
    MetaFeature,
    Step,
)

_ALL = frozenset({ROWS, COLUMNS, CLASSES, DUPLICATION, SCALE})
# Interpolated quantiles change slightly when every row is duplicated.
_SIZE = _ALL - {DUPLICATION}

# Number of rows below which a class is rare.
RARE_CLASS = 10


def _of_classes(name, meaning, invariances=_ALL):
    return MetaFeature(name, meaning, invariances, (CLASSIFICATION,))


def _of_numbers(name, meaning, invariances=_ALL):
    return MetaFeature(name, meaning, invariances, (REGRESSION,))


FEATURES = (
    _of_classes("n_classes", "number of classes"),
    _of_classes("class_entropy", "entropy of the classes in bits"),
    _of_classes("class_evenness", "entropy of the classes, 1 if all are as frequent"),
    _of_classes("class_share_max", "share of the most frequent class"),
    _of_classes("class_share_min", "share of the least frequent class"),
    _of_classes("class_share_sd", "standard deviation of the shares of the classes"),
    _of_classes("class_log_imbalance", "log10 of the largest over the smallest class"),
    _of_classes("class_log_size_min", "log10 of the rows of the smallest class", _SIZE),
    _of_classes("class_log_size_mean", "log10 of the mean rows of a class", _SIZE),
    _of_classes("class_gini", "probability that two rows differ in their class"),
    _of_classes(
        "class_rare_share", f"share of classes of under {RARE_CLASS} rows", _SIZE
    ),
    _of_numbers("target_skewness", "skewness of the target"),
    _of_numbers("target_kurtosis", "log10(1 + kurtosis, not excess) of the target"),
    _of_numbers("target_bimodality", "Sarle's coefficient (skewness² + 1) / kurtosis"),
    _of_numbers(
        "target_outlier_share",
        "share beyond 1.5 interquartile ranges of quartiles",
        _SIZE,
    ),
    _of_numbers(
        "target_far_outlier_share",
        "share beyond 3 interquartile ranges of quartiles",
        _SIZE,
    ),
    _of_numbers("target_upper_tail", "log10 of (q99 - q50) / (q75 - q50)", _SIZE),
    _of_numbers("target_lower_tail", "log10 of (q50 - q01) / (q50 - q25)", _SIZE),
    _of_numbers("target_log_distinct", "log10 of the number of distinct values"),
    _of_numbers("target_distinct_share", "share of distinct values", _SIZE),
    _of_numbers("target_mode_share", "share of the most frequent value"),
    _of_numbers("target_zero_share", "share of zeros"),
    _of_numbers("target_is_integer", "1 if all values are integers"),
    _of_numbers("target_is_nonnegative", "1 if no value is negative"),
    _of_numbers(
        "target_log_effect",
        "by how much a signed logarithm lowers the absolute skewness",
    ),
    _of_numbers("target_location", "log10(1 + |median| / standard deviation)"),
)

# Share of the standard deviation at which the inverse hyperbolic sine changes from
# linear to logarithmic.
LOG_BEND = 0.1


def _classes(sample):
    y = sample.dataset.y
    counts = np.bincount(y)
    counts = counts[counts > 0]
    shares = counts / counts.sum()
    # Adding zero turns the -0.0 of a single class into 0.0.
    entropy = -(shares * np.log2(shares)).sum() + 0.0
    n_classes = len(counts)
    return {
        "n_classes": n_classes,
        "class_entropy": entropy,
        "class_evenness": entropy / np.log2(n_classes) if n_classes > 1 else 0.0,
        "class_share_max": shares.max(),
        "class_share_min": shares.min(),
        "class_share_sd": shares.std(ddof=1) if n_classes > 1 else np.nan,
        "class_log_imbalance": np.log10(counts.max() / counts.min()),
        "class_log_size_min": np.log10(counts.min()),
        "class_log_size_mean": np.log10(counts.mean()),
        "class_gini": 1 - (shares**2).sum(),
        "class_rare_share": np.mean(counts < RARE_CLASS),
    }


def _numbers(sample):
    y = sample.y
    column = y[:, None]
    ordered, counts = sorted_columns(column)
    distinct = n_distinct(ordered, counts)[0]
    starts = np.flatnonzero(np.append(True, ordered[1:, 0] > ordered[:-1, 0]))
    values = {
        "target_log_distinct": np.log10(distinct),
        "target_distinct_share": distinct / len(y),
        "target_mode_share": np.diff(np.append(starts, len(y))).max() / len(y),
        "target_zero_share": np.mean(y == 0),
        "target_is_integer": float((y == np.rint(y)).all()),
        "target_is_nonnegative": float((y >= 0).all()),
    }
    return values | _shape(column) if distinct > 1 else values


def _shape(column):
    """Return shape statistics of a target with at least two distinct values."""
    # `unit` is centered at the median, `scaled` keeps the location.
    scaled = scaled_columns(column)
    unit = unit_columns(column)
    (sd,), (skewness,), (kurtosis,) = standardized_moments(unit)
    raw_sd = standardized_moments(scaled)[0][0]
    q01, q25, q50, q75, q99 = quantiles(
        *sorted_columns(unit), (0.01, 0.25, 0.5, 0.75, 0.99)
    )[:, 0]
    beyond = np.maximum(q25 - unit, unit - q75)
    values = {
        "target_skewness": skewness,
        "target_kurtosis": np.log10(4 + kurtosis),
        "target_bimodality": (skewness**2 + 1) / (kurtosis + 3),
        "target_outlier_share": np.mean(beyond > 1.5 * (q75 - q25)),
        "target_far_outlier_share": np.mean(beyond > 3 * (q75 - q25)),
        "target_location": np.log10(1 + abs(np.median(scaled)) / raw_sd),
    }
    if q75 > q50:
        values["target_upper_tail"] = np.log10((q99 - q50) / (q75 - q50))
    if q50 > q25:
        values["target_lower_tail"] = np.log10((q50 - q01) / (q50 - q25))
    bent = np.arcsinh(scaled / (LOG_BEND * raw_sd))
    bent_skewness = standardized_moments(unit_columns(bent))[1][0]
    values["target_log_effect"] = abs(skewness) - abs(bent_skewness)
    return values


GROUP = Group(
    "target",
    FEATURES,
    (
        Step(_classes, FREE, tasks=(CLASSIFICATION,)),
        Step(_numbers, tasks=(REGRESSION,)),
    ),
)
