"""How much time a `fit` may take, and how much of it is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Budget:
    """A wall-clock allowance that began when it was made.

    Parameters
    ----------
    seconds : float
        Length of the allowance; ``inf`` for no limit.
    clock : callable, default=time.monotonic
        Returns seconds; a fake one makes time testable.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    start: float = field(default=None)

    def __post_init__(self):
        if self.start is None:
            object.__setattr__(self, "start", self.clock())

    @property
    def deadline(self) -> float:
        """The instant at which the allowance ends, on `clock`."""
        return self.start + self.seconds

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.start

    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.deadline - self.clock())
