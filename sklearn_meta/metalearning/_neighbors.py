"""The nearest datasets of the knowledge base, and what makes them near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Numbers of meta-features and of pipelines that are reported for a neighbor.
N_METAFEATURES, N_PIPELINES = 5, 3


@dataclass(frozen=True)
class Neighbor:
    """A dataset of the knowledge base that is similar to the new one.

    Parameters
    ----------
    dataset : str
        Name in the knowledge base.
    family : str
        Family of the dataset, see `DatasetRecord`.
    distance : float
        Square root of the share of the trees in which it is in another leaf of the
        forest; 0 for equal meta-features, 1 for datasets that share no leaf.
    weight : float
        Its share in the weights of all datasets before the first evaluation.
    alike : tuple of str
        Names of up to five meta-features that contribute most to the similarity: their
        weighted squared difference is smaller than on average, by the most.
    pipelines : tuple of str
        Canonical texts of its three best pipelines, the best first.
    """

    dataset: str
    family: str
    distance: float
    weight: float
    alike: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()


def nearest_datasets(data, weights, metafeatures, texts, n):
    """Describe the datasets that are nearest to a new one.

    Parameters
    ----------
    data : RecallData
    weights : ndarray of shape (n_datasets,)
    metafeatures : ndarray of shape (n_metafeatures,)
    texts : sequence of str of length n_pipelines
        Canonical texts of the pipelines on the new dataset.
    n : int
        Maximum number of neighbors.

    Returns
    -------
    neighbors : tuple of Neighbor
        The nearest first.
    """
    proximity, matrix = data.proximity, data.matrix
    differences = proximity.squared_differences(metafeatures)
    distances = proximity.leaf_distances(metafeatures)
    usual = np.maximum(differences.mean(axis=0), 1e-12)
    usual = np.where(proximity.importances > 0, usual, 0.0)
    neighbors = []
    for d in np.argsort(distances, kind="stable")[:n]:
        saved = usual - differences[d]
        largest = np.argsort(-saved, kind="stable")[:N_METAFEATURES]
        regrets = np.nan_to_num(data.regrets[d], nan=np.inf)
        best = np.argsort(regrets, kind="stable")[:N_PIPELINES]
        neighbors.append(
            Neighbor(
                dataset=matrix.datasets[d],
                family=matrix.families[d],
                distance=float(distances[d]),
                weight=float(weights[d]),
                alike=tuple(proximity.scale.names[j] for j in largest if saved[j] > 0),
                pipelines=tuple(texts[p] for p in best),
            )
        )
    return tuple(neighbors)
