"""Non-dominated sorting and crowding distance of NSGA-II [1]_.

All objectives are minimised; an array of objectives has one row for each individual.

References
----------
.. [1] K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, "A fast and elitist
   multiobjective genetic algorithm: NSGA-II", IEEE Transactions on Evolutionary
   Computation 6(2), 2002.
"""

from __future__ import annotations

import numpy as np


def nondominated_ranks(objectives):
    """Number the fronts: rank 0 is dominated by none, rank 1 only by rank 0, ...

    Parameters
    ----------
    objectives : array-like of shape (n, m)

    Returns
    -------
    ranks : ndarray of int of shape (n,)
    """
    objectives = np.asarray(objectives, dtype=float)
    a, b = objectives[:, None, :], objectives[None, :, :]
    dominates = (a <= b).all(axis=2) & (a < b).any(axis=2)

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
    """Measure how far the neighbours of each individual in its own front are.

    Parameters
    ----------
    objectives : array-like of shape (n, m)
    ranks : array-like of int of shape (n,)
        See `nondominated_ranks`.

    Returns
    -------
    distances : ndarray of shape (n,)
        Sum over the objectives of the gap between the two neighbours, as a share of
        the range of the front; infinity at the ends of a front.
    """
    objectives = np.asarray(objectives, dtype=float)
    ranks = np.asarray(ranks)
    distances = np.zeros(len(objectives))
    for rank in np.unique(ranks):
        members = np.flatnonzero(ranks == rank)
        for values in objectives[members].T:
            order = np.argsort(values, kind="stable")
            ordered = values[order]
            span = ordered[-1] - ordered[0]
            if span > 0:
                gaps = (ordered[2:] - ordered[:-2]) / span
                distances[members[order[1:-1]]] += gaps
            # An objective in which all are equal has no ends.
            if span > 0 or len(members) == 1:
                distances[members[order[[0, -1]]]] = np.inf
    return distances
