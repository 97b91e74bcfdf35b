"""Metrics of the knowledge base: their computation, and which stands in for others.

Every evaluation is stored with its scores in all of `STORED_METRICS`, which have the
names and values of scikit-learn's scorers; greater is better. They are computed here
because thousands of small folds are scored: the validation of scikit-learn's functions
would take longer than many of the fits.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from scipy.stats import rankdata

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.evaluation._scoring import (
    accuracy,
    negative_log_loss,
    negative_mean_absolute_error,
    negative_root_mean_squared_error,
)
from sklearn_meta.metalearning.knowledge_base._records import check_task


def roc_auc(y, probabilities):
    """Area under the ROC curve; for several classes, a weighted mean over them.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,)
        Class indices.
    probabilities : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    auc : float
        Of the second class for two classes. For more, each class against the rest,
        weighted by its number of rows, as ``roc_auc_ovr_weighted``; a class that is not
        in `y` has no weight, where scikit-learn raises. NaN if `y` has one class.
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
    """Area for each column, from the ranks of its scores (Mann and Whitney, 1947)."""
    n_positive = positive.sum(axis=0)
    n_negative = len(positive) - n_positive
    ranks = np.where(positive, rankdata(scores, axis=0), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return (ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def balanced_accuracy(y, probabilities):
    """Mean recall of the classes in `y`."""
    counts = np.bincount(y, minlength=probabilities.shape[1])
    hits = np.bincount(y, weights=probabilities.argmax(axis=1) == y)
    return float(np.mean(hits[counts[: len(hits)] > 0] / counts[counts > 0]))


def r2(y, targets):
    """Coefficient of determination; 0 or 1 for a constant `y`."""
    error, total = np.sum((y - targets) ** 2), np.sum((y - y.mean()) ** 2)
    if total == 0:
        return float(error == 0)
    return float(1 - error / total)


# The first one is the default of the task. ``roc_auc`` of more than two classes is what
# scikit-learn calls ``roc_auc_ovr_weighted``: one name for all tables.
_SCORES = {
    CLASSIFICATION: {
        "neg_log_loss": lambda y, p: negative_log_loss(y, p, None),
        "roc_auc": roc_auc,
        "balanced_accuracy": balanced_accuracy,
        "accuracy": lambda y, p: accuracy(y, p, None),
    },
    REGRESSION: {
        "neg_root_mean_squared_error": lambda y, t: negative_root_mean_squared_error(
            y, t, None
        ),
        "neg_mean_absolute_error": lambda y, t: negative_mean_absolute_error(
            y, t, None
        ),
        "r2": r2,
    },
}

STORED_METRICS = {task: tuple(scores) for task, scores in _SCORES.items()}


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
    return {name: metric(y, predictions) for name, metric in _SCORES[task].items()}


def summarize(folds):
    """Return the mean and standard error of each metric over folds.

    Parameters
    ----------
    folds : sequence of dict of str to float
        See `fold_scores`.

    Returns
    -------
    scores : dict of str to (float, float)
        Folds on which a metric is not defined are ignored, and metrics that are defined
        on none are left out. The standard error of one fold is NaN.
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


# Related metrics

_LOG_LOSS, _AUC, _BALANCED, _ACCURACY = STORED_METRICS[CLASSIFICATION]
_RMSE, _MAE, _R2 = STORED_METRICS[REGRESSION]

# For other metrics, the stored ones in the order of how similarly they rank pipelines.
# Metrics that weight classes equally follow balanced accuracy, those that weight rows
# equally follow accuracy, those of the ranking of one class follow the AUC.
_BY_RANKING = (_AUC, _LOG_LOSS, _BALANCED, _ACCURACY)
_BY_CLASS = (_BALANCED, _AUC, _ACCURACY, _LOG_LOSS)
_BY_ROW = (_ACCURACY, _BALANCED, _LOG_LOSS, _AUC)
_BY_PROBABILITY = (_LOG_LOSS, _AUC, _ACCURACY, _BALANCED)
_BY_SQUARE = (_RMSE, _R2, _MAE)
_BY_VARIANCE = (_R2, _RMSE, _MAE)
_BY_DISTANCE = (_MAE, _RMSE, _R2)

RELATED_METRICS: dict[str, dict[str, tuple[str, ...]]] = {
    CLASSIFICATION: {
        "neg_log_loss": _BY_PROBABILITY,
        "neg_brier_score": _BY_PROBABILITY,
        "d2_log_loss_score": _BY_PROBABILITY,
        "d2_brier_score": _BY_PROBABILITY,
        "roc_auc": _BY_RANKING,
        "roc_auc_ovr": _BY_RANKING,
        "roc_auc_ovr_weighted": _BY_RANKING,
        "roc_auc_ovo": _BY_RANKING,
        "roc_auc_ovo_weighted": _BY_RANKING,
        "average_precision": _BY_RANKING,
        "top_k_accuracy": _BY_PROBABILITY,
        "accuracy": _BY_ROW,
        "f1_micro": _BY_ROW,
        "f1_weighted": _BY_ROW,
        "f1_samples": _BY_ROW,
        "jaccard_micro": _BY_ROW,
        "jaccard_weighted": _BY_ROW,
        "jaccard_samples": _BY_ROW,
        "precision_micro": _BY_ROW,
        "precision_weighted": _BY_ROW,
        "precision_samples": _BY_ROW,
        "recall_micro": _BY_ROW,
        "recall_weighted": _BY_ROW,
        "recall_samples": _BY_ROW,
        "balanced_accuracy": _BY_CLASS,
        "f1": _BY_CLASS,
        "f1_macro": _BY_CLASS,
        "jaccard": _BY_CLASS,
        "jaccard_macro": _BY_CLASS,
        "precision": _BY_CLASS,
        "precision_macro": _BY_CLASS,
        "recall": _BY_CLASS,
        "recall_macro": _BY_CLASS,
        "matthews_corrcoef": _BY_CLASS,
        "positive_likelihood_ratio": _BY_CLASS,
        "neg_negative_likelihood_ratio": _BY_CLASS,
    },
    REGRESSION: {
        "neg_root_mean_squared_error": _BY_SQUARE,
        "neg_mean_squared_error": _BY_SQUARE,
        "neg_max_error": _BY_SQUARE,
        "r2": _BY_VARIANCE,
        "explained_variance": _BY_VARIANCE,
        "neg_mean_absolute_error": _BY_DISTANCE,
        "neg_median_absolute_error": _BY_DISTANCE,
        "neg_mean_absolute_percentage_error": _BY_DISTANCE,
        "neg_root_mean_squared_log_error": _BY_DISTANCE,
        "neg_mean_squared_log_error": _BY_DISTANCE,
        "neg_mean_poisson_deviance": _BY_DISTANCE,
        "neg_mean_gamma_deviance": _BY_DISTANCE,
        "d2_absolute_error_score": _BY_DISTANCE,
    },
}


def related_metric(name, task, stored: Collection[str]) -> str:
    """Return the stored metric that ranks pipelines most like another one.

    Parameters
    ----------
    name : str, callable or None
        scikit-learn's name of a scorer. The default metric of the task stands in for a
        callable, None, and an unknown name.
    task : {"classification", "regression"}
    stored : collection of str
        Metrics to choose from; all of `STORED_METRICS` if it is empty.

    Returns
    -------
    metric : str
        `name` itself where it is stored.
    """
    check_task(task)
    stored = stored or STORED_METRICS[task]
    if isinstance(name, str) and name in stored:
        return name
    # Callables may not be hashable.
    nearest = RELATED_METRICS[task].get(name, ()) if isinstance(name, str) else ()
    for metric in (*nearest, *STORED_METRICS[task]):
        if metric in stored:
            return metric
    return min(stored)
