"""The time budget of a `fit`, and the reserve for its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.timing._refits import refit_seconds

# At most this share of the budget is set aside for combining and fitting again;
# what cannot be fitted in it is replaced by its fold models.
MAX_RESERVE_SHARE = 0.3
# Seconds that combining takes besides the fits, and the share of the budget that it
# may grow to on large tables.
COMBINE_SECONDS, COMBINE_SHARE = 0.35, 0.01
# The reserve counts the fits of this many of the best candidates.
RESERVED_MEMBERS = 4


@dataclass(frozen=True)
class Budget:
    """A wall-clock allowance that began when it was made.

    Parameters
    ----------
    seconds : float
        Length of the allowance; ``inf`` for no limit.
    clock : callable, default=time.monotonic
        Returns seconds; a fake one makes time testable.
    start : float or None, default=None
        Instant on `clock` at which the allowance began; None for now.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    # None becomes the present, below.
    start: float = field(default=None)  # type: ignore[assignment]

    def __post_init__(self):
        if self.start is None:
            object.__setattr__(self, "start", self.clock())

    @property
    def deadline(self) -> float:
        """The instant at which the allowance ends, on `clock`."""
        return self.start + self.seconds

    def elapsed(self) -> float:
        """Return the seconds since the start.

        Returns
        -------
        seconds : float
            May exceed the allowance.
        """
        return self.clock() - self.start

    def remaining(self) -> float:
        """Return the seconds left.

        Returns
        -------
        seconds : float
            Never negative.
        """
        return max(0.0, self.deadline - self.clock())


def reserve_seconds(history, context, budget, n_workers):
    """Return the seconds to set aside for combining and fitting again.

    Parameters
    ----------
    history : History
    context : EvaluationContext
    budget : Budget
    n_workers : int

    Returns
    -------
    seconds : float
        At most `MAX_RESERVE_SHARE` of the budget; zero without a time limit.
    """
    if budget.seconds == np.inf:
        return 0.0
    best = sorted(history.finished(), key=lambda e: -e.score)[:RESERVED_MEMBERS]
    fits = [refit_seconds(e, context) for e in best]
    seconds = max(sum(fits) / n_workers, max(fits, default=0.0))
    return min(
        COMBINE_SECONDS + COMBINE_SHARE * budget.seconds + seconds,
        MAX_RESERVE_SHARE * budget.seconds,
    )
