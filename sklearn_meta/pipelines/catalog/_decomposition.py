"""Matrix decompositions: PCA, truncated SVD, ICA."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._composition import composed, pipeline
from sklearn_meta.pipelines.catalog._declarations import transformer


def _truncated_svd(params, context: BuildContext):
    """Leading singular vectors; those of the linear kernel where columns may be few."""
    n_components = params["n_components"]
    seed = ("random_state", context.random_state)
    if context.sparse and context.n_features is not None:
        # The number of columns may be a bound only; half of it is on the safe side.
        bound = max(1, context.n_features // 2)
        return Spec(
            "sklearn.decomposition.TruncatedSVD",
            (("n_components", min(n_components, bound)), seed),
        )
    # TruncatedSVD refuses more components than columns, and how many columns rare
    # levels leave is not known before fit. The linear kernel between all rows and a
    # sample of them spans much the same space, whatever the number of columns.
    # Williams and Seeger, "Using the Nyström method to speed up kernel machines", 2001.
    return Spec(
        "sklearn.kernel_approximation.Nystroem",
        (("kernel", "linear"), ("n_components", n_components), seed),
    )


def _whitened_first(call: Spec, context: BuildContext):
    """Insert a PCA, which drops the directions without variance."""
    # On linearly dependent columns, such as one-hot columns, ICA would scale rounding
    # errors to unit variance.
    n_components = call.param("n_components")
    reduce = Spec("sklearn.decomposition.PCA", (("n_components", n_components),))
    ica = Spec(call.path, tuple(p for p in call.params if p[0] != "n_components"))
    return pipeline(("pca", reduce), ("fast_ica", ica))


TRANSFORMERS = (
    transformer(
        "pca",
        "sklearn.decomposition.PCA",
        # As a share of the variance it is legal for every number of columns.
        Float("n_components", 0.3, 0.999, 0.95),
        Choice("whiten", (False, True), False),
        random_state=True,
        cost=Cost(0.003, columns=1.5),
    ),
    transformer(
        "truncated_svd",
        "sklearn.decomposition.TruncatedSVD",
        Integer("n_components", 2, 256, 50, log=True),
        accepts_sparse=True,
        random_state=True,
        cost=Cost(0.003, rows=0.8, columns=0.8),
        build=_truncated_svd,
    ),
    composed(
        "fast_ica",
        "transformer",
        "sklearn.decomposition.FastICA",
        _whitened_first,
        hyperparameters=(
            Float("n_components", 0.3, 0.999, 0.95),
            Choice("fun", ("logcosh", "exp", "cube"), "logcosh"),
        ),
        fixed={"whiten": "unit-variance", "max_iter": 300, "tol": 1e-3},
        random_state=True,
        multi_output=True,
        cost=Cost(0.05, columns=1.5),
    ),
)
