"""Online correction of predicted fit times by the times measured in this search."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

# Strength of the shrinkage, as a number of fits.
SHRINKAGE = 1.0
# Measured seconds are at least this; below, the overhead of measuring dominates.
LEAST_SECONDS = 1e-3

# Sources of predictions: costs of the operators, and fits on other datasets.
OPERATORS, RECALL = "operators", "recall"


@dataclass(frozen=True)
class FoldForecast:
    """Predicted seconds of a fit of a candidate in one fold, without correction.

    Parameters
    ----------
    operator : str
        Operator at the root of the tree, usually the learner.
    by_operators : float
        Seconds predicted from the costs of the operators.
    recalled : float or None
        Seconds predicted from fits of the pipeline on other datasets, which are more
        accurate; None if there are none.
    screening_share : float
        Ratio of the seconds of a fit on the subsample of rows to those of a fit in a
        fold.
    """

    operator: str
    by_operators: float
    recalled: float | None
    screening_share: float

    def by_source(self):
        """Return the predictions by source.

        Returns
        -------
        pairs : list of (str, float)
            Source and predicted seconds, the most accurate source last.
        """
        pairs = [(OPERATORS, self.by_operators), (RECALL, self.recalled)]
        return [(source, seconds) for source, seconds in pairs if seconds is not None]


class SecondsCorrection:
    """Shrunken log-ratios of measured to predicted seconds, of all fits and by learner.

    The mean log-ratio of all fits estimates the speed of the machine and is shrunk to
    zero. The mean log-ratio of the fits of a learner estimates the effect of the table
    on it and is shrunk to that of all fits. Each source of predictions has its own
    ratios.
    """

    def __init__(self):
        self._of_all = defaultdict(_Ratios)
        self._of_operator = defaultdict(_Ratios)

    def observe(self, forecast: FoldForecast, seconds):
        """Add the measured seconds of a fit in a fold.

        Parameters
        ----------
        forecast : FoldForecast
            The predicted seconds.
        seconds : float
            The measured seconds.
        """
        for source, predicted in forecast.by_source():
            ratio = _log(seconds) - _log(predicted)
            self._of_all[source].add(ratio)
            self._of_operator[source, forecast.operator].add(ratio)

    def expect(self, forecast: FoldForecast) -> float:
        """Return the corrected prediction of the seconds of a fit in a fold.

        Parameters
        ----------
        forecast : FoldForecast

        Returns
        -------
        seconds : float
        """
        source, predicted = forecast.by_source()[-1]
        of_all = self._of_all[source].mean(0.0)
        ratio = self._of_operator[source, forecast.operator].mean(of_all)
        return predicted * math.exp(ratio)


@dataclass
class _Ratios:
    """Sum and number of log-ratios."""

    total: float = 0.0
    n: int = 0

    def add(self, ratio):
        self.total += ratio
        self.n += 1

    def mean(self, prior_mean):
        return (self.total + SHRINKAGE * prior_mean) / (self.n + SHRINKAGE)


def _log(seconds):
    """Return the logarithm of seconds that are at least `LEAST_SECONDS`."""
    return math.log(max(seconds, LEAST_SECONDS))
