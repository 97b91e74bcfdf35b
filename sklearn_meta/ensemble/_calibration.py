"""Calibrate the probabilities of a single candidate on its out-of-fold predictions.

A forest that splits until its leaves are pure and boosting without early stopping are
too sure of themselves or not sure enough. A stack of several candidates corrects that
by itself. A single candidate gets a log-linear pool of one member,
``softmax(b + w log p)``: ``1 / w`` is a temperature [1]_, and ``b`` corrects the
frequencies of the classes; for two classes this is a beta calibration with equal shape
parameters, that is Platt scaling of the log-odds. The parameters are shrunk toward no
calibration.

On 46 tables that the benchmarks do not report, the log loss of the best of LightGBM, a
random forest and a logistic regression became smaller by 0.5 % ± 0.2 % of the entropy
of the classes; that of LightGBM alone by 3.2 % ± 0.9 %, and of the forest by 13.7 % ±
3.8 %. A temperature without `b` gained 0.4 %, 2.7 % and 12.7 %. Isotonic regression
was not considered: it gives probabilities of zero, and needs thousands of rows.

References
----------
.. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
   networks", ICML 2017.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from sklearn_meta.data._task import SMALLEST_PROBABILITY
from sklearn_meta.ensemble._combination import SINGLE, STACK, Combination
from sklearn_meta.ensemble._fold_scores import (
    OutOfTimeError,
    mean_scores,
    safe_score,
)
from sklearn_meta.ensemble._stacking import nonnegative_stack

# Prior standard deviation of the logarithmic weight and the intercept.
SCALE = 0.5

# The calibration is kept if its mean gain in log loss, on folds on which it was not
# fitted, exceeds this many standard errors.
KEEP = 1.0

# Smallest numbers of rows, and of rows for each class.
MIN_ROWS, MIN_ROWS_OF_CLASS = 200, 10

# Probabilities that a fit uses at most, in a tenth of a second.
MAX_CELLS = 100_000


def calibrated(
    choice,
    predictions,
    y,
    *,
    score=None,
    sample_weight=None,
    deadline=np.inf,
    clock=time.monotonic,
):
    """Calibrate a choice of single candidates, if that helps.

    Parameters
    ----------
    choice : Choice
    predictions : sequence of ndarray of shape (n_samples, n_classes)
        Out-of-fold probabilities of each candidate.
    y : ndarray of int of shape (n_samples,)
        Indices of the true classes.
    score : callable or None, default=None
        Metric of the user, ``score(predictions, rows) -> float``, which must not become
        worse. None if that is the log loss.
    sample_weight : ndarray of shape (n_samples,), default=None
    deadline : float, default=inf
        Time on `clock` after which no fit is begun.
    clock : callable, default=time.monotonic

    Returns
    -------
    choice : Choice
        The same one if a candidate is not alone in a combination, if there are too few
        rows, if calibration does not help, or without time for it.
    """
    combinations = (choice.combination, *choice.elsewhere)
    if any(c.kind != SINGLE for c in combinations) or len(choice.folds) < 3:
        return choice
    n_classes = predictions[choice.combination.members[0]].shape[1]
    n = min(sum(map(len, choice.folds)), MAX_CELLS // n_classes)
    if n < max(MIN_ROWS, MIN_ROWS_OF_CLASS * n_classes):
        return choice
    try:
        return _if_it_helps(
            choice, predictions, y, score, sample_weight, lambda: clock() >= deadline
        )
    except OutOfTimeError:
        return choice


def _if_it_helps(choice, predictions, y, score, sample_weight, stop):
    """Return the calibrated choice, or the given one if that is as good."""
    rows = np.concatenate(choice.folds)
    elsewhere, gains, before, after = [], [], [], []
    for fold, combination in zip(choice.folds, choice.elsewhere, strict=True):
        if stop():
            raise OutOfTimeError
        others = np.setdiff1d(rows, fold)
        fitted = _calibrate(combination, predictions, y, others, sample_weight)
        elsewhere.append(fitted)
        given = predictions[combination.members[0]][fold]
        changed = fitted.apply([given])
        weight = None if sample_weight is None else sample_weight[fold]
        gain = _log_losses(given, y[fold]) - _log_losses(changed, y[fold])
        gains.append(np.average(gain, weights=weight))
        if score is not None:
            before.append(safe_score(score, given, fold))
            after.append(safe_score(score, changed, fold))
    error = np.std(gains, ddof=1) / np.sqrt(len(gains))
    if not np.mean(gains) > KEEP * error:
        return choice
    if score is not None and np.diff(mean_scores(np.array([before, after])))[0] < 0:
        return choice
    combination = _calibrate(choice.combination, predictions, y, rows, sample_weight)
    return replace(choice, combination=combination, elsewhere=tuple(elsewhere))


def _calibrate(combination, predictions, y, rows, sample_weight) -> Combination:
    """Return the calibrated combination of one candidate, fitted on some rows."""
    (member,) = combination.members
    n_classes = predictions[member].shape[1]
    step = -(-len(rows) * n_classes // MAX_CELLS)
    rows = np.sort(rows)[::step]
    weights, intercept = nonnegative_stack(
        [predictions[member][rows]],
        y[rows],
        center=[1.0],
        scale=SCALE,
        sample_weight=None if sample_weight is None else sample_weight[rows],
    )
    if not weights.any():
        # Uniform probabilities would be better: the intercept alone is no pipeline.
        return combination
    return Combination(STACK, (member,), weights, intercept)


def _log_losses(probabilities, y):
    """Return the negative log-likelihood of each row."""
    true = probabilities[np.arange(len(y)), y]
    return -np.log(np.maximum(true, SMALLEST_PROBABILITY))
