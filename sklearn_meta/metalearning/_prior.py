"""What is known before the first evaluation: the prior over pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sklearn_meta.pipelines._tree import Node


@dataclass(frozen=True)
class Proposal:
    """One pipeline of a portfolio.

    Parameters
    ----------
    tree : Node
    origin : str
        Where it comes from, for people: ``"portfolio"``, ``"neighbour iris"``.
    expected_score : float or None
        Expected score on this table, if anything is known about it.
    expected_seconds : float or None
        Expected seconds of one fit on this table.
    """

    tree: Node
    origin: str = "portfolio"
    expected_score: float | None = None
    expected_seconds: float | None = None


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
    """

    portfolio: tuple[Proposal, ...] = ()
    operator_weights: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[tuple[str, str], tuple] = field(default_factory=dict)
