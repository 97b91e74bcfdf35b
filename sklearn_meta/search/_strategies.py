"""Search strategies by name, for the parameter `search` of the estimators."""

from __future__ import annotations

from sklearn_meta.search._bayesian import BayesianSearch
from sklearn_meta.search._evolution import EvolutionarySearch
from sklearn_meta.search._grid import GridSearch
from sklearn_meta.search._portfolio import PortfolioSearch
from sklearn_meta.search._random import RandomSearch

STRATEGIES = {
    "bayesian": BayesianSearch,
    "evolution": EvolutionarySearch,
    "grid": GridSearch,
    "portfolio": PortfolioSearch,
    "random": RandomSearch,
}


def as_strategy(search):
    """Return the strategy that is given by the parameter `search`.

    Parameters
    ----------
    search : str, Strategy or None
        Name in `STRATEGIES`, of a strategy that is used with its defaults, or a
        strategy.

    Returns
    -------
    strategy : Strategy or None
        None if `search` is None.
    """
    return STRATEGIES[search]() if isinstance(search, str) else search
