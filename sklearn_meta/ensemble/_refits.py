"""Refit candidates on all rows, or on a subsample that fits into the budget."""

from __future__ import annotations

import numpy as np

from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, Task
from sklearn_meta.parallel._run_tasks import run_tasks
from sklearn_meta.timing._refits import refit_seconds, rows_in_time

REFIT = "sklearn_meta.evaluation._fit_and_score:refit_candidate"


class Refits:
    """Refits of candidates within a budget, each at most once.

    Implements the `Work` protocol of `run_tasks` with one task per fit.

    Parameters
    ----------
    context : EvaluationContext
    pool : Pool
    budget : Budget
    memory_limit : int or None, default=None
        Memory limit of one fit in bytes; None for no limit.
    may_fit : callable, default=always True
        ``may_fit(tree, place) -> bool``: whether a pipeline may be fitted in a place,
        see `sklearn_meta.evaluation._places`. Others are not tried.

    Attributes
    ----------
    seconds : float
        Total time of the fits so far in seconds, summed over the workers.
    """

    def __init__(
        self,
        context,
        pool,
        budget,
        memory_limit=None,
        may_fit=lambda tree, place: True,
    ):
        self.context = context
        self.pool = pool
        self.budget = budget
        self.memory_limit = memory_limit
        self.may_fit = may_fit
        self.seconds = 0.0
        self._models = {}
        self._tried = set()
        self._waiting = []
        # Start time of each running fit, by the text of its candidate.
        self._running = {}
        self._n_places = 1

    def model(self, evaluation):
        """Return the fitted pipeline of a candidate; None if there is none."""
        return self._models.get(evaluation.candidate.text)

    def may_start(self, evaluation):
        """Return whether a candidate was not tried yet and can be fitted in time."""
        return evaluation.candidate.text not in self._tried and 0 < rows_in_time(
            evaluation, self.context, self.budget.remaining()
        )

    def run(self, evaluations):
        """Fit candidates in the given order, as many as the time allows.

        If a fit on all rows is predicted to exceed the time left, the candidate is
        fitted on a subsample and gets its share of the time.

        Parameters
        ----------
        evaluations : sequence of Evaluation
            Evaluations of the candidates. Those that were tried before are skipped.
        """
        self._n_places = max(self.pool.n_idle, 1)
        self._waiting = [e for e in evaluations if e.candidate.text not in self._tried]
        run_tasks(self.pool, self)

    def next_task(self, place) -> Task | None:
        """Return the next fit that can be done in time; None if there is none."""
        for evaluation in list(self._waiting):
            candidate = evaluation.candidate
            is_allowed = self.may_fit(candidate.tree, place)
            if place is Place.STARTING and not is_allowed:
                continue  # until the workers have started
            share = min(self._n_places / len(self._waiting), 1.0)
            self._waiting.remove(evaluation)
            self._tried.add(candidate.text)
            if not is_allowed:
                continue
            n_rows = self._n_rows(evaluation, share)
            if not n_rows:
                continue
            self._running[candidate.text] = self.budget.clock()
            rounds = mean_iterations(evaluation)
            return Task(
                candidate.text,
                REFIT,
                (candidate.tree, candidate.text, rounds, n_rows),
                self.budget.deadline,
                self.memory_limit,
                candidate.text,
            )
        return None

    def collect(self, event):
        """Process an event of a fit: the fitted pipeline, or the end of the fit."""
        if event.task_id not in self._running:
            return
        if isinstance(event, Payload):
            self._models[event.task_id] = event.value
        elif isinstance(event, Done | Failed):
            began = self._running.pop(event.task_id)
            self.seconds += self.budget.clock() - began

    def is_done(self) -> bool:
        """Return whether no fit is running and none can be started."""
        waits = self._waiting and self.budget.remaining() > 0
        return not (self._running or waits)

    def seconds_left(self) -> float:
        """Return the seconds until the deadline of the fits."""
        return self.budget.remaining()

    def _n_rows(self, evaluation, share):
        seconds = self.budget.remaining()
        if refit_seconds(evaluation, self.context) > seconds:
            seconds *= share
        return rows_in_time(evaluation, self.context, seconds)


def mean_iterations(evaluation):
    """Return the mean number of boosting rounds over the folds; None without any."""
    rounds = [f.iterations for f in evaluation.folds if f.iterations is not None]
    return round(float(np.mean(rounds))) if rounds else None
