"""Strategies by name, as the parameter `search` takes them."""

from __future__ import annotations

from sklearn_meta.search._evolution import EvolutionarySearch
from sklearn_meta.search._random import RandomSearch

STRATEGIES = {"evolution": EvolutionarySearch, "random": RandomSearch}


def as_strategy(search):
    """Return the strategy that the parameter `search` stands for.

    Parameters
    ----------
    search : {"evolution", "random"}, strategy or None

    Returns
    -------
    strategy : Strategy or None
    """
    return STRATEGIES[search]() if isinstance(search, str) else search
