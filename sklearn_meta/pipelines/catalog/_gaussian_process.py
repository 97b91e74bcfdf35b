"""Gaussian processes."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Float
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._declarations import classifier, regressor


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
    """Write the call with its kernel."""
    return Spec(
        "sklearn.gaussian_process.GaussianProcessClassifier",
        (
            ("kernel", _kernel(params)),
            ("random_state", context.random_state),
        ),
    )


def _gaussian_process_regressor(params, context: BuildContext):
    """Write the call with a kernel that has a term for noise."""
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


CLASSIFIERS = (
    classifier(
        "gaussian_process",
        "sklearn.gaussian_process.GaussianProcessClassifier",
        Choice("kernel", ("rbf", "matern"), "rbf"),
        random_state=True,
        cost=Cost(10.0, rows=3, columns=0.1, classes=1.5),
        build=_gaussian_process_classifier,
    ),
)

REGRESSORS = (
    regressor(
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
)
