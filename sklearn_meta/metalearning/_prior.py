"""Result of recall: a portfolio, and what the search may use beside it."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_meta.metalearning._neighbors import Neighbor
from sklearn_meta.metalearning._reranking import FirstThen, PortfolioReranker
from sklearn_meta.metalearning.metafeatures import MetaFeatures
from sklearn_meta.pipelines._tree import Node


@dataclass(frozen=True)
class Proposal:
    """One pipeline of a portfolio.

    Parameters
    ----------
    tree : Node
        Pipeline to evaluate.
    origin : str, default="portfolio"
        Source of the proposal, for display: ``"portfolio"``,
        ``"portfolio: good on iris"``.
    expected_regret : float or None, default=None
        Expected regret on the new dataset: 0 is the best pipeline of the knowledge
        base, 1 the median one. None if nothing is known.
    expected_score : float or None, default=None
        Weighted mean of the scores on known datasets, in the units of the metric;
        greater is better.
    expected_seconds : float or None, default=None
        Expected seconds of one fit on the new dataset.
    """

    tree: Node
    origin: str = "portfolio"
    expected_regret: float | None = None
    expected_score: float | None = None
    expected_seconds: float | None = None


@dataclass(frozen=True)
class Prior:
    """What earlier datasets suggest for a new one.

    Parameters
    ----------
    portfolio : tuple of Proposal, default=()
        Pipelines to evaluate first, in this order.
    reranker : PortfolioReranker, FirstThen or None, default=None
        Chooses the next pipeline of the portfolio, given the evaluations so far. None
        keeps the order of `portfolio`.
    neighbors : tuple of Neighbor, default=()
        The nearest first.
    metafeatures : MetaFeatures or None, default=None
        Of the new dataset, if they were computed.
    note : str, default=""
        Message for the user: which metric stands in for another, or why nothing is
        recalled.
    """

    portfolio: tuple[Proposal, ...] = ()
    reranker: PortfolioReranker | FirstThen | None = None
    neighbors: tuple[Neighbor, ...] = ()
    metafeatures: MetaFeatures | None = None
    note: str = ""
