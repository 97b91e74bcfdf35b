"""Scaling of columns and rows, power and quantile transforms."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines.catalog._declarations import transformer

_PREPROCESSING = "sklearn.preprocessing"

TRANSFORMERS = (
    transformer(
        "standard_scaler",
        f"{_PREPROCESSING}.StandardScaler",
        accepts_missing=True,
        accepts_sparse=True,
        cost=Cost(0.0008, rows=0.7, columns=0.5),
    ),
    transformer(
        "robust_scaler",
        f"{_PREPROCESSING}.RobustScaler",
        accepts_missing=True,
        accepts_sparse=True,
        cost=Cost(0.0025, rows=0.8, columns=0.9),
    ),
    transformer(
        "min_max_scaler",
        f"{_PREPROCESSING}.MinMaxScaler",
        accepts_missing=True,
        cost=Cost(0.0007, rows=0.7, columns=0.5),
    ),
    transformer(
        "max_abs_scaler",
        f"{_PREPROCESSING}.MaxAbsScaler",
        accepts_missing=True,
        accepts_sparse=True,
        cost=Cost(0.0006, rows=0.7, columns=0.5),
    ),
    transformer(
        "normalizer",
        f"{_PREPROCESSING}.Normalizer",
        Choice("norm", ("l1", "l2", "max"), "l2"),
        accepts_sparse=True,
        cost=Cost(0.0008, rows=0.5, columns=0.5),
    ),
    transformer(
        "power_transform",
        f"{_PREPROCESSING}.PowerTransformer",
        accepts_missing=True,
        cost=Cost(0.1, rows=0.5),
    ),
    transformer(
        "quantile_transform",
        f"{_PREPROCESSING}.QuantileTransformer",
        # More quantiles than rows are cut by the class, with a warning: fewer than its
        # own 1000 by default.
        Integer("n_quantiles", 10, 2000, 100, log=True),
        Choice("output_distribution", ("uniform", "normal"), "normal"),
        accepts_missing=True,
        random_state=True,
        cost=Cost(0.01, rows=0.6, columns=0.9),
    ),
)
