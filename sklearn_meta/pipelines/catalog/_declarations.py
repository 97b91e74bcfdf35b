"""Short forms in which the families declare their operators."""

from __future__ import annotations

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._hyperparameters import Choice
from sklearn_meta.pipelines._operators import Operator
from sklearn_meta.pipelines.catalog._composition import (
    calibrated,
    composed,
    scaled_target,
)

CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None)

# Iterations at which solvers stop. On standardized columns they need some dozens; what
# has not converged by then is judged as it is.
MAX_ITER = 1000


def learner(name, path, *hyperparameters, task, **kw) -> Operator:
    """Declare a learner of one class for one task."""
    return Operator(
        name, "learner", path, tasks=(task,), hyperparameters=hyperparameters, **kw
    )


def classifier(name, path, *hyperparameters, **kw) -> Operator:
    """Declare a classifier with probabilities."""
    return learner(name, path, *hyperparameters, task=CLASSIFICATION, **kw)


def regressor(name, path, *hyperparameters, **kw) -> Operator:
    """Declare a regressor that does not depend on the unit of the target."""
    return learner(name, path, *hyperparameters, task=REGRESSION, **kw)


def calibrated_classifier(name, path, *hyperparameters, **kw) -> Operator:
    """Declare a classifier that has probabilities only after calibration."""
    return composed(
        name, "learner", path, calibrated,
        tasks=(CLASSIFICATION,), hyperparameters=hyperparameters, **kw,
    )  # fmt: skip


def scaled_regressor(name, path, *hyperparameters, **kw) -> Operator:
    """Declare a regressor that is fitted to the standardized target."""
    return composed(
        name, "learner", path, scaled_target,
        tasks=(REGRESSION,), hyperparameters=hyperparameters, **kw,
    )  # fmt: skip


def transformer(name, path, *hyperparameters, multi_output=True, **kw) -> Operator:
    """Declare a transformer, by default one that does not look at the target."""
    return Operator(
        name, "transformer", path,
        hyperparameters=hyperparameters, multi_output=multi_output, **kw,
    )  # fmt: skip


def for_both_tasks(declare) -> tuple[Operator, Operator]:
    """Call ``declare(task)`` for each task: the classifier first."""
    return declare(CLASSIFICATION), declare(REGRESSION)


def class_suffix(task) -> str:
    """Ending of the names of scikit-learn's classes for a task."""
    return "Classifier" if task == CLASSIFICATION else "Regressor"


def class_weights(task) -> tuple[Choice, ...]:
    """Hyperparameters of estimators that can weight classes."""
    return (CLASS_WEIGHT,) if task == CLASSIFICATION else ()


def models_per_class(task) -> int:
    """Exponent `classes` of the `Cost` of boosting: one model for each class."""
    return 1 if task == CLASSIFICATION else 0
