"""What a knowledge base says about one task and one metric, ready to be recalled."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.metalearning._portfolio import family_weights
from sklearn_meta.metalearning._posterior import Belief
from sklearn_meta.metalearning._regret import Regrets, regrets_of, without_gaps
from sklearn_meta.metalearning.similarity._forest import ForestProximity, grow_proximity
from sklearn_meta.metalearning.similarity._learned_metric import learned_weights
from sklearn_meta.metalearning.similarity._neighbors import (
    KernelNeighbors,
    MetaSpace,
    meta_space,
)
from sklearn_meta.timing._known_datasets import SecondsModel, fit_seconds_model


@dataclass(frozen=True)
class Memory:
    """Regrets, meta-features and seconds of many datasets.

    Parameters
    ----------
    metric : str
        Whose scores they are.
    regrets : Regrets
    filled : ndarray of shape (n_datasets, n_pipelines)
        The regrets without gaps.
    prior : ndarray of shape (n_datasets,)
        How much each dataset counts, if all are as near: the same for each family.
    space : MetaSpace
    neighbors : KernelNeighbors or ForestProximity
        What gives the datasets their weights for a new one.
    usual_distance : float
        Median distance of a dataset to its nearest one of another family: what is
        called near.
    seconds : SecondsModel
    """

    metric: str
    regrets: Regrets
    filled: np.ndarray = field(repr=False)
    prior: np.ndarray = field(repr=False)
    space: MetaSpace = field(repr=False)
    neighbors: KernelNeighbors | ForestProximity = field(repr=False)
    usual_distance: float
    seconds: SecondsModel = field(repr=False)


def remember(matrix, metric="forest", n_neighbors=3) -> Memory:
    """Prepare a `ScoreMatrix` for recall.

    Parameters
    ----------
    matrix : ScoreMatrix
    metric : {"forest", "learned", "equal"}, default="forest"
        What makes datasets near. The leaves of a forest that predicts how pipelines do
        (`grow_proximity`), or a distance in which meta-features weigh as learned from
        which of these datasets rank the pipelines alike (`learned_weights`), or all the
        same.
    n_neighbors : int, default=3
        Datasets in a leaf; of a distance, see `KernelNeighbors`.

    Returns
    -------
    memory : Memory
    """
    known = regrets_of(matrix)
    filled = without_gaps(known.values)
    prior = family_weights(known.families)
    prior /= prior.sum()
    space = meta_space(tuple(matrix.metafeature_names), matrix.metafeatures)
    if metric == "forest":
        neighbors = grow_proximity(space, filled, prior, n_neighbors)
        space = space.with_weights(neighbors.importances)
    else:
        if metric == "learned":
            space = space.with_weights(
                learned_weights(space.points, filled, known.families)
            )
        neighbors = KernelNeighbors(space, prior, n_neighbors)
    rows = np.where(np.isfinite(matrix.mean), matrix.n_rows, 0).max(axis=1)
    return Memory(
        metric=matrix.metric,
        regrets=known,
        filled=filled,
        prior=prior,
        space=space,
        neighbors=neighbors,
        usual_distance=_usual_distance(space, known.families),
        seconds=fit_seconds_model(
            np.where(np.isfinite(matrix.mean), matrix.fit_seconds, np.nan),
            np.where(rows > 0, rows, matrix.n_samples),
            matrix.n_features,
            matrix.n_classes,
        ),
    )


def believe(
    memory,
    metafeatures,
    size,
    *,
    shrinkage,
    time_aversion=0.0,
    little_time=0.0,
    much_time=np.inf,
    evidence=0.0,
    diversity=0.0,
    importance=1.0,
) -> Belief:
    """Weigh the datasets of a memory for a new one.

    The weights are a mixture of those of the neighbors and of equal ones for all
    families: plain nearest neighbors lost to a portfolio that is the same for all
    datasets (Feurer et al., "Auto-Sklearn 2.0", 2022). The share of the former is
    ``nearness / (nearness + shrinkage)``, with a nearness of one for a dataset that has
    a neighbor at the usual distance.

    Parameters
    ----------
    memory : Memory
    metafeatures : ndarray of shape (n_metafeatures,)
        Of the new dataset, in the order of ``memory.space.names``.
    size : tuple of int
        Its number of samples, features, and classes.
    shrinkage : float
    time_aversion, little_time, much_time, evidence, diversity : float
        See `Belief`.
    importance : float or ndarray of shape (n_datasets,), default=1.0
        What the weight of each dataset is multiplied by.

    Returns
    -------
    belief : Belief
    """
    distances = memory.space.distances(metafeatures)
    share = share_of_neighbors(distances, memory.usual_distance, shrinkage)
    near = memory.neighbors.weights(metafeatures)
    weights = importance * (share * near + (1 - share) * memory.prior)
    return Belief(
        regrets=memory.filled,
        weights=weights / weights.sum(),
        seconds=memory.seconds.predict(*size),
        time_aversion=time_aversion,
        little_time=little_time,
        much_time=much_time,
        evidence=evidence,
        kinds=_learners(memory.regrets.pipelines),
        diversity=diversity,
    )


def _learners(texts):
    """Number the learners, or wrappers, of pipelines."""
    return np.unique([t.partition("(")[0] for t in texts], return_inverse=True)[1]


def share_of_neighbors(distances, usual_distance, shrinkage):
    """Return the share of the weights that goes by distance, in [0, 1]."""
    if np.isinf(shrinkage):
        return 0.0
    nearest = distances.min()
    nearness = np.exp(1.0 - (nearest / max(usual_distance, 1e-12)) ** 2)
    total = nearness + shrinkage
    return float(nearness / total) if total > 0 else 1.0


def _usual_distance(space, families):
    families = np.asarray(families)
    nearest = []
    for i, point in enumerate(space.points):
        others = families != families[i]
        if others.any():
            differences = space.weights * (space.points[others] - point) ** 2
            nearest.append(np.sqrt(differences.sum(axis=1).min()))
    return float(np.median(nearest)) if nearest else 0.0
