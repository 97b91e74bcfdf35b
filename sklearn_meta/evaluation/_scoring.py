"""Scores of stored predictions, by any scikit-learn scorer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn import config_context
from sklearn.metrics import check_scoring, get_scorer_names

from sklearn_meta._sklearn_compat import InvalidParameterError, takes_sample_weight
from sklearn_meta.data._task import SMALLEST_PROBABILITY, Task


def negative_log_loss(y, probabilities, sample_weight):
    """Mean log-probability of the true class; `y` are class indices."""
    p = np.asarray(probabilities, dtype=np.float64)
    p = np.clip(p, SMALLEST_PROBABILITY, None)
    true = p[np.arange(len(y)), y] / p.sum(axis=1)
    return float(np.average(np.log(true), weights=sample_weight))


def negative_binary_log_loss(y, probabilities, sample_weight):
    """Mean log-probability that each label is there or not, as it is.

    The mean over labels of what scikit-learn's ``neg_log_loss`` is for one label.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    true = np.clip(np.where(y == 1, p, 1 - p), SMALLEST_PROBABILITY, None)
    return _mean(np.log(true), sample_weight)


def accuracy(y, probabilities, sample_weight):
    """Share of rows whose most probable class is the true one."""
    hit = np.argmax(probabilities, axis=1) == y
    return float(np.average(hit, weights=sample_weight))


def negative_root_mean_squared_error(y, targets, sample_weight):
    """Minus the root of the mean squared error; the mean over outputs, if several."""
    errors = np.average((y - targets) ** 2, axis=0, weights=sample_weight)
    return -float(np.mean(np.sqrt(errors)))


def negative_mean_squared_error(y, targets, sample_weight):
    """Minus the mean squared error."""
    return -_mean((y - targets) ** 2, sample_weight)


def negative_mean_absolute_error(y, targets, sample_weight):
    """Minus the mean absolute error."""
    return -_mean(np.abs(y - targets), sample_weight)


def _mean(values, sample_weight):
    """Weighted mean over rows, and the plain one over outputs, if several."""
    return float(np.mean(np.average(values, axis=0, weights=sample_weight)))


# scikit-learn's scorers cost about a millisecond a call in checks; the search calls
# these thousands of times. The log loss here is also defined on a fold that lacks a
# class, where scikit-learn's scorer raises.
FAST_METRICS = {
    "neg_log_loss": negative_log_loss,
    "neg_binary_log_loss": negative_binary_log_loss,
    "accuracy": accuracy,
    "neg_root_mean_squared_error": negative_root_mean_squared_error,
    "neg_mean_squared_error": negative_mean_squared_error,
    "neg_mean_absolute_error": negative_mean_absolute_error,
}


# Scorers that take several labels for the classes of one-hot rows, and say no more than
# that their probabilities do not sum to one. The log loss of scikit-learn is then best
# for the prediction that every row has all of the labels.
CLASSES_ONLY = (
    "neg_log_loss",
    "d2_log_loss_score",
    "neg_brier_score",
    "d2_brier_score",
)


@dataclass(frozen=True)
class FastScoring:
    """A metric that is computed directly from encoded targets and predictions.

    Parameters
    ----------
    name : str
        scikit-learn's name of the scorer, or ``"neg_binary_log_loss"``, which it does
        not have.
    """

    name: str

    def __call__(self, predictions, X, y, sample_weight=None, metadata=None):
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

    def __call__(self, predictions, X, y, sample_weight=None, metadata=None):
        """Return the score of `predictions`; greater is better."""
        arguments = dict(metadata or {})
        if sample_weight is not None and self.takes_sample_weight:
            arguments["sample_weight"] = sample_weight
        # scikit-learn's scorers take metadata of other names with routing only, which
        # is off inside.
        with config_context(enable_metadata_routing=bool(metadata)):
            score = self.scorer(
                self.task.as_estimator(predictions), X, self.task.decode(y), **arguments
            )
        return float(score)


Scoring = FastScoring | ScorerScoring


def make_scoring(scoring, task) -> Scoring:
    """Turn the parameter `scoring` into a function of stored predictions.

    Parameters
    ----------
    scoring : None, str or callable
        None for the default of the task: log loss, mean log loss of the labels, root
        mean squared error (the mean over outputs, if several).
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
        return FastScoring(task.default_scoring)
    if isinstance(scoring, str):
        if scoring in task.fast_scorings:
            return FastScoring(scoring)
        if scoring not in get_scorer_names():
            raise InvalidParameterError(
                f"The 'scoring' parameter must be None, a callable or the name of a "
                f"scikit-learn scorer. Got {scoring!r} instead. "
                "sklearn.metrics.get_scorer_names() lists the names."
            )
    scorer = check_scoring(task.as_estimator(None), scoring=scoring)
    name = scoring if isinstance(scoring, str) else repr(scoring)
    return ScorerScoring(scorer, task, takes_sample_weight(scorer), name)


def check_scores_outputs(scoring, X, y):
    """Check that a named scorer takes a target of several outputs, before the search.

    Parameters
    ----------
    scoring : Scoring
    X : array-like of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
        Targets, or indicators of labels.

    Raises
    ------
    ValueError
        If it does not, with what scikit-learn says of it.
    """
    if isinstance(scoring, FastScoring) or scoring.name not in get_scorer_names():
        # What a callable of the user's makes of a constant prediction says little.
        return
    labels = scoring.task.n_classes > 1
    if labels and scoring.name in CLASSES_ONLY:
        raise InvalidParameterError(
            f"The 'scoring' parameter must not be {scoring.name!r} for several labels: "
            "scikit-learn takes them for classes there, whose probabilities sum to "
            "one. None stands for the mean log loss of the labels."
        )
    constant = np.broadcast_to(y.mean(axis=0), y.shape)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scoring(constant, X, y)
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidParameterError(
            "The 'scoring' parameter must name a scorer that takes several outputs, "
            f"such as {'f1_micro' if labels else 'r2'!r}. Got "
            f"{scoring.name!r}, of which scikit-learn says: {error}"
        ) from error


def perfect_score(scoring, y):
    """Return the score beyond which a better one makes no difference.

    Parameters
    ----------
    scoring : Scoring
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices or targets.

    Returns
    -------
    score : float
        Infinity for scorers whose optimum is not known.
    """
    if not isinstance(scoring, FastScoring):
        return np.inf
    if scoring.name in ("neg_log_loss", "neg_binary_log_loss"):
        # Every row given its class with a probability of 99.9 %.
        return -1e-3
    if scoring.name == "accuracy":
        return 1.0
    exponent = 2 if scoring.name == "neg_mean_squared_error" else 1
    return -float(np.mean((1e-6 * np.std(y, axis=0)) ** exponent))
