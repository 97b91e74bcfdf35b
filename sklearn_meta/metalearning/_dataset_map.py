"""Two-dimensional map of the datasets of the knowledge base and of a new one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import clone

from sklearn_meta._threads import one_thread
from sklearn_meta.exceptions import SklearnMetaError
from sklearn_meta.metalearning._knn import KNNMetaLearner
from sklearn_meta.metalearning._recall_data import prepare
from sklearn_meta.metalearning.knowledge_base._score_matrix import concatenate

# Number of meta-features that an axis is named after.
N_NAMES = 2


@dataclass(frozen=True)
class DatasetMap:
    """Positions of datasets in the two main directions of their meta-features.

    Parameters
    ----------
    datasets : tuple of str of length n_datasets
        Names in the knowledge base.
    points : ndarray of shape (n_datasets, 2)
        Principal components of the ranks of the meta-features, each weighted by its
        importance for the similarity.
    here : ndarray of shape (2,)
        Position of the new dataset.
    share : float
        Share of the variance that the map shows.
    axes : tuple of tuple of str
        Meta-features that each direction consists of most, the first one growing along
        it; those that fall along it begin with a minus sign.
    """

    datasets: tuple[str, ...] = field(repr=False)
    points: np.ndarray = field(repr=False)
    here: np.ndarray
    share: float
    axes: tuple[tuple[str, ...], tuple[str, ...]]


def map_of_datasets(meta_learner, knowledge_base, metafeatures, task, scoring):
    """Return the map of the datasets that a meta-learner recalls from.

    Parameters
    ----------
    meta_learner : meta-learner or None
        As passed to the estimator; None is `KNNMetaLearner`.
    knowledge_base : KnowledgeBase, path-like or None
        As passed to the estimator.
    metafeatures : mapping of str to float
        Of the new dataset.
    task : {"classification", "regression"}
    scoring : str or None
        Metric whose scores the similarity is fitted on.

    Returns
    -------
    map : DatasetMap or None
        None if there are no meta-features, the knowledge base cannot be read, or the
        meta-learner is not a `KNNMetaLearner`.
    """
    if not metafeatures or not isinstance(meta_learner, KNNMetaLearner | None):
        return None
    learner = clone(meta_learner or KNNMetaLearner()).fit(knowledge_base)
    with one_thread():
        try:
            matrix = _matrix(learner.knowledge_bases_, task, scoring)
        except SklearnMetaError:
            return None
        if len(matrix.datasets) < 3:
            return None
        proximity = prepare(matrix, learner.n_neighbors).proximity
        values = [metafeatures.get(name, np.nan) for name in matrix.metafeature_names]
        return _project(
            matrix.datasets,
            matrix.metafeature_names,
            proximity.scale.points,
            proximity.scale.map(values),
            proximity.importances,
        )


def _matrix(knowledge_bases, task, scoring):
    """Return the scores of all knowledge bases in the metric of the first one."""
    first, *others = (kb.matrix(task, scoring) for kb in knowledge_bases)
    return concatenate([first, *(m for m in others if m.metric == first.metric)])


def _project(datasets, names, points, here, importances) -> DatasetMap:
    """Project ranks of meta-features on their principal components."""
    scale = np.sqrt(importances)
    center = points.mean(axis=0)
    _, singular, components = np.linalg.svd(
        (points - center) * scale, full_matrices=False
    )
    components = components[:2]
    # The sign of a component is arbitrary: its largest entry is positive.
    largest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[[0, 1], largest])[:, None]
    return DatasetMap(
        datasets=tuple(datasets),
        points=((points - center) * scale) @ components.T,
        here=((here - center) * scale) @ components.T,
        share=float((singular[:2] ** 2).sum() / (singular**2).sum()),
        axes=tuple(_names(names, component) for component in components),
    )


def _names(names, component):
    """Return the meta-features with the largest part in a direction."""
    largest = np.argsort(-np.abs(component), kind="stable")[:N_NAMES]
    return tuple(
        names[j] if component[j] > 0 else f"\N{MINUS SIGN}{names[j]}" for j in largest
    )
