"""The engine: ask a search for candidates, evaluate them, and tell it the results.

Two modes differ only in when the search is told. With `Limits.repeatable`, evaluation
``j`` is told right before proposal ``j + look_ahead`` is asked for, whoever finished
first: unless the time runs out, the run does not depend on seconds nor on the number of
workers. Without it, everything is told as it finishes and no worker waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._limits import Limits
from sklearn_meta.evaluation._racing import Race
from sklearn_meta.evaluation._records import (
    STATUS_OF_FAILURE,
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.evaluation._time_rules import PATIENCE_WITH_FOLDS, TimeRules
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, Task
from sklearn_meta.parallel._run_tasks import run_tasks
from sklearn_meta.timing._correction import FoldForecast

EVALUATE = "sklearn_meta.evaluation._fit_and_score:evaluate_candidate"

# After so many candidates in a row that there is no time for, the search ends.
MAX_SKIPPED = 40


@dataclass
class _Proposal:
    """A candidate that waits to be evaluated, or is being evaluated."""

    number: int
    candidate: Candidate
    race: Race
    predicted: FoldForecast
    reason_to_skip: str = ""
    started: float = 0.0
    deadline: float = 0.0
    results: list[FoldResult] = field(default_factory=list)


class Engine:
    """Evaluates what a search proposes until a limit is reached.

    It is the `Work` of `run_tasks`: a task is a candidate.

    Parameters
    ----------
    search : Search
    look_ahead : int
        See `Strategy`.
    context : EvaluationContext
    forecast : Forecast
        Predicts the seconds of fits; knows which candidates may run in this process,
        where nothing can end them, and which are worth their seconds. The latter is
        not asked before one has finished, nor with a fixed number of evaluations.
    pool : Pool
    budget : Budget
        Of the whole `fit`.
    reserve : callable
        ``reserve(history)``: seconds to set aside for combining and fitting again.
    limits : Limits
    history : History
        Filled in the run; may hold earlier evaluations, which the search was told.
    observe : callable
        ``observe(evaluation, history)``, called for each evaluation in the order of
        telling; returns True to stop.
    """

    def __init__(
        self,
        search,
        *,
        look_ahead: int,
        context: EvaluationContext,
        forecast,
        pool,
        budget: Budget,
        reserve: Callable,
        limits: Limits,
        history: History,
        observe: Callable = lambda evaluation, history: False,
    ):
        self.search = search
        self.look_ahead = look_ahead
        self.context = context
        self.forecast = forecast
        self.pool = pool
        self.budget = budget
        self.reserve = reserve
        self.limits = limits
        self.history = history
        self.observe = observe
        self.clock = budget.clock
        self._time = TimeRules(context, forecast, limits, budget)
        self._first_number = len(history)
        self._n_asked = 0
        self._n_told = 0
        self._queue: deque[_Proposal] = deque()
        self._running: dict[int, _Proposal] = {}
        self._untold: dict[int, Evaluation] = {}
        self._exhausted = False
        # What ended the search whatever time is left, and what ended it at last.
        self._stop_reason = self._why_ended = ""
        self._search_deadline = budget.deadline
        # Candidates in a row that there was no time for, and that were not worth it.
        self._n_skipped = 0
        self._n_not_worthwhile = 0

    def run(self) -> str:
        """Run the search.

        Returns
        -------
        reason : str
            Why it ended, in words.
        """
        self._set_deadline()
        run_tasks(self.pool, self)
        self.abandon_running()
        return self._why_ended

    # Work

    def next_task(self, place) -> Task | None:
        """Return the evaluation of the next candidate for an idle place."""
        while not self._has_ended():
            # What is in hand first: a worker need not wait for what comes after it.
            proposal = self._take(place)
            if proposal is None:
                self._ask()
                proposal = self._take(place)
            if proposal is None:
                return None
            if task := self._begin(proposal, place):
                return task
        return None

    def collect(self, event):
        """Take in the result of a stage, or the end of an evaluation."""
        proposal = self._running.get(event.task_id)
        if proposal is None:
            return
        if isinstance(event, Payload):
            proposal.results.append(event.value)
            self._reconsider(proposal)
            return
        del self._running[event.task_id]
        if isinstance(event, Done):
            self._finish(proposal, Status.OK)
        elif isinstance(event, Failed):
            self._finish(proposal, STATUS_OF_FAILURE[event.kind], event.reason)

    def is_done(self) -> bool:
        """Whether a limit is reached."""
        self._set_deadline()
        if not self._has_ended():
            self._ask()
        self._why_ended = self._reason_to_stop()
        return bool(self._why_ended)

    def seconds_left(self) -> float:
        """Seconds until the search has to end."""
        return self._search_deadline - self.clock()

    def _set_deadline(self):
        self._search_deadline = self.budget.deadline - self.reserve(self.history)

    # Asking and telling

    def _ask(self):
        """Ask the search for as many candidates as are useful to have in hand."""
        while not self._exhausted and not self._stop_reason and self._may_ask():
            # The history is what the search was told: the race looks no further.
            candidates = self.search.ask(1)
            if not candidates:
                self._exhausted = True
                break
            number = self._first_number + self._n_asked
            self._n_asked += 1
            candidate = candidates[0]
            predicted = self._time.predict(candidate)
            reason = self._reason_against(candidate, predicted)
            self._n_not_worthwhile = self._n_not_worthwhile + 1 if reason else 0
            self._exhausted |= self._n_not_worthwhile >= MAX_SKIPPED
            self._queue.append(
                _Proposal(number, candidate, self.history.race(), predicted, reason)
            )
        if self.limits.repeatable and (
            self._exhausted or self._n_asked == self.limits.max_evaluations
        ):
            self._tell_next(len(self._untold))

    def _reason_against(self, candidate, predicted):
        """Judge a candidate when it is proposed, by what was told by then."""
        if self.limits.is_counted or not self.history.finished():
            return ""
        return self._time.reason_against(candidate, predicted)

    def _may_ask(self):
        if not self.limits.repeatable:
            # One in hand for each idle worker; more while the workers start, so that
            # light candidates can be picked out.
            is_starting = self.pool.place is Place.STARTING
            wanted = self.look_ahead if is_starting else max(1, self.pool.n_idle)
            return len(self._queue) < wanted
        most = self.limits.max_evaluations
        if most is not None and self._n_asked >= most:
            return False
        self._tell_next(self._n_asked - self.look_ahead + 1 - self._n_told)
        return self._n_told >= self._n_asked - self.look_ahead + 1

    def _tell_next(self, n):
        """Tell up to `n` evaluations in the order of their numbers."""
        for _ in range(n):
            number = self._first_number + self._n_told
            if number not in self._untold or self._stop_reason:
                return
            self._tell(self._untold.pop(number))

    def _tell(self, evaluation):
        self._n_told += 1
        evaluation = self.history.add(evaluation)
        self.search.tell([evaluation])
        # Judged after each evaluation, so that a run with a fixed number of them ends
        # after the same one whatever the workers do meanwhile.
        stop = self.observe(evaluation, self.history)
        best = self.history.best()
        if stop:
            self._stop_reason = "stopped by a callback"
        elif best is not None and best.score >= self.limits.perfect_score:
            self._stop_reason = "nothing left to gain"
        elif self.history.evaluations_since_gain() >= self.limits.patience:
            self._stop_reason = f"no gain in {self.limits.patience} evaluations"

    def _finish(self, proposal, status, reason=""):
        n_screening = self.context.n_screening
        screening = tuple(r for r in proposal.results if r.stage < n_screening)
        folds = tuple(r for r in proposal.results if r.stage >= n_screening)
        complete = len(folds) == self.context.n_splits
        if complete and status is Status.TIMEOUT:
            status, reason = Status.OK, ""  # its limit came after its last fold
        elif status is Status.OK and not complete:
            status, reason = _why_incomplete(proposal.race, folds)
        if proposal.results:
            self._time.learn(proposal.predicted, proposal.results)
        evaluation = Evaluation(
            number=proposal.number,
            candidate=proposal.candidate,
            status=status,
            folds=folds,
            screening=screening,
            reason=reason,
            seconds=self.clock() - proposal.started,
        )
        if self.limits.repeatable:
            self._untold[evaluation.number] = evaluation
        else:
            self._tell(evaluation)

    # Starting and giving up

    def _take(self, place):
        """Remove and return the next candidate that may run in a place."""
        if place is not Place.STARTING:
            return self._queue.popleft() if self._queue else None
        for proposal in self._queue:
            if self._time.is_light(proposal.predicted) and self.forecast.is_safe(
                proposal.candidate.tree
            ):
                self._queue.remove(proposal)
                return proposal
        return None

    def _begin(self, proposal, place):
        """Return the task of a candidate; None if it is skipped."""
        now = self.clock()
        proposal.started = now
        if proposal.reason_to_skip:
            self._finish(proposal, Status.SKIPPED, proposal.reason_to_skip)
            return None
        left = self._search_deadline - now
        if not self.limits.is_counted and self.history.finished():
            reason = self._time.reason_to_skip(proposal.predicted, place, left)
            if reason:
                self._n_skipped += 1
                self._exhausted |= self._n_skipped >= MAX_SKIPPED
                self._finish(proposal, Status.SKIPPED, reason)
                return None
        self._n_skipped = 0
        proposal.deadline = min(now + self._time.limit(left), self._search_deadline)
        self._running[proposal.number] = proposal
        candidate = proposal.candidate
        return Task(
            proposal.number,
            EVALUATE,
            (candidate.tree, candidate.text, proposal.race),
            proposal.deadline,
            self.limits.memory_limit,
        )

    def _reconsider(self, proposal):
        """Give up what cannot be finished in time, and let finish what can.

        The limit that a candidate gets when it starts is for those that hang. Once it
        has finished a fold, its own seconds tell how long the others will take.
        """
        folds = proposal.results[self.context.n_screening :]
        n_left = self.context.n_splits - len(folds)
        if self.limits.is_counted or self.limits.repeatable or not folds or not n_left:
            return
        if proposal.race.is_lost([fold.score for fold in folds]):
            return  # it ends of itself
        seconds = [fold.fit_seconds + fold.predict_seconds for fold in folds]
        needed = n_left * float(np.mean(seconds))
        now = self.clock()
        left = self._search_deadline - now
        if needed <= left:
            later = min(now + PATIENCE_WITH_FOLDS * needed, self._search_deadline)
            if later > proposal.deadline:
                proposal.deadline = later
                self.pool.postpone(proposal.number, later)
        elif self.history.finished():
            self.pool.cancel(proposal.number)
            del self._running[proposal.number]
            self._finish(
                proposal,
                Status.TIMEOUT,
                f"the other folds would take about {needed:.1f} s, "
                f"{max(left, 0):.1f} s were left",
            )

    # Ending

    def _has_ended(self):
        return bool(self._stop_reason) or self.clock() >= self._search_deadline

    def _reason_to_stop(self):
        if self._stop_reason:
            return self._stop_reason
        if self.clock() >= self._search_deadline:
            return "time budget used"
        most = self.limits.max_evaluations
        if most is not None and self._n_told >= most:
            return "maximum number of evaluations reached"
        if self._exhausted and not (self._queue or self._running or self._untold):
            if max(self._n_skipped, self._n_not_worthwhile) >= MAX_SKIPPED:
                return "no time for what is left to try"
            return "search space exhausted"
        return ""

    def abandon_running(self):
        """Give up what is running, and keep what is finished where that may be.

        Not with a fixed number of evaluations, and not where the search has stopped of
        itself: what others happened to have finished by then is chance.
        """
        keeps = not self.limits.is_counted and not (
            self.limits.repeatable and self._stop_reason
        )
        for proposal in list(self._running.values()):
            self.pool.cancel(proposal.number)
            del self._running[proposal.number]
            if proposal.results and keeps:
                self._finish(proposal, Status.TIMEOUT, "the search ended")
        if keeps:
            for number in sorted(self._untold):
                self._tell(self._untold[number])
        self._untold.clear()


def _why_incomplete(race, folds):
    """Return the status of a candidate that ended before its last fold, and why."""
    if not folds:
        return Status.PRUNED, "not among the best third on a subsample of rows"
    if len(folds) == 1 and not race.is_lost([folds[0].score]):
        duplicate = race.known.duplicate_of(folds[0].predictions)
        return Status.SAME, f"predicts the same as number {duplicate}"
    return Status.PRUNED, f"clearly worse than the best after {len(folds)} folds"
