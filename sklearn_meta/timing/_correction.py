"""Online correction of predicted fit times by those measured in this run."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

# Strength of the shrinkage, in fits.
SHRINKAGE = 1.0
# Nothing is faster: below, the clock measures itself.
LEAST_SECONDS = 1e-3

OPERATORS, RECALL = "operators", "recall"


@dataclass(frozen=True)
class FoldForecast:
    """Predicted seconds of one fit of a candidate, before any was measured.

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


class SecondsCorrection:
    """Shrunken log-ratios of measured to predicted seconds, of all fits and by learner.

    The speed of the machine shows in all fits, what is particular to a table in those
    of one learner. The ratio of a learner is shrunk to that of all fits, and that of
    all fits to one. Each source of predictions has ratios of its own.
    """

    def __init__(self):
        self._of_all = defaultdict(_Ratios)
        self._of_operator = defaultdict(_Ratios)

    def observe(self, forecast: FoldForecast, seconds):
        """Take in the seconds of a fit in a fold."""
        for source, predicted in forecast.by_source():
            ratio = _log(seconds) - _log(predicted)
            self._of_all[source].add(ratio)
            self._of_operator[source, forecast.operator].add(ratio)

    def expect(self, forecast: FoldForecast) -> float:
        """Return the corrected seconds of a fit in a fold."""
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
