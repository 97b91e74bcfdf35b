"""Greedy ensemble selection with replacement [1]_.

Notation: M candidates, n rows, t members selected so far, ``S`` the sum of their
predictions. Adding candidate m gives the ensemble ``(S + p_m) / (t + 1)``. For the
scores `LogLoss`, `SquaredError` and `RootSquaredErrors`, a step is vectorized over all
candidates.

References
----------
.. [1] R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, "Ensemble selection from
   libraries of models", ICML 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.data._task import SMALLEST_PROBABILITY

# Number of steps without an improvement after which the selection stops. A step may be
# worse than the one before although a later one is better: with candidates A and B,
# (3 A + B) / 4 may be better than A where (A + B) / 2 is worse.
PATIENCE = 5


@dataclass(frozen=True, eq=False)
class LogLoss:
    """Mean log-probability of the true class, a score for `greedy_selection`.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,) or (n_samples, n_labels)
        Index of the true class of each row. For several labels, each label is a binary
        problem and the score is the mean over the labels.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows; None for equal weights.
    """

    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, predictions):
        """Return the score of predicted probabilities; greater is better."""
        true = np.maximum(self.profile(predictions), SMALLEST_PROBABILITY)
        weights = of_outputs(self.sample_weight, self.y)
        return float(np.average(np.log(true), weights=weights))

    def profile(self, predictions):
        """Return the probability of the true class for each row and label."""
        p = np.asarray(predictions)
        p = p.reshape(-1, p.shape[-1])
        return p[np.arange(self.y.size), self.y.reshape(-1)].astype(np.float64)

    def totals(self, predictions):
        """Return the state of a greedy selection from `predictions`."""
        return _LogLossTotals(
            np.stack([self.profile(p) for p in predictions]),
            _unit_weights(of_outputs(self.sample_weight, self.y), self.y.size),
        )


@dataclass(frozen=True, eq=False)
class SquaredError:
    """Negative mean squared error, a score for `greedy_selection`.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        True targets.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows; None for equal weights.
    """

    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, predictions):
        """Return the score of predicted targets; greater is better."""
        weights = of_outputs(self.sample_weight, self.y)
        return -float(np.average(self.profile(predictions) ** 2, weights=weights))

    def profile(self, predictions):
        """Return the error for each row and output."""
        return (np.asarray(predictions, dtype=np.float64) - self.y).reshape(-1)

    def totals(self, predictions):
        """Return the state of a greedy selection from `predictions`."""
        return _SquaredErrorTotals(
            np.stack([self.profile(f) for f in predictions]),
            _unit_weights(of_outputs(self.sample_weight, self.y), self.y.size),
        )


@dataclass(frozen=True, eq=False)
class RootSquaredErrors:
    """Negative mean over outputs of the root mean squared error.

    A score for `greedy_selection`. For a single output, `SquaredError` has the same
    maximum.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_outputs)
        True targets.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows; None for equal weights.
    """

    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, predictions):
        """Return the score of predicted targets; greater is better."""
        squares = np.average(
            self._errors(predictions) ** 2, axis=0, weights=self.sample_weight
        )
        return -float(np.mean(np.sqrt(squares)))

    def profile(self, predictions):
        """Return the error for each row and output, in standard deviations of `y`."""
        scale = np.std(self.y, axis=0)
        return (self._errors(predictions) / np.where(scale > 0, scale, 1)).reshape(-1)

    def totals(self, predictions):
        """Return the state of a greedy selection from `predictions`."""
        errors = np.stack([self._errors(f) for f in predictions])
        return _RootSquaredErrorsTotals(
            np.moveaxis(errors, 2, 0), _unit_weights(self.sample_weight, len(self.y))
        )

    def _errors(self, predictions):
        return np.asarray(predictions, dtype=np.float64) - self.y


class _LogLossTotals:
    """Greedy selection by log loss, from the probabilities of the true classes."""

    def __init__(self, true, weights):
        self.true = true  # (M, n)
        self.weights = weights
        self.sum = np.zeros(true.shape[1])
        self.count = 0

    def add(self, m, times=1):
        self.sum += times * self.true[m]
        self.count += times

    def score(self):
        return self._score(self.sum / self.count)

    def scores_with_each(self):
        return self._score((self.sum + self.true) / (self.count + 1))

    def _score(self, p):
        return np.log(np.maximum(p, SMALLEST_PROBABILITY)) @ self.weights


class _SquaredErrorTotals:
    """Greedy selection by squared error: ``c'Gc / t^2`` for counts c, Gram matrix G."""

    def __init__(self, errors, weights):
        self.gram = (errors * weights) @ errors.T
        self.row = np.zeros(len(errors))  # G c
        self.square = 0.0  # c'Gc
        self.count = 0

    def add(self, m, times=1):
        self.square += times * (2 * self.row[m] + times * self.gram[m, m])
        self.row += times * self.gram[m]
        self.count += times

    def score(self):
        return -self.square / self.count**2

    def scores_with_each(self):
        total = self.square + 2 * self.row + np.diag(self.gram)
        return -total / (self.count + 1) ** 2


class _RootSquaredErrorsTotals:
    """Greedy selection by root squared errors, with a Gram matrix per output."""

    def __init__(self, errors, weights):
        self.outputs = [_SquaredErrorTotals(e, weights) for e in errors]

    def add(self, m, times=1):
        for output in self.outputs:
            output.add(m, times)

    def score(self):
        return self._score([output.score() for output in self.outputs])

    def scores_with_each(self):
        return self._score([output.scores_with_each() for output in self.outputs])

    @staticmethod
    def _score(scores):
        # Rounding errors may make the square of an error near zero negative.
        return -np.mean(np.sqrt(np.maximum(-np.array(scores), 0.0)), axis=0)


class _CallableTotals:
    """Greedy selection by any function, with one call per candidate and step."""

    def __init__(self, predictions, score):
        self.predictions = [np.asarray(p, dtype=np.float64) for p in predictions]
        self.function = score
        self.sum = np.zeros_like(self.predictions[0])
        self.count = 0

    def add(self, m, times=1):
        self.sum = self.sum + times * self.predictions[m]
        self.count += times

    def score(self):
        return self.function(self.sum / self.count)

    def scores_with_each(self):
        t = self.count + 1
        return np.array([self.function((self.sum + p) / t) for p in self.predictions])


def greedy_selection(
    predictions,
    score: Callable,
    *,
    size: int,
    start=None,
    stop: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """Select members of an average greedily, with replacement [1]_.

    Each step adds the candidate that gives the best average. The best average over all
    steps is returned; on these rows it is at least as good as the best candidate.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_samples, n_outputs) or (n_samples,)
        Predictions of each candidate: probabilities or targets. The first of equally
        good candidates is selected.
    score : LogLoss, SquaredError, RootSquaredErrors or callable
        ``score(predictions) -> float``, greater is better. For the three classes, a
        step is vectorized over the candidates; any other callable is called once per
        candidate and step.
    size : int
        Maximum number of members, counting repetitions, including those of `start`.
    start : ndarray of int of shape (n_candidates,), default=None
        Number of times that each candidate is in the initial ensemble; None for an
        empty ensemble.
    stop : callable, default=always False
        ``stop() -> bool``, called before each step except the first one. The selection
        ends if it returns True.

    Returns
    -------
    counts : ndarray of int of shape (n_candidates,)
        Number of times that each candidate is in the ensemble.

    Raises
    ------
    ValueError
        If there is no candidate, `size` is not positive, or no score is finite.

    References
    ----------
    .. [1] R. Caruana, A. Niculescu-Mizil, G. Crew and A. Ksikes, "Ensemble selection
       from libraries of models", ICML 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_meta.ensemble import SquaredError, greedy_selection
    >>> y = np.array([0.0, 1.0, 2.0])
    >>> predictions = [y + 1.0, y - 1.0, y + 3.0]
    >>> greedy_selection(predictions, SquaredError(y), size=10)
    array([1, 1, 0])
    """
    if not len(predictions) or size < 1:
        raise ValueError(
            f"greedy_selection needs at least one candidate in 'predictions' and a "
            f"'size' of at least 1. Got {len(predictions)} candidates and size={size}."
        )
    if isinstance(score, LogLoss | SquaredError | RootSquaredErrors):
        totals = score.totals(predictions)
    else:
        totals = _CallableTotals(predictions, score)
    counts = np.zeros(len(predictions), dtype=np.int64)
    best, best_score, waited = counts.copy(), -np.inf, 0
    if start is not None and np.any(start):
        for given in np.flatnonzero(start):
            totals.add(given, int(start[given]))
            counts[given] = start[given]
        best, best_score = counts.copy(), totals.score()
    while counts.sum() < size and waited < PATIENCE:
        if best.any() and stop():
            break
        scores = totals.scores_with_each()
        scores = np.where(np.isfinite(scores), scores, -np.inf)
        m = int(np.argmax(scores))
        if scores[m] == -np.inf:
            break
        totals.add(m)
        counts[m] += 1
        waited += 1
        if scores[m] > best_score:
            best, best_score, waited = counts.copy(), scores[m], 0
    if not best.any():
        raise ValueError(
            f"None of the {len(predictions)} candidates has a finite score. Leave out "
            "candidates whose predictions are not finite."
        )
    return best


def of_outputs(sample_weight, y):
    """Repeat the weights of rows for the outputs of `y`, in one dimension."""
    if sample_weight is None or y.ndim == 1:
        return sample_weight
    return np.repeat(sample_weight, y.shape[1])


def _unit_weights(sample_weight, n):
    """Scale the weights of rows to sum to one."""
    if sample_weight is None:
        return np.full(n, 1.0 / n)
    return np.asarray(sample_weight, dtype=np.float64) / np.sum(sample_weight)
