"""Run a search strategy within a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sklearn_meta.evaluation._budget import reserve_seconds
from sklearn_meta.evaluation._engine import Engine
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Status
from sklearn_meta.parallel._imports import can_import, import_packages


@dataclass(frozen=True)
class SearchResult:
    """What a search has found, and why it ended.

    Parameters
    ----------
    history : History
    stop_reason : str
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    history: History = field(repr=False)
    stop_reason: str
    interrupted: bool = False


def run_search(
    plan, search, history, pool, *, look_ahead: int, observe: Callable
) -> SearchResult:
    """Evaluate what a search proposes until a limit of the plan is reached.

    Parameters
    ----------
    plan : Plan
    search : Search
    history : History
        Receives the evaluations; may hold those that the search was told before.
    pool : Pool
    look_ahead : int
        See `Strategy`.
    observe : callable
        ``observe(evaluation, history)`` is called after each; returns True to stop.

    Returns
    -------
    result : SearchResult
        Ctrl-C ends the search, not the fit.
    """
    engine = Engine(
        search,
        look_ahead=look_ahead,
        context=plan.context,
        forecast=plan.forecast,
        pool=pool,
        budget=plan.budget,
        reserve=lambda history: reserve_seconds(
            history, plan.context, plan.budget, plan.n_workers
        ),
        limits=plan.limits,
        history=history,
        observe=_importing(plan, observe),
    )
    try:
        return SearchResult(history, engine.run())
    except KeyboardInterrupt:
        engine.abandon_running()
        return SearchResult(history, "interrupted", interrupted=True)


def _importing(plan, observe):
    """Import what the models of a finished candidate need, as soon as it finishes.

    Models come from the workers as pickles. Those of torch take seconds to load for the
    first time: the workers are busy meanwhile, but at the end of the fit these seconds
    would be beyond the budget.
    """

    def observed(evaluation, history):
        if evaluation.status is Status.OK:
            packages = plan.packages(evaluation)
            if can_import(packages, plan.budget.remaining()):
                import_packages(packages)
        return observe(evaluation, history)

    return observed
