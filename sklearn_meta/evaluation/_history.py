"""History of a search: its evaluations, and the racing rule that they imply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_meta.evaluation._duplicates import PredictionIndex, compared_values
from sklearn_meta.evaluation._racing import RacingRule, screening_floor
from sklearn_meta.evaluation._records import Evaluation, FoldResult, Status

# Number of the best candidates whose predictions are compared with those of new ones.
MAX_COMPARED = 100
# Weight of a duplicate among the evaluations without a gain: it takes one fold only,
# and does not show whether better candidates are left.
SHARE_OF_A_DUPLICATE = 0.25

# Number of the best candidates whose fold models are kept.
MAX_CANDIDATES_WITH_MODELS = 8
# Fold models are kept if a fit takes at least this share of the budget.
KEEP_MODELS_SHARE = 0.02
# Memory limit of all predictions; those of the worst candidates are dropped first.
MAX_PREDICTION_BYTES = 512 * 2**20


class History:
    """Evaluations in the order in which the search was told of them.

    To save memory, only the best few candidates keep their fold models, and only
    finished candidates their predictions, up to a limit.

    Parameters
    ----------
    keep_models_from : float, default=inf
        Seconds of a fit from which on fold models are kept.
    comparable : callable, default=numpy.asarray
        Function of the task that brings predictions into units in which they are
        compared, to find duplicates.

    Attributes
    ----------
    without_models, without_predictions : set of int
        Numbers of the evaluations whose models and predictions were dropped.
    running : mapping of int to object
        What is being evaluated, by its number, each with a ``candidate``; for display.
    """

    def __init__(self, keep_models_from=np.inf, comparable=np.asarray):
        self.keep_models_from = keep_models_from
        self.comparable = comparable
        self._evaluations: list[Evaluation] = []
        self._compared_values: list[tuple[float, int, np.ndarray]] = []
        # Positions of evaluations with models, and bytes of predictions by position, so
        # that adding an evaluation does not take time proportional to their number.
        self._with_models: list[int] = []
        self._prediction_bytes: dict[int, int] = {}
        self._since_gain, self._to_beat = 0.0, -np.inf
        self.without_models: set[int] = set()
        self.without_predictions: set[int] = set()
        self.running: Mapping[int, Any] = {}

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self._evaluations)

    def __len__(self):
        return len(self._evaluations)

    def __getitem__(self, index):
        return self._evaluations[index]

    def finished(self) -> list[Evaluation]:
        """Return the evaluations with all folds scored, in order."""
        return [e for e in self._evaluations if e.status is Status.OK]

    def best(self) -> Evaluation | None:
        """Return the first finished evaluation with the best score, or None."""
        return max(self.finished(), key=lambda e: e.score, default=None)

    def add(self, evaluation) -> Evaluation:
        """Store an evaluation, and drop models and predictions beyond the limits.

        Parameters
        ----------
        evaluation : Evaluation

        Returns
        -------
        evaluation : Evaluation
            As it is stored, possibly without models and predictions.
        """
        position = len(self._evaluations)
        self._evaluations.append(evaluation)
        self._count(evaluation)
        if evaluation.status is Status.OK:
            self._keep_compared_values(evaluation)
        if any(f.model is not None for f in (*evaluation.folds, *evaluation.screening)):
            self._with_models.append(position)
            self._drop_models()
        self._prediction_bytes[position] = _bytes(evaluation)
        self._drop_predictions()
        return self._evaluations[position]

    def racing_rule(self) -> RacingRule:
        """Return the racing rule of the next candidate."""
        best = self.best()
        screened = [e.screening[0].score for e in self._evaluations if e.screening]
        screened = [score for score in screened if not np.isnan(score)]
        return RacingRule(
            floor=-np.inf if best is None else min(best.defined_scores),
            screening_floor=screening_floor(screened),
            keep_models_from=self.keep_models_from,
            best_scores=() if best is None else tuple(best.scores),
            prediction_index=self._prediction_index(),
        )

    def evaluations_since_gain(self) -> float:
        """Return the number of evaluations since the best score improved noticeably.

        Returns
        -------
        n : float
            An improvement by less than a twentieth of the standard error of the best
            candidate does not count. A duplicate counts as a quarter of an evaluation,
            a skipped candidate as none.
        """
        return self._since_gain

    def _count(self, evaluation):
        """Update the number of evaluations without a gain."""
        if evaluation.status is Status.SKIPPED:
            return
        is_duplicate = evaluation.status is Status.DUPLICATE
        self._since_gain += SHARE_OF_A_DUPLICATE if is_duplicate else 1
        if evaluation.status is Status.OK and evaluation.score > self._to_beat:
            noise = np.nan_to_num(evaluation.standard_error)
            self._since_gain, self._to_beat = 0.0, evaluation.score + 0.05 * noise

    def _keep_compared_values(self, evaluation):
        if not has_predictions(evaluation):
            return
        values = compared_values(self.comparable(evaluation.folds[0].predictions))
        if values is None:
            return
        self._compared_values.append((evaluation.score, evaluation.number, values))
        self._compared_values.sort(key=lambda entry: -entry[0])
        del self._compared_values[MAX_COMPARED:]

    def _prediction_index(self):
        if not self._compared_values:
            return PredictionIndex()
        _, numbers, values = zip(*self._compared_values, strict=True)
        return PredictionIndex(numbers, np.stack(values))

    def _drop_models(self):
        # By number of finished folds first, so that a candidate with a high score on
        # one fold does not displace a finished one.
        self._with_models.sort(
            key=lambda i: (
                len(self._evaluations[i].folds),
                self._evaluations[i].score,
                max((f.score for f in self._evaluations[i].screening), default=-np.inf),
            )
        )
        for i in self._with_models[:-MAX_CANDIDATES_WITH_MODELS]:
            evaluation = self._evaluations[i]
            self.without_models.add(evaluation.number)
            self._evaluations[i] = replace(
                evaluation,
                folds=tuple(replace(f, model=None) for f in evaluation.folds),
                screening=tuple(replace(f, model=None) for f in evaluation.screening),
            )
        del self._with_models[:-MAX_CANDIDATES_WITH_MODELS]

    def _drop_predictions(self):
        n_bytes = self._prediction_bytes
        finished = [i for i in n_bytes if self._evaluations[i].status is Status.OK]
        if finished:
            for i in n_bytes.keys() - finished:
                self._forget_predictions(i)
        size = sum(n_bytes.values())
        if not finished or size <= MAX_PREDICTION_BYTES:
            return
        for i in sorted(finished, key=lambda i: self._evaluations[i].score):
            size -= self._forget_predictions(i)
            if size <= MAX_PREDICTION_BYTES:
                break

    def _forget_predictions(self, position):
        evaluation = self._evaluations[position]
        self.without_predictions.add(evaluation.number)
        self._evaluations[position] = _without_predictions(evaluation)
        return self._prediction_bytes.pop(position)


def new_history(budget, task) -> History:
    """Return an empty history for a search.

    If a fit takes a considerable share of the budget, there may be no time for all
    refits. The fold models of such fits are kept.

    Parameters
    ----------
    budget : Budget
    task : Task

    Returns
    -------
    history : History
    """
    keep_models_from = min(KEEP_MODELS_SHARE * budget.seconds, 1e6)
    return History(keep_models_from, task.comparable)


def storable(evaluation, history) -> Evaluation:
    """Return an evaluation without what a history would drop at once.

    Parameters
    ----------
    evaluation : Evaluation
    history : History
        It does not have the evaluation yet.

    Returns
    -------
    evaluation : Evaluation
    """
    is_kept = evaluation.status is Status.OK or not history.finished()
    if is_kept and _bytes(evaluation) <= MAX_PREDICTION_BYTES:
        return evaluation
    return _without_predictions(evaluation)


def has_predictions(evaluation) -> bool:
    """Whether the out-of-fold predictions of all finished folds are kept."""
    return bool(evaluation.folds) and all(
        f.predictions is not None for f in evaluation.folds
    )


def _bytes(evaluation):
    """Return the number of bytes of the predictions."""
    return sum(
        f.predictions.nbytes
        for f in (*evaluation.folds, *evaluation.screening)
        if f.predictions is not None
    )


def _without_predictions(evaluation):
    """Return the evaluation without the predictions of its stages."""

    def drop(fold: FoldResult):
        return replace(fold, predictions=None)

    return replace(
        evaluation,
        folds=tuple(drop(f) for f in evaluation.folds),
        screening=tuple(drop(f) for f in evaluation.screening),
    )
