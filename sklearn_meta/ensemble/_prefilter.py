"""Prefilter the candidates of an ensemble: no near-duplicates, a limited number.

The time of greedy selection and stacking grows with the number of candidates. The best
ones are kept, and those of the others that improve the best one most.
"""

from __future__ import annotations

import numpy as np

# Number of candidates that are kept for their score, and for what they add to the best
# one. Metrics without a vectorized greedy selection cost a call per candidate and step.
N_BEST, N_HELPFUL = 30, 10
N_BEST_SLOW, N_HELPFUL_SLOW = 8, 3

# Weight of the best candidate against one other candidate when looking for candidates
# that improve it.
BEST_COUNT = 3

# A candidate is a near-duplicate of a better one if the root mean square of the
# difference of their errors is below this share of that of the better one's errors.
SAME_SHARE = 0.02


def prefilter(problem, predictions, ranked):
    """Select the candidates that are worth combining.

    Parameters
    ----------
    problem : CombinationProblem
    predictions : sequence of ndarray
        Predictions of all candidates.
    ranked : sequence of int
        Indices of candidates, the best one first.

    Returns
    -------
    kept : list of int
        Some of `ranked`, in the same order, the best one included.
    """
    loss = problem.loss(problem.rows)
    # The proper loss depends on the predictions only through their profiles.
    profiles = np.stack([loss.profile(predictions[m][problem.rows]) for m in ranked])
    kept = _without_duplicates(profiles - 1.0 if problem.classifies else profiles)
    n_best, n_helpful = (
        (N_BEST, N_HELPFUL) if problem.vectorized else (N_BEST_SLOW, N_HELPFUL_SLOW)
    )
    chosen, rest = kept[:n_best], kept[n_best:]
    if rest:
        totals = loss.totals(
            [predictions[ranked[i]][problem.rows] for i in [chosen[0], *rest]]
        )
        totals.add(0, BEST_COUNT)
        helpful = np.argsort(-totals.scores_with_each()[1:], kind="stable")
        chosen = chosen + sorted(rest[i] for i in helpful[:n_helpful])
    return [ranked[i] for i in chosen]


def _without_duplicates(errors):
    """Return the indices of errors without near-duplicates; the best come first."""
    scale = np.sqrt(np.mean(errors[0] ** 2)) or 1.0
    # Clipped so that the errors of a diverging candidate do not overflow float32.
    errors = np.clip(errors / scale, -1e6, 1e6).astype(np.float32)
    gram = errors @ errors.T
    squares = np.diag(gram)
    distances = squares[:, None] + squares[None, :] - 2 * gram
    kept = []
    for i in range(len(errors)):
        # Differences below the rounding error of float32 count as zero.
        same = distances[kept, i] <= SAME_SHARE**2 * squares[kept] + 1e-6 * squares[i]
        if not same.any():
            kept.append(i)
    return kept
