"""Score of rows that were held back, with a bootstrap interval over the rows."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from sklearn_meta._sklearn_compat import response_methods
from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.evaluation._scoring import FAST_METRICS, FastScoring
from sklearn_meta.inspection.report._facts import HeldOutScore
from sklearn_meta.inspection.report._predicted import Predicted, as_predicted

# Bootstrap samples of a metric that numpy computes, and of one that goes through the
# checks of scikit-learn, which take about a millisecond; fewer for more rows than this.
N_FAST, N_CHECKED, N_LEAST, MANY_ROWS = 1_000, 200, 50, 20_000

LEVELS = (0.025, 0.975)

UNDEFINED = (float("nan"), float("nan"))


def score_of_table(model, scoring, X, y) -> HeldOutScore:
    """Score a table with a scorer that reads it, which has no interval."""
    score = float(scoring.scorer(model, X, y))
    note = "no interval, because your scorer reads the table"
    return HeldOutScore(len(y), score, UNDEFINED, float("nan"), note=note)


def score_of_rows(model, scoring, predicted, n_unseen=0) -> HeldOutScore:
    """Score predictions of rows that were held back.

    Parameters
    ----------
    model : fitted estimator
    scoring : FastScoring or ScorerScoring
        One that does not read the table.
    predicted : Predicted
    n_unseen : int, default=0
        Number of rows of other classes.

    Returns
    -------
    score : HeldOutScore
    """
    n = len(predicted)
    try:
        with ignored_warnings():
            score = score_of(scoring, predicted)
    except ValueError as error:
        # Its message may hold values of the table.
        note = f"the score is not defined for these rows ({type(error).__name__})"
        return HeldOutScore(n, float("nan"), UNDEFINED, float("nan"), n_unseen, note)
    guess = np.asarray(model._fit_record.guess)
    guess = guess if predicted.predictions.ndim > 1 else guess[0]
    constant = np.array(np.broadcast_to(guess, predicted.predictions.shape))
    try:
        with ignored_warnings():
            of_constant = score_of(scoring, as_predicted(model, predicted.y, constant))
    except ValueError:
        of_constant = float("nan")
    n_rounds = N_FAST if isinstance(scoring, FastScoring) else N_CHECKED
    n_rounds = max(N_LEAST, int(n_rounds * min(1.0, MANY_ROWS / n)))
    interval = bootstrap_interval(
        lambda rows: score_of(scoring, predicted.take(rows)), n, n_rounds
    )
    return HeldOutScore(n, score, interval, of_constant, n_unseen)


def score_of(scoring, predicted: Predicted) -> float:
    """Return the score of predictions, with the decisions of the final model."""
    y, predictions = predicted.y, predicted.predictions
    if isinstance(scoring, FastScoring):
        return FAST_METRICS[scoring.name](y, predictions, None)
    task = scoring.task
    labels = task.decode(predicted.decided)
    stored: _Stored
    if not task.is_classifier:
        stored = _Numbers(predictions, labels, task)
    elif response_methods(scoring.scorer) == ("decision_function",):
        stored = _Deciding(predictions, labels, task)
    else:
        stored = _Classes(predictions, labels, task)
    return scoring.score_estimator(stored, None, task.decode(y))


def bootstrap_interval(score, n_rows, n_rounds) -> tuple[float, float]:
    """Return the 95 % percentile interval of a score over rows drawn with replacement.

    Parameters
    ----------
    score : callable
        ``score(rows) -> float``.
    n_rows, n_rounds : int

    Returns
    -------
    interval : tuple of (float, float)
        NaN if the score is undefined on most of the samples.
    """
    rng, scores = np.random.default_rng(0), []
    with ignored_warnings():
        for _ in range(n_rounds):
            try:
                scores.append(score(rng.integers(n_rows, size=n_rows)))
            except ValueError:
                # A sample that lacks a class.
                continue
    defined = [s for s in scores if np.isfinite(s)]
    if n_rows < 2 or len(defined) < n_rounds / 2:
        return UNDEFINED
    low, high = np.quantile(defined, LEVELS)
    return float(low), float(high)


class _Stored(BaseEstimator):
    """A fitted estimator that returns stored predictions, whatever X."""

    def __init__(self, predictions, labels, task):
        self.predictions = predictions
        self.labels = labels
        self.task = task

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.labels


class _Numbers(RegressorMixin, _Stored):
    pass


class _Classes(ClassifierMixin, _Stored):
    @property
    def classes_(self):
        return self.task.classes

    def predict_proba(self, X):
        return self.predictions


class _Deciding(_Classes):
    def decision_function(self, X):
        return self.task.as_deciding_estimator(self.predictions).decision_function(X)
