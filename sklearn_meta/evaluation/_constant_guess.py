"""The best constant prediction, with whose score that of a model is compared."""

from __future__ import annotations

import numpy as np
from sklearn import metrics

from sklearn_meta._sklearn_compat import metric_of_scorer
from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.evaluation._scoring import FastScoring

# Maximum number of rows that are scored: some metrics sort them.
MAX_ROWS = 20_000

# Metrics for which the median is the constant to compare with; otherwise it is the
# mean, or what the loss of the task says.
_OF_THE_MEDIAN = (metrics.mean_absolute_error, metrics.median_absolute_error)


def constant_guess(context) -> tuple[tuple[float, ...], float]:
    """Return the shares of the classes, or the mean target, and their score.

    Parameters
    ----------
    context : EvaluationContext

    Returns
    -------
    guess : tuple of float
        One number for each class, label or target.
    score : float
        NaN for a scorer of the user, which may do anything, and where the score of a
        constant is undefined.
    """
    dataset, scoring = context.dataset, context.scoring
    n = dataset.n_samples
    constant = _constant(dataset, scoring, dataset.sample_weight)
    guess = tuple(float(c) for c in np.atleast_1d(constant))
    if scoring.is_own_code:
        return guess, float("nan")
    rows = np.arange(0, n, max(1, -(-n // MAX_ROWS)))
    predictions = np.broadcast_to(constant, (len(rows), *np.shape(constant)))
    try:
        with ignored_warnings():
            return guess, float(context.score(np.array(predictions), rows))
    except Exception:
        # Such as the rank correlation of a constant.
        return guess, float("nan")


def _constant(dataset, scoring, weight):
    """Return the constant prediction."""
    task, y = dataset.task, dataset.y
    if task.is_classifier and y.ndim == 1:
        counts = np.bincount(y, weights=weight, minlength=task.n_classes)
        return counts / counts.sum()
    if task.is_classifier:
        return np.average(y, axis=0, weights=weight)
    if task.loss is not None:
        constants = [task.loss.constant(c) for c in y.reshape(len(y), -1).T]
        return np.reshape(constants, y.shape[1:])
    if _judges_absolute_errors(scoring):
        return np.median(y, axis=0)
    return np.average(y, axis=0, weights=weight)


def _judges_absolute_errors(scoring):
    if isinstance(scoring, FastScoring):
        return scoring.name == "neg_mean_absolute_error"
    return metric_of_scorer(scoring.scorer)[0] in _OF_THE_MEDIAN
