"""Predictions that ignore the features."""

from __future__ import annotations

from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines.catalog._declarations import classifier, regressor

CLASSIFIERS = (
    classifier(
        "dummy",
        "sklearn.dummy.DummyClassifier",
        accepts_missing=True,
        accepts_categories=True,
        accepts_sparse=True,
        text_as="counts",
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.0002, rows=0.2, columns=0),
    ),
)

REGRESSORS = (
    regressor(
        "dummy",
        "sklearn.dummy.DummyRegressor",
        accepts_missing=True,
        accepts_categories=True,
        accepts_sparse=True,
        text_as="counts",
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.0002, rows=0.2, columns=0),
    ),
)
