"""Small encoded tables of every kind, and operators of every kind to fit on them."""

import numpy as np
from scipy import sparse

from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import (
    CLASSIFICATION,
    REGRESSION,
    Catalogue,
    Operator,
)
from sklearn_meta.pipelines._preparation import PREPARATION_OPERATORS
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._spec import Reference, Spec

N_ROWS = 120


def make_table(kind, *, n_rows=N_ROWS, seed=0):
    """Return an encoded table and its schema.

    Kinds: ``dense``, ``missing``, ``categories``, ``mixed`` (categories, missing values
    and a column with two present values), ``levels`` (nothing but categories, one of
    them with more levels than HistGradientBoosting takes), ``sparse``, ``wide`` (sparse
    with more columns than are made dense).
    """
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, 4))
    if kind == "dense":
        return numbers, Schema(4)
    if kind == "missing":
        numbers[rng.uniform(size=numbers.shape) < 0.2] = np.nan
        return numbers, Schema(4, missing=(0, 1, 2, 3))
    if kind in ("sparse", "wide"):
        width = 40 if kind == "sparse" else 2500
        table = sparse.random(n_rows, width, 0.1, "csr", rng=rng)
        table.data -= 0.5
        return table, Schema(width, sparse=True)
    cardinalities = (2, 6, 300) if kind == "levels" else (2, 6)
    codes = np.column_stack([rng.integers(c, size=n_rows) for c in cardinalities])
    codes = codes.astype(float)
    if kind == "levels":
        # Every level of the last column occurs if there are rows enough.
        codes[:300, 2] = rng.permutation(300)[:n_rows]
        return codes, Schema(3, 3, cardinalities)
    if kind == "categories":
        return np.hstack([codes, numbers]), Schema(6, 2, cardinalities)
    codes[rng.uniform(size=codes.shape) < 0.1] = np.nan
    numbers[rng.uniform(size=numbers.shape) < 0.2] = np.nan
    numbers[2:, 1] = np.nan
    missing, nearly_empty = tuple(range(6)), (3,)
    table = np.hstack([codes, numbers])
    return table, Schema(6, 2, cardinalities, missing, nearly_empty)


KINDS = ("dense", "missing", "categories", "mixed", "levels", "sparse", "wide")


def make_target(table, task, *, n_classes=3, seed=1):
    """Return a target that depends on the first and the last column a little."""
    rng = np.random.default_rng(seed)
    columns = table[:, [0, -1]]
    columns = columns.toarray() if sparse.issparse(columns) else columns
    signal = np.nan_to_num(columns).sum(axis=1) + rng.normal(size=table.shape[0])
    if task == REGRESSION:
        return signal
    cuts = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.digitize(signal, cuts)


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
        "neighbours",
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

CATALOGUE = Catalogue((*PREPARATION_OPERATORS, *TRANSFORMERS, *LEARNERS, *WRAPPERS))
