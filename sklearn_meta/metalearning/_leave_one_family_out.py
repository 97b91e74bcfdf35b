"""Leave-one-family-out evaluation of recall on a score matrix.

For each dataset, everything is learned from the other families; the proposals are then
scored with the dataset's own row of the matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.metalearning._recall_data import prepare
from sklearn_meta.metalearning._regret import LARGEST_REGRET, regrets_of
from sklearn_meta.metalearning.knowledge_base._score_matrix import ScoreMatrix


@dataclass(frozen=True)
class HeldOutDataset:
    """A dataset of the matrix in the role of the new one.

    Parameters
    ----------
    matrix : ScoreMatrix
    index : int
        Row of the dataset.
    """

    matrix: ScoreMatrix = field(repr=False)
    index: int

    @property
    def metafeatures(self):
        """Its meta-features, of shape (n_metafeatures,)."""
        return self.matrix.metafeatures[self.index]

    @property
    def size(self):
        """Numbers of samples, features and classes."""
        matrix, i = self.matrix, self.index
        counts = matrix.n_samples[i], matrix.n_features[i], matrix.n_classes[i]
        return tuple(map(int, counts))

    def evaluate(self, pipeline):
        """Return the score of a pipeline; NaN where it failed."""
        return self.matrix.mean[self.index, pipeline]


@dataclass(frozen=True)
class HeldOutRegrets:
    """Regret of the best of the first proposals, for each dataset.

    Parameters
    ----------
    datasets : tuple of str of length n_datasets
    lengths : tuple of int
        Numbers of proposals.
    values : ndarray of shape (n_datasets, n_lengths)
    """

    datasets: tuple[str, ...]
    lengths: tuple[int, ...]
    values: np.ndarray = field(repr=False)


def leave_one_family_out(matrix, propose: Callable, lengths) -> HeldOutRegrets:
    """Score a method that proposes pipelines for a new dataset.

    Parameters
    ----------
    matrix : ScoreMatrix
    propose : callable
        ``propose(known, new, n)``: given a `ScoreMatrix` without the dataset's family
        and the `HeldOutDataset`, return up to `n` indices of pipelines in the order in
        which they are tried. It may call ``new.evaluate(pipeline)`` for pipelines that
        it has proposed.
    lengths : sequence of int

    Returns
    -------
    regrets : HeldOutRegrets
        Without the datasets that have no score.
    """
    truth = regrets_of(matrix)
    families = np.asarray(matrix.families)
    scored = np.flatnonzero(matrix.ok.any(axis=1))
    values = np.empty((len(scored), len(lengths)))
    for row, i in enumerate(scored):
        known = matrix.take_datasets(families != families[i])
        proposals = propose(known, HeldOutDataset(matrix, int(i)), max(lengths))
        found = np.minimum.accumulate(
            np.nan_to_num(truth[i, proposals], nan=LARGEST_REGRET)
        )
        values[row] = [found[min(n, len(found)) - 1] for n in lengths]
    names = tuple(matrix.datasets[i] for i in scored)
    return HeldOutRegrets(names, tuple(lengths), values)


def by_recall(
    *, shrinkage, min_datasets_leaf=3, evidence=0.0, diversity=0.0, time_aversion=0.0
):
    """Return a method that selects, evaluates, and re-ranks, as a search does.

    Parameters
    ----------
    shrinkage, evidence : float
        See `RecallData.posterior`.
    min_datasets_leaf : int, default=3
        See `prepare`.
    diversity, time_aversion : float
        See `PortfolioCriterion`.
    """

    def propose(known, new, n):
        data = prepare(known, min_datasets_leaf)
        posterior = data.posterior(
            new.metafeatures, shrinkage=shrinkage, evidence=evidence
        )
        criterion = data.criterion(
            new.size, diversity=diversity, time_aversion=time_aversion
        )
        if evidence <= 0:
            return criterion.select(n, posterior.weights)
        while len(posterior.tried) < n:
            chosen = criterion.select(1, posterior.weights, posterior.tried)
            if not chosen:
                break
            posterior = posterior.updated(chosen[0], new.evaluate(chosen[0]))
        return list(posterior.tried)

    return propose


def in_random_order(seed):
    """Return a method that proposes pipelines in random order."""

    def propose(known, new, n):
        rng = np.random.default_rng([seed, new.index])
        return rng.permutation(known.mean.shape[1])[:n]

    return propose


def by_oracle():
    """Return a method that orders pipelines by their scores on the held-out dataset."""

    def propose(known, new, n):
        scores = np.nan_to_num(new.matrix.mean[new.index], nan=-np.inf)
        return np.argsort(-scores, kind="stable")[:n]

    return propose
