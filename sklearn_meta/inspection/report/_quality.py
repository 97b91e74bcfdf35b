"""Confusion, ROC curves, calibration and errors of predicted rows."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from sklearn_meta.inspection.report._facts import (
    ClassQuality,
    Curve,
    LabelQuality,
    NumberQuality,
    Quality,
    Reliability,
)
from sklearn_meta.inspection.report._predicted import Predicted

# Maximum number of classes with a ROC curve, and of its points.
MAX_CURVES, MAX_POINTS = 6, 200

# Minimum number of rows of a bin of the calibration, and the maximum number of bins.
ROWS_PER_BIN, MAX_BINS = 20, 10

# Maximum number of rows in a figure of predictions.
MAX_SHOWN = 2_000


def quality_of(predicted: Predicted, rows, kind, names) -> Quality:
    """Describe the quality of predictions.

    Parameters
    ----------
    predicted : Predicted
    rows : {"out-of-fold", "test"}
    kind : {"classes", "labels", "numbers"}
    names : sequence of str
        Names of the classes, labels or numbers.

    Returns
    -------
    quality : Quality
    """
    n = len(predicted)
    if kind == "classes":
        return Quality(rows, n, of_classes=_of_classes(predicted, names))
    if kind == "labels":
        return Quality(rows, n, of_labels=_of_labels(predicted, names))
    y = predicted.y.reshape(n, -1)
    predictions = predicted.predictions.reshape(n, -1)
    columns = zip(y.T, predictions.T, names, strict=True)
    found = [_of_numbers(*column) for column in columns]
    return Quality(rows, n, of_numbers=tuple(found))


def area_under_roc(is_positive, scores) -> float:
    """Return the area under the ROC curve; NaN without rows of both kinds."""
    n_positive = int(is_positive.sum())
    n_negative = len(is_positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    ranks = rankdata(scores)[is_positive].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / n_positive / n_negative)


def roc_curve(is_positive, scores, name) -> Curve:
    """Return the ROC curve of some rows, of which there are both kinds."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits, misses = np.cumsum(is_positive[order]), np.cumsum(~is_positive[order])
    true = np.append(0.0, hits[last] / hits[-1])
    false = np.append(0.0, misses[last] / misses[-1])
    area = float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))
    step = np.unique(np.linspace(0, len(true) - 1, MAX_POINTS).astype(int))
    return Curve(name, false[step], true[step], area)


def reliability(probabilities, is_true) -> Reliability | None:
    """Compare predicted probabilities with observed shares.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples,)
        Of an event.
    is_true : ndarray of bool of shape (n_samples,)
        Whether it has occurred.

    Returns
    -------
    reliability : Reliability or None
        In bins of equally many rows, with the expected calibration error: the mean
        absolute difference of both over the rows. None with too few rows.
    """
    n_bins = min(MAX_BINS, len(probabilities) // ROWS_PER_BIN)
    if n_bins < 2:
        return None
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, n_bins)
    predicted = np.array([probabilities[b].mean() for b in bins])
    observed = np.array([is_true[b].mean() for b in bins])
    sizes = np.array([len(b) for b in bins])
    error = float(np.average(np.abs(predicted - observed), weights=sizes))
    return Reliability(predicted, observed, error)


def _of_classes(predicted, names):
    """Describe the quality of classes."""
    y, p, k = predicted.y, predicted.predictions, len(names)
    confusion = np.bincount(y * k + predicted.decided, minlength=k * k).reshape(k, k)
    if k == 2:
        events = {names[1]: 1}
        measured = reliability(p[:, 1], y == 1)
    else:
        events = dict(zip(names, range(k), strict=True)) if k <= MAX_CURVES else {}
        top = np.argmax(p, axis=1)
        measured = reliability(p.max(axis=1), y == top)
    curves = [
        roc_curve(y == c, p[:, c], name)
        for name, c in events.items()
        if 0 < (y == c).sum() < len(y)
    ]
    return ClassQuality(tuple(names), confusion, tuple(curves), measured)


def _of_labels(predicted, names):
    """Describe the quality of several labels."""
    columns = zip(
        names, predicted.y.T, predicted.predictions.T, predicted.decided.T, strict=True
    )
    return tuple(
        LabelQuality(
            name,
            float(np.mean(y)),
            float(np.mean(y == decided)),
            area_under_roc(y == 1, p),
        )
        for name, y, p, decided in columns
    )


def _of_numbers(y, predicted, name):
    """Describe the quality of one number."""
    residuals, spread = y - predicted, float(np.std(y))
    squared = float(np.mean(residuals**2))
    low, high = np.quantile(residuals, [0.05, 0.95])
    shown = np.arange(len(y))
    if len(y) > MAX_SHOWN:
        shown = np.random.default_rng(0).choice(len(y), MAX_SHOWN, replace=False)
    return NumberQuality(
        name,
        spread,
        float(np.sqrt(squared)),
        float(np.mean(np.abs(residuals))),
        float(np.median(np.abs(residuals))),
        1 - squared / spread**2 if spread > 0 else float("nan"),
        (float(low), float(high)),
        y[shown],
        predicted[shown],
    )
