"""Search strategies by name, for the parameter `search` of the estimators."""

from __future__ import annotations

from sklearn_meta.search._evolution import EvolutionarySearch
from sklearn_meta.search._random import RandomSearch

STRATEGIES = {"evolution": EvolutionarySearch, "random": RandomSearch}


def as_strategy(search):
    """Return the strategy that is given by the parameter `search`.

    Parameters
    ----------
    search : {"evolution", "random"}, Strategy or None
        Name of a strategy, which is used with its defaults, or a strategy.

    Returns
    -------
    strategy : Strategy or None
        None if `search` is None.
    """
    return STRATEGIES[search]() if isinstance(search, str) else search
