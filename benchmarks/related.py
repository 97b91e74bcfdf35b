"""Compare factors of the weights of a user's own datasets.

    python -m benchmarks.related

The tables of a family play those of a team. For each of them, the others of the family
are known, with their weights multiplied by a factor; the proposals are scored with the
table's own row of the built-in matrix, which is left out. The regret is 0 for the best
pipeline of the matrix and 1 for the median one. With a factor of 0, nothing is known of
the family.
"""

from __future__ import annotations

import argparse

import numpy as np

from sklearn_meta.metalearning import KNNMetaLearner, KnowledgeBase
from sklearn_meta.metalearning._leave_one_family_out import HeldOutDataset
from sklearn_meta.metalearning._recall_data import prepare
from sklearn_meta.metalearning._regret import LARGEST_REGRET, regrets_of

FACTORS = (0, 1, 3, 10, 30, 100, 1000)
LENGTHS = (1, 2, 3, 5, 10)
METRICS = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
}


def regrets_by_factor(matrix, factors=FACTORS, length=10):
    """Return the regrets of proposals for datasets with others of their family.

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
    truth = np.nan_to_num(regrets_of(matrix), nan=LARGEST_REGRET)
    best = {factor: [] for factor in factors}
    for d, family in enumerate(families):
        if (families == family).sum() == 1:
            continue
        data = prepare(
            matrix.take_datasets(np.arange(len(families)) != d), settings.n_neighbors
        )
        new = HeldOutDataset(matrix, d)
        criterion = data.criterion(new.size, diversity=settings.diversity)
        own = np.array(data.matrix.families) == family
        for factor in factors:
            posterior = data.posterior(
                new.metafeatures,
                shrinkage=settings.shrinkage,
                importance=np.where(own, factor, 1.0),
            )
            order = criterion.select(length, posterior.weights)
            best[factor].append(np.minimum.accumulate(truth[d, order]))
    return {factor: np.array(values) for factor, values in best.items()}


def main():
    """Print the mean regrets by factor."""
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
