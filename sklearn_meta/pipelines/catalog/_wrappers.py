"""Wrappers of estimators: calibration, one-vs-rest, transformed targets, bagging."""

from __future__ import annotations

from sklearn_meta._sklearn_compat import calibration_method
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost, Operator
from sklearn_meta.pipelines._spec import BuildContext, Reference, Spec
from sklearn_meta.pipelines.catalog._composition import calibration_folds, pipeline
from sklearn_meta.pipelines.catalog._declarations import (
    class_suffix,
    for_both_tasks,
)


def _calibrate(params, context: BuildContext):
    """Calibrate on stratified folds."""
    return Spec(
        "sklearn.calibration.CalibratedClassifierCV",
        (
            ("estimator", context.inner),
            *dict(params, method=calibration_method(params["method"])).items(),
            ("cv", calibration_folds(context)),
        ),
    )


def _transform_target(params, context: BuildContext):
    """Fit a regressor to a target with lighter tails."""
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
WRAPPERS = (
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
    *for_both_tasks(
        lambda task: Operator(
            "bagging",
            "wrapper",
            f"sklearn.ensemble.Bagging{class_suffix(task)}",
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
