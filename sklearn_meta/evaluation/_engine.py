"""Asynchronous ask-and-tell loop between a search and a pool of workers.

There are two modes, which differ in when the search is told of an evaluation. With
`SearchLimits.repeatable`, evaluation ``j`` is told right before candidate
``j + look_ahead`` is asked for, whichever finished first: unless the time runs out, the
result depends neither on the speed nor on the number of the workers. Otherwise, each
evaluation is told as soon as it is finished, and no worker waits.

A `Record` gets every evaluation before the search is told of it. The evaluations that
it has from an earlier run are told again in the same way, and take no time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._fit_and_score import EvaluationContext, duplicate_of
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._limits import SearchLimits
from sklearn_meta.evaluation._places import NOT_SAFE, may_evaluate, may_fit
from sklearn_meta.evaluation._racing import RacingRule
from sklearn_meta.evaluation._records import (
    STATUS_OF_FAILURE,
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.evaluation._replay import SEARCH_ENDED, NoRecord, Record, Replay
from sklearn_meta.evaluation._time_rules import PATIENCE_WITH_FOLDS, TimeRules
from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, Task
from sklearn_meta.parallel._run_tasks import run_tasks
from sklearn_meta.pipelines._text import parse
from sklearn_meta.timing._correction import FoldForecast

EVALUATE = "sklearn_meta.evaluation._fit_and_score:evaluate_candidate"

# The search ends after this many candidates in a row for which there is no time.
MAX_SKIPPED = 40

# Reason of a candidate that is not begun again in this process.
ENDED_ITS_PROCESS = "the process of an earlier fit ended while it was fitted in it"


@dataclass
class _Proposal:
    """A candidate that waits for its evaluation or is being evaluated."""

    number: int
    candidate: Candidate
    rule: RacingRule
    predicted: FoldForecast
    reason_to_skip: str = ""
    started: float = 0.0
    deadline: float = 0.0
    results: list[FoldResult] = field(default_factory=list)


class Engine:
    """Evaluate the candidates of a search until a stopping criterion is met.

    It implements the `Work` protocol of `run_tasks`; each task evaluates a candidate.

    Parameters
    ----------
    search : Search
        Proposes candidates.
    look_ahead : int
        Maximum number of candidates that are asked for beyond those of which the search
        was told, see `Strategy`.
    context : EvaluationContext
    forecast : Forecast
        Predicts the seconds of fits, and decides which candidates may run in this
        process, where they cannot be killed, and which are worth their seconds. The
        latter is decided only once a candidate has finished, and only if the number of
        evaluations is not limited.
    pool : Pool
    budget : Budget
        Budget of the whole `fit`.
    reserve : callable
        ``reserve(history)`` returns the seconds to reserve for the final model.
    limits : SearchLimits
    history : History
        Receives the evaluations; empty.
    observe : callable, optional
        ``observe(evaluation, history)`` is called after each new evaluation of which
        the search was told; it returns True to end the search.
    record : Record, optional
        Keeps the evaluations, and has those of an earlier run of the same search.
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
        limits: SearchLimits,
        history: History,
        observe: Callable = lambda evaluation, history: False,
        record: Record | None = None,
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
        self.record: Record = NoRecord() if record is None else record
        self.clock = budget.clock
        self._time = TimeRules(context, forecast, limits, budget)
        self._replay = Replay(self.record)
        # Numbers of earlier evaluations, and texts of those that were not asked for.
        self._earlier: set[int] = set()
        self._not_asked_for: set[str] = set()
        self._n_asked = 0
        self._n_told = 0
        # Numbers of earlier runs that no evaluation has.
        self._n_unused = 0
        # Numbers of the proposals of which the search was not told, in their order.
        self._waiting: dict[int, None] = {}
        self._queue: deque[_Proposal] = deque()
        self._running: dict[int, _Proposal] = {}
        self.history.running = self._running
        self._untold: dict[int, Evaluation] = {}
        self._exhausted = False
        # Reason of a stop before the deadline, and the reason that `run` returns.
        self._early_stop_reason = self._stop_reason = ""
        self._search_deadline = budget.deadline
        # Numbers of candidates in a row that were skipped for lack of time, and because
        # they were not worth their seconds.
        self._n_skipped = 0
        self._n_not_worthwhile = 0

    def run(self) -> str:
        """Run the search.

        Returns
        -------
        stop_reason : str
            Why the search ended, for display.
        """
        self._replay_earlier()
        self._set_deadline()
        run_tasks(self.pool, self)
        self.abandon_running()
        return self._stop_reason

    # Work

    def next_task(self, place) -> Task | None:
        """Return the task of the next candidate that may run in a place, or None."""
        while not self._has_ended():
            # Candidates in the queue come first, so that no worker waits for the
            # search.
            proposal = self._pop_proposal(place)
            if proposal is None:
                self._ask()
                proposal = self._pop_proposal(place)
            if proposal is None:
                return None
            if task := self._begin(proposal, place):
                return task
        return None

    def collect(self, event):
        """Process the result of a stage or the end of an evaluation."""
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
            status, reason = STATUS_OF_FAILURE[event.kind], event.reason
            if status is Status.TIMEOUT and self._has_ended():
                reason = SEARCH_ENDED
            self._finish(proposal, status, reason)

    def is_done(self) -> bool:
        """Whether a stopping criterion is met."""
        self._set_deadline()
        if not self._has_ended():
            self._ask()
        self._stop_reason = self._current_stop_reason()
        return bool(self._stop_reason)

    def seconds_left(self) -> float:
        """Return the seconds until the deadline of the search."""
        return self._search_deadline - self.clock()

    def _set_deadline(self):
        """Set the deadline of the search by what the final model will take."""
        self._search_deadline = self.budget.deadline - self.reserve(self.history)

    # Asking and telling

    def _ask(self):
        """Ask the search for candidates as long as the queue needs more."""
        while not self._exhausted and not self._early_stop_reason and self._may_ask():
            self._ask_once()
        n_max = self.limits.max_evaluations
        if self.limits.repeatable and (
            self._exhausted or (n_max is not None and self._n_asked >= n_max)
        ):
            self._tell_next(len(self._untold))

    def _ask_once(self):
        """Ask the search for a candidate."""
        # The racing rule depends only on evaluations of which the search was told.
        candidates = self.search.ask(1)
        if not candidates:
            self._exhausted = True
            return
        candidate = candidates[0]
        if self._replay.differs(self._next_number, candidate.text):
            self._diverge()
        if candidate.text in self._not_asked_for:
            return  # It has been evaluated.
        number = self._next_number
        self._n_asked += 1
        self._waiting[number] = None
        predicted = self._time.predict(candidate)
        reason = self._reason_not_worthwhile(candidate, predicted)
        self._n_not_worthwhile = self._n_not_worthwhile + 1 if reason else 0
        self._exhausted |= self._n_not_worthwhile >= MAX_SKIPPED
        rule = self.history.racing_rule()
        if not may_fit(self.forecast, candidate.tree, Place.LOST):
            # Its fold models are all there is, should the workers be lost.
            rule = replace(rule, keep_models_from=0.0)
        proposal = _Proposal(number, candidate, rule, predicted, reason)
        if self._replay.told_in_order(number):
            self._untold[number] = self._restore(proposal)
        else:
            self._queue.append(proposal)

    @property
    def _next_number(self):
        """Number of the next proposal; no evaluation of an earlier run has it."""
        return self._n_asked + self._n_unused

    def _reason_not_worthwhile(self, candidate, predicted):
        """Return why a new candidate is not worth its seconds; empty if it is."""
        if self.limits.is_counted or not self.history.finished():
            return ""
        return self._time.reason_not_worthwhile(candidate, predicted)

    def _may_ask(self):
        """Whether another candidate is needed and the order of telling allows it."""
        if not self.limits.repeatable:
            # One candidate for each idle worker; more while the workers start, so that
            # there are light ones among them.
            is_starting = self.pool.place is Place.STARTING
            n_wanted = self.look_ahead if is_starting else max(1, self.pool.n_idle)
            return len(self._queue) < n_wanted
        n_max = self.limits.max_evaluations
        if n_max is not None and self._n_asked >= n_max:
            return False
        self._tell_next(self._n_asked - self.look_ahead + 1 - self._n_told)
        return self._n_told >= self._n_asked - self.look_ahead + 1

    def _tell_next(self, n):
        """Tell up to `n` evaluations in the order of their numbers."""
        for _ in range(n):
            number = next(iter(self._waiting), None)
            if number not in self._untold or self._early_stop_reason:
                return
            self._tell(self._untold.pop(number))

    def _tell(self, evaluation):
        """Store an evaluation, tell the search of it, and check for early stopping."""
        self._n_told += 1
        self._waiting.pop(evaluation.number, None)
        evaluation = self.history.add(evaluation)
        self.record.told(evaluation.number)
        self.search.tell([evaluation])
        # Checked after each evaluation, so that a repeatable run ends after the same
        # one for any number of workers.
        is_stopped = evaluation.number not in self._earlier and self.observe(
            evaluation, self.history
        )
        best = self.history.best()
        if is_stopped:
            self._early_stop_reason = "stopped by a callback"
        elif best is not None and best.score >= self.limits.perfect_score:
            self._early_stop_reason = "nothing left to gain"
        elif self.history.evaluations_since_gain() >= self.limits.patience:
            self._early_stop_reason = f"no gain in {self.limits.patience} evaluations"

    def _finish(self, proposal, status, reason=""):
        """Make the evaluation of a candidate, and tell the search now or in order."""
        n_screening = self.context.n_screening
        screening = tuple(r for r in proposal.results if r.stage < n_screening)
        folds = tuple(r for r in proposal.results if r.stage >= n_screening)
        complete = len(folds) == self.context.n_splits
        if complete and status is Status.TIMEOUT:
            # It was stopped after its last fold.
            status, reason = Status.OK, ""
        elif status is Status.OK and not complete:
            status, reason = _racing_outcome(self.context, proposal.rule, folds)
        if proposal.results:
            self._time.update(proposal.predicted, proposal.results)
        if status is Status.SKIPPED and proposal.number in self._replay.unfinished:
            # The record has it, perhaps with some of its folds.
            self._pass_on(self._unfinished(proposal))
            return
        evaluation = Evaluation(
            number=proposal.number,
            candidate=proposal.candidate,
            status=status,
            folds=folds,
            screening=screening,
            reason=reason,
            seconds=self.clock() - proposal.started,
            elapsed=self.record.seconds_before + self.budget.elapsed(),
        )
        self.record.add(
            evaluation,
            None if self.limits.repeatable else self._n_asked,
            self.budget.elapsed(),
            self.history,
        )
        self._pass_on(evaluation)

    def _pass_on(self, evaluation):
        """Tell the search of an evaluation now or in order."""
        if self.limits.repeatable:
            self._untold[evaluation.number] = evaluation
        else:
            self._tell(evaluation)

    # Evaluations of an earlier run

    def _replay_earlier(self):
        """Ask and tell as in an earlier run, without evaluating a candidate again."""
        for entry in self._replay.told_at_once():
            while (
                self._replay.has(entry)
                and self._n_asked < entry.n_asked
                and not self._exhausted
            ):
                self._ask_once()
            if not self._replay.has(entry):
                return  # The search is another one, and was told everything.
            if entry.unfinished:
                continue
            proposal = next((p for p in self._queue if p.number == entry.number), None)
            if proposal is None:
                self._diverge()
                return
            self._queue.remove(proposal)
            self._tell(self._restore(proposal))
        if self.limits.repeatable:
            self._ask()

    def _restore(self, proposal):
        """Return the evaluation that a proposal had in an earlier run."""
        evaluation = self.record.load(self._replay.take(proposal.number))
        results = (*evaluation.screening, *evaluation.folds)
        if results:
            self._time.update(proposal.predicted, results)
        self._earlier.add(proposal.number)
        return replace(evaluation, candidate=proposal.candidate)

    def _diverge(self):
        """Tell all that is left of an earlier run, which proposed other candidates."""
        self.record.diverged()
        if self.limits.repeatable:
            self._tell_next(len(self._untold))
        n_numbers = max(self._next_number, self._replay.n_numbers)
        entries = self._replay.take_all()
        self._not_asked_for.update(entry.text for entry in entries)
        for proposal in list(self._queue):
            if proposal.candidate.text in self._not_asked_for:
                self._queue.remove(proposal)
                del self._waiting[proposal.number]
                self._n_asked -= 1
        for entry in entries:
            evaluation = self.record.load(entry)
            candidate = evaluation.candidate
            if candidate.tree is None:
                try:
                    tree = parse(candidate.text, catalog=self.context.catalog)
                except InvalidPipelineError:
                    continue  # Its operators are not in this version of the package.
                candidate = replace(candidate, tree=tree)
            self._n_asked += 1
            self._earlier.add(entry.number)
            self._tell(replace(evaluation, candidate=candidate))
        self._n_unused = n_numbers - self._n_asked

    def _unfinished(self, proposal):
        """Return the evaluation of a candidate that an earlier run did not finish."""
        self._earlier.add(proposal.number)
        evaluation = self.record.load(self._replay.unfinished[proposal.number])
        return replace(evaluation, candidate=proposal.candidate)

    def _tell_unfinished(self):
        """Tell what was not finished in an earlier run, and still waits at the end."""
        for proposal in self._queue:
            if proposal.number in self._replay.unfinished:
                self._tell(self._unfinished(proposal))

    # Starting and stopping candidates

    def _pop_proposal(self, place):
        """Remove and return the next candidate that may run in a place, or None."""
        if place is not Place.STARTING:
            return self._queue.popleft() if self._queue else None
        for proposal in self._queue:
            candidate = proposal.candidate
            if (
                self._time.is_light(proposal.predicted)
                and self.forecast.is_safe(candidate.tree)
                and candidate.text != self.record.suspect
            ):
                self._queue.remove(proposal)
                return proposal
        return None

    def _begin(self, proposal, place):
        """Return the task of a candidate; None if the candidate is skipped."""
        now = self.clock()
        proposal.started = now
        if proposal.reason_to_skip:
            self._finish(proposal, Status.SKIPPED, proposal.reason_to_skip)
            return None
        candidate = proposal.candidate
        if place is not Place.WORKER and candidate.text == self.record.suspect:
            # It may be what has ended that process.
            self._finish(proposal, Status.CRASHED, ENDED_ITS_PROCESS)
            return None
        left = self._search_deadline - now
        if not may_evaluate(self.forecast, proposal.candidate.tree, place):
            return self._skip(proposal, NOT_SAFE)
        if not self.limits.is_counted and len(self.history):
            reason = (
                self._time.reason_no_time(proposal.predicted, place, left)
                if self.history.finished()
                else self._time.reason_no_fold(proposal.predicted, place, left)
            )
            if reason:
                return self._skip(proposal, reason)
        self._n_skipped = 0
        proposal.deadline = min(
            now + self._time.candidate_limit(left), self._search_deadline
        )
        self._running[proposal.number] = proposal
        if place is not Place.WORKER:
            self.record.begin_here(candidate)
        return Task(
            proposal.number,
            EVALUATE,
            (candidate.tree, candidate.text, proposal.rule),
            proposal.deadline,
            self.limits.memory_limit,
            candidate.text,
        )

    def _skip(self, proposal, reason):
        """Finish a candidate without a task; many in a row end the search."""
        self._n_skipped += 1
        self._exhausted |= self._n_skipped >= MAX_SKIPPED
        self._finish(proposal, Status.SKIPPED, reason)

    def _reconsider(self, proposal):
        """Stop a candidate that will not finish in time, or extend its deadline.

        The deadline that is set at the start is meant for candidates that hang. The
        seconds of finished folds predict those of the other folds.
        """
        folds = proposal.results[self.context.n_screening :]
        n_left = self.context.n_splits - len(folds)
        if self.limits.is_counted or self.limits.repeatable or not folds or not n_left:
            return
        if proposal.rule.is_lost([fold.score for fold in folds]):
            return  # the worker stops it
        seconds = [
            fold.fit_seconds + fold.predict_seconds + fold.score_seconds
            for fold in folds
        ]
        needed = n_left * float(np.mean(seconds))
        now = self.clock()
        left = self._search_deadline - now
        if needed <= left:
            later = min(now + PATIENCE_WITH_FOLDS * needed, self._search_deadline)
            if later > proposal.deadline:
                proposal.deadline = later
                self.pool.postpone(proposal.number, later)
        elif self.history.finished() or (
            # Nothing can end the next fold.
            not self.pool.place.has_workers and float(np.mean(seconds)) > left
        ):
            self.pool.cancel(proposal.number)
            del self._running[proposal.number]
            self._finish(
                proposal,
                Status.TIMEOUT,
                f"the other folds would take about {needed:.1f} s, "
                f"{max(left, 0):.1f} s were left",
            )

    # Ending the search

    def _has_ended(self):
        return bool(self._early_stop_reason) or self.clock() >= self._search_deadline

    def _current_stop_reason(self):
        """Return why the search ends now; empty if it goes on."""
        if self._early_stop_reason:
            return self._early_stop_reason
        if self.clock() >= self._search_deadline:
            return "time budget used"
        n_max = self.limits.max_evaluations
        if n_max is not None and self._n_told >= n_max:
            return "maximum number of evaluations reached"
        if self._exhausted and not (self._queue or self._running or self._untold):
            if max(self._n_skipped, self._n_not_worthwhile) >= MAX_SKIPPED:
                if self.pool.place in (Place.LOST, Place.NOT_STARTED):
                    return "no worker processes for what is left to try"
                return "no time for what is left to try"
            return "search space exhausted"
        return ""

    def abandon_running(self):
        """Stop the running candidates, and keep the folds that they have finished.

        With a limited number of evaluations, and after an early stop of a repeatable
        search, finished folds are dropped: they depend on the speed of the workers.
        """
        keeps_folds = not self.limits.is_counted and not (
            self.limits.repeatable and self._early_stop_reason
        )
        for proposal in list(self._running.values()):
            self.pool.cancel(proposal.number)
            del self._running[proposal.number]
            if proposal.results and keeps_folds:
                self._finish(proposal, Status.TIMEOUT, SEARCH_ENDED)
        if keeps_folds:
            for number in sorted(self._untold):
                self._tell(self._untold[number])
            self._tell_unfinished()
        self._untold.clear()
        self.record.end(self.budget.elapsed())


def _racing_outcome(context, rule, folds):
    """Return status and reason of a candidate that racing has stopped."""
    if not folds:
        return Status.PRUNED, "not among the best third on a subsample of rows"
    if len(folds) == 1 and not rule.is_lost([folds[0].score]):
        duplicate = duplicate_of(context, rule, folds[0].predictions)
        return Status.DUPLICATE, f"predicts the same as number {duplicate}"
    return Status.PRUNED, f"clearly worse than the best after {len(folds)} folds"
