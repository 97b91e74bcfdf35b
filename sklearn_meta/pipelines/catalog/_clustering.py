"""Clustering of rows (distances to centers) and of columns (their averages)."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._composition import (
    composed,
    pipeline,
    unless_single,
)
from sklearn_meta.pipelines.catalog._declarations import transformer


def _agglomeration(call: Spec, context: BuildContext):
    """Cluster the standardized columns; constant ones have no direction."""
    if context.n_features == 1:
        return unless_single(call, context)
    return pipeline(
        ("variance_threshold", Spec("sklearn.feature_selection.VarianceThreshold")),
        ("standard_scaler", Spec("sklearn.preprocessing.StandardScaler")),
        ("feature_agglomeration", call),
    )


KMEANS = transformer(
    "kmeans",
    "sklearn.cluster.KMeans",
    Integer("n_clusters", 2, 64, 8, log=True),
    accepts_sparse=True,
    random_state=True,
    cost=Cost(0.004, columns=0.3, params={"n_clusters": 1}),
)

FEATURE_AGGLOMERATION = composed(
    "feature_agglomeration",
    "transformer",
    "sklearn.cluster.FeatureAgglomeration",
    _agglomeration,
    hyperparameters=(
        # One minus the correlation of the columns that are merged: unlike a number
        # of clusters, legal for every number of columns.
        Float("distance_threshold", 0.02, 1.0, 0.3, log=True),
        Choice("linkage", ("average", "complete"), "average"),
    ),
    fixed={"n_clusters": None, "metric": "cosine"},
    multi_output=True,
    cost=Cost(0.004, columns=2),
)
