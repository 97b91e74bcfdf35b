"""Fits on all rows at the end, or on as many as there is time for."""

from __future__ import annotations

import pickle

import numpy as np

from sklearn_meta.parallel._process_pool import InProcessPool, Payload

REFIT = "sklearn_meta.evaluation._fit_and_score:refit_candidate"

# A fit on all rows is expected to take this much longer than the folds suggest.
REFIT_MARGIN = 1.25
# A fit on some of the rows replaces that beside a holdout if it has this many times as
# many rows.
MORE_ROWS = 1.3


def refit_seconds(evaluation, context):
    """Predict the seconds of fitting a candidate on all rows."""
    return context.dataset.n_samples * _seconds_of_a_row(evaluation, context)


def _seconds_of_a_row(evaluation, context):
    results = evaluation.folds or evaluation.screening
    if not results:
        return np.inf
    n_train = np.mean([len(context.stages[r.stage].train) for r in results])
    seconds = np.mean([r.fit_seconds for r in results])
    return float(seconds / n_train * REFIT_MARGIN)


def rows_in_time(evaluation, context, seconds):
    """Return how many rows to fit a candidate on again in some seconds.

    Parameters
    ----------
    evaluation : Evaluation
    context : EvaluationContext
    seconds : float

    Returns
    -------
    n_rows : int
        All, or so many that a model of a holdout gains by it; or none. The models of
        several folds have seen all rows together.
    """
    n = context.dataset.n_samples
    of_a_row = _seconds_of_a_row(evaluation, context)
    if n * of_a_row <= seconds:
        return n
    if context.n_splits != 1 or not evaluation.folds:
        return 0
    n_rows = int(seconds / of_a_row)
    return n_rows if n_rows >= MORE_ROWS * len(context.stages[-1].train) else 0


class Refits:
    """Fits candidates again, each at most once, never beyond the budget.

    Parameters
    ----------
    context : EvaluationContext
    pool : WorkerPool or None
        None, or one that is not ready, fits in this process.
    budget : Budget
    """

    def __init__(self, context, pool, budget):
        self.context = context
        self.budget = budget
        if pool is None or not pool.ready:
            pool = InProcessPool(state=context, clock=budget.clock)
        self.pool = pool
        self.seconds = 0.0
        self._models = {}
        self._tried = set()

    def model(self, evaluation):
        """Return the fitted pipeline, or None."""
        return self._models.get(evaluation.candidate.text)

    def may_start(self, evaluation):
        """Whether there is time to fit the candidate."""
        return evaluation.candidate.text not in self._tried and 0 < rows_in_time(
            evaluation, self.context, self.budget.remaining()
        )

    def _n_rows(self, evaluation, share):
        seconds = self.budget.remaining()
        if refit_seconds(evaluation, self.context) > seconds:
            seconds *= share
        return rows_in_time(evaluation, self.context, seconds)

    def run(self, evaluations):
        """Fit candidates in this order, as many as time allows.

        Where all rows take too long, each has its share of the seconds.
        """
        n_workers = max(self.pool.n_idle, 1)
        waiting = [e for e in evaluations if e.candidate.text not in self._tried]
        running = {}
        while waiting or running:
            while waiting and self.pool.n_idle:
                share = min(n_workers / len(waiting), 1.0)
                evaluation = waiting.pop(0)
                text = evaluation.candidate.text
                self._tried.add(text)
                n_rows = self._n_rows(evaluation, share)
                if not n_rows:
                    continue
                running[text] = self.budget.clock()
                self.pool.submit(
                    text,
                    REFIT,
                    (
                        evaluation.candidate.tree,
                        text,
                        mean_iterations(evaluation),
                        n_rows,
                    ),
                    self.budget.deadline,
                )
            if not running and (not waiting or self.budget.remaining() == 0):
                return
            for event in self.pool.wait(0.25):
                if event.task_id not in running:
                    continue
                if isinstance(event, Payload):
                    self._models[event.task_id] = pickle.loads(event.value)
                else:
                    self.seconds += self.budget.clock() - running.pop(event.task_id)


def mean_iterations(evaluation):
    """Boosting rounds for the fit on all rows: the mean over the folds, or None."""
    rounds = [f.iterations for f in evaluation.folds if f.iterations is not None]
    return round(float(np.mean(rounds))) if rounds else None
