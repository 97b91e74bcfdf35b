"""The loop that asks a search for candidates, has them evaluated, and tells it.

Two modes differ only in when the search is told. With `Limits.repeatable`, evaluation
``j`` is told right before proposal ``j + look_ahead`` is asked for, whoever finished
first: unless the time runs out, the run does not depend on seconds nor on the number of
workers. Without it, everything is told as it finishes and no worker waits.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._fit_and_score import EvaluationContext, Race
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.parallel._process_pool import (
    Done,
    Failed,
    InProcessPool,
    Payload,
    WorkerPoolError,
)
from sklearn_meta.timing._correction import FoldForecast, Pace

EVALUATE = "sklearn_meta.evaluation._fit_and_score:evaluate_candidate"

# One candidate may take this share of the time that is left when it starts.
CANDIDATE_SHARE = 0.5
SHORTEST_LIMIT = 2.0
# With a fixed number of evaluations: this share of the whole budget.
CANDIDATE_SHARE_OF_BUDGET = 0.25
# The in-process lane takes candidates whose fit is predicted to take at most this.
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
# After so many candidates in a row that there is no time for, the search ends.
MAX_SKIPPED = 40
# Longest sleep between two looks at the clock.
TICK = 0.25

STATUS_OF_FAILURE = {
    "raised": Status.FAILED,
    "timeout": Status.TIMEOUT,
    "memory": Status.MEMORY,
    "crashed": Status.CRASHED,
}


@dataclass(frozen=True)
class Limits:
    """When a search ends.

    Parameters
    ----------
    max_evaluations : int or None
        Number of evaluations.
    patience : int
        Evaluations without a noticeable gain after which nothing more is expected.
    perfect_score : float, default=inf
        Score that cannot be improved in any way that matters.
    repeatable : bool, default=False
        Whether the order in which the search is told is fixed.
    """

    max_evaluations: int | None
    patience: int
    perfect_score: float = np.inf
    repeatable: bool = False


@dataclass
class _Running:
    """A candidate that is being evaluated."""

    number: int
    candidate: Candidate
    race: Race
    forecast: FoldForecast
    reason_to_skip: str = ""
    started: float = 0.0
    deadline: float = 0.0
    lane: object = None
    results: list[FoldResult] = field(default_factory=list)


class Engine:
    """Evaluates what a search proposes until a limit is reached.

    Parameters
    ----------
    search : Search
    look_ahead : int
        See `Strategy`.
    context : EvaluationContext
    predict_seconds : callable
        ``predict_seconds(tree, n_rows)``: predicted seconds of one fit.
    is_safe : callable
        ``is_safe(tree)``: whether a candidate may run in this process, where it
        cannot be killed.
    is_worthwhile : callable
        ``is_worthwhile(candidate, seconds)``: whether a candidate is worth the seconds
        that all its folds are predicted to take. Not asked before one has finished, nor
        with a fixed number of evaluations.
    pool : WorkerPool or None
        None evaluates everything in this process.
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
        predict_seconds: Callable,
        is_safe: Callable,
        is_worthwhile: Callable,
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
        self.predict_seconds = predict_seconds
        self.is_safe = is_safe
        self.is_worthwhile = is_worthwhile
        self.pool = pool
        self.budget = budget
        self.reserve = reserve
        self.limits = limits
        self.history = history
        self.observe = observe
        self.clock = budget.clock
        self._local = InProcessPool(state=context, clock=budget.clock)
        self._first_number = len(history)
        self._n_asked = 0
        self._n_told = 0
        self._queue: deque[_Running] = deque()
        self._running: dict[int, _Running] = {}
        self._untold: dict[int, Evaluation] = {}
        self._exhausted = False
        self._stop_reason = ""
        self._pace = Pace()
        self._search_deadline = budget.deadline
        self._n_skipped = 0
        self._n_dear = 0

    def run(self) -> str:
        """Run the search.

        Returns
        -------
        reason : str
            Why it ended, in words.
        """
        while True:
            self._search_deadline = self.budget.deadline - self.reserve(self.history)
            try:
                # What is in hand first: workers need not wait for what comes after it.
                self._dispatch()
                self._ask()
                reason = self._reason_to_stop()
                if reason:
                    break
                self._dispatch()
                self._wait()
            except WorkerPoolError as error:
                self._continue_in_process(error)
        self.abandon_running()
        return reason

    # Asking and telling

    def _ask(self):
        while not self._exhausted and not self._stop_reason and self._may_ask():
            # The history is what the search was told: the race looks no further.
            candidates = self.search.ask(1)
            if not candidates:
                self._exhausted = True
                break
            number = self._first_number + self._n_asked
            self._n_asked += 1
            candidate = candidates[0]
            forecast = self._forecast(candidate)
            reason = self._reason_against(candidate, forecast)
            self._n_dear = self._n_dear + 1 if reason else 0
            self._exhausted |= self._n_dear >= MAX_SKIPPED
            self._queue.append(
                _Running(number, candidate, self.history.race(), forecast, reason)
            )
        if self.limits.repeatable and (
            self._exhausted or self._n_asked == self.limits.max_evaluations
        ):
            self._tell_next(len(self._untold))

    def _forecast(self, candidate):
        first, last = self.context.stages[0], self.context.stages[-1]
        tree = candidate.tree
        seconds = self.predict_seconds(tree, len(last.train))
        recalled = candidate.expected_seconds
        if recalled is not None:
            n_samples = self.context.dataset.n_samples
            recalled *= seconds / self.predict_seconds(tree, n_samples)
        return FoldForecast(
            operator=tree.operator,
            by_operators=seconds,
            recalled=recalled,
            screening_share=self.predict_seconds(tree, len(first.train)) / seconds,
        )

    def _n_fits(self, forecast):
        """Number of fits in all stages, those on a part of the rows as that part."""
        context = self.context
        return context.n_splits + context.n_screening * forecast.screening_share

    def _reason_against(self, candidate, forecast):
        # Judged when it is proposed, by what was told by then.
        if self.limits.max_evaluations is not None or not self.history.finished():
            return ""
        seconds = forecast.by_operators * self._n_fits(forecast)
        if self.is_worthwhile(candidate, seconds):
            return ""
        return f"it would take about {seconds:.1f} s: too long for so few rows"

    def _may_ask(self):
        if not self.limits.repeatable:
            # One in hand for each idle worker; more while the workers start, so that
            # light candidates can be picked out.
            starting = self.pool is not None and not self.pool.ready
            wanted = self.look_ahead if starting else max(1, self._n_idle())
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

    def _finish(self, running, status, reason=""):
        n_screening = self.context.n_screening
        screening = tuple(r for r in running.results if r.stage < n_screening)
        folds = tuple(r for r in running.results if r.stage >= n_screening)
        complete = len(folds) == self.context.n_splits
        if complete and status is Status.TIMEOUT:
            status, reason = Status.OK, ""  # its limit came after its last fold
        elif status is Status.OK and not complete:
            status, reason = self._why_incomplete(running.race, folds)
        if running.results:
            self._learn_pace(running)
        evaluation = Evaluation(
            number=running.number,
            candidate=running.candidate,
            status=status,
            folds=folds,
            screening=screening,
            reason=reason,
            seconds=self.clock() - running.started,
        )
        if self.limits.repeatable:
            self._untold[evaluation.number] = evaluation
        else:
            self._tell(evaluation)

    def _why_incomplete(self, race, folds):
        if not folds:
            return Status.PRUNED, "not among the best third on a subsample of rows"
        if len(folds) == 1 and not race.is_lost([folds[0].score]):
            twin = race.known.twin_of(folds[0].predictions)
            return Status.SAME, f"predicts the same as number {twin}"
        reason = f"clearly worse than the best after {len(folds)} folds"
        return Status.PRUNED, reason

    def _learn_pace(self, running):
        seconds = [r.fit_seconds + r.predict_seconds for r in running.results]
        folds = seconds[self.context.n_screening :]
        if folds:
            self._pace.observe(running.forecast, float(np.median(folds)))
        else:
            self._pace.observe(
                running.forecast, seconds[0] / running.forecast.screening_share
            )

    # Dispatching and waiting

    def _n_idle(self):
        if self.pool is None:
            return self._local.n_idle
        return self.pool.n_idle if self.pool.ready else 0

    def _dispatch(self):
        while self._queue:
            if self.pool is None:
                lane, running = self._local, self._queue[0]
            elif self.pool.ready:
                lane, running = self.pool, self._queue[0]
            else:
                lane, running = self._local, self._light_candidate()
            if running is None or lane.n_idle == 0:
                return
            self._queue.remove(running)
            self._start(running, lane)

    def _light_candidate(self):
        return next(
            (
                r
                for r in self._queue
                if self._pace.expect(r.forecast) <= LIGHT_SECONDS
                and self.is_safe(r.candidate.tree)
            ),
            None,
        )

    def _start(self, running, lane):
        now = self.clock()
        running.started = now
        if running.reason_to_skip:
            self._finish(running, Status.SKIPPED, running.reason_to_skip)
            return
        reason = self._reason_to_skip(running, lane)
        if reason:
            self._n_skipped += 1
            self._exhausted |= self._n_skipped >= MAX_SKIPPED
            self._finish(running, Status.SKIPPED, reason)
            return
        left = self._search_deadline - now
        self._n_skipped = 0
        if self.limits.repeatable:
            limit = CANDIDATE_SHARE_OF_BUDGET * self.budget.seconds
        else:
            limit = max(CANDIDATE_SHARE * left, SHORTEST_LIMIT)
        running.lane = lane
        running.deadline = min(now + limit, self._search_deadline)
        self._running[running.number] = running
        lane.submit(
            running.number,
            EVALUATE,
            (running.candidate.tree, running.candidate.text, running.race),
            running.deadline,
        )

    def _reason_to_skip(self, running, lane):
        if self.limits.max_evaluations is not None or not self.history.finished():
            return ""
        # Only what is scored on all folds can be combined, so there must be time for
        # all of them, though most candidates lose the race before the last one.
        left = self._search_deadline - running.started
        of_a_fold = self._pace.expect(running.forecast)
        expected = of_a_fold * self._n_fits(running.forecast)
        if expected * SHARE_OF_SECONDS > left:
            return (
                f"it would take about {expected:.1f} s, {max(left, 0):.1f} s were left"
            )
        most = of_a_fold * MULTIPLE_IN_PROCESS
        if lane is self._local and most > left:
            return (
                f"a fold, which nothing can end in this process, might take {most:.2f} "
                f"s, {max(left, 0):.2f} s were left"
            )
        return ""

    def _wait(self):
        if self._local.n_idle == 0:
            events = self._local.wait(0)
        elif self.pool is not None and (self._running or not self.pool.ready):
            left = self._search_deadline - self.clock()
            events = self.pool.wait(min(max(left, 0.0), TICK))
        else:
            events = []
        for event in events:
            running = self._running.get(event.task_id)
            if running is None:
                continue
            if isinstance(event, Payload):
                running.results.append(event.value)
                self._reconsider(running)
                continue
            del self._running[event.task_id]
            if isinstance(event, Done):
                self._finish(running, Status.OK)
            elif isinstance(event, Failed):
                self._finish(running, STATUS_OF_FAILURE[event.kind], event.reason)

    def _reconsider(self, running):
        """Give up what cannot be finished in time, and let finish what can.

        The limit that a candidate gets when it starts is for those that hang. Once it
        has finished a fold, its own seconds tell how long the others will take.
        """
        folds = running.results[self.context.n_screening :]
        n_left = self.context.n_splits - len(folds)
        if self._is_fixed() or not folds or not n_left:
            return
        if running.race.is_lost([fold.score for fold in folds]):
            return  # it ends of itself
        seconds = [fold.fit_seconds + fold.predict_seconds for fold in folds]
        needed = n_left * float(np.mean(seconds))
        now = self.clock()
        left = self._search_deadline - now
        if needed <= left:
            later = min(now + PATIENCE_WITH_FOLDS * needed, self._search_deadline)
            if later > running.deadline:
                running.deadline = later
                running.lane.postpone(running.number, later)
        elif self.history.finished():
            running.lane.cancel(running.number)
            del self._running[running.number]
            self._finish(
                running,
                Status.TIMEOUT,
                f"the other folds would take about {needed:.1f} s, "
                f"{max(left, 0):.1f} s were left",
            )

    def _is_fixed(self):
        """Whether the clock has no say in what is evaluated."""
        return self.limits.max_evaluations is not None or self.limits.repeatable

    def _continue_in_process(self, error):
        """Do without workers; what they were working on is begun again."""
        warnings.warn(
            f"Worker processes are not to be had: {error} Candidates run in this "
            "process, one at a time, where none can be killed.",
            SklearnMetaWarning,
            stacklevel=2,
        )
        self.pool = None
        for running in reversed(self._running.values()):
            running.results.clear()
            self._queue.appendleft(running)
        self._running.clear()

    # Ending

    def _reason_to_stop(self):
        if self._stop_reason:
            return self._stop_reason
        if self.clock() >= self._search_deadline:
            return "time budget used"
        most = self.limits.max_evaluations
        if most is not None and self._n_told >= most:
            return "maximum number of evaluations reached"
        if self._exhausted and not (self._queue or self._running or self._untold):
            if max(self._n_skipped, self._n_dear) >= MAX_SKIPPED:
                return "no time for what is left to try"
            return "search space exhausted"
        return ""

    def abandon_running(self):
        """Give up what is running, and keep what is finished where that may be.

        Not with a fixed number of evaluations, and not where the search has stopped of
        itself: what others happened to have finished by then is chance.
        """
        keeps = self.limits.max_evaluations is None and not (
            self.limits.repeatable and self._stop_reason
        )
        for running in list(self._running.values()):
            if self.pool is not None:
                self.pool.cancel(running.number)
            del self._running[running.number]
            if running.results and keeps:
                self._finish(running, Status.TIMEOUT, "the search ended")
        if keeps:
            for number in sorted(self._untold):
                self._tell(self._untold[number])
        self._untold.clear()
