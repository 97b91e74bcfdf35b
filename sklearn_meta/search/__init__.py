"""Search strategies, which propose candidates, and their protocol."""

from sklearn_meta.search._bayesian import BayesianSearch
from sklearn_meta.search._evolution import EvolutionarySearch
from sklearn_meta.search._grid import GridSearch
from sklearn_meta.search._portfolio import PortfolioSearch
from sklearn_meta.search._protocol import Search, SearchProblem, Strategy
from sklearn_meta.search._random import RandomSearch

__all__ = [
    "BayesianSearch",
    "EvolutionarySearch",
    "GridSearch",
    "PortfolioSearch",
    "RandomSearch",
    "Search",
    "SearchProblem",
    "Strategy",
]
