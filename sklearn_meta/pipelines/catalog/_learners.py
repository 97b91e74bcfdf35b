"""Learners and wrappers for both tasks.

Every classifier gives probabilities. Ranges follow those of auto-sklearn, TPOT, FLAML
and AutoGluon. Everything runs on one thread and prints nothing.
"""

from __future__ import annotations

from sklearn_meta._sklearn_compat import calibration_method, logistic_penalty
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost, Operator
from sklearn_meta.pipelines._spec import BuildContext, Reference, Spec
from sklearn_meta.pipelines.catalog._parts import (
    alone,
    calibrated,
    calibration_folds,
    composed,
    pipeline,
    scaled_target,
)

_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None)
_LINEAR = "sklearn.linear_model"
_BAYES = "sklearn.naive_bayes"

# Solvers stop here at the latest. On standardized columns they need some dozens of
# rounds; what has not converged by then is judged as it is.
_MAX_ITER = 1000
_LIBSVM_MAX_ITER = 200_000


def _learner(name, path, *hyperparameters, task=None, **kw):
    tasks = (CLASSIFICATION, REGRESSION) if task is None else (task,)
    return Operator(
        name, "learner", path, tasks=tasks, hyperparameters=hyperparameters, **kw
    )


def _classifier(name, path, *hyperparameters, **kw):
    return _learner(name, path, *hyperparameters, task=CLASSIFICATION, **kw)


def _regressor(name, path, *hyperparameters, **kw):
    return _learner(name, path, *hyperparameters, task=REGRESSION, **kw)


def _calibrated(name, path, *hyperparameters, **kw):
    return composed(
        name,
        "learner",
        path,
        calibrated,
        tasks=(CLASSIFICATION,),
        hyperparameters=hyperparameters,
        **kw,
    )


def _scaled(name, path, *hyperparameters, **kw):
    return composed(
        name,
        "learner",
        path,
        scaled_target,
        tasks=(REGRESSION,),
        hyperparameters=hyperparameters,
        **kw,
    )


def _gamma_or_scale(params):
    """Support vector machines know a good gamma under a name."""
    gamma = params["gamma"]
    return {**params, "gamma": "scale" if gamma is None else gamma}


def _layers(params):
    params = dict(params)
    size, n = params.pop("layer_size"), params.pop("n_layers")
    return {"hidden_layer_sizes": (size,) * n, **params}


def _logistic_regression(params, context: BuildContext):
    l1_ratio = params["l1_ratio"]
    if l1_ratio == 0:
        solver = [("solver", "lbfgs"), ("max_iter", _MAX_ITER)]
    else:
        # The only solver for mixed penalties. It converges slowly: a loose tolerance
        # costs nothing that cross-validation could see.
        solver = [
            ("solver", "saga"),
            ("max_iter", 300),
            ("tol", 1e-3),
            ("random_state", context.random_state),
        ]
    arguments = []
    for name, value in params.items():
        is_ratio = name == "l1_ratio"
        arguments += logistic_penalty(value) if is_ratio else [(name, value)]
    return Spec(f"{_LINEAR}.LogisticRegression", (*arguments, *solver))


def _boosted_trees(call: Spec, context: BuildContext):
    """AdaBoost of trees whose depth is a hyperparameter."""
    suffix = "Classifier" if context.is_classifier else "Regressor"
    params = dict(call.params)
    tree = Spec(
        f"sklearn.tree.DecisionTree{suffix}", (("max_depth", params.pop("max_depth")),)
    )
    return Spec(call.path, (("estimator", tree), *params.items()))


def _partial_least_squares(params, context: BuildContext):
    # Not more components than columns, of which there may be fewer than the bound says.
    width = context.n_features or 1
    n_components = min(params["n_components"], max(1, width // 2))
    return Spec(
        "sklearn.cross_decomposition.PLSRegression",
        (("n_components", n_components), ("max_iter", 500)),
    )


def _kernel(params):
    """One length scale for all columns: their number is often not known before fit."""
    kernels = "sklearn.gaussian_process.kernels"
    arguments = [("length_scale", 1.0), ("length_scale_bounds", (1e-2, 1e3))]
    if params["kernel"] == "rbf":
        shape = Spec(f"{kernels}.RBF", tuple(arguments))
    else:
        shape = Spec(f"{kernels}.Matern", (*arguments, ("nu", 1.5)))
    constant = Spec(f"{kernels}.ConstantKernel", (("constant_value", 1.0),))
    return Spec(f"{kernels}.Product", (("k1", constant), ("k2", shape)))


def _gaussian_process_classifier(params, context: BuildContext):
    return Spec(
        "sklearn.gaussian_process.GaussianProcessClassifier",
        (
            ("kernel", _kernel(params)),
            ("random_state", context.random_state),
        ),
    )


def _gaussian_process_regressor(params, context: BuildContext):
    kernels = "sklearn.gaussian_process.kernels"
    noise = Spec(f"{kernels}.WhiteKernel", (("noise_level", params["noise_level"]),))
    kernel = Spec(f"{kernels}.Sum", (("k1", _kernel(params)), ("k2", noise)))
    return Spec(
        "sklearn.gaussian_process.GaussianProcessRegressor",
        (
            ("kernel", kernel),
            ("normalize_y", True),
            ("random_state", context.random_state),
        ),
    )


def _both(declare):
    """Declare an operator for each task."""
    return declare(CLASSIFICATION), declare(REGRESSION)


def _suffix(task):
    return "Classifier" if task == CLASSIFICATION else "Regressor"


def _weights(task):
    return (_CLASS_WEIGHT,) if task == CLASSIFICATION else ()


# What trees take. Category codes are split as ordered numbers, as the baselines do.
_TREES = {"accepts_missing": True, "accepts_categories": True, "random_state": True,
          "sample_weight": True, "multi_output": True}  # fmt: skip


def _criterion(task):
    if task == CLASSIFICATION:
        return (Choice("criterion", ("gini", "entropy"), "gini"),)
    return ()


def _tree(name, path, cost):
    return _both(
        lambda task: _learner(
            name,
            f"{path}{_suffix(task)}",
            *_criterion(task),
            Integer("max_depth", 1, 20, None),
            Integer("min_samples_leaf", 1, 60, 1, log=True),
            *_weights(task),
            task=task,
            accepts_sparse=True,
            **_TREES,
            cost=cost,
        )
    )


def _forest(name, path, max_features, costs):
    def declare(task):
        return _learner(
            name,
            f"{path}{_suffix(task)}",
            *_criterion(task),
            Integer("n_estimators", 50, 500, 100, log=True),
            Choice(
                "max_features",
                ("sqrt", "log2", 0.25, 0.5, 0.75, 1.0),
                max_features[task],
            ),
            Integer("min_samples_leaf", 1, 40, 1, log=True),
            Integer("max_leaf_nodes", 8, 4000, None, log=True),
            Choice("bootstrap", (False, True), name == "random_forest"),
            *_weights(task),
            task=task,
            accepts_sparse=True,
            **_TREES,
            cost=costs[task],
        )

    return _both(declare)


_FOREST_EXPONENTS = {"n_estimators": 1, "max_features": 0.7}
_MAX_FEATURES = {CLASSIFICATION: "sqrt", REGRESSION: 1.0}


TREES = (
    *_tree("decision_tree", "sklearn.tree.DecisionTree", Cost(0.011, rows=1.2)),
    *_tree("extra_tree", "sklearn.tree.ExtraTree", Cost(0.003, rows=0.8, columns=0.5)),
    *_forest(
        "random_forest",
        "sklearn.ensemble.RandomForest",
        _MAX_FEATURES,
        {
            CLASSIFICATION: Cost(
                0.23, columns=0.5, params=_FOREST_EXPONENTS, least=0.06
            ),
            REGRESSION: Cost(
                0.6, rows=1.1, columns=0.9, params=_FOREST_EXPONENTS, least=0.045
            ),
        },
    ),
    *_forest(
        "extra_trees",
        "sklearn.ensemble.ExtraTrees",
        _MAX_FEATURES,
        {
            CLASSIFICATION: Cost(
                0.12, rows=0.9, columns=0.4, params=_FOREST_EXPONENTS, least=0.045
            ),
            REGRESSION: Cost(0.34, columns=0.8, params=_FOREST_EXPONENTS, least=0.03),
        },
    ),
)

BOOSTING = (
    *_both(
        lambda task: _learner(
            "lightgbm",
            "lightgbm.LGBM" + _suffix(task),
            Integer("n_estimators", 20, 2000, 100, log=True),
            Float("learning_rate", 0.005, 0.5, 0.1, log=True),
            Integer("num_leaves", 3, 255, 31, log=True),
            Integer("min_child_samples", 1, 100, 20, log=True),
            Float("subsample", 0.4, 1.0, 1.0),
            Float("colsample_bytree", 0.3, 1.0, 1.0),
            Float("reg_alpha", 1e-4, 30.0, 0.0, log=True),
            Float("reg_lambda", 1e-4, 100.0, 0.0, log=True),
            Choice("extra_trees", (False, True), False),
            Choice("early_stopping", (False, True), False),
            *_weights(task),
            task=task,
            fixed={
                "subsample_freq": 1,
                "n_jobs": 1,
                "verbosity": -1,
                # LightGBM otherwise times two layouts and takes the faster one: sums
                # in another order, and another model.
                "deterministic": True,
                "force_col_wise": True,
            },
            accepts_missing=True,
            accepts_categories=True,
            accepts_sparse=True,
            random_state=True,
            sample_weight=True,
            cost=Cost(
                0.1,
                rows=0.6,
                columns=0.6,
                classes=1 if task == CLASSIFICATION else 0,
                params={"n_estimators": 1, "num_leaves": 0.6},
            ),
        )  # fmt: skip
    ),
    *_both(
        lambda task: _learner(
            "hist_gradient_boosting",
            "sklearn.ensemble.HistGradientBoosting" + _suffix(task),
            Integer("max_iter", 20, 1000, 100, log=True),
            Float("learning_rate", 0.005, 0.5, 0.1, log=True),
            Integer("max_leaf_nodes", 3, 255, 31, log=True),
            Integer("min_samples_leaf", 1, 100, 20, log=True),
            Float("l2_regularization", 1e-6, 100.0, 0.0, log=True),
            Float("max_features", 0.2, 1.0, 1.0),
            # Its own default is to decide by the number of rows; its validation part
            # cannot be drawn where a class has one row.
            Choice("early_stopping", (False, True), False),
            *_weights(task),
            task=task,
            accepts_missing=True,
            accepts_categories=True,
            random_state=True,
            sample_weight=True,
            cost=Cost(
                0.2,
                rows=0.5,
                columns=0.5,
                classes=1 if task == CLASSIFICATION else 0,
                params={"max_iter": 1, "max_leaf_nodes": 0.6},
            ),
        )  # fmt: skip
    ),
    *_both(
        lambda task: _learner(
            "gradient_boosting",
            "sklearn.ensemble.GradientBoosting" + _suffix(task),
            *(
                ()
                if task == CLASSIFICATION
                else (Choice("loss", ("squared_error", "huber"), "squared_error"),)
            ),
            Integer("n_estimators", 20, 500, 100, log=True),
            Float("learning_rate", 0.01, 0.5, 0.1, log=True),
            Integer("max_depth", 1, 8, 3),
            Integer("min_samples_leaf", 1, 60, 1, log=True),
            Float("subsample", 0.3, 1.0, 1.0),
            Float("max_features", 0.1, 1.0, None),
            task=task,
            accepts_categories=True,
            accepts_sparse=True,
            random_state=True,
            sample_weight=True,
            cost=Cost(
                0.5,
                columns=1,
                classes=1 if task == CLASSIFICATION else 0,
                params={"n_estimators": 1, "max_depth": 1, "max_features": 0.8},
                least=0.025,
            ),
        )  # fmt: skip
    ),
    *_both(
        lambda task: composed(
            "ada_boost",
            "learner",
            "sklearn.ensemble.AdaBoost" + _suffix(task),
            _boosted_trees,
            tasks=(task,),
            hyperparameters=(
                Integer("n_estimators", 20, 300, 50, log=True),
                Float("learning_rate", 0.01, 2.0, 1.0, log=True),
                Integer("max_depth", 1, 8, 1 if task == CLASSIFICATION else 3),
            ),
            accepts_categories=True,
            accepts_sparse=True,
            random_state=True,
            sample_weight=True,
            cost=Cost(
                0.16,
                columns=0.8,
                params={"n_estimators": 1, "max_depth": 1},
                least=0.035,
            ),
        )
    ),
)

_NETWORK = (
    Integer("layer_size", 16, 256, 64, log=True),
    Integer("n_layers", 1, 3, 1),
    Choice("activation", ("relu", "tanh"), "relu"),
    Float("alpha", 1e-6, 10.0, 1e-4, log=True),
    Float("learning_rate_init", 1e-4, 0.03, 1e-3, log=True),
    Choice("early_stopping", (False, True), False),
)

CLASSIFIERS = (
    _classifier(
        "logistic_regression",
        f"{_LINEAR}.LogisticRegression",
        Float("C", 1e-4, 1e3, 1.0, log=True),
        Float("l1_ratio", 0.0, 1.0, 0.0),
        _CLASS_WEIGHT,
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.003, rows=0.8, columns=0.7, classes=0.9),
        build=_logistic_regression,
    ),
    _classifier(
        "sgd",
        f"{_LINEAR}.SGDClassifier",
        Choice("loss", ("log_loss", "modified_huber"), "log_loss"),
        Float("alpha", 1e-6, 0.3, 1e-4, log=True),
        Float("l1_ratio", 0.0, 1.0, 0.15),
        Choice("average", (False, True), False),
        _CLASS_WEIGHT,
        fixed={"penalty": "elasticnet", "max_iter": _MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.013, columns=0.8, classes=1.4),
    ),
    _calibrated(
        "ridge",
        f"{_LINEAR}.RidgeClassifier",
        Float("alpha", 1e-3, 1e4, 1.0, log=True),
        _CLASS_WEIGHT,
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.013, rows=0.5, columns=0.5, classes=0.3),
    ),
    _calibrated(
        "linear_svc",
        "sklearn.svm.LinearSVC",
        Float("C", 1e-4, 100.0, 1.0, log=True),
        _CLASS_WEIGHT,
        fixed={"max_iter": 2 * _MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.012, rows=0.8, columns=0.6, classes=0.9),
    ),
    _calibrated(
        "svc",
        "sklearn.svm.SVC",
        Float("C", 0.03, 1000.0, 1.0, log=True),
        Choice("kernel", ("rbf", "poly", "sigmoid"), "rbf"),
        Float("gamma", 1e-4, 8.0, None, log=True),
        Integer("degree", 2, 4, 3),
        _CLASS_WEIGHT,
        arguments=_gamma_or_scale,
        fixed={"max_iter": _LIBSVM_MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.045, rows=1.8, columns=0.5, classes=0.7),
    ),
    _classifier(
        "k_neighbors",
        "sklearn.neighbors.KNeighborsClassifier",
        Integer("n_neighbors", 1, 100, 5, log=True),
        Choice("weights", ("uniform", "distance"), "uniform"),
        Choice("p", (1, 2), 2),
        accepts_sparse=True,
        multi_output=True,
        cost=Cost(0.01, rows=1.7, columns=0.3),
    ),
    _classifier(
        "nearest_centroid",
        "sklearn.neighbors.NearestCentroid",
        Float("shrink_threshold", 0.01, 5.0, None, log=True),
        Choice("priors", ("uniform", "empirical"), "empirical"),
        cost=Cost(0.001, rows=0.6, columns=0.5),
    ),
    _classifier(
        "gaussian_nb",
        f"{_BAYES}.GaussianNB",
        Float("var_smoothing", 1e-10, 1.0, 1e-9, log=True),
        sample_weight=True,
        cost=Cost(0.001, rows=0.7, columns=0.5),
    ),
    _classifier(
        "bernoulli_nb",
        f"{_BAYES}.BernoulliNB",
        Float("alpha", 1e-3, 100.0, 1.0, log=True),
        Choice("fit_prior", (False, True), True),
        accepts_sparse=True,
        sample_weight=True,
        cost=Cost(0.0017, rows=0.6, columns=0.5),
    ),
    _classifier(
        "multinomial_nb",
        f"{_BAYES}.MultinomialNB",
        Float("alpha", 1e-3, 100.0, 1.0, log=True),
        Choice("fit_prior", (False, True), True),
        accepts_sparse=True,
        needs_nonnegative=True,
        sample_weight=True,
        cost=Cost(0.0014, rows=0.6, columns=0.3),
    ),
    _classifier(
        "complement_nb",
        f"{_BAYES}.ComplementNB",
        Float("alpha", 1e-3, 100.0, 1.0, log=True),
        Choice("norm", (False, True), False),
        accepts_sparse=True,
        needs_nonnegative=True,
        sample_weight=True,
        cost=Cost(0.0015, rows=0.6, columns=0.3),
    ),
    _classifier(
        "lda",
        "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
        Choice("shrinkage", (None, "auto", 0.01, 0.1, 0.5), "auto"),
        fixed={"solver": "lsqr"},
        cost=Cost(0.004, rows=0.6, columns=1, classes=0.5),
    ),
    _classifier(
        "qda",
        "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
        # Without any, columns that depend on each other are refused.
        Float("shrinkage", 1e-3, 1.0, 0.1, log=True),
        fixed={"solver": "eigen"},
        cost=Cost(0.0013, rows=0.8, columns=1.3, classes=0.3),
    ),
    composed(
        "mlp",
        "learner",
        "sklearn.neural_network.MLPClassifier",
        alone,
        tasks=(CLASSIFICATION,),
        hyperparameters=_NETWORK,
        arguments=_layers,
        fixed={"max_iter": 200},
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(
            0.35, columns=0.3, params={"layer_size": 0.7, "n_layers": 0.7}, least=0.03
        ),
    ),
    _classifier(
        "gaussian_process",
        "sklearn.gaussian_process.GaussianProcessClassifier",
        Choice("kernel", ("rbf", "matern"), "rbf"),
        random_state=True,
        cost=Cost(10.0, rows=3, columns=0.1, classes=1.5),
        build=_gaussian_process_classifier,
    ),
    _classifier(
        "dummy",
        "sklearn.dummy.DummyClassifier",
        accepts_missing=True,
        accepts_categories=True,
        accepts_sparse=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.0002, rows=0.2, columns=0),
    ),
)

REGRESSORS = (
    _regressor(
        "ridge",
        f"{_LINEAR}.Ridge",
        Float("alpha", 1e-3, 1e4, 1.0, log=True),
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.0008, rows=0.8, columns=1),
    ),
    _scaled(
        "lasso",
        f"{_LINEAR}.Lasso",
        Float("alpha", 1e-5, 1.0, 1e-3, log=True),
        fixed={"max_iter": 2 * _MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.002, rows=0.6, columns=1),
    ),
    _scaled(
        "elastic_net",
        f"{_LINEAR}.ElasticNet",
        Float("alpha", 1e-5, 1.0, 1e-2, log=True),
        Float("l1_ratio", 0.01, 1.0, 0.5),
        fixed={"max_iter": 2 * _MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.002, rows=0.6, columns=1),
    ),
    _scaled(
        "lasso_lars",
        f"{_LINEAR}.LassoLars",
        Float("alpha", 1e-5, 1.0, 1e-3, log=True),
        random_state=True,
        multi_output=True,
        cost=Cost(0.003, rows=0.5, columns=1),
    ),
    _scaled(
        "huber",
        f"{_LINEAR}.HuberRegressor",
        Float("epsilon", 1.01, 4.0, 1.35, log=True),
        Float("alpha", 1e-6, 10.0, 1e-4, log=True),
        fixed={"max_iter": 500},
        sample_weight=True,
        cost=Cost(0.0045, rows=0.8, columns=0.7),
    ),
    _regressor(
        "bayesian_ridge",
        f"{_LINEAR}.BayesianRidge",
        Float("alpha_1", 1e-10, 1e-2, 1e-6, log=True),
        Float("lambda_1", 1e-10, 1e-2, 1e-6, log=True),
        sample_weight=True,
        cost=Cost(0.0015, rows=0.7, columns=1.2),
    ),
    _scaled(
        "ard",
        f"{_LINEAR}.ARDRegression",
        Float("alpha_1", 1e-10, 1e-2, 1e-6, log=True),
        Float("lambda_1", 1e-10, 1e-2, 1e-6, log=True),
        cost=Cost(0.0025, rows=0.7, columns=1.5),
    ),
    _scaled(
        "sgd",
        f"{_LINEAR}.SGDRegressor",
        Choice("loss", ("squared_error", "huber"), "squared_error"),
        Float("alpha", 1e-6, 0.3, 1e-4, log=True),
        Float("l1_ratio", 0.0, 1.0, 0.15),
        Choice("average", (False, True), False),
        fixed={"penalty": "elasticnet", "max_iter": _MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.003, rows=0.8, columns=0.6),
    ),
    _scaled(
        "linear_svr",
        "sklearn.svm.LinearSVR",
        Float("C", 1e-4, 100.0, 1.0, log=True),
        Float("epsilon", 1e-3, 1.0, 0.1, log=True),
        fixed={"max_iter": 2 * _MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.02, rows=1.1, columns=1.1),
    ),
    _scaled(
        "svr",
        "sklearn.svm.SVR",
        Float("C", 0.03, 1000.0, 1.0, log=True),
        Float("epsilon", 1e-3, 1.0, 0.1, log=True),
        Choice("kernel", ("rbf", "poly", "sigmoid"), "rbf"),
        Float("gamma", 1e-4, 8.0, None, log=True),
        Integer("degree", 2, 4, 3),
        arguments=_gamma_or_scale,
        fixed={"max_iter": _LIBSVM_MAX_ITER},
        accepts_sparse=True,
        sample_weight=True,
        cost=Cost(0.035, rows=2, columns=0.3),
    ),
    _scaled(
        "nu_svr",
        "sklearn.svm.NuSVR",
        Float("C", 0.03, 1000.0, 1.0, log=True),
        Float("nu", 0.05, 1.0, 0.5),
        Float("gamma", 1e-4, 8.0, None, log=True),
        arguments=_gamma_or_scale,
        fixed={"max_iter": _LIBSVM_MAX_ITER},
        accepts_sparse=True,
        sample_weight=True,
        cost=Cost(0.05, rows=2, columns=0.4),
    ),
    _scaled(
        "kernel_ridge",
        "sklearn.kernel_ridge.KernelRidge",
        Float("alpha", 1e-4, 10.0, 0.1, log=True),
        Choice("kernel", ("rbf", "laplacian", "linear"), "rbf"),
        Float("gamma", 1e-4, 8.0, None, log=True),
        accepts_sparse=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.03, rows=2.7, columns=0.1),
    ),
    _regressor(
        "k_neighbors",
        "sklearn.neighbors.KNeighborsRegressor",
        Integer("n_neighbors", 1, 100, 5, log=True),
        Choice("weights", ("uniform", "distance"), "uniform"),
        Choice("p", (1, 2), 2),
        accepts_sparse=True,
        multi_output=True,
        cost=Cost(0.01, rows=1.7, columns=0.3),
    ),
    _regressor(
        "partial_least_squares",
        "sklearn.cross_decomposition.PLSRegression",
        Integer("n_components", 1, 20, 3, log=True),
        multi_output=True,
        cost=Cost(0.0012, rows=0.8, columns=0.6, params={"n_components": 0.7}),
        build=_partial_least_squares,
    ),
    _regressor(
        "gaussian_process",
        "sklearn.gaussian_process.GaussianProcessRegressor",
        Choice("kernel", ("rbf", "matern"), "rbf"),
        # Where the optimizer begins; tables with little and with much noise have their
        # best kernels far apart.
        Float("noise_level", 1e-4, 1.0, 0.1, log=True),
        random_state=True,
        multi_output=True,
        cost=Cost(4.5, rows=2.8, columns=0.1),
        build=_gaussian_process_regressor,
    ),
    _scaled(
        "mlp",
        "sklearn.neural_network.MLPRegressor",
        *_NETWORK,
        arguments=_layers,
        fixed={"max_iter": 200},
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(
            0.25, columns=0.3, params={"layer_size": 0.7, "n_layers": 0.7}, least=0.03
        ),
    ),
    _regressor(
        "dummy",
        "sklearn.dummy.DummyRegressor",
        accepts_missing=True,
        accepts_categories=True,
        accepts_sparse=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.0002, rows=0.2, columns=0),
    ),
)


def _maml(params, context: BuildContext):
    """Tell the network which columns hold codes: it averages the target over them."""
    call = Spec(
        "sklearn_meta.maml.MAML" + _suffix(context.task),
        (
            *params.items(),
            *context.fixed.items(),
            ("random_state", context.random_state),
        ),
    )
    if not context.n_categorical:
        return call
    return call.with_params(categorical_features=list(range(context.n_categorical)))


BAGGED_MLPS = _both(
    lambda task: composed(
        "bagged_mlp",
        "learner",
        "sklearn_meta.mlp.BaggedMLP" + _suffix(task),
        alone,
        tasks=(task,),
        hyperparameters=(
            Integer("n_bins", 0, 24, 6),
            Integer("layer_size", 16, 256, 64, log=True),
            Integer("n_layers", 1, 3, 2),
            Float("dropout", 0.0, 0.5, 0.1),
            Float("alpha", 1e-4, 1.0, 0.01, log=True),
            Float("learning_rate_init", 0.002, 0.1, 0.02, log=True),
            Integer("max_steps", 300, 10_000, 2_000, log=True),
        ),
        arguments=_layers,
        accepts_missing=True,
        random_state=True,
        # On more rows, their number of steps is bounded.
        cost=Cost(
            1.0,
            rows=0.7,
            columns=0.4,
            classes=0.1,
            params={"layer_size": 0.7, "n_layers": 0.7, "max_steps": 0.5},
            least=0.1,
        ),
    )
)

MAMLS = _both(
    lambda task: _learner(
        "maml",
        "sklearn_meta.maml.MAML" + _suffix(task),
        # Of the head only: steps of everything cost a hundred times as much.
        Integer("n_adaptation_steps", 1, 100, 5, log=True),
        Float("learning_rate", 0.1, 10.0, 1.0, log=True),
        Integer("max_support_rows", 64, 512, 512, log=True),
        task=task,
        # A worker has one thread; a GPU would be one for all of them.
        fixed={"fine_tune": "head", "device": "cpu"},
        accepts_missing=True,
        accepts_categories=True,
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        requires=("skorch", "torch"),
        # Grows with the square of the rows, up to the hundreds that it predicts from.
        cost=Cost(
            1.5,
            rows=1.2,
            columns=0.8,
            classes=0.5,
            params={"n_adaptation_steps": 0.4, "max_support_rows": 0.7},
            least=0.02,
        ),
        build=_maml,
    ),
)

NETWORKS = (*BAGGED_MLPS, *MAMLS)

LEARNER_OPERATORS = (*TREES, *BOOSTING, *CLASSIFIERS, *REGRESSORS, *NETWORKS)


def _calibrate(params, context: BuildContext):
    return Spec(
        "sklearn.calibration.CalibratedClassifierCV",
        (
            ("estimator", context.inner),
            *dict(params, method=calibration_method(params["method"])).items(),
            ("cv", calibration_folds(context)),
        ),
    )


def _transform_target(params, context: BuildContext):
    if params["transformer"] == "quantile_normal":
        transformer = Spec(
            "sklearn.preprocessing.QuantileTransformer",
            (
                ("n_quantiles", 200),
                ("output_distribution", "normal"),
                ("random_state", context.random_state),
            ),
        )
    else:
        # A logarithm for large values of both signs. Unlike that of Yeo and Johnson's
        # power transform, its inverse exists for whatever a regressor may predict.
        transformer = pipeline(
            (
                "robust_scaler",
                Spec(
                    "sklearn.preprocessing.RobustScaler", (("with_centering", False),)
                ),
            ),
            (
                "asinh",
                Spec(
                    "sklearn.preprocessing.FunctionTransformer",
                    (
                        ("func", Reference("numpy.arcsinh")),
                        ("inverse_func", Reference("numpy.sinh")),
                    ),
                ),
            ),
        )
    return Spec(
        "sklearn.compose.TransformedTargetRegressor",
        (
            ("regressor", context.inner),
            ("transformer", transformer),
            # A quantile transform is inverted up to the distance of its quantiles.
            ("check_inverse", False),
        ),
    )


# Whether weights are accepted is up to the estimator inside.
WRAPPER_OPERATORS = (
    Operator(
        "calibrated",
        "wrapper",
        "sklearn.calibration.CalibratedClassifierCV",
        tasks=(CLASSIFICATION,),
        hyperparameters=(
            Choice("method", ("sigmoid", "isotonic", "temperature"), "sigmoid"),
            Choice("ensemble", (False, True), False),
        ),
        cost=Cost(0.005),
        build=_calibrate,
    ),
    Operator(
        "one_vs_rest",
        "wrapper",
        "sklearn.multiclass.OneVsRestClassifier",
        tasks=(CLASSIFICATION,),
        cost=Cost(0.001),
    ),
    Operator(
        "transformed_target",
        "wrapper",
        "sklearn.compose.TransformedTargetRegressor",
        tasks=(REGRESSION,),
        hyperparameters=(
            Choice("transformer", ("quantile_normal", "asinh"), "quantile_normal"),
        ),
        cost=Cost(0.002, columns=0),
        build=_transform_target,
    ),
    *_both(
        lambda task: Operator(
            "bagging",
            "wrapper",
            f"sklearn.ensemble.Bagging{_suffix(task)}",
            tasks=(task,),
            # Not `max_features`: the steps inside know their columns by place.
            hyperparameters=(
                Integer("n_estimators", 3, 30, 10, log=True),
                Float("max_samples", 0.3, 1.0, 1.0),
                Choice("bootstrap", (False, True), True),
            ),
            random_state=True,
            cost=Cost(0.002),
        )
    ),
)
