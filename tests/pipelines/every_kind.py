"""Catalogs with an operator of every kind, and helpers of the compiler's tests."""

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.pipelines._compile import compile_pipeline
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._spec import Reference, Spec
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._composition import pipeline
from sklearn_meta.pipelines.catalog._preparation import PREPARATIONS


def _both(name, classifier, regressor, **kwargs):
    return tuple(
        Operator(name, "learner", path, tasks=(task,), **kwargs)
        for task, path in ((CLASSIFICATION, classifier), (REGRESSION, regressor))
    )


NATIVE = {
    "accepts_missing": True,
    "accepts_categories": True,
    "random_state": True,
    "sample_weight": True,
}

LEARNERS = (
    *_both(
        "linear",
        "sklearn.linear_model.LogisticRegression",
        "sklearn.linear_model.Ridge",
        accepts_sparse=True,
        sample_weight=True,
    ),
    *_both(
        "neighbors",
        "sklearn.neighbors.KNeighborsClassifier",
        "sklearn.neighbors.KNeighborsRegressor",
    ),
    # Takes codes, but not missing ones.
    *_both(
        "codes_tree",
        "sklearn.tree.DecisionTreeClassifier",
        "sklearn.tree.DecisionTreeRegressor",
        accepts_categories=True,
        sample_weight=True,
        random_state=True,
    ),
    *_both(
        "hist_boosting",
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.HistGradientBoostingRegressor",
        hyperparameters=(Integer("max_bins", 31, 255, 255),),
        fixed={"max_iter": 5},
        **NATIVE,
    ),
    *_both(
        "lightgbm",
        "lightgbm.LGBMClassifier",
        "lightgbm.LGBMRegressor",
        hyperparameters=(
            Integer("n_estimators", 1, 500, 5, log=True),
            Choice("early_stopping", (False, True), False),
        ),
        fixed={"verbosity": -1, "n_jobs": 1, "min_child_samples": 5},
        accepts_sparse=True,
        **NATIVE,
    ),
    Operator(
        "counts_bayes",
        "learner",
        "sklearn.naive_bayes.MultinomialNB",
        tasks=(CLASSIFICATION,),
        accepts_sparse=True,
        needs_nonnegative=True,
        sample_weight=True,
    ),
)

TRANSFORMERS = (
    Operator(
        "standard",
        "transformer",
        "sklearn.preprocessing.StandardScaler",
        accepts_missing=True,
        accepts_sparse=True,
    ),
    Operator(
        "robust",
        "transformer",
        "sklearn.preprocessing.RobustScaler",
        accepts_sparse=True,
    ),
    Operator(
        "power",
        "transformer",
        "sklearn.preprocessing.PowerTransformer",
        accepts_missing=True,
        # Beyond the range of the training rows it overflows where they are one-sided.
        build=lambda params, context: pipeline(
            ("clip", Spec("sklearn.preprocessing.MinMaxScaler", (("clip", True),))),
            ("power", Spec("sklearn.preprocessing.PowerTransformer")),
        ),
    ),
    Operator(
        "pca",
        "transformer",
        "sklearn.decomposition.PCA",
        hyperparameters=(Float("n_components", 0.1, 0.99, 0.9),),
        random_state=True,
    ),
    # Gives a sparse matrix of a dense one.
    Operator(
        "bins",
        "transformer",
        "sklearn.preprocessing.KBinsDiscretizer",
        fixed={"quantile_method": "averaged_inverted_cdf"},
    ),
    # NaN of a negative value would stop any learner behind it.
    Operator(
        "square_root",
        "transformer",
        "sklearn.preprocessing.FunctionTransformer",
        fixed={"func": Reference("numpy.sqrt"), "accept_sparse": True},
        needs_nonnegative=True,
        accepts_sparse=True,
    ),
    Operator(
        "select_model",
        "transformer",
        "sklearn.feature_selection.SelectFromModel",
        build=lambda params, context: Spec(
            "sklearn.feature_selection.SelectFromModel",
            (
                (
                    "estimator",
                    Spec(
                        "sklearn.tree.ExtraTreeRegressor",
                        (("random_state", context.random_state),),
                    ),
                ),
            ),
        ),
    ),
)

WRAPPERS = (
    Operator(
        "log_target",
        "wrapper",
        "sklearn.compose.TransformedTargetRegressor",
        tasks=(REGRESSION,),
        fixed={
            "func": Reference("numpy.arcsinh"),
            "inverse_func": Reference("numpy.sinh"),
        },
    ),
    Operator(
        "calibrated",
        "wrapper",
        "sklearn.calibration.CalibratedClassifierCV",
        tasks=(CLASSIFICATION,),
        fixed={"cv": 2, "ensemble": False},
        sample_weight=True,
    ),
    Operator(
        "bagging",
        "wrapper",
        "sklearn.ensemble.BaggingRegressor",
        tasks=(REGRESSION,),
        hyperparameters=(Choice("bootstrap", (False, True), True),),
        fixed={"n_estimators": 3, "max_samples": 0.9},
        random_state=True,
        sample_weight=True,
    ),
)

OPERATORS = (*PREPARATIONS, *TRANSFORMERS, *LEARNERS, *WRAPPERS)
CATALOGS = {task: Catalog(OPERATORS, task) for task in TASKS}


def node(operator, *inputs, **params):
    """Short form of a node; X is the input where none is given."""
    return Node(operator, inputs or (X,), tuple(sorted(params.items())))


def compiled(tree, schema, task=CLASSIFICATION, *, n_classes=3, **kwargs):
    kwargs = {"catalog": CATALOGS[task], "random_state": 0, **kwargs}
    n_classes = 1 if task == REGRESSION else n_classes
    return compile_pipeline(tree, schema, n_classes=n_classes, **kwargs)


def prepared(pipeline, table, y=None):
    """What reaches the learner in the training rows."""
    for _, step in pipeline.steps[:-1]:
        table = step.fit_transform(table, y)
    return table


def step_names(pipeline):
    return [name for name, _ in pipeline.steps]
