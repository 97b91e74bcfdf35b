"""Targets and predictions of rows: out-of-fold, or of a table that was held back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.data._target import read_target
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
    Task,
    has_label,
)
from sklearn_meta.ensemble._decisions import decide


@dataclass(frozen=True)
class Predicted:
    """Targets and predictions of some rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Indices of the true classes, indicators of labels, or numbers.
    predictions : ndarray of shape (n_samples, ...)
        Probabilities or numbers, as of `Task.predict`.
    decided : ndarray of the shape of `y`
        What ``predict`` returns, encoded like `y`.
    """

    y: np.ndarray = field(repr=False)
    predictions: np.ndarray = field(repr=False)
    decided: np.ndarray = field(repr=False)

    def __len__(self):
        return len(self.y)

    def take(self, rows) -> Predicted:
        """Return some of the rows."""
        return Predicted(self.y[rows], self.predictions[rows], self.decided[rows])


def task_of(model) -> Task:
    """Return the task of a fitted estimator."""
    kind = model._fit_record.task
    if kind == "classes":
        return ClassificationTask(model.classes_)
    if kind == "labels":
        return MultilabelTask(len(model.classes_), model.classes_[0].dtype)
    return RegressionTask(len(model._fit_record.spread))


def as_predicted(model, y, predictions) -> Predicted:
    """Return the rows with the decisions of a model."""
    kind = model._fit_record.task
    if kind == "numbers":
        return Predicted(y, predictions, predictions)
    decision = model.decision_threshold_
    if kind == "labels":
        decided = has_label(predictions, decision).astype(np.int64)
    else:
        decided = decide(predictions, decision)
    return Predicted(y, predictions, decided)


def out_of_fold(model) -> Predicted | None:
    """Return the out-of-fold predictions of the final model; None if it has none."""
    known = getattr(model, "_out_of_fold", None)
    if known is None:
        return None
    predictions = np.asarray(known.predictions, dtype=np.float64)
    finite = np.isfinite(predictions.reshape(len(predictions), -1)).all(axis=1)
    rows = np.flatnonzero(finite)
    if len(rows) == 0:
        return None
    return as_predicted(model, np.asarray(known.y)[rows], predictions[rows])


def of_table(model, X, y) -> tuple[Predicted, np.ndarray]:
    """Return the predictions of a table, and the rows that they are of.

    Parameters
    ----------
    model : fitted estimator
    X : table of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)

    Returns
    -------
    predicted : Predicted
    rows : ndarray of int
        All rows but those of classes that ``fit`` has not seen.

    Raises
    ------
    ValueError
        If `y` does not fit to `X` or to the target of ``fit``.
    """
    task = task_of(model)
    y = read_target(y)
    n_outputs = 1 if y.ndim == 1 else y.shape[1]
    if n_outputs != task.n_outputs:
        raise ValueError(
            f"y_test must have {task.n_outputs} column(s), as the target of fit. Got "
            f"{n_outputs}."
        )
    predictions = model.predict_proba(X) if task.is_classifier else model.predict(X)
    if len(y) != len(predictions):
        raise ValueError(
            "X_test and y_test must have the same number of rows. Got "
            f"{len(predictions)} and {len(y)}."
        )
    if not isinstance(task, ClassificationTask):
        found = as_predicted(model, task.encode(y), predictions)
        return found, np.arange(len(y))
    encoded = np.minimum(np.searchsorted(task.classes, y), task.n_classes - 1)
    known = np.flatnonzero(task.classes[encoded] == y)
    if len(known) == 0:
        raise ValueError(
            "y_test must have classes that fit has seen. None of its values is one."
        )
    found = as_predicted(model, encoded[known], predictions[known])
    return found, known
