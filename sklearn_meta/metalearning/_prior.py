"""What is known before the first evaluation: the prior over pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sklearn_meta.metalearning._gaussian_process import Surrogate
from sklearn_meta.metalearning._reranking import Guide
from sklearn_meta.metalearning.metafeatures import MetaFeatures
from sklearn_meta.pipelines._tree import Node


@dataclass(frozen=True)
class Proposal:
    """One pipeline of a portfolio.

    Parameters
    ----------
    tree : Node
    origin : str
        Where it comes from, for people: ``"portfolio"``, ``"portfolio: best on iris"``.
    expected_regret : float or None
        How far from the best pipeline it is expected to be on this table: 0 is the best
        one, 1 the median of the knowledge base. None if nothing is known.
    expected_score : float or None
        Mean score on the neighbors, in their units; greater is better.
    expected_seconds : float or None
        Expected seconds of one fit on this table.
    """

    tree: Node
    origin: str = "portfolio"
    expected_regret: float | None = None
    expected_score: float | None = None
    expected_seconds: float | None = None


@dataclass(frozen=True)
class Neighbor:
    """A dataset of the knowledge base that is like the new one.

    Parameters
    ----------
    dataset : str
    family : str
    distance : float
        By what the meta-learner calls near; 0 for equal meta-features.
    weight : float
        Share of the proposals that it decides, before the first evaluation.
    alike : tuple of str
        The meta-features that make it near: those whose difference is the smallest part
        of what it usually is.
    pipelines : tuple of str
        What worked best there, the best first.
    """

    dataset: str
    family: str
    distance: float
    weight: float
    alike: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prior:
    """What earlier datasets suggest for this one.

    Parameters
    ----------
    portfolio : tuple of Proposal
        Pipelines to try first, in this order.
    operator_weights : mapping of str to float
        Relative weight with which variation draws an operator; 1 where nothing is
        said. A strategy mixes them with uniform weights, so that nothing becomes
        unreachable.
    values : mapping of (str, str) to tuple
        For ``(operator, hyperparameter)``: values that did well before.
    guide : Guide or None
        Puts what is left of the portfolio into a new order after each evaluation.
    surrogate : Surrogate or None
        What is expected of any pipeline, also of those in no knowledge base.
    neighbors : tuple of Neighbor
        The nearest first.
    metafeatures : MetaFeatures or None
        Of the new dataset, if they were looked at.
    note : str
        What the user should know: a metric that stands in for another, or why nothing
        is recalled.
    """

    portfolio: tuple[Proposal, ...] = ()
    operator_weights: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[tuple[str, str], tuple] = field(default_factory=dict)
    guide: Guide | None = None
    surrogate: Surrogate | None = None
    neighbors: tuple[Neighbor, ...] = ()
    metafeatures: MetaFeatures | None = None
    note: str = ""
