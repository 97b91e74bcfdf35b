"""Scores of the predictions for one fold, in every metric that is stored.

The metrics have the names and values of scikit-learn's scorers; greater is better.
They are computed here because thousands of small folds are scored: the checks of
scikit-learn's functions would take longer than many of the fits.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.evaluation._scoring import (
    accuracy,
    negative_log_loss,
    negative_mean_absolute_error,
    negative_root_mean_squared_error,
)


def roc_auc(y, probabilities):
    """Area under the ROC curve; of several classes, the weighted mean of each's.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,)
        Class indices.
    probabilities : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    auc : float
        Of the second class for two classes. For more, each class against the rest,
        weighted by its number of rows, as ``roc_auc_ovr_weighted``; a class that is
        not in `y` has no weight, where scikit-learn raises. NaN if `y` has one class.
    """
    n, n_classes = probabilities.shape
    if n_classes == 2:
        return float(_areas(y[:, None] == 1, probabilities[:, 1:])[0])
    counts = np.bincount(y, minlength=n_classes)
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return np.nan
    areas = _areas(y[:, None] == present, probabilities[:, present])
    return float(np.average(areas, weights=counts[present]))


def _areas(positive, scores):
    """Area of each column, from the ranks of its scores (Mann and Whitney, 1947)."""
    n_positive = positive.sum(axis=0)
    n_negative = len(positive) - n_positive
    ranks = np.where(positive, rankdata(scores, axis=0), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def balanced_accuracy(y, probabilities):
    """Mean, over the classes in `y`, of the share of their rows that are recognized."""
    counts = np.bincount(y, minlength=probabilities.shape[1])
    hits = np.bincount(y, weights=probabilities.argmax(axis=1) == y)
    return float(np.mean(hits[counts[: len(hits)] > 0] / counts[counts > 0]))


def r2(y, targets):
    """Share of the variance that is explained; 0 or 1 for a constant `y`."""
    error, total = np.sum((y - targets) ** 2), np.sum((y - y.mean()) ** 2)
    if total == 0:
        return float(error == 0)
    return float(1 - error / total)


CLASSIFICATION_METRICS = {
    "neg_log_loss": lambda y, p: negative_log_loss(y, p, None),
    "roc_auc": roc_auc,
    "balanced_accuracy": balanced_accuracy,
    "accuracy": lambda y, p: accuracy(y, p, None),
}

REGRESSION_METRICS = {
    "neg_root_mean_squared_error": lambda y, t: negative_root_mean_squared_error(
        y, t, None
    ),
    "neg_mean_absolute_error": lambda y, t: negative_mean_absolute_error(y, t, None),
    "r2": r2,
}

METRICS = {CLASSIFICATION: CLASSIFICATION_METRICS, REGRESSION: REGRESSION_METRICS}


def fold_scores(task, y, predictions):
    """Score the predictions for one fold.

    Parameters
    ----------
    task : {"classification", "regression"}
    y : ndarray of shape (n_samples,)
        Class indices or targets.
    predictions : ndarray of shape (n_samples, n_classes) or (n_samples,)

    Returns
    -------
    scores : dict of str to float
        By metric; greater is better. NaN where a metric is not defined on the fold.
    """
    return {name: metric(y, predictions) for name, metric in METRICS[task].items()}


def summarize(folds):
    """Return mean and standard error over folds of each metric.

    Parameters
    ----------
    folds : sequence of dict of str to float
        See `fold_scores`.

    Returns
    -------
    scores : dict of str to (float, float)
        A fold on which a metric is not defined is passed over; a metric that is
        defined on none is left out. With one fold, the standard error is NaN.
    """
    summary = {}
    for name in folds[0]:
        values = np.array([fold[name] for fold in folds])
        values = values[~np.isnan(values)]
        if not len(values):
            continue
        error = np.nan
        if len(values) > 1:
            error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
        summary[name] = (float(values.mean()), error)
    return summary
