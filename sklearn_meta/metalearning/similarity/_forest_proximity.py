"""Random-forest proximity of datasets.

======  =====================  ======================================================
symbol  shape                  meaning
======  =====================  ======================================================
k       (n_datasets,)          proximity: share of trees, each vote split over a leaf
u       (n_datasets,)          equal weights for families, ``family_weights``
w       (n_datasets,)          weights of the datasets for a new one
v       (n_metafeatures,)      importances of the meta-features in the forest
======  =====================  ======================================================

Each tree splits the datasets by their meta-features so that the regrets of all
pipelines are alike within a leaf. How often a dataset shares a leaf with the new one is
a similarity whose scale adapts to the density of datasets [1]_, and which expresses
conditions that no weighting of coordinates can ("few rows and many classes") [2]_.

The proximities are mixed with equal weights for all families, since nearest neighbors
alone lose to a portfolio that is the same for all datasets [3]_:

    w = share * k + (1 - share) * u,
    share = nearness / (nearness + shrinkage),
    nearness = exp(1 - (distance / usual distance)^2),

where the distance is Euclidean between ranks of meta-features, weighted by v, from the
new dataset to the nearest known one, and the usual distance is the median over the
known datasets of that to the nearest one of another family.

References
----------
.. [1] Y. Lin, Y. Jeon, "Random forests and adaptive nearest neighbors", Journal of the
   American Statistical Association 101, 2006.
.. [2] L. Todorovski, H. Blockeel, S. Džeroski, "Ranking with predictive clustering
   trees", ECML 2002.
.. [3] M. Feurer, K. Eggensperger, S. Falkner, M. Lindauer, F. Hutter, "Auto-Sklearn
   2.0: Hands-free AutoML via meta-learning", JMLR 23, 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from sklearn_meta.metalearning.similarity._rank_scale import RankScale, rank_scale

N_TREES = 60

# Share of the meta-features that are candidates for each split. Between 0.15 and 1, the
# recalled portfolios were equally good.
MAX_FEATURES = 0.3

# The regrets of a hundred pipelines are strongly correlated: their first principal
# components are predicted in half of the time, and as well.
N_COMPONENTS = 8


@dataclass(frozen=True)
class ForestProximity:
    """Weights of known datasets for a new one, by a forest grown on the known ones.

    Parameters
    ----------
    scale : RankScale
        Of the meta-features of the known datasets.
    forest : ExtraTreesRegressor
        Fitted on the ranks of the meta-features.
    leaves : ndarray of shape (n_datasets, n_trees)
        Leaf of each known dataset in each tree.
    family_weights : ndarray of shape (n_datasets,)
        Weights that are equal for all families and sum to one.
    importances : ndarray of shape (n_metafeatures,)
        Of the meta-features in the forest, summing to one.
    usual_distance : float
        Median distance of a known dataset to the nearest one of another family.
    """

    scale: RankScale = field(repr=False)
    forest: ExtraTreesRegressor = field(repr=False)
    leaves: np.ndarray = field(repr=False)
    family_weights: np.ndarray = field(repr=False)
    importances: np.ndarray = field(repr=False)
    usual_distance: float

    def weights(self, metafeatures, shrinkage):
        """Return the weights of the known datasets for a new one.

        Parameters
        ----------
        metafeatures : ndarray of shape (n_metafeatures,)
        shrinkage : float
            0 gives the proximities, ``numpy.inf`` equal weights for all families.

        Returns
        -------
        weights : ndarray of shape (n_datasets,)
            They sum to one.
        """
        distances = np.sqrt(self.squared_differences(metafeatures).sum(axis=1))
        share = proximity_share(distances.min(), self.usual_distance, shrinkage)
        near = self.proximities(metafeatures)
        return share * near + (1 - share) * self.family_weights

    def proximities(self, metafeatures):
        """Return the proximity of each known dataset; they sum to one."""
        shared = self._shares_leaf(metafeatures) * self.family_weights[:, None]
        # Each tree has one vote, split over the datasets of its leaf.
        return (shared / shared.sum(axis=0)).mean(axis=1)

    def leaf_distances(self, metafeatures):
        """Return the distance of each known dataset, of shape (n_datasets,).

        Square root of the share of trees in which it is in another leaf: 0 for equal
        meta-features, 1 for datasets that share no leaf.
        """
        return np.sqrt(1.0 - self._shares_leaf(metafeatures).mean(axis=1))

    def squared_differences(self, metafeatures):
        """Return squared differences in each rank times its importance.

        Of shape (n_datasets, n_metafeatures).
        """
        return (
            self.importances * (self.scale.points - self.scale.map(metafeatures)) ** 2
        )

    def _shares_leaf(self, metafeatures):
        point = self.scale.map(metafeatures)
        return self.leaves == self.forest.apply(point[None, :])


def grow_forest(
    names, metafeatures, regrets, families, family_weights, min_datasets_leaf
) -> ForestProximity:
    """Grow a forest that predicts the regrets of pipelines from meta-features.

    Parameters
    ----------
    names : sequence of str of length n_metafeatures
    metafeatures : ndarray of shape (n_datasets, n_metafeatures)
        NaN where undefined.
    regrets : ndarray of shape (n_datasets, n_pipelines)
        Without NaN.
    families : sequence of str of length n_datasets
    family_weights : ndarray of shape (n_datasets,)
        Weights that are equal for all families and sum to one.
    min_datasets_leaf : int
        Minimum number of datasets per leaf.

    Returns
    -------
    proximity : ForestProximity

    References
    ----------
    P. Geurts, D. Ernst, L. Wehenkel, "Extremely randomized trees", Machine Learning 63,
    2006.
    """
    scale = rank_scale(names, metafeatures)
    forest = ExtraTreesRegressor(
        N_TREES,
        min_samples_leaf=min_datasets_leaf,
        max_features=MAX_FEATURES,
        random_state=0,
    )
    targets = _principal_components(regrets, family_weights)
    forest.fit(
        scale.points, targets, sample_weight=family_weights * len(family_weights)
    )
    importances = _normalized(forest.feature_importances_, scale.varies)
    return ForestProximity(
        scale=scale,
        forest=forest,
        leaves=forest.apply(scale.points),
        family_weights=family_weights,
        importances=importances,
        usual_distance=_usual_distance(scale.points, importances, families),
    )


def proximity_share(nearest, usual_distance, shrinkage):
    """Return the share of the proximities in the weights, in [0, 1].

    Parameters
    ----------
    nearest : float
        Distance of the nearest known dataset.
    usual_distance : float
        Distance at which, with a shrinkage of 1, the share is a half.
    shrinkage : float

    Returns
    -------
    share : float
    """
    if np.isinf(shrinkage):
        return 0.0
    nearness = np.exp(1.0 - (nearest / max(usual_distance, 1e-12)) ** 2)
    total = nearness + shrinkage
    return float(nearness / total) if total > 0 else 1.0


def _principal_components(regrets, weights):
    centered = regrets - weights @ regrets
    _, _, components = np.linalg.svd(
        centered * np.sqrt(weights)[:, None], full_matrices=False
    )
    return centered @ components[:N_COMPONENTS].T


def _normalized(importances, varies):
    """Return importances that sum to one; equal ones where no tree has a split."""
    for candidates in (np.where(varies, importances, 0.0), varies.astype(float)):
        if candidates.sum() > 0:
            return candidates / candidates.sum()
    return np.zeros(len(varies))


def _usual_distance(points, importances, families):
    # Numbers are compared faster than names.
    families = np.unique(families, return_inverse=True)[1]
    differences = np.empty_like(points)
    nearest = []
    for point, family in zip(points, families, strict=True):
        others = families != family
        if others.any():
            # In place: the memory for new arrays takes longer than the arithmetic.
            np.subtract(points, point, out=differences)
            np.square(differences, out=differences)
            np.multiply(differences, importances, out=differences)
            nearest.append(np.sqrt(differences.sum(axis=1)[others].min()))
    return float(np.median(nearest)) if nearest else 0.0
