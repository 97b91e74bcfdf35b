"""Greedy ensemble selection with replacement.

Caruana, Niculescu-Mizil, Crew, Ksikes (2004), Ensemble selection from libraries of
models, ICML. Notation: M candidates, n rows, t members chosen so far, ``S`` the sum of
their predictions; adding candidate m gives the ensemble ``(S + p_m) / (t + 1)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.data._task import SMALLEST_PROBABILITY

# With replacement, a step may lose what the next ones gain (3 + 1 members where 1 + 1
# is worse than 1), so the search goes on for some steps; the best prefix is returned.
PATIENCE = 5


class NoFiniteScoreError(ValueError):
    """Raised when no candidate has a finite score."""


@dataclass(frozen=True, eq=False)
class LogLoss:
    """Mean log-probability of the true class, as a score that greedy search knows.

    Parameters
    ----------
    y : ndarray of int of shape (n_samples,) or (n_samples, n_labels)
        Column of the true class. Of several labels, each is a problem of two classes;
        the score is the mean over them.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows; None for equal ones.
    """

    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, predictions):
        """Return the score of probabilities; greater is better."""
        true = np.maximum(self.profile(predictions), SMALLEST_PROBABILITY)
        weights = of_outputs(self.sample_weight, self.y)
        return float(np.average(np.log(true), weights=weights))

    def profile(self, predictions):
        """Return the probability of the true class of each row and label.

        Parameters
        ----------
        predictions : array-like of shape (n_samples, n_classes)
            Probabilities of the classes; of several labels, of shape (n_samples,
            n_labels, 2), see `Combination.apply`.

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_samples * n_labels,)
            Probability of the true class, row by row.
        """
        p = np.asarray(predictions)
        p = p.reshape(-1, p.shape[-1])
        return p[np.arange(self.y.size), self.y.reshape(-1)].astype(np.float64)

    def totals(self, predictions):
        """Return the running sums of a greedy selection.

        Parameters
        ----------
        predictions : sequence of array-like
            Predictions of each candidate, as of `profile`.

        Returns
        -------
        totals : object
            Empty ensemble with ``add(m)``, ``score()`` and ``scores_with_each()``, the
            scores after each possible addition.
        """
        return _LogLossTotals(
            np.stack([self.profile(p) for p in predictions]),
            _unit_weights(of_outputs(self.sample_weight, self.y), self.y.size),
        )


@dataclass(frozen=True, eq=False)
class SquaredError:
    """Minus the mean squared error, as a score that greedy search knows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        True targets.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows; None for equal ones.
    """

    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, predictions):
        """Return the score of targets; greater is better."""
        weights = of_outputs(self.sample_weight, self.y)
        return -float(np.average(self.profile(predictions) ** 2, weights=weights))

    def profile(self, predictions):
        """Return the error of each row and output.

        Parameters
        ----------
        predictions : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Predicted targets of one candidate.

        Returns
        -------
        errors : ndarray of float64 of shape (n_samples * n_outputs,)
            Predicted minus true target, row by row.
        """
        return (np.asarray(predictions, dtype=np.float64) - self.y).reshape(-1)

    def totals(self, predictions):
        """Return the running sums of a greedy selection.

        Parameters
        ----------
        predictions : sequence of array-like
            Predictions of each candidate, as of `profile`.

        Returns
        -------
        totals : object
            Empty ensemble with ``add(m)``, ``score()`` and ``scores_with_each()``, the
            scores after each possible addition.
        """
        return _SquaredErrorTotals(
            np.stack([self.profile(f) for f in predictions]),
            _unit_weights(of_outputs(self.sample_weight, self.y), self.y.size),
        )


@dataclass(frozen=True, eq=False)
class RootSquaredErrors:
    """Minus the mean over outputs of the root mean squared error.

    With one output the root does not change which average is the best, and
    `SquaredError` will do.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_outputs)
        True targets.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows; None for equal ones.
    """

    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, predictions):
        """Return the score of targets; greater is better."""
        squares = np.average(
            self._errors(predictions) ** 2, axis=0, weights=self.sample_weight
        )
        return -float(np.mean(np.sqrt(squares)))

    def profile(self, predictions):
        """Return the error of each row and output, in deviations of the output.

        Parameters
        ----------
        predictions : array-like of shape (n_samples, n_outputs)
            Predicted targets of one candidate.

        Returns
        -------
        errors : ndarray of float64 of shape (n_samples * n_outputs,)
            Predicted minus true target, divided by the standard deviation of the
            output; an output without variance is not scaled.
        """
        scale = np.std(self.y, axis=0)
        return (self._errors(predictions) / np.where(scale > 0, scale, 1)).reshape(-1)

    def totals(self, predictions):
        """Return the running sums of a greedy selection.

        Parameters
        ----------
        predictions : sequence of array-like of shape (n_samples, n_outputs)
            Predictions of each candidate.

        Returns
        -------
        totals : object
            Empty ensemble with ``add(m)``, ``score()`` and ``scores_with_each()``, the
            scores after each possible addition.
        """
        errors = np.stack([self._errors(f) for f in predictions])
        return _RootSquaredErrorsTotals(
            np.moveaxis(errors, 2, 0), _unit_weights(self.sample_weight, len(self.y))
        )

    def _errors(self, predictions):
        return np.asarray(predictions, dtype=np.float64) - self.y


class _LogLossTotals:
    """Only the probability of the true class of each row is needed."""

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
    """With ``G`` the Gram matrix of errors, counts c have error ``c'Gc / t^2``."""

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
    """As for one output, with a Gram matrix for each."""

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
        # Rounding may leave the square of a vanishing error below zero.
        return -np.mean(np.sqrt(np.maximum(-np.array(scores), 0.0)), axis=0)


class _CallableTotals:
    """Any function of predictions; one call for each candidate and step."""

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
    """Choose how often each candidate enters an average, one addition at a time.

    Each step adds the candidate whose addition gives the best score; the best of all
    the averages met on the way is returned, so that it is never worse on these rows
    than the best candidate alone. Ties go to the candidate that comes first.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_samples, n_outputs) or (n_samples,)
        Out-of-fold predictions of each candidate.
    score : LogLoss, SquaredError, RootSquaredErrors or callable
        ``score(predictions) -> float``, greater is better. The classes are computed for
        all candidates at once.
    size : int
        Largest number of additions, those of `start` included.
    start : ndarray of int of shape (n_candidates,), default=None
        Counts to begin with; None for an empty ensemble.
    stop : callable, default never
        Asked before each step; once it says True the best so far is returned. The first
        step is always made.

    Returns
    -------
    counts : ndarray of int of shape (n_candidates,)
        Number of times that each candidate was added.

    Raises
    ------
    ValueError
        If there is no candidate or `size` is not positive.
    NoFiniteScoreError
        If no score is finite.
    """
    if not len(predictions) or size < 1:
        raise ValueError(
            f"greedy_selection needs a candidate and a 'size' of at least 1. Got "
            f"{len(predictions)} candidates and size={size}."
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
        raise NoFiniteScoreError("None of the candidates has a finite score.")
    return best


def of_outputs(sample_weight, y):
    """Return the weights of rows for each row and output of `y`, in one dimension."""
    if sample_weight is None or y.ndim == 1:
        return sample_weight
    return np.repeat(sample_weight, y.shape[1])


def _unit_weights(sample_weight, n):
    """Return weights of rows that sum to one."""
    if sample_weight is None:
        return np.full(n, 1.0 / n)
    return np.asarray(sample_weight, dtype=np.float64) / np.sum(sample_weight)
