"""Orders in which pipelines are proposed, learned from tables of other families."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchmarks.replay._choice import METRICS
from sklearn_meta.metalearning import KNNMetaLearner, KnowledgeBase
from sklearn_meta.metalearning._knn import LITTLE_TIME_SHARE, MUCH_TIME_SHARE
from sklearn_meta.metalearning._recall_data import prepare


class Orders:
    """Orders of some pipelines for tables of a task.

    Parameters
    ----------
    task : {"classification", "regression"}
    texts : sequence of str
        Pipelines of the knowledge base.
    """

    def __init__(self, task, texts):
        self.texts = tuple(texts)
        matrix = KnowledgeBase().matrix(task, METRICS[task])
        kept = [matrix.pipelines.index(text) for text in texts]
        self.matrix = matrix.take_pipelines(kept)
        self._prepared = lru_cache(maxsize=4)(self._prepare)

    def _prepare(self, family):
        families = np.asarray(self.matrix.families)
        return prepare(
            self.matrix.take_datasets(families != family), KNNMetaLearner().n_neighbors
        )

    def order(self, name, table, budget):
        """Return the pipelines in an order.

        Parameters
        ----------
        name : {"static", "recall", "random"} or str
            The greedy portfolio of all other families; that of the nearest neighbors,
            as `KNNMetaLearner` has it before the first evaluation; a random order, with
            a seed behind it: ``"random3"``.
        table : StoredTable
        budget : float
            Seconds.

        Returns
        -------
        texts : list of str
        """
        if name.startswith("random"):
            seed = [int(name[6:] or 0), sum(table.name.encode())]
            return [str(t) for t in np.random.default_rng(seed).permutation(self.texts)]
        learner = KNNMetaLearner()
        data = self._prepared(table.family)
        values = np.array(
            [table.metafeatures.get(k, np.nan) for k in data.matrix.metafeature_names],
            dtype=np.float64,
        )
        shrinkage = {"static": np.inf, "recall": learner.shrinkage}[name]
        posterior = data.posterior(values, shrinkage=shrinkage)
        criterion = data.criterion(
            table.size,
            diversity=learner.diversity,
            time_aversion=learner.time_aversion,
            little_time=LITTLE_TIME_SHARE * budget,
            much_time=MUCH_TIME_SHARE * budget,
        )
        chosen = criterion.select(len(self.texts), posterior.weights)
        return [data.matrix.pipelines[i] for i in chosen]
