"""Scores of candidates on validation folds, and their means over folds."""

from __future__ import annotations

import numpy as np


class OutOfTimeError(Exception):
    """Raised in place of a call of a scorer for which there is no time."""


class TimedScore:
    """A score that is computed only if the call is expected to end in time.

    Parameters
    ----------
    score : callable
        ``score(predictions, rows) -> float``, see `combine`.
    clock : callable
        Returns seconds.
    deadline : float
        Time on `clock` at which the last call must end.
    seconds : float
        Expected seconds of a call; those of later calls are at least the mean so far.
    """

    def __init__(self, score, clock, deadline, seconds):
        self.score = score
        self.clock = clock
        self.deadline = deadline
        self.seconds = seconds
        self._total, self._n_calls = 0.0, 0

    def __call__(self, predictions, rows):
        """Return the score; raise OutOfTimeError if there is no time for it."""
        began = self.clock()
        if began + self.seconds > self.deadline:
            raise OutOfTimeError
        try:
            return self.score(predictions, rows)
        finally:
            self._total += self.clock() - began
            self._n_calls += 1
            self.seconds = max(self.seconds, self._total / self._n_calls)


# Number of blocks of rows that replace the folds if there are too few.
N_BLOCKS = 5


def blocks_of_rows(y, rows, copy_of=None):
    """Deal rows into blocks with similar distributions of the target.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    rows : ndarray of int
        Indices of the rows to deal.
    copy_of : ndarray of int of shape (n_samples,), default=None
        Number of each row, the same for copies of a row, which stay in one block.

    Returns
    -------
    blocks : list of ndarray of int
        `N_BLOCKS` blocks, or one block per row if there are fewer rows.
    """
    if copy_of is not None:
        _, first, copies = np.unique(
            copy_of[rows], return_index=True, return_inverse=True
        )
        blocks = blocks_of_rows(y, rows[first])
        return [np.sort(rows[np.isin(rows[first], b)[copies]]) for b in blocks]
    order = rows[np.lexsort(np.atleast_2d(y[rows].T))]
    n_blocks = min(N_BLOCKS, len(rows))
    return [np.sort(order[i::n_blocks]) for i in range(n_blocks)]


def fold_scores(score, predictions, folds):
    """Score candidates on folds.

    Parameters
    ----------
    score : callable
        ``score(predictions, rows) -> float``, see `combine`.
    predictions : sequence of ndarray
        Predictions of each candidate.
    folds : sequence of ndarray of int

    Returns
    -------
    scores : ndarray of shape (n_candidates, n_folds)
        NaN where a score is undefined.
    """
    return np.array(
        [[safe_score(score, p[fold], fold) for fold in folds] for p in predictions]
    )


def safe_score(score, predictions, rows):
    """Return a score, or NaN where it is undefined or not finite.

    Scores such as the area under the ROC curve raise ValueError on rows of a single
    class; such folds are ignored when candidates are compared. A scorer of the user may
    raise anything.
    """
    try:
        value = float(score(predictions, rows))
    except OutOfTimeError:
        raise
    except (Exception, SystemExit):
        return np.nan
    return value if np.isfinite(value) else np.nan


def mean_scores(scores):
    """Return the mean of the defined scores of each candidate.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_folds)

    Returns
    -------
    means : ndarray of shape (n_candidates,)
        Minus infinity for a candidate without any defined score.
    """
    defined = np.isfinite(scores)
    counts = defined.sum(axis=1)
    total = np.where(defined, scores, 0.0).sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), -np.inf)


def mean_scores_elsewhere(scores):
    """Return the mean scores of each candidate over all folds but one.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_folds)

    Returns
    -------
    means : ndarray of shape (n_candidates, n_folds)
        Column f has the means over all folds other than f.
    """
    return np.column_stack(
        [mean_scores(np.delete(scores, f, axis=1)) for f in range(scores.shape[1])]
    )
