"""Random-forest surrogate of the regret of pipelines, as in SMAC [1]_.

The mean of a candidate is that of the trees. Its variance is that of the means of the
leaves over the trees, plus the mean variance within the leaves (law of total variance).

References
----------
.. [1] F. Hutter, H. H. Hoos and K. Leyton-Brown, "Sequential model-based optimization
   for general algorithm configuration", LION 5, 2011.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from sklearn_meta.search._tree_encoding import TreeVectors, differing

# As in SMAC: few observations make small leaves, and trees differ by their columns.
N_TREES, MIN_SAMPLES_LEAF, MAX_FEATURES = 20, 2, 5 / 6

# Smallest standard deviation of a prediction.
MIN_DEVIATION = 0.01


@dataclass(frozen=True)
class ForestPosterior:
    """A fitted forest; see `forest_posterior`.

    Parameters
    ----------
    forest : RandomForestRegressor
    used : ndarray of bool
        Coordinates that differ between the evaluated pipelines.
    """

    forest: RandomForestRegressor = field(repr=False)
    used: np.ndarray = field(repr=False)

    def predict(self, vectors: TreeVectors):
        """Predict the regrets of pipelines.

        Parameters
        ----------
        vectors : TreeVectors

        Returns
        -------
        mean, deviation : ndarray of shape (n_trees,)
        """
        X = vectors.joined()[:, self.used].astype(np.float32)
        means, variances = [], []
        for tree in self.forest.estimators_:
            leaves = tree.apply(X)
            means.append(tree.tree_.value[leaves, 0, 0])
            # Of the squared error: the variance of the targets in the leaf.
            variances.append(tree.tree_.impurity[leaves])
        variance = np.var(means, axis=0) + np.mean(variances, axis=0)
        return np.mean(means, axis=0), np.sqrt(np.maximum(variance, MIN_DEVIATION**2))


def forest_posterior(vectors: TreeVectors, regrets, shares, seed) -> ForestPosterior:
    """Fit a forest to evaluations.

    Parameters
    ----------
    vectors : TreeVectors
        Of the n evaluated pipelines.
    regrets : ndarray of shape (n,)
    shares : ndarray of shape (n,)
        Shares of the folds that were scored, the weights of the evaluations.
    seed : int

    Returns
    -------
    posterior : ForestPosterior
    """
    forest = RandomForestRegressor(
        n_estimators=N_TREES,
        min_samples_leaf=MIN_SAMPLES_LEAF,
        max_features=MAX_FEATURES,
        random_state=seed,
        n_jobs=1,
    )
    X = vectors.joined().astype(np.float32)
    used = differing(X)
    forest.fit(X[:, used], regrets, sample_weight=shares)
    return ForestPosterior(forest, used)
