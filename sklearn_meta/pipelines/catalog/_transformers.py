"""Transformers: scaling, new features, fewer features.

Ranges follow those of auto-sklearn and TPOT, cut where a value only costs time.
"""

from __future__ import annotations

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost, Operator
from sklearn_meta.pipelines._spec import BuildContext, Reference, Spec
from sklearn_meta.pipelines.catalog._parts import (
    alone,
    composed,
    pipeline,
    unless_single,
)

# A table of more columns, or of an unknown number, gets a sketch of the products of
# its columns: 50 columns have 1 275 products.
MAX_POLYNOMIAL_COLUMNS = 50
POLYNOMIAL_SKETCH_COMPONENTS = 500

_PREPROCESSING = "sklearn.preprocessing"
_SELECTION = "sklearn.feature_selection"


def _transformer(name, path, *hyperparameters, multi_output=True, **kw):
    return Operator(
        name,
        "transformer",
        path,
        hyperparameters=hyperparameters,
        multi_output=multi_output,
        **kw,
    )


def _polynomial(params, context: BuildContext):
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


def _truncated_svd(params, context: BuildContext):
    """Leading singular vectors; those of the linear kernel where columns may be few.

    Williams and Seeger, "Using the Nyström method to speed up kernel machines", 2001.
    """
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
    return Spec(
        "sklearn.kernel_approximation.Nystroem",
        (("kernel", "linear"), ("n_components", n_components), seed),
    )


def _whitened_first(call: Spec, context: BuildContext):
    """Put a PCA in front that drops the directions without variance.

    On columns that depend on each other, such as one-hot columns, ICA would blow up
    rounding errors to unit variance.
    """
    n_components = call.param("n_components")
    reduce = Spec("sklearn.decomposition.PCA", (("n_components", n_components),))
    ica = Spec(call.path, tuple(p for p in call.params if p[0] != "n_components"))
    return pipeline(("pca", reduce), ("fast_ica", ica))


def _agglomeration(call: Spec, context: BuildContext):
    """Cluster the standardized columns; constant ones have no direction."""
    if context.n_features == 1:
        return unless_single(call, context)
    return pipeline(
        ("variance_threshold", Spec(f"{_SELECTION}.VarianceThreshold")),
        ("standard_scaler", Spec(f"{_PREPROCESSING}.StandardScaler")),
        ("feature_agglomeration", call),
    )


def _scale_of_gamma(params):
    """RBFSampler knows a good gamma under a name."""
    gamma = params["gamma"]
    return {**params, "gamma": "scale" if gamma is None else gamma}


SCALERS = (
    _transformer(
        "standard_scaler",
        f"{_PREPROCESSING}.StandardScaler",
        accepts_missing=True,
        accepts_sparse=True,
        cost=Cost(0.0008, rows=0.7, columns=0.5),
    ),
    _transformer(
        "robust_scaler",
        f"{_PREPROCESSING}.RobustScaler",
        accepts_missing=True,
        accepts_sparse=True,
        cost=Cost(0.0025, rows=0.8, columns=0.9),
    ),
    _transformer(
        "min_max_scaler",
        f"{_PREPROCESSING}.MinMaxScaler",
        accepts_missing=True,
        cost=Cost(0.0007, rows=0.7, columns=0.5),
    ),
    _transformer(
        "max_abs_scaler",
        f"{_PREPROCESSING}.MaxAbsScaler",
        accepts_missing=True,
        accepts_sparse=True,
        cost=Cost(0.0006, rows=0.7, columns=0.5),
    ),
    _transformer(
        "normalizer",
        f"{_PREPROCESSING}.Normalizer",
        Choice("norm", ("l1", "l2", "max"), "l2"),
        accepts_sparse=True,
        cost=Cost(0.0008, rows=0.5, columns=0.5),
    ),
    _transformer(
        "power_transform",
        f"{_PREPROCESSING}.PowerTransformer",
        accepts_missing=True,
        cost=Cost(0.1, rows=0.5),
    ),
    _transformer(
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

EXPANSIONS = (
    _transformer(
        "k_bins",
        f"{_PREPROCESSING}.KBinsDiscretizer",
        Integer("n_bins", 3, 30, 5, log=True),
        Choice("encode", ("onehot-dense", "ordinal"), "onehot-dense"),
        Choice("strategy", ("uniform", "quantile"), "quantile"),
        random_state=True,
        cost=Cost(0.01, rows=0.6),
    ),
    _transformer(
        "splines",
        f"{_PREPROCESSING}.SplineTransformer",
        Integer("n_knots", 3, 12, 5),
        Integer("degree", 1, 3, 3),
        Choice("knots", ("uniform", "quantile"), "quantile"),
        Choice("extrapolation", ("constant", "linear"), "linear"),
        fixed={"include_bias": False},
        cost=Cost(0.005, params={"n_knots": 0.5}),
    ),
    _transformer(
        "polynomial",
        f"{_PREPROCESSING}.PolynomialFeatures",
        Choice("interaction_only", (False, True), False),
        accepts_sparse=True,
        cost=Cost(0.0013, columns=2),
        build=_polynomial,
    ),
    _transformer(
        "polynomial_sketch",
        "sklearn.kernel_approximation.PolynomialCountSketch",
        Integer("n_components", 32, 512, 128, log=True),
        Integer("degree", 2, 3, 2),
        Choice("coef0", (0, 1), 1),
        accepts_sparse=True,
        random_state=True,
        cost=Cost(0.004, rows=1.1, columns=0.4, params={"n_components": 1}),
    ),
    _transformer(
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
        alone,
        arguments=_scale_of_gamma,
        hyperparameters=(
            Float("gamma", 1e-4, 8.0, None, log=True),
            Integer("n_components", 16, 512, 100, log=True),
        ),
        accepts_sparse=True,
        random_state=True,
        multi_output=True,
        cost=Cost(0.0026, columns=0.3, params={"n_components": 1}),
    ),
    _transformer(
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
    _transformer(
        "kmeans",
        "sklearn.cluster.KMeans",
        Integer("n_clusters", 2, 64, 8, log=True),
        accepts_sparse=True,
        random_state=True,
        cost=Cost(0.004, columns=0.3, params={"n_clusters": 1}),
    ),
)

REDUCTIONS = (
    _transformer(
        "pca",
        "sklearn.decomposition.PCA",
        # As a share of the variance it is legal for every number of columns.
        Float("n_components", 0.3, 0.999, 0.95),
        Choice("whiten", (False, True), False),
        random_state=True,
        cost=Cost(0.003, columns=1.5),
    ),
    _transformer(
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
    composed(
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
    ),
    _transformer(
        "variance_threshold",
        f"{_SELECTION}.VarianceThreshold",
        Float("threshold", 1e-6, 0.2, 0.0, log=True),
        accepts_missing=True,
        accepts_sparse=True,
        cost=Cost(0.002),
    ),
    _transformer(
        "lda_projection",
        "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
        tasks=(CLASSIFICATION,),
        multi_output=False,
        cost=Cost(0.002, rows=0.7),
    ),
)


def _selectors(task):
    """Return the selectors that look at the target, for one task."""
    is_classification = task == CLASSIFICATION
    score = "f_classif" if is_classification else "f_regression"
    # Thresholds relative to the mean importance always keep a column.
    thresholds = ("0.25*mean", "0.5*mean", "mean", "1.5*mean")

    return (
        composed(
            "select_percentile",
            "transformer",
            f"{_SELECTION}.SelectPercentile",
            unless_single,
            tasks=(task,),
            hyperparameters=(Integer("percentile", 5, 95, 50),),
            fixed={"score_func": Reference(f"{_SELECTION}.{score}")},
            accepts_sparse=True,
            cost=Cost(0.0012, rows=0.6, columns=0.5),
        ),
        composed(
            "select_by_trees",
            "transformer",
            f"{_SELECTION}.SelectFromModel",
            _by_trees,
            tasks=(task,),
            hyperparameters=(Choice("threshold", thresholds, "mean"),),
            accepts_sparse=True,
            multi_output=True,
            cost=Cost(0.08, rows=0.8, columns=0.5, least=0.02),
        ),
        Operator(
            "select_by_l1",
            "transformer",
            f"{_SELECTION}.SelectFromModel",
            tasks=(task,),
            hyperparameters=(
                Float("C", 1e-3, 10.0, 0.1, log=True)
                if is_classification
                else Float("alpha", 1e-3, 1.0, 0.02, log=True),
            ),
            accepts_sparse=True,
            # The lasso takes several targets, the support vector machine does not.
            multi_output=not is_classification,
            cost=Cost(0.004, columns=1.5),
            build=_by_l1,
        ),
    )


def _by_trees(call: Spec, context: BuildContext):
    suffix = "Classifier" if context.is_classifier else "Regressor"
    trees = Spec(
        f"sklearn.ensemble.ExtraTrees{suffix}",
        (
            ("n_estimators", 50),
            ("min_samples_leaf", 3),
            ("random_state", context.random_state),
        ),
    )
    return Spec(call.path, (("estimator", trees), *call.params))


def _by_l1(params, context: BuildContext):
    """Keep the columns to which a lasso or an l1-penalized classifier gives weight.

    Tibshirani, "Regression shrinkage and selection via the lasso", 1996.
    """
    selector = [("threshold", "0.01*mean")]  # all columns if all weights are zero
    if not context.is_classifier:
        lasso = Spec("sklearn.linear_model.Lasso", (("alpha", params["alpha"]),))
        # The penalty is in units of the target.
        model = Spec(
            "sklearn.compose.TransformedTargetRegressor",
            (
                ("regressor", lasso),
                ("transformer", Spec("sklearn.preprocessing.StandardScaler")),
            ),
        )
        selector.append(("importance_getter", "regressor_.coef_"))
    else:
        model = Spec(
            "sklearn.svm.LinearSVC",
            (
                ("C", params["C"]),
                ("penalty", "l1"),
                ("dual", False),
                ("random_state", context.random_state),
            ),
        )
    return Spec(f"{_SELECTION}.SelectFromModel", (("estimator", model), *selector))


TRANSFORMER_OPERATORS = (
    *SCALERS,
    *EXPANSIONS,
    *REDUCTIONS,
    *_selectors(CLASSIFICATION),
    *_selectors(REGRESSION),
)
