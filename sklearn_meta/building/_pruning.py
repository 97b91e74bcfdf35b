"""Which pipelines of a full matrix ship: those that a portfolio would use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.metalearning._portfolio import family_weights, greedy_portfolio
from sklearn_meta.metalearning._regret import regrets_of
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._metrics import STORED_METRICS

# What the best constant prediction scores tells how much there is to gain on a table.
ALWAYS_KEPT = ("dummy(X)",)

REPORTED_LENGTHS = (1, 3, 5, 10, 25, 50, 100)

# Made anew in every file.
_OF_ONE_FILE = ("schema_version", "created", "created_by")


def prune(knowledge_base, path, *, max_pipelines, min_gain=0.0, min_share=0.0) -> dict:
    """Write a knowledge base with the pipelines that are worth trying.

    For each task and each stored metric, pipelines are chosen greedily so that the mean
    regret of the best of them falls most (see `greedy_portfolio`; each family of
    datasets counts the same). The metrics take turns until there are `max_pipelines` or
    none would help by `min_gain`.

    Parameters
    ----------
    knowledge_base : KnowledgeBase
    path : path-like
        The file to write, which must not exist.
    max_pipelines : int
        For each task.
    min_gain : float, default=0.0
        Mean regret that a pipeline must save.
    min_share : float, default=0.0
        Pipelines that were tried on a smaller share of the datasets are left out: how
        they compare elsewhere is not known.

    Returns
    -------
    report : dict
        By task: ``n_pipelines`` before and after, and for each metric the mean regret
        of the best of the first 1, 3, 5, ... greedily chosen pipelines.

    Raises
    ------
    ValueError
        If the file exists already.
    """
    path = Path(path)
    if path.exists():
        raise ValueError(
            f"The file {str(path)!r} exists already. Move it away, or name another one."
        )
    report, kept = {}, set()
    for task in TASKS:
        portfolios = {}
        for metric in STORED_METRICS[task]:
            matrix = knowledge_base.matrix(task, metric)
            matrix = _tried_on(matrix, min_share)
            if matrix.metric == metric and len(matrix.datasets):
                portfolios[metric] = matrix.pipelines, _portfolio(matrix, min_gain)
        if not portfolios:
            continue
        orders = [
            [pipelines[i] for i in portfolio.indices]
            for pipelines, portfolio in portfolios.values()
        ]
        texts = take_turns(orders, max_pipelines)
        kept.update(texts)
        report[task] = {
            "n_pipelines": {
                "before": len(knowledge_base.matrix(task).pipelines),
                "after": len(texts),
            },
            "mean_regret": {
                metric: _at_lengths(portfolio.mean_regret)
                for metric, (_, portfolio) in portfolios.items()
            },
        }
    _write(knowledge_base, path, kept | set(ALWAYS_KEPT), report)
    return report


def _tried_on(matrix, min_share):
    share = matrix.tried.mean(axis=0) if len(matrix.datasets) else 0.0
    return matrix.take_pipelines(np.broadcast_to(share >= min_share, matrix.shape[1:]))


def _portfolio(matrix, min_gain):
    weights = family_weights(matrix.families)
    return greedy_portfolio(regrets_of(matrix).values, weights, min_gain=min_gain)


def take_turns(orders, length):
    """Merge orders: the first of each, the second of each, ..., without repetitions.

    Parameters
    ----------
    orders : sequence of sequence
    length : int
        Of the result, at most.

    Returns
    -------
    merged : list
    """
    merged = {}
    for rank in range(max(map(len, orders), default=0)):
        for order in orders:
            if rank < len(order) and len(merged) < length:
                merged[order[rank]] = None
    return list(merged)


def _at_lengths(mean_regret):
    lengths = [n for n in REPORTED_LENGTHS if n <= len(mean_regret)]
    if len(mean_regret) not in lengths:
        lengths.append(len(mean_regret))
    return {str(n): round(float(mean_regret[n - 1]), 4) for n in lengths}


def _write(knowledge_base, path, texts, report):
    smaller = KnowledgeBase(path)
    smaller.merge(knowledge_base.with_pipelines(texts))
    items = knowledge_base.provenance()
    smaller.set_provenance(
        **{name: value for name, value in items.items() if name not in _OF_ONE_FILE},
        pruned=report,
    )
    smaller.compact()
