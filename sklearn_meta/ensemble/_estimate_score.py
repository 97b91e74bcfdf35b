"""Estimate the score of the final model on new rows, in a worker or in this process.

Reads what `honest_score` needs from the context of a search: which rows belong
together, and how the metric is computed.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from sklearn_meta._sklearn_compat import metric_of_scorer
from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.data._groups import group_numbers
from sklearn_meta.data._task import EXTRAPOLATION_IN_TIME
from sklearn_meta.ensemble._decisions import quick_decision
from sklearn_meta.ensemble._fold_scores import TimedScore
from sklearn_meta.ensemble._honest_score import (
    ROW_METRICS,
    Bootstrap,
    HonestScore,
    RowMetric,
    honest_score,
)
from sklearn_meta.evaluation._scoring import FAST_METRICS, FastScoring

IN_TIME_ORDER = (
    "The splits are in temporal order. Rows after the last split may differ from all "
    "that was validated, so that no interval for them can be drawn from it."
)
NOT_COMBINED = (
    "There was no time to compare combinations of candidates, or the scorer has failed "
    "or hung meanwhile: the model is the best single pipeline."
)
NOT_FINISHED = "The scorer has failed or hung while rows were drawn and scored."


def estimate_score(
    context, given, size, choice, decision, seconds, clock=time.monotonic
):
    """Estimate the score of the final model on new rows.

    Parameters
    ----------
    context : EvaluationContext
    given : Combinable
        The candidates.
    size : int
        Maximum number of members.
    choice : Choice
        The final combination.
    decision : float, ndarray or None
        The tuned decision.
    seconds : float
        Seconds after which no further rows are drawn.
    clock : callable, default=time.monotonic

    Yields
    ------
    honest : HonestScore
        NaN with a note for splits in temporal order, and see `honest_score`.
    """
    deadline = clock() + seconds
    if context.extrapolation == EXTRAPOLATION_IN_TIME:
        yield HonestScore(note=IN_TIME_ORDER)
        return
    dataset, rows = context.dataset, given.rows
    classifies, scored = dataset.task.is_classifier, row_metric(context.scoring)
    weight = None if dataset.sample_weight is None else dataset.sample_weight[rows]
    predictions, repeats = given.predictions, given.repeats
    if not classifies:
        limits = dataset.task.limits(dataset.y, context.extrapolation)
        predictions = [np.clip(p, *limits) for p in predictions]
        repeats = [np.clip(p, *limits) for p in repeats]
    fast = fast_score(context.scoring, dataset)
    score = _score(context, rows, weight, fast)
    score = TimedScore(score, clock, deadline, 0.0 if fast else given.score_seconds)

    def decide(predictions, chosen):
        return quick_decision(predictions, dataset.y[rows[chosen]], score, chosen)

    problem = Bootstrap(
        predictions=predictions,
        repeats=repeats,
        numbers=given.numbers,
        y=dataset.y[rows],
        sample_weight=weight,
        units=_units(dataset, rows),
        scores=given.scores,
        kinds=given.kinds,
        size=size,
        classifies=classifies,
        compared=row_metric(context.comparison),
        scored=scored,
        score=score,
        # Labels of all folds are on one scale, and so are targets.
        by_fold=classifies and scored is None and not context.judges_labels,
        decide=None if decision is None else decide,
        is_fast=fast is not None and decision is None,
    )
    # A part of a fold may lack a class, on which many metrics are undefined.
    with ignored_warnings():
        honest = honest_score(
            problem, choice, seed=(context.seed, 1), stop=lambda: clock() >= deadline
        )
    yield honest


def _score(context, rows, weight, fast):
    """Return the user's metric of predictions of some of the rows."""
    if fast is None:
        return lambda predictions, chosen: context.score(predictions, rows[chosen])
    y = context.dataset.y[rows]
    return lambda predictions, chosen: fast(
        y[chosen], predictions, None if weight is None else weight[chosen]
    )


def _units(dataset, rows):
    """Return the number of what each row is drawn with: its group, or its copies."""
    if dataset.groups is not None:
        return group_numbers(dataset.groups)[rows]
    return np.arange(len(rows)) if dataset.copy_of is None else dataset.copy_of[rows]


def row_metric(scoring) -> RowMetric | None:
    """Return the metric of a scoring as a function of means over rows, if it is one.

    Parameters
    ----------
    scoring : Scoring

    Returns
    -------
    metric : RowMetric or None
    """
    return ROW_METRICS.get(scoring.name) if isinstance(scoring, FastScoring) else None


def fast_score(scoring, dataset):
    """Return the metric of a scoring as a function that takes no checks.

    Parameters
    ----------
    scoring : Scoring
    dataset : Dataset

    Returns
    -------
    score : callable or None
        ``score(y, predictions, sample_weight) -> float``; None if a scorer has to be
        called.
    """
    if isinstance(scoring, FastScoring):
        return FAST_METRICS[scoring.name]
    if dataset.metadata:
        return None
    weighs = scoring.takes_sample_weight and dataset.sample_weight is not None
    metric, arguments, _ = metric_of_scorer(scoring.scorer)
    is_binary = dataset.task.is_classifier and np.shape(dataset.task.classes) == (2,)
    if metric is roc_auc_score and not arguments and is_binary and not weighs:
        return fast_roc_auc
    if scoring.fast is None or scoring.takes_sample_weight:
        return scoring.fast
    return lambda y, predictions, weight: scoring.fast(y, predictions, None)


def fast_roc_auc(y, probabilities, sample_weight=None) -> float:
    """Return the area under the ROC curve of two classes.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,)
    probabilities : ndarray of shape (n_samples, 2)
    sample_weight : None
        Weights are not supported.

    Returns
    -------
    score : float
        NaN if a class is missing.
    """
    n_positive = int(np.sum(y))
    n_negative = len(y) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    ranks = rankdata(probabilities[:, 1])
    smallest = n_positive * (n_positive + 1) / 2
    return float((ranks[y == 1].sum() - smallest) / (n_positive * n_negative))
