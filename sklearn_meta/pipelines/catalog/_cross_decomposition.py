"""Partial least squares regression."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._declarations import regressor


def _partial_least_squares(params, context: BuildContext):
    """Bound the number of components."""
    # Not more components than columns, of which there may be fewer than the bound says.
    width = context.n_features or 1
    n_components = min(params["n_components"], max(1, width // 2))
    return Spec(
        "sklearn.cross_decomposition.PLSRegression",
        (("n_components", n_components), ("max_iter", 500)),
    )


REGRESSORS = (
    regressor(
        "partial_least_squares",
        "sklearn.cross_decomposition.PLSRegression",
        Integer("n_components", 1, 20, 3, log=True),
        multi_output=True,
        cost=Cost(0.0012, rows=0.8, columns=0.6, params={"n_components": 0.7}),
        build=_partial_least_squares,
    ),
)
