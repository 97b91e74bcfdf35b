"""A catalog of a few quick operators, for tests that need no more."""

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Catalog, Cost, Operator

IMPUTE = Operator(
    "impute",
    "preparation",
    "sklearn.impute.SimpleImputer",
    hyperparameters=(
        Choice("strategy", ("mean", "median", "most_frequent"), "median"),
        Choice("indicator", (False, True), False),
    ),
    accepts_missing=True,
    accepts_categories=True,
    cost=Cost(0.001),
)
ONE_HOT = Operator(
    "one_hot",
    "preparation",
    "sklearn.preprocessing.OneHotEncoder",
    hyperparameters=(Integer("min_frequency", 1, 100, 1, log=True),),
    accepts_missing=True,
    accepts_categories=True,
    cost=Cost(0.002),
)
STANDARD = Operator(
    "standard",
    "transformer",
    "sklearn.preprocessing.StandardScaler",
    accepts_missing=True,
    cost=Cost(0.001),
)
PCA = Operator(
    "pca",
    "transformer",
    "sklearn.decomposition.PCA",
    hyperparameters=(
        Float("n_components", 0.1, 0.999, 0.9),
        Choice("whiten", (False, True), False),
    ),
    random_state=True,
    cost=Cost(0.002),
)
SELECT = Operator(
    "select_percentile",
    "transformer",
    "sklearn.feature_selection.SelectPercentile",
    hyperparameters=(Integer("percentile", 1, 99, 50),),
    cost=Cost(0.002),
)
LOGISTIC = Operator(
    "logistic",
    "learner",
    "sklearn.linear_model.LogisticRegression",
    tasks=(CLASSIFICATION,),
    hyperparameters=(
        Float("C", 1e-4, 1e4, 1.0, log=True),
        Choice("class_weight", (None, "balanced"), None),
    ),
    fixed={"max_iter": 200},
    accepts_sparse=True,
    sample_weight=True,
    cost=Cost(0.01, classes=1.0),
)
RIDGE = Operator(
    "ridge",
    "learner",
    "sklearn.linear_model.Ridge",
    tasks=(REGRESSION,),
    hyperparameters=(
        Float("alpha", 1e-4, 1e4, 1.0, log=True),
        Choice("fit_intercept", (True, False), True),
    ),
    accepts_sparse=True,
    sample_weight=True,
    cost=Cost(0.002),
)
_TREE_HYPERPARAMETERS = (
    Integer("max_depth", 1, 30, None),
    Integer("min_samples_leaf", 1, 100, 1, log=True),
    Float("min_impurity_decrease", 0.0, 0.2, 0.0),
)
TREES = tuple(
    Operator(
        "tree",
        "learner",
        f"sklearn.tree.DecisionTree{name}",
        tasks=(task,),
        hyperparameters=_TREE_HYPERPARAMETERS,
        accepts_missing=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.01, rows=1.1),
    )
    for task, name in ((CLASSIFICATION, "Classifier"), (REGRESSION, "Regressor"))
)
NAIVE_BAYES = Operator(
    "naive_bayes",
    "learner",
    "sklearn.naive_bayes.GaussianNB",
    tasks=(CLASSIFICATION,),
    sample_weight=True,
    cost=Cost(0.001),
)
CALIBRATED = Operator(
    "calibrated",
    "wrapper",
    "sklearn.calibration.CalibratedClassifierCV",
    tasks=(CLASSIFICATION,),
    hyperparameters=(Choice("method", ("sigmoid", "isotonic"), "sigmoid"),),
    accepts_missing=True,
    accepts_categories=True,
    accepts_sparse=True,
    cost=Cost(0.01),
)
BAGGING = Operator(
    "bagging",
    "wrapper",
    "sklearn.ensemble.BaggingRegressor",
    tasks=(REGRESSION,),
    hyperparameters=(
        Integer("n_estimators", 2, 20, 10, log=True),
        Float("max_samples", 0.5, 1.0, 1.0),
    ),
    random_state=True,
    cost=Cost(0.01, params={"n_estimators": 1.0}),
)

OPERATORS = (
    IMPUTE,
    ONE_HOT,
    STANDARD,
    PCA,
    SELECT,
    LOGISTIC,
    RIDGE,
    *TREES,
    NAIVE_BAYES,
    CALIBRATED,
    BAGGING,
)


def small_catalog(task):
    """Return the small catalog of a task."""
    return Catalog(OPERATORS, task)
