"""What a dataset of one's own should count against those that ship.

    python -m benchmarks.related

The tables of a family are taken for those of a team. For each of them, the others of
the family are in a file of its own, and their weights are multiplied by a factor; what
is proposed is scored with the table's own row of the built-in matrix, which nothing was
learned from. The regret is 0 for the best pipeline of the matrix and 1 for the median
one. A factor of 0 is to know nothing of the family.
"""

from __future__ import annotations

import argparse

import numpy as np

from sklearn_meta.metalearning._judge import Newcomer
from sklearn_meta.metalearning._knn import KNNMetaLearner
from sklearn_meta.metalearning._recall_data import believe, remember
from sklearn_meta.metalearning._regret import LARGEST_REGRET, regrets_of
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase

FACTORS = (0, 1, 3, 10, 30, 100, 1000)
LENGTHS = (1, 2, 3, 5, 10)
METRICS = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
}


def regrets_by_factor(matrix, factors=FACTORS, length=10):
    """Return the regrets of proposals for datasets whose family is known of.

    Parameters
    ----------
    matrix : ScoreMatrix
    factors : sequence of float
    length : int, default=10
        Number of proposals.

    Returns
    -------
    best : dict of float to ndarray of shape (n_datasets, length)
        By factor, the regret of the best of the first proposals.
    """
    settings = KNNMetaLearner()
    families = np.array(matrix.families)
    truth = np.nan_to_num(regrets_of(matrix).values, nan=LARGEST_REGRET)
    best = {factor: [] for factor in factors}
    for d, family in enumerate(families):
        if (families == family).sum() == 1:
            continue
        known = matrix.take_datasets(np.arange(len(families)) != d)
        memory = remember(known, settings.metric, settings.n_neighbors)
        new = Newcomer(matrix, d)
        own = np.array(known.families) == family
        for factor in factors:
            belief = believe(
                memory,
                new.metafeatures,
                new.size,
                shrinkage=settings.shrinkage,
                diversity=settings.diversity,
                importance=np.where(own, factor, 1.0),
            )
            order = belief.order(length)
            best[factor].append(np.minimum.accumulate(truth[d, order]))
    return {factor: np.array(values) for factor, values in best.items()}


def main():
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    for task, metric in METRICS.items():
        best = regrets_by_factor(KnowledgeBase().matrix(task, metric))
        n = len(next(iter(best.values())))
        print(f"{task}, {metric}, {n} datasets; first {LENGTHS} proposals")
        for factor, values in best.items():
            mean = values.mean(axis=0)[np.array(LENGTHS) - 1]
            print(f"  times {factor:4d}: " + "  ".join(f"{v:.3f}" for v in mean))


if __name__ == "__main__":
    main()
