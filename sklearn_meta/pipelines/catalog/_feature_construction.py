"""New features: bins, splines, polynomials, kernel approximations, tree embeddings."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._composition import composed, unchanged
from sklearn_meta.pipelines.catalog._declarations import transformer

# A table of more columns, or of an unknown number, gets a sketch of the products of
# its columns: 50 columns have 1 275 products.
MAX_POLYNOMIAL_COLUMNS = 50
POLYNOMIAL_SKETCH_COMPONENTS = 500

_PREPROCESSING = "sklearn.preprocessing"


def _polynomial(params, context: BuildContext):
    """Products of all pairs of columns, or a sketch of them where they are many."""
    width = context.n_features
    if width is not None and width <= MAX_POLYNOMIAL_COLUMNS:
        arguments = {**params, "degree": 2, "include_bias": False}
        return Spec(f"{_PREPROCESSING}.PolynomialFeatures", tuple(arguments.items()))
    return Spec(
        "sklearn.kernel_approximation.PolynomialCountSketch",
        (
            ("degree", 2),
            # With one, the products of degree one are among the features as well.
            ("coef0", 0 if params["interaction_only"] else 1),
            ("n_components", POLYNOMIAL_SKETCH_COMPONENTS),
            ("random_state", context.random_state),
        ),
    )


def _gamma_or_scale(params):
    """Write None as scikit-learn's ``gamma="scale"``."""
    gamma = params["gamma"]
    return {**params, "gamma": "scale" if gamma is None else gamma}


TRANSFORMERS = (
    transformer(
        "k_bins",
        f"{_PREPROCESSING}.KBinsDiscretizer",
        Integer("n_bins", 3, 30, 5, log=True),
        Choice("encode", ("onehot-dense", "ordinal"), "onehot-dense"),
        Choice("strategy", ("uniform", "quantile"), "quantile"),
        random_state=True,
        cost=Cost(0.01, rows=0.6),
    ),
    transformer(
        "splines",
        f"{_PREPROCESSING}.SplineTransformer",
        Integer("n_knots", 3, 12, 5),
        Integer("degree", 1, 3, 3),
        Choice("knots", ("uniform", "quantile"), "quantile"),
        Choice("extrapolation", ("constant", "linear"), "linear"),
        fixed={"include_bias": False},
        cost=Cost(0.005, params={"n_knots": 0.5}),
    ),
    transformer(
        "polynomial",
        f"{_PREPROCESSING}.PolynomialFeatures",
        Choice("interaction_only", (False, True), False),
        accepts_sparse=True,
        cost=Cost(0.0013, columns=2),
        build=_polynomial,
    ),
    transformer(
        "polynomial_sketch",
        "sklearn.kernel_approximation.PolynomialCountSketch",
        Integer("n_components", 32, 512, 128, log=True),
        Integer("degree", 2, 3, 2),
        Choice("coef0", (0, 1), 1),
        accepts_sparse=True,
        random_state=True,
        cost=Cost(0.004, rows=1.1, columns=0.4, params={"n_components": 1}),
    ),
    transformer(
        "nystroem",
        "sklearn.kernel_approximation.Nystroem",
        Choice("kernel", ("rbf", "laplacian", "cosine", "sigmoid"), "rbf"),
        Float("gamma", 1e-4, 8.0, None, log=True),
        Integer("n_components", 16, 512, 100, log=True),
        accepts_sparse=True,
        random_state=True,
        cost=Cost(0.005, rows=0.6, columns=0.2, params={"n_components": 1.5}),
    ),
    composed(
        "rbf_sampler",
        "transformer",
        "sklearn.kernel_approximation.RBFSampler",
        unchanged,
        arguments=_gamma_or_scale,
        hyperparameters=(
            Float("gamma", 1e-4, 8.0, None, log=True),
            Integer("n_components", 16, 512, 100, log=True),
        ),
        accepts_sparse=True,
        random_state=True,
        multi_output=True,
        cost=Cost(0.0026, columns=0.3, params={"n_components": 1}),
    ),
    transformer(
        "random_trees_embedding",
        "sklearn.ensemble.RandomTreesEmbedding",
        Integer("n_estimators", 10, 64, 32, log=True),
        Integer("max_depth", 2, 5, 3),
        # Dense: not every learner takes sparse features, and there are few of them.
        fixed={"sparse_output": False},
        accepts_sparse=True,
        random_state=True,
        cost=Cost(
            0.028, rows=0.6, columns=0.1, params={"n_estimators": 1}, least=0.015
        ),
    ),
)
