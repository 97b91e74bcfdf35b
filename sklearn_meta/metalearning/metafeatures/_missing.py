"""Missing values: their share, location, and association with the target."""

from __future__ import annotations

import numpy as np

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
    MetaFeature("missing_share", "share of missing values", _ALL),
    MetaFeature("missing_columns", "share of columns with a missing value", _ALL),
    MetaFeature("missing_rows", "share of rows with a missing value", _ALL),
    MetaFeature("missing_share_max", "missing values, largest over columns", _ALL),
    MetaFeature("missing_share_sd", "missing values, deviation over columns", _ALL),
    MetaFeature(
        "missing_target_max",
        "share of the target's variance explained by where a column is missing, "
        "largest over columns",
        _ALL,
    ),
)


def _missing(sample):
    absent = np.isnan(np.hstack([sample.codes, sample.numbers]))
    shares = absent.mean(axis=0)
    values = {
        "missing_share": shares.mean(),
        "missing_columns": len(sample.dataset.schema.missing)
        / sample.dataset.n_features,
        "missing_rows": absent.any(axis=1).mean(),
        "missing_share_max": shares.max(),
        "missing_share_sd": shares.std(),
        "missing_target_max": 0.0,
    }
    partly = (shares > 0) & (shares < 1)
    target = sample.target
    total = (target**2).sum()
    if not partly.any():
        return values
    if total == 0:
        return values | {"missing_target_max": np.nan}
    sums = absent[:, partly].T.astype(float) @ target
    n_absent = absent[:, partly].sum(axis=0)
    n_present = len(absent) - n_absent
    # The target is centered: the sums over absent and present values cancel.
    between = (sums**2).sum(axis=1) * (1 / n_absent + 1 / n_present)
    return values | {"missing_target_max": between.max() / total}


GROUP = Group("missing", FEATURES, (Step(_missing, StepCost(1e-4, 5e-9)),))
