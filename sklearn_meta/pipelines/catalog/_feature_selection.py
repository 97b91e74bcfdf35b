"""Selection of columns by variance, univariate tests, trees, and l1 penalties."""

from __future__ import annotations

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost, Operator
from sklearn_meta.pipelines._spec import (
    BuildContext,
    Reference,
    Spec,
    on_scaled_target,
)
from sklearn_meta.pipelines.catalog._composition import composed, unless_single
from sklearn_meta.pipelines.catalog._declarations import class_suffix, transformer

_SELECTION = "sklearn.feature_selection"


def _by_trees(call: Spec, context: BuildContext):
    """Select by the impurity-based importances of extremely randomized trees."""
    trees = Spec(
        f"sklearn.ensemble.ExtraTrees{class_suffix(context.task)}",
        (
            ("n_estimators", 50),
            ("min_samples_leaf", 3),
            ("random_state", context.random_state),
        ),
    )
    selector = [("estimator", trees), *call.params]
    if context.target_scaler is not None:
        selector[0] = ("estimator", on_scaled_target(trees, context.target_scaler))
        selector.append(("importance_getter", "regressor_.feature_importances_"))
    return Spec(call.path, tuple(selector))


def _by_l1(params, context: BuildContext):
    """Select the columns with weights in a lasso or an l1-penalized classifier."""
    # Tibshirani, "Regression shrinkage and selection via the lasso", 1996.
    selector = [("threshold", "0.01*mean")]  # all columns if all weights are zero
    if not context.is_classifier:
        lasso = Spec("sklearn.linear_model.Lasso", (("alpha", params["alpha"]),))
        # The penalty is in units of the target.
        model = on_scaled_target(lasso, Spec("sklearn.preprocessing.StandardScaler"))
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


def _selectors(task):
    """Declare the selectors that look at the target, for one task."""
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


VARIANCE_THRESHOLD = transformer(
    "variance_threshold",
    f"{_SELECTION}.VarianceThreshold",
    Float("threshold", 1e-6, 0.2, 0.0, log=True),
    accepts_missing=True,
    accepts_sparse=True,
    cost=Cost(0.002),
)

SUPERVISED = (*_selectors(CLASSIFICATION), *_selectors(REGRESSION))
