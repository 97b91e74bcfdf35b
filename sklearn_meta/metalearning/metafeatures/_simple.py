"""Simple meta-features: size of the table and kinds of its columns."""

from __future__ import annotations

import numpy as np

from sklearn_meta.metalearning.metafeatures._column_statistics import (
    n_distinct,
    sorted_columns,
    summarize,
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
    StepCost,
    spread,
)

_SIZE = frozenset({ROWS, COLUMNS, CLASSES, SCALE})
_KIND = _SIZE | {DUPLICATION}
_RAW = _KIND - {SCALE}

_LEVELS = ("mean", "max", "sd")
_SHARES = ("min", "mean", "max")

FEATURES = (
    MetaFeature("log_rows", "log10 of the number of rows", _SIZE),
    MetaFeature("log_columns", "log10 of the number of columns", _KIND),
    MetaFeature("log_rows_per_column", "log10 of rows per column", _SIZE),
    MetaFeature(
        "log_one_hot_width", "log10 of the columns of the one-hot coded table", _KIND
    ),
    MetaFeature("categorical_share", "share of columns that hold categories", _KIND),
    MetaFeature("binary_share", "share of columns with two distinct values", _KIND),
    MetaFeature("constant_share", "share of columns that do not vary", _KIND),
    MetaFeature("integer_share", "share of numeric columns with integers only", _RAW),
    MetaFeature(
        "nonnegative_share", "share of numeric columns without a negative value", _KIND
    ),
    MetaFeature("zero_share", "share of zeros in numeric columns", _KIND),
    MetaFeature("zero_share_max", "share of zeros, largest over columns", _KIND),
    *spread("log_levels", "log10 of the number of levels", _LEVELS, _KIND),
    *spread(
        "distinct_share", "distinct values per present value, numeric", _SHARES, _SIZE
    ),
    *spread(
        "repetition",
        "mean number of rows that share a value, less one, per other row",
        ("mean", "sd"),
        _SIZE,
    ),
    MetaFeature(
        "log_range_ratio",
        "log10 of the widest over the narrowest range of numeric columns",
        _RAW,
    ),
    MetaFeature(
        "duplicate_share", "share of rows that repeat the features of another", _SIZE
    ),
)


def _size(sample):
    dataset = sample.dataset
    cardinalities = np.array(dataset.schema.cardinalities, dtype=float)
    n_numeric = dataset.n_features - len(cardinalities)
    levels = np.log10(np.maximum(cardinalities, 1.0))
    return {
        "log_rows": np.log10(dataset.n_samples),
        "log_columns": np.log10(dataset.n_features),
        "log_rows_per_column": np.log10(dataset.n_samples / dataset.n_features),
        "log_one_hot_width": np.log10(max(n_numeric + cardinalities.sum(), 1.0)),
        "categorical_share": len(cardinalities) / dataset.n_features,
        **summarize("log_levels", levels, _LEVELS),
    }


def _values(sample):
    numbers = sample.numbers
    n_samples = sample.n_samples
    counts = np.count_nonzero(~np.isnan(numbers), axis=0)
    distinct = sample.n_distinct_numbers
    level_counts = n_distinct(*sorted_columns(sample.codes))
    all_distinct = np.concatenate([level_counts, distinct])
    present = all_distinct[all_distinct > 0]
    repetition = (n_samples / present - 1) / max(n_samples - 1, 1)
    values = {
        "binary_share": np.mean(all_distinct == 2),
        "constant_share": np.mean(all_distinct < 2),
        **summarize("repetition", repetition, ("mean", "sd")),
    }
    if not counts.any():
        return values
    held = counts > 0
    zeros = np.count_nonzero(numbers == 0, axis=0)
    # Comparisons with NaN are false.
    fractional = ((numbers != np.rint(numbers)) & ~np.isnan(numbers)).any(axis=0)
    negative = (numbers < 0).any(axis=0)
    low = np.fmin.reduce(numbers[:, held], axis=0)
    high = np.fmax.reduce(numbers[:, held], axis=0)
    ranges = (high - low)[high > low]
    if len(ranges):
        values["log_range_ratio"] = np.log10(ranges.max()) - np.log10(ranges.min())
    return values | {
        "integer_share": 1 - np.mean(fractional[held]),
        "nonnegative_share": 1 - np.mean(negative[held]),
        "zero_share": zeros.sum() / counts.sum(),
        "zero_share_max": (zeros[held] / counts[held]).max(),
        **summarize("distinct_share", distinct[held] / counts[held], _SHARES),
    }


def _duplicates(sample):
    # Without the target: rows that differ in it only are duplicates as well.
    rows = np.ascontiguousarray(np.hstack([sample.codes, sample.numbers])) + 0.0
    keys = np.sort(rows.view(f"V{rows.shape[1] * 8}").ravel())
    return {"duplicate_share": np.mean(keys[1:] == keys[:-1])} if len(keys) > 1 else {}


GROUP = Group(
    "simple",
    FEATURES,
    (
        Step(_size, FREE),
        Step(_values, StepCost(2e-4, 2.2e-8)),
        Step(_duplicates, StepCost(1e-4, 6e-9)),
    ),
)
