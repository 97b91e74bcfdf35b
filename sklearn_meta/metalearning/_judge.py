"""Recall judged on the knowledge base itself, leaving out one family at a time.

For each dataset, everything is learned from the other families; the proposals are then
scored with the dataset's own row of the matrix, as if they had been evaluated on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.metalearning._recall_data import believe, remember
from sklearn_meta.metalearning._regret import LARGEST_REGRET, regrets


@dataclass(frozen=True)
class Judgment:
    """Regret of the best of the first proposals, for each dataset.

    Parameters
    ----------
    datasets : tuple of str
    lengths : tuple of int
    values : ndarray of shape (n_datasets, n_lengths)
    """

    datasets: tuple[str, ...]
    lengths: tuple[int, ...]
    values: np.ndarray = field(repr=False)


def leave_one_family_out(matrix, propose: Callable, lengths) -> Judgment:
    """Judge a way to propose pipelines.

    Parameters
    ----------
    matrix : ScoreMatrix
    propose : callable
        ``propose(known, new, n)``: given a `ScoreMatrix` without the dataset's
        family and the `Newcomer`, return up to `n` indices of pipelines in the order in
        which they are tried. ``new.evaluate(pipeline)`` tells the score of one; only
        those that were proposed before may be asked for.
    lengths : sequence of int

    Returns
    -------
    judgment : Judgment
        A dataset without any score is left out.
    """
    own = regrets(matrix.mean, matrix.standard_error, matrix.tried)
    families = np.asarray(matrix.families)
    judged = np.flatnonzero(np.isfinite(matrix.mean).any(axis=1))
    values = np.empty((len(judged), len(lengths)))
    for row, i in enumerate(judged):
        known = matrix.take_datasets(families != families[i])
        proposals = propose(known, Newcomer(matrix, i), max(lengths))
        found = np.minimum.accumulate(
            np.nan_to_num(own[i, proposals], nan=LARGEST_REGRET)
        )
        values[row] = [found[min(n, len(found)) - 1] for n in lengths]
    names = tuple(matrix.datasets[i] for i in judged)
    return Judgment(names, tuple(lengths), values)


@dataclass(frozen=True)
class Newcomer:
    """A dataset of the matrix that plays the new one."""

    matrix: object = field(repr=False)
    index: int

    @property
    def metafeatures(self):
        """Its meta-features."""
        return self.matrix.metafeatures[self.index]

    @property
    def size(self):
        """Number of samples, features and classes."""
        return tuple(
            int(numbers[self.index])
            for numbers in (
                self.matrix.n_samples,
                self.matrix.n_features,
                self.matrix.n_classes,
            )
        )

    def evaluate(self, pipeline):
        """Score of a pipeline; NaN where it failed."""
        return self.matrix.mean[self.index, pipeline]


def by_belief(metric="forest", n_neighbors=3, **parameters):
    """Return a proposer that believes, evaluates, and believes anew.

    Parameters
    ----------
    metric : {"forest", "learned", "equal"}, default="forest"
    n_neighbors : int, default=3
        See `remember`.
    **parameters
        See `believe`.
    """

    def propose(known, new, n):
        memory = remember(known, metric, n_neighbors)
        belief = believe(memory, new.metafeatures, new.size, **parameters)
        if belief.evidence <= 0:
            return belief.order(n)
        proposals = []
        while len(proposals) < n and (chosen := belief.order(1)):
            proposals += chosen
            belief = belief.told(chosen[0], new.evaluate(chosen[0]))
        return proposals

    return propose


def in_random_order(seed):
    """Return a proposer that knows nothing."""

    def propose(known, new, n):
        rng = np.random.default_rng([seed, new.index])
        return rng.permutation(known.mean.shape[1])[:n]

    return propose


def by_oracle():
    """Return a proposer that knows the scores: the least regret there is."""

    def propose(known, new, n):
        scores = np.nan_to_num(new.matrix.mean[new.index], nan=-np.inf)
        return np.argsort(-scores, kind="stable")[:n]

    return propose
