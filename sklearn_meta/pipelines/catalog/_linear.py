"""Linear models: logistic, ridge, lasso, elastic net, robust and Bayesian ones."""

from __future__ import annotations

from sklearn_meta._sklearn_compat import logistic_penalty
from sklearn_meta.pipelines._hyperparameters import Choice, Float
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._declarations import (
    CLASS_WEIGHT,
    MAX_ITER,
    calibrated_classifier,
    classifier,
    regressor,
    scaled_regressor,
)

_LINEAR = "sklearn.linear_model"


def _logistic_regression(params, context: BuildContext):
    """Choose the solver by the penalty."""
    l1_ratio = params["l1_ratio"]
    if l1_ratio == 0:
        solver = [("solver", "lbfgs"), ("max_iter", MAX_ITER)]
    else:
        # The only solver for mixed penalties. It converges slowly: a loose tolerance
        # costs nothing that cross-validation could see.
        solver = [
            ("solver", "saga"),
            ("max_iter", 300),
            ("tol", 1e-3),
            ("random_state", context.random_state),
        ]
    arguments: list[tuple[str, object]] = []
    for name, value in params.items():
        is_ratio = name == "l1_ratio"
        arguments += logistic_penalty(value) if is_ratio else [(name, value)]
    return Spec(f"{_LINEAR}.LogisticRegression", (*arguments, *solver))


CLASSIFIERS = (
    classifier(
        "logistic_regression",
        f"{_LINEAR}.LogisticRegression",
        Float("C", 1e-4, 1e3, 1.0, log=True),
        Float("l1_ratio", 0.0, 1.0, 0.0),
        CLASS_WEIGHT,
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        cost=Cost(0.003, rows=0.8, columns=0.7, classes=0.9),
        build=_logistic_regression,
    ),
    classifier(
        "sgd",
        f"{_LINEAR}.SGDClassifier",
        Choice("loss", ("log_loss", "modified_huber"), "log_loss"),
        Float("alpha", 1e-6, 0.3, 1e-4, log=True),
        Float("l1_ratio", 0.0, 1.0, 0.15),
        Choice("average", (False, True), False),
        CLASS_WEIGHT,
        fixed={"penalty": "elasticnet", "max_iter": MAX_ITER},
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        cost=Cost(0.013, columns=0.8, classes=1.4),
    ),
    calibrated_classifier(
        "ridge",
        f"{_LINEAR}.RidgeClassifier",
        Float("alpha", 1e-3, 1e4, 1.0, log=True),
        CLASS_WEIGHT,
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        cost=Cost(0.013, rows=0.5, columns=0.5, classes=0.3),
    ),
)

REGRESSORS = (
    regressor(
        "ridge",
        f"{_LINEAR}.Ridge",
        Float("alpha", 1e-3, 1e4, 1.0, log=True),
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.0008, rows=0.8, columns=1),
    ),
    scaled_regressor(
        "lasso",
        f"{_LINEAR}.Lasso",
        Float("alpha", 1e-5, 1.0, 1e-3, log=True),
        fixed={"max_iter": 2 * MAX_ITER},
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.002, rows=0.6, columns=1),
    ),
    scaled_regressor(
        "elastic_net",
        f"{_LINEAR}.ElasticNet",
        Float("alpha", 1e-5, 1.0, 1e-2, log=True),
        Float("l1_ratio", 0.01, 1.0, 0.5),
        fixed={"max_iter": 2 * MAX_ITER},
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(0.002, rows=0.6, columns=1),
    ),
    scaled_regressor(
        "lasso_lars",
        f"{_LINEAR}.LassoLars",
        Float("alpha", 1e-5, 1.0, 1e-3, log=True),
        random_state=True,
        multi_output=True,
        cost=Cost(0.003, rows=0.5, columns=1),
    ),
    scaled_regressor(
        "huber",
        f"{_LINEAR}.HuberRegressor",
        Float("epsilon", 1.01, 4.0, 1.35, log=True),
        Float("alpha", 1e-6, 10.0, 1e-4, log=True),
        fixed={"max_iter": 500},
        sample_weight=True,
        cost=Cost(0.0045, rows=0.8, columns=0.7),
    ),
    regressor(
        "bayesian_ridge",
        f"{_LINEAR}.BayesianRidge",
        Float("alpha_1", 1e-10, 1e-2, 1e-6, log=True),
        Float("lambda_1", 1e-10, 1e-2, 1e-6, log=True),
        sample_weight=True,
        cost=Cost(0.0015, rows=0.7, columns=1.2),
    ),
    scaled_regressor(
        "ard",
        f"{_LINEAR}.ARDRegression",
        Float("alpha_1", 1e-10, 1e-2, 1e-6, log=True),
        Float("lambda_1", 1e-10, 1e-2, 1e-6, log=True),
        cost=Cost(0.0025, rows=0.7, columns=1.5),
    ),
    scaled_regressor(
        "sgd",
        f"{_LINEAR}.SGDRegressor",
        Choice("loss", ("squared_error", "huber"), "squared_error"),
        Float("alpha", 1e-6, 0.3, 1e-4, log=True),
        Float("l1_ratio", 0.0, 1.0, 0.15),
        Choice("average", (False, True), False),
        fixed={"penalty": "elasticnet", "max_iter": MAX_ITER},
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        cost=Cost(0.003, rows=0.8, columns=0.6),
    ),
)
