"""Which candidates there is time for, by predicted and by measured seconds."""

from __future__ import annotations

import numpy as np

from sklearn_meta.parallel._pool import Place
from sklearn_meta.timing._correction import FoldForecast, SecondsCorrection

# One candidate may take this share of the time that is left when it starts.
CANDIDATE_SHARE = 0.5
SHORTEST_LIMIT = 2.0
# In a run that is told in a fixed order: this share of the whole budget.
CANDIDATE_SHARE_OF_BUDGET = 0.25
# While the workers start, this process takes candidates whose fit is predicted to take
# at most this.
LIGHT_SECONDS = 0.1
# What is expected is off by a factor of two, and the first fold tells: this share of
# the expected seconds must fit into the time left for a candidate to be started.
SHARE_OF_SECONDS = 0.6
# Nothing ends a fold in this process: one that takes longer than expected takes from
# the budget. Where the logarithm of the seconds is off by 0.8, as measured, one in 25
# takes more than this multiple.
MULTIPLE_IN_PROCESS = 4.0
# A candidate whose own folds tell that it will be finished in time may have this
# multiple of what the other ones are expected to take.
PATIENCE_WITH_FOLDS = 1.5


class TimeRules:
    """Predict the seconds of candidates, and compare them with the time left.

    Parameters
    ----------
    context : EvaluationContext
    forecast : Forecast
        Predicts the seconds of fits.
    limits : Limits
    budget : Budget
        Of the whole `fit`.
    """

    def __init__(self, context, forecast, limits, budget):
        self.context = context
        self.forecast = forecast
        self.limits = limits
        self.budget = budget
        self._correction = SecondsCorrection()

    def predict(self, candidate) -> FoldForecast:
        """Predict the seconds of a candidate's fit in one fold."""
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

    def learn(self, predicted, results):
        """Correct later predictions by the results of a candidate's stages."""
        seconds = [r.fit_seconds + r.predict_seconds for r in results]
        folds = seconds[self.context.n_screening :]
        of_a_fold = (
            float(np.median(folds)) if folds else seconds[0] / predicted.screening_share
        )
        self._correction.observe(predicted, of_a_fold)

    def is_light(self, predicted) -> bool:
        """Whether a fit may block this process while the workers start."""
        return self._correction.expect(predicted) <= LIGHT_SECONDS

    def reason_against(self, candidate, predicted) -> str:
        """Return why a candidate is not worth its seconds; empty if it is."""
        seconds = predicted.by_operators * self._n_fits(predicted)
        if self.forecast.is_worthwhile(candidate, seconds):
            return ""
        return f"it would take about {seconds:.1f} s: too long for so few rows"

    def reason_to_skip(self, predicted, place, left) -> str:
        """Return why there is no time for a candidate; empty if there is.

        Only what is scored on all folds can be combined, so there must be time for all
        of them, though most candidates lose the race before the last one.
        """
        of_a_fold = self._correction.expect(predicted)
        expected = of_a_fold * self._n_fits(predicted)
        if expected * SHARE_OF_SECONDS > left:
            return (
                f"it would take about {expected:.1f} s, {max(left, 0):.1f} s were left"
            )
        most = of_a_fold * MULTIPLE_IN_PROCESS
        if place is not Place.WORKER and most > left:
            return (
                f"a fold, which nothing can end in this process, might take {most:.2f} "
                f"s, {max(left, 0):.2f} s were left"
            )
        return ""

    def limit(self, left) -> float:
        """Return the seconds that a candidate may take: it may hang."""
        if self.limits.repeatable:
            return CANDIDATE_SHARE_OF_BUDGET * self.budget.seconds
        return max(CANDIDATE_SHARE * left, SHORTEST_LIMIT)

    def _n_fits(self, predicted):
        """Number of fits in all stages, those on a part of the rows as that part."""
        context = self.context
        return context.n_splits + context.n_screening * predicted.screening_share
