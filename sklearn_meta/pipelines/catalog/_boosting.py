"""Boosted trees: LightGBM, gradient boosting, AdaBoost."""

from __future__ import annotations

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._composition import composed
from sklearn_meta.pipelines.catalog._declarations import (
    class_suffix,
    class_weights,
    for_both_tasks,
    learner,
    models_per_class,
)


def _boosted_trees(call: Spec, context: BuildContext):
    """Boost trees whose depth is a hyperparameter."""
    params = dict(call.params)
    tree = Spec(
        f"sklearn.tree.DecisionTree{class_suffix(context.task)}",
        (("max_depth", params.pop("max_depth")),),
    )
    return Spec(call.path, (("estimator", tree), *params.items()))


LEARNERS = (
    *for_both_tasks(
        lambda task: learner(
            "lightgbm",
            "lightgbm.LGBM" + class_suffix(task),
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
            *class_weights(task),
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
                classes=models_per_class(task),
                params={"n_estimators": 1, "num_leaves": 0.6},
            ),
        )  # fmt: skip
    ),
    *for_both_tasks(
        lambda task: learner(
            "hist_gradient_boosting",
            "sklearn.ensemble.HistGradientBoosting" + class_suffix(task),
            Integer("max_iter", 20, 1000, 100, log=True),
            Float("learning_rate", 0.005, 0.5, 0.1, log=True),
            Integer("max_leaf_nodes", 3, 255, 31, log=True),
            Integer("min_samples_leaf", 1, 100, 20, log=True),
            Float("l2_regularization", 1e-6, 100.0, 0.0, log=True),
            Float("max_features", 0.2, 1.0, 1.0),
            # Its own default is to decide by the number of rows; its validation part
            # cannot be drawn where a class has one row.
            Choice("early_stopping", (False, True), False),
            *class_weights(task),
            task=task,
            accepts_missing=True,
            accepts_categories=True,
            random_state=True,
            sample_weight=True,
            cost=Cost(
                0.2,
                rows=0.5,
                columns=0.5,
                classes=models_per_class(task),
                params={"max_iter": 1, "max_leaf_nodes": 0.6},
            ),
        )  # fmt: skip
    ),
    *for_both_tasks(
        lambda task: learner(
            "gradient_boosting",
            "sklearn.ensemble.GradientBoosting" + class_suffix(task),
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
                classes=models_per_class(task),
                params={"n_estimators": 1, "max_depth": 1, "max_features": 0.8},
                least=0.025,
            ),
        )  # fmt: skip
    ),
    *for_both_tasks(
        lambda task: composed(
            "ada_boost",
            "learner",
            "sklearn.ensemble.AdaBoost" + class_suffix(task),
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
