"""Nearest neighbors and nearest centroids."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines.catalog._declarations import classifier, regressor

CLASSIFIERS = (
    classifier(
        "k_neighbors",
        "sklearn.neighbors.KNeighborsClassifier",
        Integer("n_neighbors", 1, 100, 5, log=True),
        Choice("weights", ("uniform", "distance"), "uniform"),
        Choice("p", (1, 2), 2),
        accepts_sparse=True,
        multi_output=True,
        cost=Cost(0.01, rows=1.7, columns=0.3),
    ),
    classifier(
        "nearest_centroid",
        "sklearn.neighbors.NearestCentroid",
        Float("shrink_threshold", 0.01, 5.0, None, log=True),
        Choice("priors", ("uniform", "empirical"), "empirical"),
        cost=Cost(0.001, rows=0.6, columns=0.5),
    ),
)

REGRESSORS = (
    regressor(
        "k_neighbors",
        "sklearn.neighbors.KNeighborsRegressor",
        Integer("n_neighbors", 1, 100, 5, log=True),
        Choice("weights", ("uniform", "distance"), "uniform"),
        Choice("p", (1, 2), 2),
        accepts_sparse=True,
        multi_output=True,
        cost=Cost(0.01, rows=1.7, columns=0.3),
    ),
)
