"""Choose the tables and the pipelines of which predictions are stored."""

from __future__ import annotations

import numpy as np

from sklearn_meta.building._pruning import greedy_portfolio
from sklearn_meta.building._sources import TableSource, read_manifest
from sklearn_meta.metalearning import KnowledgeBase
from sklearn_meta.metalearning._regret import regrets_of

METRICS = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
}
# Networks whose initializations were meta-trained on the tables.
META_TRAINED = "maml("
PER_FAMILY = 2


def choose_tables(data, task, number) -> tuple[TableSource, ...]:
    """Return tables of a task in the order of a hash, at most two of a family.

    Parameters
    ----------
    data : path-like
        Folder with a manifest.
    task : {"classification", "regression"}
    number : int
        Maximum number of tables.

    Returns
    -------
    sources : tuple of TableSource
        Any first part of them is a random sample.
    """
    chosen, counts = [], {}
    for source in read_manifest(data, tasks=(task,)):
        counts[source.family] = counts.get(source.family, 0) + 1
        if counts[source.family] <= PER_FAMILY:
            chosen.append(source)
    return tuple(chosen[:number])


def choose_pipelines(task, number) -> tuple[str, ...]:
    """Return the pipelines that together are near the best one on every table.

    Parameters
    ----------
    task : {"classification", "regression"}
    number : int

    Returns
    -------
    texts : tuple of str
        In the order of the greedy choice; then those with the smallest mean regret.
    """
    matrix = KnowledgeBase().matrix(task, METRICS[task])
    allowed = [i for i, text in enumerate(matrix.pipelines) if META_TRAINED not in text]
    regrets = regrets_of(matrix)[:, allowed]
    order = list(greedy_portfolio(regrets, np.ones(len(regrets))).indices)
    worst = np.nanmax(regrets)
    means = np.where(np.isfinite(regrets), regrets, worst).mean(axis=0)
    rest = [i for i in np.argsort(means, kind="stable") if i not in set(order)]
    return tuple(matrix.pipelines[allowed[i]] for i in (*order, *rest)[:number])
