"""What the predictions of a system are worth on the test part."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from benchmarks._tables import CLASSIFICATION, REGRESSION, log_loss


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    Parameters
    ----------
    name, title : str
    task : str
    greater_is_better : bool
    """

    name: str
    title: str
    task: str
    greater_is_better: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric("log_loss", "log loss", CLASSIFICATION),
        Metric("roc_auc", "ROC AUC", CLASSIFICATION, greater_is_better=True),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            CLASSIFICATION,
            greater_is_better=True,
        ),
        Metric("rmse", "RMSE", REGRESSION),
        Metric("r2", "R²", REGRESSION, greater_is_better=True),
    )
}


def score(task, y, predictions):
    """Score predictions.

    Parameters
    ----------
    task : {"classification", "regression"}
    y : ndarray of shape (n_rows,)
        Targets of the test part.
    predictions : mapping of str to ndarray
        ``predicted`` of shape (n_rows,), and for classes ``probabilities`` of shape
        (n_rows, n_classes) and ``classes`` of shape (n_classes,).

    Returns
    -------
    scores : dict of str to float or None
        None where a metric is not defined: the AUC of a single class.

    Raises
    ------
    ValueError
        If something is missing, of another length or not finite.
    """
    predicted = predictions["predicted"]
    if predicted.shape != (len(y),):
        raise ValueError(
            f"Predictions of shape ({len(y)},) were expected. Got {predicted.shape}."
        )
    if task == REGRESSION:
        _check_finite(predicted)
        return {
            "rmse": float(np.sqrt(np.mean((predicted - y) ** 2))),
            "r2": float(r2_score(y, predicted)),
        }
    probabilities, classes = predictions["probabilities"], predictions["classes"]
    if probabilities.shape != (len(y), len(classes)):
        raise ValueError(
            f"Probabilities of shape ({len(y)}, {len(classes)}) were expected. Got "
            f"{probabilities.shape}."
        )
    _check_finite(probabilities)
    with warnings.catch_warnings():
        # A class that is predicted may be absent from the test part.
        warnings.filterwarnings("ignore", message="y_pred contains classes")
        accuracy = balanced_accuracy_score(y.astype(str), predicted.astype(str))
    return {
        "log_loss": log_loss(y, probabilities, classes),
        "roc_auc": mean_auc(y, probabilities, classes),
        "balanced_accuracy": float(accuracy),
    }


def _check_finite(values):
    if not np.isfinite(values).all():
        raise ValueError("The predictions are not finite.")


def mean_auc(y, probabilities, classes):
    """Mean of the AUC of each class against the rest; None if there is no rest."""
    column = {label: probabilities[:, i] for i, label in enumerate(classes)}
    never = np.zeros(len(y))
    present = np.unique(y)
    if len(present) < 2:
        return None
    areas = [roc_auc_score(y == c, column.get(c, never)) for c in present]
    return float(np.mean(areas))


def constant_scores(task, y_train, y_test):
    """Scores of the best constant prediction of the training part."""
    if task == REGRESSION:
        return score(task, y_test, {"predicted": np.full(len(y_test), y_train.mean())})
    classes, counts = np.unique(y_train, return_counts=True)
    return score(
        task,
        y_test,
        {
            "predicted": np.full(len(y_test), classes[counts.argmax()]),
            "classes": classes,
            "probabilities": np.tile(counts / counts.sum(), (len(y_test), 1)),
        },
    )
