"""Support vector machines and kernel ridge regression."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines.catalog._declarations import (
    CLASS_WEIGHT,
    MAX_ITER,
    calibrated_classifier,
    scaled_regressor,
)

# Solvers of libsvm stop here at the latest.
LIBSVM_MAX_ITER = 200_000


def _gamma_or_scale(params):
    """Write None as scikit-learn's ``gamma="scale"``."""
    gamma = params["gamma"]
    return {**params, "gamma": "scale" if gamma is None else gamma}


CLASSIFIERS = (
    calibrated_classifier(
        "linear_svc",
        "sklearn.svm.LinearSVC",
        Float("C", 1e-4, 100.0, 1.0, log=True),
        CLASS_WEIGHT,
        fixed={"max_iter": 2 * MAX_ITER},
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        cost=Cost(0.012, rows=0.8, columns=0.6, classes=0.9),
    ),
    calibrated_classifier(
        "svc",
        "sklearn.svm.SVC",
        Float("C", 0.03, 1000.0, 1.0, log=True),
        Choice("kernel", ("rbf", "poly", "sigmoid"), "rbf"),
        Float("gamma", 1e-4, 8.0, None, log=True),
        Integer("degree", 2, 4, 3),
        CLASS_WEIGHT,
        arguments=_gamma_or_scale,
        fixed={"max_iter": LIBSVM_MAX_ITER},
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        cost=Cost(0.045, rows=1.8, columns=0.5, classes=0.7),
    ),
)

REGRESSORS = (
    scaled_regressor(
        "linear_svr",
        "sklearn.svm.LinearSVR",
        Float("C", 1e-4, 100.0, 1.0, log=True),
        Float("epsilon", 1e-3, 1.0, 0.1, log=True),
        fixed={"max_iter": 2 * MAX_ITER},
        accepts_sparse=True,
        text_as="tfidf",
        random_state=True,
        sample_weight=True,
        cost=Cost(0.02, rows=1.1, columns=1.1),
    ),
    scaled_regressor(
        "svr",
        "sklearn.svm.SVR",
        Float("C", 0.03, 1000.0, 1.0, log=True),
        Float("epsilon", 1e-3, 1.0, 0.1, log=True),
        Choice("kernel", ("rbf", "poly", "sigmoid"), "rbf"),
        Float("gamma", 1e-4, 8.0, None, log=True),
        Integer("degree", 2, 4, 3),
        arguments=_gamma_or_scale,
        fixed={"max_iter": LIBSVM_MAX_ITER},
        accepts_sparse=True,
        sample_weight=True,
        cost=Cost(0.035, rows=2, columns=0.3),
    ),
    scaled_regressor(
        "nu_svr",
        "sklearn.svm.NuSVR",
        Float("C", 0.03, 1000.0, 1.0, log=True),
        Float("nu", 0.05, 1.0, 0.5),
        Float("gamma", 1e-4, 8.0, None, log=True),
        arguments=_gamma_or_scale,
        fixed={"max_iter": LIBSVM_MAX_ITER},
        accepts_sparse=True,
        sample_weight=True,
        cost=Cost(0.05, rows=2, columns=0.4),
    ),
    scaled_regressor(
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
)
