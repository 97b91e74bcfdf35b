"""Which candidates may run in this process, where nothing can kill them."""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.parallel._pool import Place

# Reason of candidates that are left out.
NOT_SAFE = (
    "not begun: there are no worker processes any more, and it might hang or crash "
    "this process"
)


def may_run(forecast, tree, place) -> bool:
    """Whether a candidate may run in a place.

    Without workers by design, and in a worker, everything may. After the workers were
    lost while they ran tasks, only what is known to be safe may: what they died of may
    be any code of the user, the scorer included. If they could not even be started,
    nothing has died yet: the scorer was tried in this process before the search, and
    operators of the user may run if the search space has no other learners.

    Parameters
    ----------
    forecast : Forecast
        Knows which operators are built in.
    tree : Node
    place : Place

    Returns
    -------
    may_run : bool
    """
    if place is Place.LOST:
        return forecast.is_safe(tree)
    if place is Place.NOT_STARTED:
        learners = forecast.catalog.select("learner")
        return replace(forecast, foreign_scorer=False).is_safe(tree) or all(
            learner.name in forecast.foreign for learner in learners
        )
    return True
