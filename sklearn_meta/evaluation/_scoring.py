"""Scores of stored predictions, by fast metrics or any scikit-learn scorer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import xlogy
from sklearn import config_context, metrics
from sklearn.metrics import check_scoring, get_scorer_names

from sklearn_meta._sklearn_compat import (
    InvalidParameterError,
    metric_of_scorer,
    response_methods,
    takes_sample_weight,
)
from sklearn_meta.data._task import SMALLEST_PROBABILITY, Task


def negative_log_loss(y, probabilities, sample_weight):
    """Mean log-probability of the true class.

    Parameters
    ----------
    y : ndarray of int, of shape (n_samples,)
        Class indices.
    probabilities : ndarray of shape (n_samples, n_classes)
        Normalized to a sum of one in each row.
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    score : float
    """
    p = np.asarray(probabilities, dtype=np.float64)
    p = np.clip(p, SMALLEST_PROBABILITY, None)
    true = p[np.arange(len(y)), y] / p.sum(axis=1)
    return float(np.average(np.log(true), weights=sample_weight))


def negative_binary_log_loss(y, probabilities, sample_weight):
    """Mean over the labels of the log-probability of each label's true value.

    For one label, it equals scikit-learn's ``neg_log_loss``.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_outputs)
        Label indicators.
    probabilities : ndarray of shape (n_samples, n_outputs)
        Probabilities of the labels.
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    score : float
    """
    p = np.asarray(probabilities, dtype=np.float64)
    true = np.clip(np.where(y == 1, p, 1 - p), SMALLEST_PROBABILITY, None)
    return _mean(np.log(true), sample_weight)


def accuracy(y, probabilities, sample_weight):
    """Weighted share of the rows whose most probable class is the true one.

    Parameters
    ----------
    y : ndarray of int, of shape (n_samples,)
        Class indices.
    probabilities : ndarray of shape (n_samples, n_classes)
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    score : float
    """
    hit = np.argmax(probabilities, axis=1) == y
    return float(np.average(hit, weights=sample_weight))


def negative_root_mean_squared_error(y, targets, sample_weight):
    """Minus the root mean squared error, averaged over the outputs."""
    errors = np.average((y - targets) ** 2, axis=0, weights=sample_weight)
    return -float(np.mean(np.sqrt(errors)))


def negative_mean_squared_error(y, targets, sample_weight):
    """Minus the mean squared error, averaged over the outputs."""
    return -_mean((y - targets) ** 2, sample_weight)


def negative_mean_absolute_error(y, targets, sample_weight):
    """Minus the mean absolute error, averaged over the outputs."""
    return -_mean(np.abs(y - targets), sample_weight)


def negative_pinball_loss(y, targets, sample_weight, level):
    """Minus the mean pinball loss, averaged over the outputs."""
    errors = y - targets
    return -_mean(np.abs(errors) / 2 + (level - 0.5) * errors, sample_weight)


def negative_tweedie_deviance(y, targets, sample_weight, power):
    """Minus the mean deviance of positive targets of one output, as scikit-learn's."""
    if power == 1:
        deviance = xlogy(y, y / targets) - y + targets
    elif power == 2:
        deviance = np.log(targets / y) + y / targets - 1
    else:
        deviance = (
            np.maximum(y, 0) ** (2 - power) / ((1 - power) * (2 - power))
            - y * targets ** (1 - power) / (1 - power)
            + targets ** (2 - power) / (2 - power)
        )
    return -2 * _mean(deviance, sample_weight)


def negative_mean_squared_log_error(y, targets, sample_weight):
    """Minus the mean squared error of ``log(1 + y)``, averaged over the outputs."""
    return negative_mean_squared_error(np.log1p(y), np.log1p(targets), sample_weight)


def negative_root_mean_squared_log_error(y, targets, sample_weight):
    """Minus the root of the same error, averaged over the outputs."""
    return negative_root_mean_squared_error(
        np.log1p(y), np.log1p(targets), sample_weight
    )


def fast_metric(scorer):
    """Return the metric of a scorer as a function of targets and predictions.

    Parameters
    ----------
    scorer : callable

    Returns
    -------
    metric : callable or None
        ``metric(y, predictions, sample_weight) -> float`` with the sign of the scorer;
        it is not checked whether the metric is defined for the targets. None where it
        is not known, or has arguments that are not.
    """
    metric, arguments, sign = metric_of_scorer(scorer)
    if sign == 1:
        return None
    if metric is metrics.mean_pinball_loss and arguments.keys() <= {"alpha"}:
        level = arguments.get("alpha", 0.5)
        return functools.partial(negative_pinball_loss, level=level)
    if metric is metrics.mean_tweedie_deviance and arguments.keys() <= {"power"}:
        power = arguments.get("power", 0)
        return functools.partial(negative_tweedie_deviance, power=power)
    if arguments:
        return None
    if metric is metrics.mean_poisson_deviance:
        return functools.partial(negative_tweedie_deviance, power=1)
    if metric is metrics.mean_gamma_deviance:
        return functools.partial(negative_tweedie_deviance, power=2)
    if metric is metrics.mean_squared_log_error:
        return negative_mean_squared_log_error
    if metric is metrics.root_mean_squared_log_error:
        return negative_root_mean_squared_log_error
    return None


def _mean(values, sample_weight):
    """Weighted mean over the rows, then the mean over the outputs."""
    return float(np.mean(np.average(values, axis=0, weights=sample_weight)))


# The checks of a scikit-learn scorer take about a millisecond, and a search computes
# thousands of scores. The log loss here is also defined on a fold that lacks a class,
# where the scorer of scikit-learn raises.
FAST_METRICS = {
    "neg_log_loss": negative_log_loss,
    "neg_binary_log_loss": negative_binary_log_loss,
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
        A key of `FAST_METRICS`: the scikit-learn name of the scorer, or
        ``"neg_binary_log_loss"``, which scikit-learn does not have.
    """

    name: str
    reads_table = False
    is_own_code = False

    def __call__(self, predictions, X, y, sample_weight=None, metadata=None):
        """Return the score of predictions.

        Parameters
        ----------
        predictions : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Class probabilities or predicted targets.
        X : ignored
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Encoded targets.
        sample_weight : ndarray of shape (n_samples,), default=None
        metadata : ignored

        Returns
        -------
        score : float
            Greater is better.
        """
        return FAST_METRICS[self.name](y, predictions, sample_weight)


@dataclass(frozen=True)
class ScorerScoring:
    """A callable with the signature of a scikit-learn scorer.

    A scorer of `make_scorer` receives an estimator that returns the stored predictions,
    and the user's labels. Any other callable may read `X`, see `reads_table`.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y, **arguments)``; greater is better.
    task : Task
    takes_sample_weight : bool, default=False
        Whether the scorer receives the sample weights.
    name : str, default=""
        scikit-learn name of the scorer, or its ``repr``.
    fast : callable, default=None
        The same metric as ``fast(y, predictions, sample_weight) -> float``, for targets
        for which it is defined; used without further metadata.
    """

    scorer: Callable
    task: Task
    takes_sample_weight: bool = False
    name: str = field(default="", compare=False)
    fast: Callable | None = field(default=None, compare=False, repr=False)

    def __call__(self, predictions, X, y, sample_weight=None, metadata=None):
        """Return the score of predictions.

        Parameters
        ----------
        predictions : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Class probabilities or predicted targets.
        X : array-like of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Encoded targets.
        sample_weight : ndarray of shape (n_samples,), default=None
        metadata : dict of str to array-like, default=None
            Further arguments of the scorer.

        Returns
        -------
        score : float
            Greater is better.
        """
        if self.fast is not None and not metadata:
            weight = sample_weight if self.takes_sample_weight else None
            return self.fast(y, predictions, weight)
        if response_methods(self.scorer) == ("decision_function",):
            estimator = self.task.as_deciding_estimator(predictions)
        else:
            # Scorers that take probabilities as well: stored ones have fewer ties.
            estimator = self.task.as_estimator(predictions)
        labels = self.task.decode(y)
        return self.score_estimator(estimator, X, labels, sample_weight, metadata)

    @property
    def reads_table(self) -> bool:
        """Whether the scorer gets the user's table, because it may read it.

        A scorer of `make_scorer` passes `X` on to the estimator and does not read it.
        """
        return response_methods(self.scorer) is None

    @property
    def is_own_code(self) -> bool:
        """Whether the scorer is the user's, and not one that scikit-learn names."""
        return self.name not in get_scorer_names()

    def score_estimator(self, estimator, X, y, sample_weight=None, metadata=None):
        """Return the score of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
        X : table of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels or targets.
        sample_weight, metadata
            As of a call.

        Returns
        -------
        score : float
            Greater is better.

        Raises
        ------
        TypeError
            If the scorer does not return a number.
        """
        arguments = dict(metadata or {})
        if sample_weight is not None and self.takes_sample_weight:
            arguments["sample_weight"] = sample_weight
        # scikit-learn's scorers accept further metadata only with routing enabled,
        # which may be disabled in a worker.
        with config_context(enable_metadata_routing=bool(metadata)):
            score = self.scorer(estimator, X, y, **arguments)
        try:
            return float(score)
        except TypeError:
            raise TypeError(
                "A scorer must return a number. Got an object of type "
                f"{type(score).__name__}."
            ) from None


Scoring = FastScoring | ScorerScoring


def make_scoring(scoring, task) -> Scoring:
    """Return the scoring of stored predictions for the `scoring` parameter.

    Parameters
    ----------
    scoring : None, str or callable
        None for the default of the task: the log loss, averaged over several labels, or
        the root mean squared error, averaged over several outputs.
    task : Task

    Returns
    -------
    scoring : FastScoring or ScorerScoring

    Raises
    ------
    InvalidParameterError
        If `scoring` is not the name of a scikit-learn scorer.
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
    wanted = response_methods(scorer)
    if wanted is not None and not set(wanted) & set(task.methods):
        raise InvalidParameterError(
            "The 'scoring' parameter must be a metric of what the estimator predicts "
            f"for this target, by {' or '.join(task.methods)}. Got {name!r}, which "
            f"asks for {' or '.join(wanted)}."
        )
    # A loss has been checked against the target. Not all are defined for several.
    is_checked = task.loss is not None and task.n_outputs == 1
    fast = fast_metric(scorer) if is_checked else None
    return ScorerScoring(scorer, task, takes_sample_weight(scorer), name, fast)


def perfect_score(scoring, y):
    """Return the score at which a search ends, because no improvement would matter.

    Parameters
    ----------
    scoring : Scoring
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Encoded targets.

    Returns
    -------
    score : float
        Infinity for scorers whose optimum is not known.
    """
    if not isinstance(scoring, FastScoring):
        return np.inf
    if scoring.name in ("neg_log_loss", "neg_binary_log_loss"):
        # The true class has a probability of 99.9 % in each row.
        return -1e-3
    if scoring.name == "accuracy":
        return 1.0
    # An error of a millionth of the standard deviation.
    exponent = 2 if scoring.name == "neg_mean_squared_error" else 1
    return -float(np.mean((1e-6 * np.std(y, axis=0)) ** exponent))
