"""What has been evaluated so far, and what follows from it for the next candidate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sklearn_meta.evaluation._duplicates import KnownPredictions, sketch
from sklearn_meta.evaluation._racing import Race, screening_floor
from sklearn_meta.evaluation._records import Evaluation, FoldResult, Status

# Duplicates are looked for among this many of the best candidates.
MAX_SKETCHES = 100
# What a candidate that predicts the same as another counts for the patience: it costs
# one fold, and says nothing of how much is left to find.
SHARE_OF_A_DUPLICATE = 0.25

# Fold models are kept for this many of the best candidates.
MAX_CANDIDATES_WITH_MODELS = 8
# Models of fits that take at least this share of the budget are kept.
KEEP_MODELS_SHARE = 0.02
# All stored predictions together take at most this much memory; the worst go first.
MAX_PREDICTION_BYTES = 512 * 2**20


class History:
    """Finished evaluations in the order in which they were told.

    Only what may still be needed is kept: the fold models of the best few candidates,
    the predictions of finished candidates within a memory bound.

    Parameters
    ----------
    keep_models_from : float, default=inf
        Fits that take at least this many seconds hand their models over.
    """

    def __init__(self, keep_models_from=np.inf):
        self.keep_models_from = keep_models_from
        self._evaluations: list[Evaluation] = []
        self._sketches: list[tuple[float, int, np.ndarray]] = []
        # Positions of evaluations that hold models, and bytes of predictions by
        # position: long runs do not look at all evaluations again for each new one.
        self._with_models: list[int] = []
        self._prediction_bytes: dict[int, int] = {}
        self._since_gain, self._to_beat = 0.0, -np.inf

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self._evaluations)

    def __len__(self):
        return len(self._evaluations)

    def __getitem__(self, index):
        return self._evaluations[index]

    def finished(self) -> list[Evaluation]:
        """Evaluations with every fold scored, in the order of telling."""
        return [e for e in self._evaluations if e.status is Status.OK]

    def best(self) -> Evaluation | None:
        """The finished evaluation with the best score; the earlier one of equals."""
        return max(self.finished(), key=lambda e: e.score, default=None)

    def add(self, evaluation) -> Evaluation:
        """Store an evaluation and drop what is no longer needed."""
        position = len(self._evaluations)
        self._evaluations.append(evaluation)
        self._count(evaluation)
        if evaluation.status is Status.OK:
            self._keep_sketch(evaluation)
        if any(f.model is not None for f in (*evaluation.folds, *evaluation.screening)):
            self._with_models.append(position)
            self._drop_models()
        self._prediction_bytes[position] = _bytes(evaluation)
        self._drop_predictions()
        return self._evaluations[position]

    def race(self) -> Race:
        """What the next candidate has to beat."""
        best = self.best()
        screened = [e.screening[0].score for e in self._evaluations if e.screening]
        return Race(
            floor=-np.inf if best is None else min(best.scores),
            screening_floor=screening_floor(screened),
            keep_models_from=self.keep_models_from,
            best_scores=() if best is None else tuple(best.scores),
            known=self._known_predictions(),
        )

    def evaluations_since_gain(self) -> float:
        """How many evaluations ago the best score last rose noticeably.

        A gain below a twentieth of the best candidate's standard error is luck. A
        candidate that turned out to be the same as another one counts a quarter.
        """
        return self._since_gain

    def _count(self, evaluation):
        if evaluation.status is Status.SKIPPED:
            return
        same = evaluation.status is Status.SAME
        self._since_gain += SHARE_OF_A_DUPLICATE if same else 1
        if evaluation.status is Status.OK and evaluation.score > self._to_beat:
            noise = np.nan_to_num(evaluation.standard_error)
            self._since_gain, self._to_beat = 0.0, evaluation.score + 0.05 * noise

    def _keep_sketch(self, evaluation):
        if not has_predictions(evaluation):
            return
        values = sketch(evaluation.folds[0].predictions)
        if values is None:
            return
        self._sketches.append((evaluation.score, evaluation.number, values))
        self._sketches.sort(key=lambda entry: -entry[0])
        del self._sketches[MAX_SKETCHES:]

    def _known_predictions(self):
        if not self._sketches:
            return KnownPredictions()
        _, numbers, sketches = zip(*self._sketches, strict=True)
        return KnownPredictions(numbers, np.stack(sketches))

    def _drop_models(self):
        # More finished folds first: a candidate with one lucky fold must not displace
        # a finished one.
        self._with_models.sort(
            key=lambda i: (
                len(self._evaluations[i].folds),
                self._evaluations[i].score,
                max((f.score for f in self._evaluations[i].screening), default=-np.inf),
            )
        )
        for i in self._with_models[:-MAX_CANDIDATES_WITH_MODELS]:
            evaluation = self._evaluations[i]
            self._evaluations[i] = replace(
                evaluation,
                folds=tuple(replace(f, model=None) for f in evaluation.folds),
                screening=tuple(replace(f, model=None) for f in evaluation.screening),
            )
        del self._with_models[:-MAX_CANDIDATES_WITH_MODELS]

    def _drop_predictions(self):
        held = self._prediction_bytes
        finished = [i for i in held if self._evaluations[i].status is Status.OK]
        if finished:
            for i in held.keys() - finished:
                self._forget_predictions(i)
        size = sum(held.values())
        if not finished or size <= MAX_PREDICTION_BYTES:
            return
        for i in sorted(finished, key=lambda i: self._evaluations[i].score):
            size -= self._forget_predictions(i)
            if size <= MAX_PREDICTION_BYTES:
                break

    def _forget_predictions(self, position):
        evaluation = self._evaluations[position]
        self._evaluations[position] = _without_predictions(evaluation)
        return self._prediction_bytes.pop(position)


def new_history(budget) -> History:
    """Return the empty history of a run.

    Refits that take a noticeable part of the budget may not all fit into it: models of
    such fits are kept.
    """
    return History(keep_models_from=min(KEEP_MODELS_SHARE * budget.seconds, 1e6))


def has_predictions(evaluation) -> bool:
    """Whether the out-of-fold predictions of the finished folds are at hand."""
    return bool(evaluation.folds) and all(
        f.predictions is not None for f in evaluation.folds
    )


def _bytes(evaluation):
    return sum(
        f.predictions.nbytes
        for f in (*evaluation.folds, *evaluation.screening)
        if f.predictions is not None
    )


def _without_predictions(evaluation):
    def drop(fold: FoldResult):
        return replace(fold, predictions=None)

    return replace(
        evaluation,
        folds=tuple(drop(f) for f in evaluation.folds),
        screening=tuple(drop(f) for f in evaluation.screening),
    )
