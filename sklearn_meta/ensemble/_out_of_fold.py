"""Collect out-of-fold predictions of candidates on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_meta.evaluation._history import has_predictions
from sklearn_meta.evaluation._records import Evaluation, Status


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold predictions of several candidates on the same rows.

    Parameters
    ----------
    evaluations : tuple of Evaluation
        Evaluations of the candidates.
    rows : ndarray of int
        Indices of the rows in the dataset.
    predictions : tuple of ndarray
        Predictions of each candidate for `rows`.
    folds : tuple of ndarray of int
        Disjoint validation folds, as positions in `rows`.
    scores : ndarray of shape (n_candidates, n_folds) or None
        Scores of the candidates on `folds`; None if the folds are repeated, so that
        predictions are averages of which there is no score.
    """

    evaluations: tuple[Evaluation, ...]
    rows: np.ndarray
    predictions: tuple[np.ndarray, ...]
    folds: tuple[np.ndarray, ...]
    scores: np.ndarray | None = None


def out_of_fold(history, context) -> OutOfFold | None:
    """Collect the out-of-fold predictions of the candidates that can be combined.

    These are the candidates that were evaluated on all folds. If there are none, the
    candidates with the largest number of folds are used, on these folds. Candidates
    without any score are left out: their scorer has failed.

    Parameters
    ----------
    history : iterable of Evaluation
    context : EvaluationContext

    Returns
    -------
    out_of_fold : OutOfFold or None
        None if no candidate has a score on a fold.
    """
    usable = [e for e in history if has_predictions(e) and e.defined_scores]
    finished = [e for e in usable if e.status is Status.OK]
    chosen = finished or usable
    if not chosen:
        return None
    n_folds = max(len(e.folds) for e in chosen)
    chosen = [e for e in chosen if len(e.folds) >= n_folds]
    first = context.n_screening
    valid = [s.validation for s in context.stages[first : first + n_folds]]
    rows, inverse = np.unique(np.concatenate(valid), return_inverse=True)
    positions = np.split(inverse, np.cumsum([len(v) for v in valid])[:-1])
    counts = np.bincount(inverse)
    disjoint, covered = [], np.zeros(len(rows), dtype=bool)
    for fold in positions:
        if not covered[fold].any():
            disjoint.append(fold)
            covered[fold] = True
    scores = np.array([e.scores[:n_folds] for e in chosen])
    return OutOfFold(
        tuple(chosen),
        rows,
        tuple(_average(e.folds[:n_folds], positions, counts) for e in chosen),
        tuple(disjoint),
        scores if len(disjoint) == n_folds else None,
    )


def _average(folds, positions, counts):
    """Average the predictions of each row over the folds that contain it."""
    first = folds[0].predictions
    total = np.zeros((len(counts), *first.shape[1:]))
    for fold, where in zip(folds, positions, strict=True):
        # A row occurs at most once in one fold.
        total[where] += fold.predictions
    return total / counts.reshape(-1, *[1] * (first.ndim - 1))
