"""What passes between search, evaluation and combination: small immutable records."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np

from sklearn_meta.pipelines._tree import Node

# Origin of the user's own pipelines, with which a search begins.
INITIAL = "initial"


@dataclass(frozen=True)
class Candidate:
    """A pipeline tree and where it came from.

    Parameters
    ----------
    tree : Node or None
        None in the history of a fitted estimator.
    text : str
        Canonical text of `tree`: the identity of the candidate.
    origin : str
        For people: ``"portfolio"``, ``"random"``, ``"mutation of 12: replaced pca"``.
    expected_seconds : float or None, default=None
        Of one fit on all rows, where it is known from other datasets.
    """

    tree: Node | None
    text: str
    origin: str
    expected_seconds: float | None = None

    @property
    def is_initial(self) -> bool:
        """Whether it is one of the user's own pipelines."""
        return self.origin == INITIAL


class Status(StrEnum):
    """How an evaluation ended."""

    OK = "ok"  # every fold was scored
    PRUNED = "pruned"  # lost the race: some folds were scored
    SAME = "same"  # predicts what another one does: one fold was scored
    FAILED = "failed"  # raised, or predicted values that are not finite
    TIMEOUT = "timeout"  # reached its deadline
    MEMORY = "memory"  # reached the memory limit
    CRASHED = "crashed"  # its process ended
    SKIPPED = "skipped"  # not started: there was no time for it


# Status of an evaluation by the kind of failure that a pool reports.
STATUS_OF_FAILURE = {
    "raised": Status.FAILED,
    "timeout": Status.TIMEOUT,
    "memory": Status.MEMORY,
    "crashed": Status.CRASHED,
}

# Of candidates that were scored on some folds and are not worth the others.
GIVEN_UP = (Status.PRUNED, Status.SAME)


@dataclass(frozen=True)
class FoldResult:
    """What one fold (or one subsample stage) of a candidate gave.

    Parameters
    ----------
    stage : int
        Index of the stage in the race.
    score : float
        Greater is better.
    predictions : ndarray of shape (n_validation, n_outputs) or (n_validation,), or None
        Class probabilities or predicted targets of the validation rows, float32; None
        where they are no longer needed.
    fit_seconds, predict_seconds : float
        Wall-clock seconds of the fit and of predicting the validation rows.
    iterations : int or None
        Boosting rounds that early stopping chose.
    model : bytes or None
        The pickled fitted pipeline, where it may be needed later.
    """

    stage: int
    score: float
    predictions: np.ndarray | None = field(repr=False, compare=False)
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    iterations: int | None = None
    model: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Evaluation:
    """What happened when a candidate was scored.

    Parameters
    ----------
    number : int
        Number of the proposal, from 0 in the order in which candidates were asked.
    candidate : Candidate
        What was scored.
    status : Status
        How the evaluation ended.
    folds : tuple of FoldResult
        Finished folds on all training rows, in order.
    screening : tuple of FoldResult
        Finished stages on a subsample of rows; their scores are not comparable with
        those of `folds`.
    reason : str
        Why it did not finish; empty for `Status.OK`.
    seconds : float
        Wall-clock length of the whole evaluation, overhead included.
    """

    number: int
    candidate: Candidate
    status: Status
    folds: tuple[FoldResult, ...] = ()
    screening: tuple[FoldResult, ...] = ()
    reason: str = ""
    seconds: float = 0.0

    @property
    def scores(self) -> tuple[float, ...]:
        """Scores of the finished folds; greater is better."""
        return tuple(fold.score for fold in self.folds)

    # Asked for by every sorting of the history.
    @cached_property
    def score(self) -> float:
        """Mean of `scores`; minus infinity if no fold was finished."""
        return float(np.mean(self.scores)) if self.folds else -np.inf

    @property
    def standard_error(self) -> float:
        """Standard error of `score`; NaN with fewer than two folds."""
        if len(self.folds) < 2:
            return float("nan")
        return float(np.std(self.scores, ddof=1) / np.sqrt(len(self.folds)))

    @property
    def fit_seconds(self) -> float:
        """Mean seconds of one fit; NaN if no fold was finished."""
        return float(np.mean([f.fit_seconds for f in self.folds] or [np.nan]))

    @property
    def predict_seconds(self) -> float:
        """Mean seconds of predicting one validation part."""
        return float(np.mean([f.predict_seconds for f in self.folds] or [np.nan]))
