"""How the seconds of fits relate to what was predicted for them."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

# The pace of an operator is drawn to that of all as by so many fits of its own, and the
# pace of all to the prediction as it is.
SHRINKAGE = 1.0
# Nothing is faster: below, the clock measures itself.
LEAST_SECONDS = 1e-3

OPERATORS, RECALL = "operators", "recall"


@dataclass(frozen=True)
class FoldForecast:
    """What one fit of a candidate is predicted to take, before any was seen.

    Parameters
    ----------
    operator : str
        Of the learner.
    by_operators : float
        Seconds of a fit in one fold, from the costs of the operators.
    recalled : float or None
        The same, from what the pipeline took on other datasets; None if it is new. It
        is the better one, where there is one.
    screening_share : float
        What a fit on the subsample of rows takes, as a share of one in a fold.
    """

    operator: str
    by_operators: float
    recalled: float | None
    screening_share: float

    def by_source(self):
        """Return pairs of a source and its seconds, the better one last."""
        pairs = [(OPERATORS, self.by_operators), (RECALL, self.recalled)]
        return [(source, seconds) for source, seconds in pairs if seconds is not None]


class Pace:
    """Follows how much longer fits take here than was predicted.

    How fast the machine is shows in all fits, what is particular to a table in those of
    one learner. A single fit says little of others, so what is known is drawn to what
    was known before. Each source of predictions is wrong in its own way.
    """

    def __init__(self):
        self._of_all = defaultdict(_Ratios)
        self._of_operator = defaultdict(_Ratios)

    def observe(self, forecast: FoldForecast, seconds):
        """Take in what a fit in a fold took, in seconds."""
        for source, predicted in forecast.by_source():
            ratio = _log(seconds) - _log(predicted)
            self._of_all[source].add(ratio)
            self._of_operator[source, forecast.operator].add(ratio)

    def expect(self, forecast: FoldForecast) -> float:
        """Return the seconds that a fit in a fold is expected to take."""
        source, predicted = forecast.by_source()[-1]
        of_all = self._of_all[source].mean(0.0)
        ratio = self._of_operator[source, forecast.operator].mean(of_all)
        return predicted * math.exp(ratio)


@dataclass
class _Ratios:
    """Sum and number of some logarithms."""

    total: float = 0.0
    n: int = 0

    def add(self, ratio):
        self.total += ratio
        self.n += 1

    def mean(self, drawn_to):
        return (self.total + SHRINKAGE * drawn_to) / (self.n + SHRINKAGE)


def _log(seconds):
    return math.log(max(seconds, LEAST_SECONDS))
