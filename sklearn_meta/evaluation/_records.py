"""Immutable records of candidates and evaluations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from sklearn_meta.pipelines._tree import Node

# Origin of pipelines that the user has passed, which a search evaluates first.
INITIAL = "initial"


@dataclass(frozen=True)
class Candidate:
    """A pipeline that a search has proposed.

    Parameters
    ----------
    tree : Node or None
        The pipeline; None in the history of a fitted estimator.
    text : str
        Canonical text of `tree`, which identifies the candidate.
    origin : str
        How the search found it, for display: ``"portfolio"``, ``"random"``,
        ``"mutation of 12: replaced pca"``.
    expected_seconds : float or None, default=None
        Seconds of one fit on all rows, predicted from other datasets; None if the
        pipeline was not fitted on others.
    """

    tree: Node | None
    text: str
    origin: str
    expected_seconds: float | None = None

    @property
    def is_initial(self) -> bool:
        """Whether the user has passed the pipeline."""
        return self.origin == INITIAL


class Status(StrEnum):
    """How an evaluation ended."""

    OK = "ok"  # all folds are scored
    PRUNED = "pruned"  # clearly worse than the best candidate after some folds
    DUPLICATE = "duplicate"  # predicts the same as another candidate on the first fold
    FAILED = "failed"  # raised, or predicted values that are not finite
    TIMEOUT = "timeout"  # reached its deadline
    MEMORY = "memory"  # reached the memory limit
    CRASHED = "crashed"  # its process ended
    SKIPPED = "skipped"  # not started, as there was no time for it


# Status of an evaluation by the kind of failure that a pool reports.
STATUS_OF_FAILURE = {
    "raised": Status.FAILED,
    "timeout": Status.TIMEOUT,
    "memory": Status.MEMORY,
    "crashed": Status.CRASHED,
}

# Statuses of candidates whose evaluation was stopped by racing.
GIVEN_UP = (Status.PRUNED, Status.DUPLICATE)


@dataclass(frozen=True)
class FoldResult:
    """Result of one stage of an evaluation, a fold or a screening on a subsample.

    Parameters
    ----------
    stage : int
        Index in `EvaluationContext.stages`.
    score : float
        Greater is better. NaN where the metric is undefined for all predictions, as
        where the validation rows lack a class.
    predictions : ndarray of shape (n_validation, n_outputs) or (n_validation,), or None
        Class probabilities or predicted targets of the validation rows; None if they
        are no longer needed.
    fit_seconds, predict_seconds : float, default=0.0
        Wall-clock seconds.
    iterations : int or None, default=None
        Number of boosting rounds chosen by early stopping; None without it.
    model : bytes or None, default=None
        The pickled fitted pipeline; None if it need not be kept.
    score_seconds : float, default=0.0
        Wall-clock seconds of the scorer.
    pooled_score : float or None, default=None
        Score of the predictions of this and all earlier folds together. Only of the
        last fold, and only if the score is undefined on each of them.
    reported : float or None, default=None
        Score by the user's metric, where candidates are compared by another objective;
        None if `score` is it.
    """

    stage: int
    score: float
    predictions: np.ndarray | None = field(repr=False, compare=False)
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    iterations: int | None = None
    model: bytes | None = field(default=None, repr=False, compare=False)
    score_seconds: float = 0.0
    pooled_score: float | None = None
    reported: float | None = None

    def as_reported(self) -> FoldResult:
        """Return the result with the score by the user's metric.

        Returns
        -------
        result : FoldResult
            Unchanged if candidates are compared by this metric.
        """
        if self.reported is None:
            return self
        return replace(self, score=self.reported, reported=None)


@dataclass(frozen=True)
class Evaluation:
    """Result of the evaluation of a candidate.

    Parameters
    ----------
    number : int
        Number of the candidate, from 0 in the order in which the search proposed them.
    candidate : Candidate
        The pipeline that was evaluated.
    status : Status
        How the evaluation ended.
    folds : tuple of FoldResult, default=()
        Results of the finished folds, in order.
    screening : tuple of FoldResult, default=()
        Results of the finished screening stages; their scores are not comparable with
        those of `folds`.
    reason : str, default=""
        Why not all folds are scored; empty for `Status.OK`.
    seconds : float, default=0.0
        Wall-clock seconds of the whole evaluation, overhead included.
    elapsed : float or None, default=None
        Seconds from the start of the fit to the end of the evaluation, those of the
        earlier fits that it continues included. None without a search.
    """

    number: int
    candidate: Candidate
    status: Status
    folds: tuple[FoldResult, ...] = ()
    screening: tuple[FoldResult, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    elapsed: float | None = None

    @property
    def scores(self) -> tuple[float, ...]:
        """Scores of the finished folds; greater is better, NaN where undefined."""
        return tuple(fold.score for fold in self.folds)

    @property
    def defined_scores(self) -> list[float]:
        """Scores of the folds on which the metric is defined; else the pooled score."""
        defined = [score for score in self.scores if not np.isnan(score)]
        pooled = [f.pooled_score for f in self.folds if f.pooled_score is not None]
        return defined or pooled

    # Cached because every sort of the history reads it.
    @cached_property
    def score(self) -> float:
        """Mean of `defined_scores`; minus infinity if there are none."""
        return float(np.mean(self.defined_scores or [-np.inf]))

    def as_reported(self) -> Evaluation:
        """Return the evaluation with the scores by the user's metric.

        Returns
        -------
        evaluation : Evaluation
            Unchanged if candidates are compared by this metric.
        """
        return replace(
            self,
            folds=tuple(f.as_reported() for f in self.folds),
            screening=tuple(f.as_reported() for f in self.screening),
        )

    @property
    def standard_error(self) -> float:
        """Standard error of `score`; NaN with fewer than two scores."""
        scores = self.defined_scores
        if len(scores) < 2:
            return float("nan")
        return float(np.std(scores, ddof=1) / np.sqrt(len(scores)))

    @property
    def score_seconds(self) -> float:
        """Longest seconds of the scorer on a fold; zero if no fold is finished."""
        return max((f.score_seconds for f in self.folds), default=0.0)

    @property
    def fit_seconds(self) -> float:
        """Mean seconds of one fit; NaN if no fold is finished."""
        return float(np.mean([f.fit_seconds for f in self.folds] or [np.nan]))

    @property
    def predict_seconds(self) -> float:
        """Mean seconds of one validation part; NaN if no fold is finished."""
        return float(np.mean([f.predict_seconds for f in self.folds] or [np.nan]))
