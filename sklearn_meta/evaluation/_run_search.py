"""Run a search with the engine until it ends or is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sklearn_meta._cleanup import ThreadSettings
from sklearn_meta.evaluation._budget import reserve_seconds
from sklearn_meta.evaluation._engine import Engine
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Status
from sklearn_meta.evaluation._replay import Record
from sklearn_meta.parallel._imports import can_import, import_packages


@dataclass(frozen=True)
class SearchResult:
    """Evaluations of a search, and why it ended.

    Parameters
    ----------
    history : History
    stop_reason : str
        Why the search ended, for display.
    interrupted : bool, default=False
        Whether Ctrl-C ended it.
    """

    history: History = field(repr=False)
    stop_reason: str
    interrupted: bool = False


def run_search(
    plan,
    search,
    history,
    pool,
    *,
    look_ahead: int,
    observe: Callable,
    record: Record | None = None,
) -> SearchResult:
    """Evaluate the candidates of a search until a stopping criterion is met.

    Ctrl-C ends the search without an exception, so that the final model is still built.

    Parameters
    ----------
    plan : Plan
    search : Search
        Proposes candidates.
    history : History
        Receives the evaluations; empty.
    pool : Pool
        A started pool, whose state is the context of the plan.
    look_ahead : int
        Maximum number of candidates that are asked for beyond those of which the search
        was told, see `Strategy`.
    observe : callable
        ``observe(evaluation, history)`` is called after each new evaluation; it returns
        True to end the search.
    record : Record, optional
        Keeps the evaluations, and has those of an earlier run of the same search.

    Returns
    -------
    result : SearchResult
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
        record=record,
    )
    settings = ThreadSettings.now()
    try:
        return SearchResult(history, engine.run())
    except KeyboardInterrupt:
        settings.restore()
    try:
        engine.abandon_running()
    except (KeyboardInterrupt, Exception):
        # A second Ctrl-C; or what the first one has left half done. Candidates that
        # still run only keep their workers from the final fits.
        settings.restore()
    return SearchResult(history, "interrupted", interrupted=True)


def _importing(plan, observe):
    """Import the packages of a candidate's models when it finishes, then observe it."""

    # Models come from the workers as pickles, and unpickling the first one that needs
    # torch takes seconds. During the search, the workers use these seconds; at its end,
    # they would exceed the budget.
    def import_and_observe(evaluation, history):
        if evaluation.status is Status.OK:
            packages = plan.packages(evaluation)
            if can_import(packages, plan.budget.remaining()):
                import_packages(packages)
        return observe(evaluation, history)

    return import_and_observe
