"""Time budget of a `fit`, and the part of it reserved for the final model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.timing._forecast import SLOW_SCORE_SECONDS
from sklearn_meta.timing._refits import refit_seconds

# Upper bound of the reserve, as a share of the budget. A pipeline that cannot be
# refitted within the reserve is replaced by its fold models.
MAX_RESERVE_SHARE = 0.3
# Reserve for combining candidates: constant seconds, and a share of the budget because
# combining takes longer on large tables.
COMBINE_SECONDS, COMBINE_SHARE = 0.35, 0.01
# Share of the time left at the end of a search that combining candidates may take; the
# fits take the rest.
COMBINE_SHARE_OF_REST = 0.3
# Number of calls of a slow scorer that combining candidates has time for: two
# combinations on five folds. None if they would take more than this share of the time.
COMBINE_CALLS, CALLS_SHARE = 10, 0.7
# Reserve for tuning the decision between classes, where there is one: some hundred
# calls of a scorer of scikit-learn.
DECIDE_SECONDS = 0.5
# Reserve for the bootstrap of the score that is expected on new rows, as a share of the
# budget, and the share of the time left at the end of a search that it may take.
HONEST_SHARE, HONEST_SHARE_OF_REST = 0.03, 0.15
# Number of the best candidates whose refits enter the reserve.
RESERVED_MEMBERS = 4


@dataclass(frozen=True)
class Budget:
    """A wall-clock time budget.

    Parameters
    ----------
    seconds : float
        Length of the budget; ``inf`` for no limit.
    clock : callable, default=time.monotonic
        Returns seconds; tests pass a fake clock.
    start : float, default=None
        Time on `clock` at which the budget begins; None for the time of construction.
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
        """Time on `clock` at which the budget ends."""
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
            Zero after the deadline.
        """
        return max(0.0, self.deadline - self.clock())


def reserve_seconds(history, context, budget, n_workers):
    """Return the seconds to reserve for combining candidates and refitting them.

    Parameters
    ----------
    history : History
        Evaluations so far; the refits of its best candidates are predicted.
    context : EvaluationContext
    budget : Budget
    n_workers : int
        Number of refits that run at the same time.

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
    seconds += COMBINE_SECONDS + (COMBINE_SHARE + HONEST_SHARE) * budget.seconds
    if context.judges_labels:
        seconds += DECIDE_SECONDS
    longest = MAX_RESERVE_SHARE * budget.seconds
    calls = _seconds_of_calls(max((e.score_seconds for e in best), default=0.0))
    return min(seconds + (calls if calls <= CALLS_SHARE * longest else 0.0), longest)


def combine_seconds(remaining, score_seconds) -> float:
    """Return the seconds that combining candidates may take.

    Parameters
    ----------
    remaining : float
        Seconds until the end of the budget.
    score_seconds : float
        Seconds of one call of the scorer.

    Returns
    -------
    seconds : float
    """
    calls = _seconds_of_calls(score_seconds)
    if calls > CALLS_SHARE * remaining:
        calls = 0.0
    return calls + COMBINE_SHARE_OF_REST * (remaining - calls)


def honest_seconds(budget) -> float:
    """Return the seconds that the bootstrap of the score on new rows may take.

    Parameters
    ----------
    budget : Budget

    Returns
    -------
    seconds : float
    """
    return min(HONEST_SHARE * budget.seconds, HONEST_SHARE_OF_REST * budget.remaining())


def _seconds_of_calls(score_seconds):
    """Return the seconds of the calls of a slow scorer; zero for any other scorer."""
    return COMBINE_CALLS * score_seconds if score_seconds >= SLOW_SCORE_SECONDS else 0.0
