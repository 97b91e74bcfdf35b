"""Decisions on candidates by their predicted seconds and the time left."""

from __future__ import annotations

import numpy as np

from sklearn_meta.parallel._pool import Place
from sklearn_meta.timing._correction import FoldForecast, SecondsCorrection
from sklearn_meta.timing._forecast import SLOW_SCORE_SECONDS

# Time limit of a candidate: a share of the time that is left when it starts, but at
# least this number of seconds.
CANDIDATE_SHARE = 0.5
SHORTEST_LIMIT = 2.0
# Time limit of a candidate in a repeatable search, as a share of the whole budget.
CANDIDATE_SHARE_OF_BUDGET = 0.25
# While the workers start, this process evaluates candidates whose fits are predicted to
# take at most this number of seconds.
LIGHT_SECONDS = 0.1
# A candidate is started if this share of its expected seconds is left: predictions are
# off by about a factor of two, and after the first fold the seconds are known better.
SHARE_OF_SECONDS = 0.6
# A fold in this process cannot be stopped, so that one that takes longer than expected
# may exceed the budget. With the measured standard deviation of the logarithm of the
# seconds, 0.8, one fold in 25 takes more than this multiple of the prediction.
MULTIPLE_IN_PROCESS = 4.0
# The deadline of a candidate with finished folds allows this multiple of the seconds
# that the other folds are expected to take.
PATIENCE_WITH_FOLDS = 1.5


class TimeRules:
    """Decide on candidates by their predicted seconds and the time left.

    Predictions are corrected by the seconds measured in this search.

    Parameters
    ----------
    context : EvaluationContext
    forecast : Forecast
        Predicts the seconds of fits.
    limits : SearchLimits
    budget : Budget
        Budget of the whole `fit`.
    """

    def __init__(self, context, forecast, limits, budget):
        self.context = context
        self.forecast = forecast
        self.limits = limits
        self.budget = budget
        self._correction = SecondsCorrection()
        # Of one call of the scorer, which the correction does not cover.
        self._score_seconds = forecast.score_seconds

    def predict(self, candidate) -> FoldForecast:
        """Predict the seconds of a fit of a candidate in one fold, without correction.

        Parameters
        ----------
        candidate : Candidate

        Returns
        -------
        predicted : FoldForecast
        """
        first, last = self.context.stages[0], self.context.stages[-1]
        tree, predict = candidate.tree, self.forecast.fit_seconds
        seconds = predict(tree, len(last.train))
        recalled = candidate.expected_seconds
        if recalled is not None:
            recalled *= seconds / predict(tree, self.context.dataset.n_samples)
        return FoldForecast(
            operator=tree.operator,
            by_operators=seconds,
            recalled=recalled,
            screening_share=predict(tree, len(first.train)) / seconds,
        )

    def update(self, predicted, results):
        """Correct later predictions by the measured seconds of a candidate.

        Parameters
        ----------
        predicted : FoldForecast
        results : sequence of FoldResult
            Results of the finished stages, at least one.
        """
        seconds = [r.fit_seconds + r.predict_seconds for r in results]
        folds = seconds[self.context.n_screening :]
        fold_seconds = (
            float(np.median(folds)) if folds else seconds[0] / predicted.screening_share
        )
        self._correction.observe(predicted, fold_seconds)
        slowest = max(r.score_seconds for r in results)
        if slowest >= SLOW_SCORE_SECONDS:
            self._score_seconds = slowest

    def is_light(self, predicted) -> bool:
        """Whether a candidate may run in this process while the workers start."""
        return self._fold_seconds(predicted) <= LIGHT_SECONDS

    def reason_not_worthwhile(self, candidate, predicted) -> str:
        """Return why a candidate is not worth its seconds; empty if it is.

        Parameters
        ----------
        candidate : Candidate
        predicted : FoldForecast

        Returns
        -------
        reason : str
        """
        seconds = predicted.by_operators * self._n_fits(predicted)
        if self.forecast.is_worthwhile(candidate, seconds):
            return ""
        return f"it would take about {seconds:.1f} s: too long for so few rows"

    def reason_no_time(self, predicted, place, left) -> str:
        """Return why there is no time for a candidate; empty if there is.

        Only candidates with all folds scored can be combined, so there must be time for
        all folds, although racing stops most candidates before the last one.

        Parameters
        ----------
        predicted : FoldForecast
        place : Place
            Where the candidate would run.
        left : float
            Seconds until the deadline of the search.

        Returns
        -------
        reason : str
        """
        fold_seconds = self._fold_seconds(predicted)
        expected = fold_seconds * self._n_fits(predicted)
        if expected * SHARE_OF_SECONDS > left:
            return (
                f"it would take about {expected:.1f} s, {max(left, 0):.1f} s were left"
            )
        # The seconds of the scorer are measured, those of the fit predicted.
        longest = MULTIPLE_IN_PROCESS * (fold_seconds - self._score_seconds)
        longest += self._score_seconds
        if place is not Place.WORKER and longest > left:
            return (
                "a fold, which nothing can end in this process, might take "
                f"{longest:.2f} s, {max(left, 0):.2f} s were left"
            )
        return ""

    def reason_no_fold(self, predicted, place, left) -> str:
        """Return why there is no time for a single fold; empty if there is.

        As long as no candidate is finished, one with fewer folds is welcome. In this
        process, where nothing can end a fold, it must still end in time.

        Parameters
        ----------
        predicted : FoldForecast
        place : Place
            Where the candidate would run.
        left : float
            Seconds until the deadline of the search.

        Returns
        -------
        reason : str
        """
        seconds = self._fold_seconds(predicted)
        if place is Place.WORKER or seconds <= left:
            return ""
        return (
            f"a fold would take about {seconds:.2f} s, {max(left, 0):.2f} s were left"
        )

    def candidate_limit(self, left) -> float:
        """Return the time limit of a candidate in seconds, in case it hangs.

        Parameters
        ----------
        left : float
            Seconds until the deadline of the search.

        Returns
        -------
        limit : float
        """
        if self.limits.repeatable:
            return CANDIDATE_SHARE_OF_BUDGET * self.budget.seconds
        return max(CANDIDATE_SHARE * left, SHORTEST_LIMIT)

    def _fold_seconds(self, predicted):
        """Expected seconds of a fit and its score."""
        return self._correction.expect(predicted) + self._score_seconds

    def _n_fits(self, predicted):
        """Number of fits in all stages; those on a subsample count by their seconds."""
        context = self.context
        return context.n_splits + context.n_screening * predicted.screening_share
