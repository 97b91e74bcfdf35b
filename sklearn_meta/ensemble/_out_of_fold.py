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
    fold_scores : ndarray of shape (n_candidates, n_folds)
        Scores of the candidates on `folds`, of one repetition if they are repeated.
    repeats : tuple of ndarray of shape (n_repeats, n_rows, ...)
        Predictions of each candidate by each repetition of the folds, of which
        `predictions` are the mean; empty if the folds are not repeated.
    numbers : ndarray of int of shape (n_repeats, n_rows)
        Number of the fold of each row in each repetition.
    """

    evaluations: tuple[Evaluation, ...]
    rows: np.ndarray
    predictions: tuple[np.ndarray, ...]
    folds: tuple[np.ndarray, ...]
    scores: np.ndarray | None
    fold_scores: np.ndarray
    repeats: tuple[np.ndarray, ...]
    numbers: np.ndarray


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
    for i, fold in enumerate(positions):
        if not covered[fold].any():
            disjoint.append(i)
            covered[fold] = True
    scores = np.array([e.scores[:n_folds] for e in chosen])
    repeats: tuple = ()
    # Rows in no disjoint fold are a part of their own.
    numbers = np.full((1, len(rows)), len(disjoint))
    for k, i in enumerate(disjoint):
        numbers[0, positions[i]] = k
    if n_folds > len(disjoint) and _are_repeated(positions, len(disjoint), len(rows)):
        folds_of = [e.folds[:n_folds] for e in chosen]
        repeats = tuple(
            _by_repeat([f.predictions for f in folds], positions, counts)
            for folds in folds_of
        )
        every = [np.full(len(fold), i) for i, fold in enumerate(positions)]
        numbers = _by_repeat(every, positions, counts)
    return OutOfFold(
        tuple(chosen),
        rows,
        tuple(_average(e.folds[:n_folds], positions, counts) for e in chosen),
        tuple(positions[i] for i in disjoint),
        scores if len(disjoint) == n_folds else None,
        scores[:, disjoint],
        repeats,
        numbers,
    )


def _are_repeated(positions, n_folds, n_rows):
    """Whether folds are several partitions of the rows into as many parts."""
    n_repeats, rest = divmod(len(positions), n_folds)
    starts = range(0, len(positions), n_folds)
    return not rest and all(
        len(np.unique(np.concatenate(positions[i : i + n_folds]))) == n_rows
        and sum(map(len, positions[i : i + n_folds])) == n_rows
        for i in starts
    )


def _by_repeat(of_folds, positions, counts):
    """Return values of each row in each repetition, from those of the folds."""
    first, n_repeats = of_folds[0], int(counts[0])
    values = np.empty((n_repeats, len(counts), *first.shape[1:]), first.dtype)
    n_folds = len(of_folds) // n_repeats
    for i, (fold, where) in enumerate(zip(of_folds, positions, strict=True)):
        values[i // n_folds, where] = fold
    return values


def _average(folds, positions, counts):
    """Average the predictions of each row over the folds that contain it."""
    first = folds[0].predictions
    total = np.zeros((len(counts), *first.shape[1:]))
    for fold, where in zip(folds, positions, strict=True):
        # A row occurs at most once in one fold.
        total[where] += fold.predictions
    return total / counts.reshape(-1, *[1] * (first.ndim - 1))
