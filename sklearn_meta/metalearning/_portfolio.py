"""Greedy portfolios: which pipelines to try, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class GreedyPortfolio:
    """Pipelines in the order in which they help most.

    Parameters
    ----------
    indices : ndarray of int of shape (n_chosen,)
        Columns of the regrets.
    mean_regret : ndarray of shape (n_chosen,)
        Weighted mean, over the datasets, of the regret of the best of the first one,
        two, ... pipelines.
    """

    indices: np.ndarray
    mean_regret: np.ndarray = field(compare=False)


def greedy_portfolio(regrets, weights=None, costs=None, length=None, min_gain=0.0):
    """Choose pipelines that together come near the best one on every dataset.

    Each step adds the pipeline that lowers the mean regret of the best one most, per
    second where `costs` are given. The mean regret falls with diminishing returns (the
    gain is submodular), so that any number of pipelines chosen in this way saves at
    least 63 % (1 - 1/e) of what the best choice of as many could save [1]_.

    Parameters
    ----------
    regrets : array-like of shape (n_datasets, n_pipelines)
        How far each pipeline is from the best one on each dataset; smaller is better.
        NaN, where a pipeline failed or was not tried, counts as the largest regret of
        the dataset.
    weights : array-like of shape (n_datasets,) or None, default=None
        How much each dataset counts, not negative; only their ratios matter. None
        counts all alike.
    costs : array-like of shape (n_pipelines,) or None, default=None
        Seconds of each pipeline, above zero; None looks at gains alone.
    length : int or None, default=None
        Number of pipelines to choose at most; None for all that help.
    min_gain : float, default=0.0
        Nothing more is added when no pipeline lowers the mean regret by more than
        this.

    Returns
    -------
    portfolio : GreedyPortfolio
        Ties go to the pipeline that comes first in `regrets`. At least one pipeline,
        unless `length` is 0 or there is none.

    Raises
    ------
    ValueError
        If shapes do not match, weights are negative or all zero, or costs are not
        above zero.

    References
    ----------
    .. [1] G. L. Nemhauser, L. A. Wolsey, M. L. Fisher, "An analysis of approximations
       for maximizing submodular set functions", 1978. As a portfolio of pipelines: M.
       Feurer et al., "Auto-sklearn 2.0: Hands-free AutoML via meta-learning", 2022.

    Examples
    --------
    >>> from sklearn_meta.metalearning._portfolio import greedy_portfolio
    >>> regrets = [[0.0, 0.9, 0.4], [1.0, 0.0, 0.4], [1.0, 0.2, 0.4]]
    >>> greedy_portfolio(regrets).indices
    array([1, 0])
    """
    regrets = _checked_regrets(regrets)
    n_datasets, n_pipelines = regrets.shape
    weights = _checked_weights(weights, n_datasets)
    costs = _checked_costs(costs, n_pipelines)
    limit = n_pipelines if length is None else min(length, n_pipelines)
    # Before anything is chosen, a dataset has the regret of its worst pipeline.
    best = regrets.max(axis=1, initial=0.0)
    chosen, path = [], []
    while len(chosen) < limit:
        gains = weights @ np.maximum(best[:, None] - regrets, 0.0)
        gains[chosen] = -np.inf
        if chosen:
            gains[gains <= min_gain] = -np.inf
        if np.isneginf(gains).all():
            break
        chosen.append(int(np.argmax(gains / costs)))
        best = np.minimum(best, regrets[:, chosen[-1]])
        path.append(weights @ best)
    return GreedyPortfolio(np.array(chosen, dtype=np.intp), np.array(path))


def _checked_regrets(regrets):
    regrets = np.asarray(regrets, dtype=np.float64)
    if regrets.ndim != 2:
        raise ValueError(
            "The 'regrets' must be of shape (n_datasets, n_pipelines). Got shape "
            f"{regrets.shape}."
        )
    missing = np.isnan(regrets)
    if missing.any():
        known = np.where(missing, -np.inf, regrets)
        worst = known.max(axis=1, initial=-np.inf)
        worst[np.isneginf(worst)] = 0.0
        regrets = np.where(missing, worst[:, None], regrets)
    return regrets


def _checked_weights(weights, n_datasets):
    if weights is None:
        return np.full(n_datasets, 1.0 / max(n_datasets, 1))
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (n_datasets,) or (weights < 0).any() or not weights.sum() > 0:
        raise ValueError(
            f"The 'weights' must be {n_datasets} numbers, one for each dataset, none "
            f"below zero and not all zero. Got {weights!r}."
        )
    return weights / weights.sum()


def _checked_costs(costs, n_pipelines):
    if costs is None:
        return np.ones(n_pipelines)
    costs = np.asarray(costs, dtype=np.float64)
    if costs.shape != (n_pipelines,) or not (costs > 0).all():
        raise ValueError(
            f"The 'costs' must be {n_pipelines} numbers above zero, one for each "
            f"pipeline. Got {costs!r}."
        )
    return costs


def family_weights(families):
    """Return weights of datasets such that each family counts the same.

    Parameters
    ----------
    families : sequence of str
        Of the datasets.

    Returns
    -------
    weights : ndarray of shape (n_datasets,)
        They sum to the number of families.
    """
    _, family, size = np.unique(families, return_inverse=True, return_counts=True)
    return 1.0 / size[family]
