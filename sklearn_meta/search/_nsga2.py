"""Non-dominated sorting and crowding distance of NSGA-II [1]_.

All objectives are minimized. Arrays of objectives have one row per individual.

References
----------
.. [1] K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, "A fast and elitist
   multiobjective genetic algorithm: NSGA-II", IEEE Transactions on Evolutionary
   Computation 6(2), 2002.
"""

from __future__ import annotations

import numpy as np


def nondominated_ranks(objectives):
    """Non-dominated sorting: the number of the Pareto front of each individual.

    Parameters
    ----------
    objectives : array-like of shape (n_individuals, n_objectives)

    Returns
    -------
    ranks : ndarray of int of shape (n_individuals,)
        0 for the Pareto front, 1 for the front without the individuals of rank 0, and
        so on.
    """
    objectives = np.asarray(objectives, dtype=float)
    n = len(objectives)
    no_worse, better = np.ones((n, n), dtype=bool), np.zeros((n, n), dtype=bool)
    for values in objectives.T:
        no_worse &= values[:, None] <= values
        better |= values[:, None] < values
    dominates = no_worse & better

    ranks = np.full(len(objectives), -1)
    n_dominating = dominates.sum(axis=0)
    rank = 0
    front = n_dominating == 0
    while front.any():
        ranks[front] = rank
        rank += 1
        n_dominating = n_dominating - dominates[front].sum(axis=0)
        front = (n_dominating == 0) & (ranks < 0)
    return ranks


def crowding_distances(objectives, ranks):
    """Crowding distance of each individual within its front.

    Parameters
    ----------
    objectives : array-like of shape (n_individuals, n_objectives)
    ranks : array-like of int of shape (n_individuals,)
        Fronts, see `nondominated_ranks`.

    Returns
    -------
    distances : ndarray of shape (n_individuals,)
        Sum over the objectives of the difference between the two neighbors, divided by
        the range of the front; infinity at the ends of a front.
    """
    objectives = np.asarray(objectives, dtype=float)
    ranks = np.asarray(ranks)
    distances = np.zeros(len(objectives))
    if not len(objectives):
        return distances
    # All fronts at once: sorted by rank, each front is a contiguous block.
    sizes = np.bincount(ranks)
    sizes = sizes[sizes > 0]
    last = np.cumsum(sizes) - 1
    first = last - sizes + 1
    inner = np.setdiff1d(np.arange(len(ranks)), np.r_[first, last])
    for values in objectives.T:
        order = np.lexsort((values, ranks))
        ordered = values[order]
        spans = ordered[last] - ordered[first]
        span = np.repeat(spans, sizes)[inner]
        gaps = ordered[inner + 1] - ordered[inner - 1]
        distances[order[inner]] += np.divide(
            gaps, span, out=np.zeros_like(gaps), where=span > 0
        )
        # An objective that is constant in a front has no ends.
        has_ends = (spans > 0) | (sizes == 1)
        distances[order[first[has_ends]]] = np.inf
        distances[order[last[has_ends]]] = np.inf
    return distances
