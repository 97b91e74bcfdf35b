"""Scores of stored predictions, by any scikit-learn scorer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_meta._task import SMALLEST_PROBABILITY, Task


def negative_log_loss(y, probabilities, sample_weight):
    """Mean log-probability of the true class; `y` are class indices."""
    p = np.asarray(probabilities, dtype=np.float64)
    p = np.clip(p, SMALLEST_PROBABILITY, None)
    true = p[np.arange(len(y)), y] / p.sum(axis=1)
    return float(np.average(np.log(true), weights=sample_weight))


def accuracy(y, probabilities, sample_weight):
    """Share of rows whose most probable class is the true one."""
    hit = np.argmax(probabilities, axis=1) == y
    return float(np.average(hit, weights=sample_weight))


def negative_root_mean_squared_error(y, targets, sample_weight):
    """Minus the root of the mean squared error."""
    return -float(np.sqrt(np.average((y - targets) ** 2, weights=sample_weight)))


def negative_mean_squared_error(y, targets, sample_weight):
    """Minus the mean squared error."""
    return -float(np.average((y - targets) ** 2, weights=sample_weight))


def negative_mean_absolute_error(y, targets, sample_weight):
    """Minus the mean absolute error."""
    return -float(np.average(np.abs(y - targets), weights=sample_weight))


# scikit-learn's scorers cost about a millisecond a call in checks; the search calls
# these thousands of times. The log loss here is also defined on a fold that lacks a
# class, where scikit-learn's scorer raises.
FAST_METRICS = {
    "neg_log_loss": negative_log_loss,
    "accuracy": accuracy,
    "neg_root_mean_squared_error": negative_root_mean_squared_error,
    "neg_mean_squared_error": negative_mean_squared_error,
    "neg_mean_absolute_error": negative_mean_absolute_error,
}


@dataclass(frozen=True)
class FastScoring:
    """A metric that is computed directly from encoded targets and predictions.

    Parameters
    ----------
    name : str
        scikit-learn's name of the scorer.
    """

    name: str

    def __call__(self, predictions, X, y, sample_weight=None):
        """Return the score of `predictions`; greater is better."""
        return FAST_METRICS[self.name](y, predictions, sample_weight)


@dataclass(frozen=True)
class ScorerScoring:
    """Any callable with the signature of a scikit-learn scorer.

    The scorer meets an estimator that answers with the stored predictions, and the
    labels as the user gave them.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y, sample_weight=...)``.
    task : Task
    takes_sample_weight : bool
    """

    scorer: Callable
    task: Task
    takes_sample_weight: bool = False
    name: str = field(default="", compare=False)

    def __call__(self, predictions, X, y, sample_weight=None):
        """Return the score of `predictions`; greater is better."""
        arguments = {}
        if sample_weight is not None and self.takes_sample_weight:
            arguments["sample_weight"] = sample_weight
        return float(
            self.scorer(
                self.task.as_estimator(predictions), X, self.task.decode(y), **arguments
            )
        )


Scoring = FastScoring | ScorerScoring


def make_scoring(scoring, task) -> Scoring:
    """Turn the parameter `scoring` into a function of stored predictions.

    Parameters
    ----------
    scoring : None, str or callable
        None for the default of the task: log loss, root mean squared error.
    task : Task

    Returns
    -------
    scoring : FastScoring or ScorerScoring

    Raises
    ------
    ValueError
        If `scoring` is a name that scikit-learn does not know.
    """
    if scoring is None:
        scoring = task.default_scoring
    if isinstance(scoring, str):
        if scoring in FAST_METRICS:
            is_regression_metric = "error" in scoring
            if is_regression_metric == (task.name == "regression"):
                return FastScoring(scoring)
        if scoring not in get_scorer_names():
            raise InvalidParameterError(
                f"The 'scoring' parameter must be None, a callable or the name of a "
                f"scikit-learn scorer. Got {scoring!r} instead. "
                "sklearn.metrics.get_scorer_names() lists the names."
            )
    scorer = check_scoring(task.as_estimator(None), scoring=scoring)
    accepts = getattr(scorer, "_accept_sample_weight", None)
    name = scoring if isinstance(scoring, str) else repr(scoring)
    return ScorerScoring(scorer, task, bool(accepts and accepts()), name)


def perfect_score(scoring, y):
    """Return the score beyond which a better one makes no difference.

    Parameters
    ----------
    scoring : Scoring
    y : ndarray of shape (n_samples,)
        Class indices or targets.

    Returns
    -------
    score : float
        Infinity for scorers whose optimum is not known.
    """
    if scoring.name == "neg_log_loss":
        # Every row given its class with a probability of 99.9 %.
        return -1e-3
    if scoring.name == "accuracy":
        return 1.0
    if scoring.name in FAST_METRICS:
        scale = float(np.std(y))
        exponent = 2 if scoring.name == "neg_mean_squared_error" else 1
        return -((1e-6 * scale) ** exponent)
    return np.inf
