"""Pruning of a knowledge base to the pipelines of greedy portfolios."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.metalearning._regret import regrets_of
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._metrics import STORED_METRICS
from sklearn_meta.metalearning.knowledge_base._score_matrix import family_weights

# Its score is the reference for how much other pipelines gain on a table.
ALWAYS_KEPT = ("dummy(X)",)

REPORTED_LENGTHS = (1, 3, 5, 10, 25, 50, 100)

# Provenance of the file itself, which is not copied.
_OF_ONE_FILE = ("schema_version", "created", "created_by")


def prune(knowledge_base, path, *, max_pipelines, min_gain=0.0, min_share=0.0) -> dict:
    """Write a smaller knowledge base with the pipelines of greedy portfolios.

    For each task and each stored metric, pipelines are chosen by `greedy_portfolio`,
    with equal weights for all families of datasets. The portfolios of the metrics are
    merged in turns until there are `max_pipelines`.

    Parameters
    ----------
    knowledge_base : KnowledgeBase
    path : path-like
        File to write, which must not exist.
    max_pipelines : int
        Maximum number of pipelines of each task.
    min_gain : float, default=0.0
        Reduction of the mean regret above which pipelines are added.
    min_share : float, default=0.0
        Minimum share of the datasets on which a pipeline was tried; others are not
        comparable.

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
            f"The 'path' must be a file that does not exist, and {str(path)!r} exists "
            "already. Remove it, or pass another path."
        )
    report, kept = {}, set()
    for task in TASKS:
        portfolios = {}
        for metric in STORED_METRICS[task]:
            matrix = knowledge_base.matrix(task, metric)
            matrix = _tried_on(matrix, min_share)
            if matrix.metric == metric and len(matrix.datasets):
                weights = family_weights(matrix.families)
                portfolio = greedy_portfolio(regrets_of(matrix), weights, min_gain)
                portfolios[metric] = matrix.pipelines, portfolio
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


@dataclass(frozen=True)
class GreedyPortfolio:
    """Pipelines in the order of their reduction of the mean regret.

    Parameters
    ----------
    indices : ndarray of int of shape (n_chosen,)
        Columns of the regrets.
    mean_regret : ndarray of shape (n_chosen,)
        Weighted mean over the datasets of the regret of the best of the first one, two,
        ... pipelines.
    """

    indices: np.ndarray
    mean_regret: np.ndarray


def greedy_portfolio(regrets, weights, min_gain=0.0):
    """Choose pipelines that together are near the best one on every dataset.

    Each step adds the pipeline that reduces the mean regret of the best one most. The
    reduction is submodular, so that any number of pipelines achieves at least 63 % (1 -
    1/e) of the reduction of the best set of the same size [1]_.

    Parameters
    ----------
    regrets : array-like of shape (n_datasets, n_pipelines)
        Smaller is better. NaN counts as the largest regret of the dataset.
    weights : array-like of shape (n_datasets,)
        Not negative, with a positive sum; only their ratios matter.
    min_gain : float, default=0.0
        Reduction of the mean regret above which pipelines are added.

    Returns
    -------
    portfolio : GreedyPortfolio
        Ties go to the first pipeline. At least one pipeline, if there is any.

    References
    ----------
    .. [1] G. L. Nemhauser, L. A. Wolsey, M. L. Fisher, "An analysis of approximations
       for maximizing submodular set functions", Mathematical Programming 14, 1978.

    Examples
    --------
    >>> from sklearn_meta.building._pruning import greedy_portfolio
    >>> regrets = [[0.0, 0.9, 0.4], [1.0, 0.0, 0.4], [1.0, 0.2, 0.4]]
    >>> greedy_portfolio(regrets, [1, 1, 1]).indices
    array([1, 0])
    """
    regrets = _without_nan(np.asarray(regrets, dtype=np.float64))
    weights = np.asarray(weights, dtype=np.float64)
    weights = weights / weights.sum()
    # The empty portfolio has the regret of the worst pipeline.
    best = regrets.max(axis=1, initial=0.0)
    chosen, path = [], []
    while len(chosen) < regrets.shape[1]:
        gains = weights @ np.maximum(best[:, None] - regrets, 0.0)
        gains[chosen] = -np.inf
        most = int(np.argmax(gains))
        if chosen and gains[most] <= min_gain:
            break
        chosen.append(most)
        best = np.minimum(best, regrets[:, most])
        path.append(weights @ best)
    return GreedyPortfolio(np.array(chosen, dtype=np.intp), np.array(path))


def _without_nan(regrets):
    """Replace NaN by the largest regret of the row, or 0 in rows without any."""
    worst = np.where(np.isnan(regrets), -np.inf, regrets).max(axis=1, initial=-np.inf)
    worst[np.isneginf(worst)] = 0.0
    return np.where(np.isnan(regrets), worst[:, None], regrets)


def take_turns(orders, length):
    """Merge sequences: the first of each, the second of each, ..., without duplicates.

    Parameters
    ----------
    orders : sequence of sequence
    length : int
        Maximum length of the result.

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
