"""Which candidates may run in this process, where nothing can kill them."""

from __future__ import annotations

from sklearn_meta.parallel._pool import Place

# Reason of candidates that are left out.
NOT_SAFE = (
    "not begun: there are no worker processes any more, and it might hang or crash "
    "this process"
)


def may_evaluate(forecast, tree, place) -> bool:
    """Whether a candidate may be fitted and scored in a place.

    Without workers by design, and in a worker, everything may. While workers start, and
    after they were lost while they ran tasks, only what is known to be safe may: what
    they died of may be any code of the user, the scorer included. If they could not
    even be started, nothing has died yet: the scorer was tried in this process before
    the search, and operators of the user may run if the search space has no other
    learners.

    Parameters
    ----------
    forecast : Forecast
        Knows which operators are built in.
    tree : Node
    place : Place

    Returns
    -------
    may_evaluate : bool
    """
    if place in (Place.STARTING, Place.LOST):
        return forecast.is_safe(tree)
    return may_fit(forecast, tree, place)


def may_fit(forecast, tree, place) -> bool:
    """Whether a pipeline may be fitted in a place, without being scored.

    Parameters
    ----------
    forecast : Forecast
        Knows which operators are built in.
    tree : Node
    place : Place

    Returns
    -------
    may_fit : bool
    """
    if place in (Place.WORKER, Place.IN_PROCESS):
        return True
    if not any(node.operator in forecast.foreign for _, node in tree.walk()):
        return True
    return place is Place.NOT_STARTED and all(
        learner.name in forecast.foreign
        for learner in forecast.catalog.select("learner")
    )
