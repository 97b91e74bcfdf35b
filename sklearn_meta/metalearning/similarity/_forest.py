"""Which datasets are like this one, by a forest that predicts how pipelines do."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from sklearn_meta.metalearning.similarity._neighbors import MetaSpace

N_TREES = 60

# Share of the meta-features that are looked at for each split. Between 0.15 and 1, the
# recalled portfolios were equally good.
MAX_FEATURES = 0.3

# The regrets of a hundred pipelines are much the same few numbers: their first
# principal components are predicted in half of the time, and as well.
N_COMPONENTS = 8

# Regrets above say that a pipeline is of no use, not by how much.
LARGEST_TARGET = 3.0


@dataclass(frozen=True)
class ForestProximity:
    """Datasets in the leaves of trees that were grown on them.

    Parameters
    ----------
    space : MetaSpace
    forest : ExtraTreesRegressor
        Grown on its points.
    leaves : ndarray of shape (n_datasets, n_trees)
        The leaf of each dataset in each tree.
    prior : ndarray of shape (n_datasets,)
        How much each dataset counts, if all are as near.
    """

    space: MetaSpace
    forest: ExtraTreesRegressor = field(repr=False)
    leaves: np.ndarray = field(repr=False)
    prior: np.ndarray = field(repr=False)

    @property
    def importances(self):
        """How much each meta-feature tells, of shape (n_metafeatures,)."""
        return self.forest.feature_importances_

    def weights(self, metafeatures):
        """Return how much each dataset counts for a new one; they sum to one."""
        shared = self._shares_leaf(metafeatures) * self.prior[:, None]
        # Each tree has one vote, spread over the datasets of its leaf.
        return (shared / shared.sum(axis=0)).mean(axis=1)

    def distances(self, metafeatures):
        """Return the distances of all datasets to one, of shape (n_datasets,).

        The root of the share of the trees in which they lie in different leaves: 0 for
        equal meta-features, 1 for datasets that no tree finds alike.
        """
        return np.sqrt(1.0 - self._shares_leaf(metafeatures).mean(axis=1))

    def _shares_leaf(self, metafeatures):
        point = self.space.map(metafeatures)
        return self.leaves == self.forest.apply(point[None, :])


def grow_proximity(space, regrets, prior, n_neighbors) -> ForestProximity:
    """Grow a forest in whose leaves datasets lie together that pipelines do alike on.

    Each tree splits the datasets by their meta-features so that within a leaf the
    regrets of all pipelines are alike. How often two datasets share a leaf is a
    nearness whose scale adapts to where they are, and which knows of conditions that
    no weighting of coordinates can express ("few rows and many classes").

    Parameters
    ----------
    space : MetaSpace
    regrets : ndarray of shape (n_datasets, n_pipelines)
        Without gaps.
    prior : ndarray of shape (n_datasets,)
        How much each dataset counts, if all are as near; they sum to one.
    n_neighbors : int
        Datasets in a leaf, at least.

    Returns
    -------
    proximity : ForestProximity

    References
    ----------
    Forests as adaptive nearest neighbors: Y. Lin and Y. Jeon, "Random forests and
    adaptive nearest neighbors", 2006. Trees that group datasets by how algorithms do on
    them: L. Todorovski, H. Blockeel and S. Džeroski, "Ranking with predictive
    clustering trees", 2002. The trees are those of P. Geurts, D. Ernst and L. Wehenkel,
    "Extremely randomized trees", 2006.
    """
    forest = ExtraTreesRegressor(
        N_TREES,
        min_samples_leaf=n_neighbors,
        max_features=MAX_FEATURES,
        random_state=0,
    )
    targets = _components(np.minimum(regrets, LARGEST_TARGET), prior)
    forest.fit(space.points, targets, sample_weight=prior * len(prior))
    return ForestProximity(space, forest, forest.apply(space.points), prior)


def _components(regrets, prior):
    centered = regrets - prior @ regrets
    _, _, components = np.linalg.svd(
        centered * np.sqrt(prior)[:, None], full_matrices=False
    )
    return centered @ components[:N_COMPONENTS].T
