"""The engine's loop, with a fake clock and fake workers."""

import zlib
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._engine import MAX_SKIPPED, Engine
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._limits import SearchLimits
from sklearn_meta.evaluation._places import NOT_SAFE
from sklearn_meta.evaluation._records import Candidate, FoldResult, Status
from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, PoolError
from sklearn_meta.pipelines._tree import X

N_FOLDS = 3


class FakeClock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@dataclass
class FakeTask:
    """Events at fixed instants; what is later than the deadline does not happen."""

    events: list
    deadline: float

    def next_event(self, task_id):
        if self.events[0][0] > self.deadline:
            return self.deadline, Failed(task_id, "timeout", "deadline", "")
        return self.events[0]


class FakePool:
    """Workers that need the seconds and give the results that a function says."""

    place = Place.WORKER

    def __init__(self, n_workers, clock, outcome, ready_at=0.0):
        self.n_workers, self.clock, self.outcome = n_workers, clock, outcome
        self.ready_at = ready_at
        self.tasks = {}

    @property
    def ready(self):
        return self.clock() >= self.ready_at

    @property
    def n_idle(self):
        return self.n_workers - len(self.tasks) if self.ready else 0

    def start(self):
        pass

    def close(self):
        self.tasks.clear()

    def submit(self, task):
        self.submit_until(task, task.deadline)

    def submit_until(self, task, deadline):
        assert self.n_idle > 0
        task_id = task.id
        seconds, payloads, end = self.outcome(task.args)
        now = self.clock()
        step = seconds / max(len(payloads), 1)
        events = [
            (now + step * i, Payload(task_id, p)) for i, p in enumerate(payloads, 1)
        ]
        last = Done(task_id) if end is None else Failed(task_id, *end, "")
        self.tasks[task_id] = FakeTask([*events, (now + seconds, last)], deadline)

    def postpone(self, task_id, deadline):
        self.tasks[task_id].deadline = deadline

    def cancel(self, task_id):
        self.tasks.pop(task_id, None)

    def wait(self, timeout):
        following = {i: task.next_event(i) for i, task in self.tasks.items()}
        first = min(following, key=lambda i: following[i][0], default=None)
        if first is None or following[first][0] > self.clock() + timeout:
            self.clock.now += timeout
            return []
        when, event = following[first]
        self.clock.now = max(self.clock.now, when)
        if isinstance(event, Payload):
            del self.tasks[first].events[0]
        else:
            del self.tasks[first]
        return [event]


class FakeProcess(FakePool):
    """One task at a time, of which nothing ends a step."""

    def __init__(self, clock, outcome):
        super().__init__(1, clock, outcome)

    place = Place.IN_PROCESS

    def submit(self, task):
        self.submit_until(task, np.inf)

    def wait(self, timeout):
        return super().wait(np.inf)


class CountingSearch:
    """Proposes c0, c1, ... and remembers what it had been told at each proposal."""

    def __init__(self, n=10_000):
        self.n, self.asked, self.told, self.seen = n, 0, [], []

    def ask(self, n):
        if self.asked == self.n:
            return []
        self.seen.append(tuple(self.told))
        self.asked += 1
        text = f"c{self.asked - 1}"
        return [Candidate(X, text, "test", self.expected_seconds(text))]

    def expected_seconds(self, text):
        return None

    def tell(self, evaluations):
        self.told += [e.number for e in evaluations]


def folds(score, n=N_FOLDS, seconds=0.1):
    spread = np.linspace(-0.1, 0.1, n) if n > 1 else [0.0]
    return [
        FoldResult(i, score + d, np.zeros(2), fit_seconds=seconds)
        for i, d in enumerate(spread)
    ]


def pseudo_random(text):
    return zlib.crc32(text.encode()) % 997 / 997


def random_outcome(args):
    text = args[1]
    value = pseudo_random(text)
    if value < 0.1:
        return value, [], ("raised", "ValueError: no")
    return 0.2 + 3 * pseudo_random(text + "s"), folds(value), None


def make_engine(
    search, outcome=random_outcome, *, n_workers=2, budget=1e6, clock=None, **kwargs
):
    clock = clock or FakeClock()
    stages = tuple(Stage(np.arange(4), np.arange(2)) for _ in range(N_FOLDS))
    context = EvaluationContext(SimpleNamespace(n_samples=8), stages)
    most = kwargs.pop("max_evaluations", None)
    limits = SearchLimits(
        most,
        kwargs.pop("patience", 10**9),
        repeatable=kwargs.pop("repeatable", most is not None),
    )
    return Engine(
        search,
        look_ahead=kwargs.pop("look_ahead", 8),
        context=context,
        forecast=SimpleNamespace(
            fit_seconds=kwargs.pop("predict_seconds", lambda tree, n: 1.0),
            is_safe=lambda tree: True,
            foreign=frozenset(),
            is_worthwhile=kwargs.pop("is_worthwhile", lambda candidate, seconds: True),
            score_seconds=kwargs.pop("score_seconds", 0.0),
        ),
        pool=kwargs.pop("pool", None)
        or LocalPool(
            FakePool(n_workers, clock, outcome),
            kwargs.pop("in_process", None) or InProcessPool(clock=clock),
        ),
        budget=Budget(budget, clock),
        reserve=kwargs.pop("reserve", lambda history: 0.0),
        limits=limits,
        history=History(),
        **kwargs,
    )


def run_of(n_workers, **kwargs):
    search = CountingSearch()
    engine = make_engine(search, n_workers=n_workers, max_evaluations=60, **kwargs)
    engine.run()
    return search, engine


@pytest.mark.parametrize("look_ahead", [1, 3, 8])
def test_fixed_number_of_evaluations_does_not_depend_on_the_workers(look_ahead):
    runs = [run_of(n, look_ahead=look_ahead) for n in (1, 2, 5, 16)]
    reference_search, reference = runs[0]
    assert len(reference.history) == 60
    for search, engine in runs[1:]:
        assert search.seen == reference_search.seen
        # The wall-clock length is all that may differ.
        assert [(e.candidate.text, e.status, e.folds) for e in engine.history] == [
            (e.candidate.text, e.status, e.folds) for e in reference.history
        ]


@pytest.mark.parametrize("look_ahead", [1, 4, 8])
def test_proposal_k_has_seen_exactly_the_evaluations_up_to_k_minus_look_ahead(
    look_ahead,
):
    search, _ = run_of(3, look_ahead=look_ahead)
    for k, seen in enumerate(search.seen):
        assert seen == tuple(range(max(0, k - look_ahead + 1)))


def test_patience_ends_a_fixed_run_after_the_same_evaluation_for_any_workers():
    lengths = {len(run_of(n, patience=7)[1].history) for n in (1, 2, 5)}
    assert len(lengths) == 1 and lengths.pop() < 60


def test_a_repeatable_run_ends_by_itself_in_the_same_way_for_any_workers():
    def texts(n_workers):
        engine = make_engine(
            CountingSearch(),
            n_workers=n_workers,
            patience=9,
            repeatable=True,
            is_worthwhile=lambda candidate, seconds: (
                pseudo_random(candidate.text + "w") < 0.7
            ),
        )
        assert engine.run() == "no gain in 9 evaluations"
        return [(e.candidate.text, e.status) for e in engine.history]

    expected = texts(1)
    assert {status for _, status in expected} > {Status.OK, Status.SKIPPED}
    assert all(texts(n) == expected for n in (2, 5))


def test_a_repeatable_run_that_the_clock_ends_keeps_what_is_finished():
    def outcome(args):
        # The others finish behind this one, which is not over before the time is.
        return (1e3 if args[1] == "c50" else 1.0), folds(0.5), None

    engine = make_engine(
        CountingSearch(), outcome, budget=31.0, repeatable=True, look_ahead=6
    )
    assert engine.run() == "time budget used"
    assert len(engine.history.finished()) == 50 + 5


def test_timed_run_keeps_all_workers_busy_and_ends_before_the_reserve():
    search = CountingSearch()
    clock = FakeClock()

    def outcome(args):
        # One slow candidate must not make the other worker wait.
        return (20.0 if args[1] == "c0" else 1.0), folds(0.5), None

    engine = make_engine(
        search, outcome, clock=clock, budget=60.0, reserve=lambda history: 10.0
    )
    assert engine.run() == "time budget used"
    assert 150.0 <= clock() <= 151.0
    # 50 s on two workers: 20 s and 30 times 1 s on one, 50 times 1 s on the other.
    assert len(engine.history.finished()) >= 79


def test_a_hanging_candidate_costs_itself_only():
    search = CountingSearch()

    def outcome(args):
        return (1e9 if args[1] == "c1" else 1.0), folds(0.5), None

    engine = make_engine(search, outcome, budget=60.0)
    engine.run()
    hung = [e for e in engine.history if e.candidate.text == "c1"]
    assert [e.status for e in hung] == [Status.TIMEOUT]
    assert hung[0].seconds <= 30
    assert len(engine.history.finished()) > 80


@pytest.mark.parametrize("n_workers", [1, 2])
def test_slow_candidate_whose_folds_fit_into_the_time_left_may_finish(n_workers):
    def outcome(args):
        seconds = 15.0 if args[1] == "c2" else 1.0
        return N_FOLDS * seconds, folds(0.5, seconds=seconds), None

    engine = make_engine(CountingSearch(), outcome, n_workers=n_workers, budget=60.0)
    engine.run()
    slow = next(e for e in engine.history if e.candidate.text == "c2")
    # Half of the time left would not have been enough.
    assert slow.status is Status.OK and slow.seconds == 45


def test_candidate_whose_other_folds_would_be_late_is_given_up():
    def run(outcome, **kwargs):
        engine = make_engine(CountingSearch(), outcome, n_workers=1, **kwargs)
        engine.run()
        return {e.candidate.text: e for e in engine.history}, engine

    def outcome(args):
        # Predicted are 3 s for all folds.
        seconds = 15.0 if args[1] == "c5" else 1.0
        return N_FOLDS * seconds, folds(0.5, seconds=seconds), None

    found, engine = run(outcome, budget=50.0)
    assert found["c5"].status is Status.TIMEOUT and found["c5"].seconds == 15
    assert found["c5"].reason == (
        "the other folds would take about 30.0 s, 20.0 s were left"
    )
    assert len(found["c5"].folds) == 1
    # The rest of the time is for others.
    assert len(engine.history.finished()) == 5 + 6

    # As long as nothing has finished, it is better than nothing.
    found, _ = run(lambda args: (60.0, folds(0.5, seconds=20.0), None), budget=50.0)
    assert found["c0"].seconds == 25 and len(found["c0"].folds) == 1

    # And what others have to do must not depend on the clock.
    found, _ = run(outcome, budget=50.0, max_evaluations=20)
    assert found["c5"].status is Status.TIMEOUT and found["c5"].seconds == 12.5


@pytest.mark.parametrize("budget", range(20, 60, 3))
def test_in_this_process_nothing_is_begun_that_could_end_late(budget):
    def outcome(args):
        # Predicted is 1 s for each fold; one in five candidates takes 3.9 s.
        seconds = 3.9 if pseudo_random(args[1]) < 0.2 else 1.0
        return N_FOLDS * seconds, folds(0.5, seconds=seconds), None

    clock = FakeClock()
    engine = make_engine(CountingSearch(), outcome, clock=clock, budget=budget)
    engine.pool = LocalPool(None, FakeProcess(clock, outcome))
    engine.run()
    assert clock() <= 100 + budget
    assert len(engine.history.finished()) >= 2
    late = [e for e in engine.history if e.status is Status.SKIPPED]
    assert late and all("were left" in e.reason for e in late)


def test_the_reason_names_the_fold_that_nothing_can_end():
    def outcome(args):
        return N_FOLDS * 1.0, folds(0.5, seconds=1.0), None

    clock = FakeClock()
    engine = make_engine(CountingSearch(), outcome, clock=clock, budget=20.0)
    engine.pool = LocalPool(None, FakeProcess(clock, outcome))
    engine.run()
    assert len(engine.history.finished()) == 6
    skipped = next(e for e in engine.history if e.status is Status.SKIPPED)
    assert skipped.reason == (
        "a fold, which nothing can end in this process, might take 4.00 s, 2.00 s were "
        "left"
    )


def test_every_kind_of_failure_is_recorded_with_its_reason():
    kinds = ["raised", "timeout", "memory", "crashed"]
    search = CountingSearch(n=5)

    def outcome(args):
        i = int(args[1][1:])
        if i == 4:
            return 1.0, folds(0.5), None
        return 1.0, folds(0.5)[:2], (kinds[i], f"reason {i}")

    engine = make_engine(search, outcome)
    assert engine.run() == "search space exhausted"
    by_number = sorted(engine.history, key=lambda e: e.number)
    assert [e.status for e in by_number] == ["failed", *kinds[1:], "ok"]
    assert [e.reason for e in by_number] == [*(f"reason {i}" for i in range(4)), ""]


def test_a_limit_after_the_last_fold_is_none():
    late = ("timeout", "stopped at its deadline")
    engine = make_engine(CountingSearch(n=1), lambda args: (1.0, folds(0.2), late))
    engine.run()
    assert [(e.status, e.reason) for e in engine.history] == [(Status.OK, "")]


def test_fewer_folds_than_stages_is_a_lost_race():
    engine = make_engine(CountingSearch(n=1), lambda args: (1.0, folds(0.2)[:2], None))
    engine.run()
    assert [e.status for e in engine.history] == [Status.PRUNED]
    assert "worse than the best after" in engine.history[0].reason


def test_race_demands_the_worst_fold_of_the_best_candidate():
    races = []

    def outcome(args):
        races.append(args[2])
        return 1.0, folds(0.5 + 0.01 * len(races)), None

    engine = make_engine(
        CountingSearch(), outcome, n_workers=1, max_evaluations=3, look_ahead=1
    )
    engine.run()
    assert [r.floor for r in races] == [
        -np.inf,
        pytest.approx(0.41),
        pytest.approx(0.42),
    ]


def test_observer_stops_the_search():
    engine = make_engine(
        CountingSearch(), observe=lambda evaluation, history: len(history) == 5
    )
    assert engine.run() == "stopped by a callback"
    # With the folds of what was running then.
    assert [e.status for e in list(engine.history)[5:]] == [Status.TIMEOUT]


def test_candidate_that_is_not_worth_its_seconds_is_not_started():
    def is_worthwhile(candidate, seconds):
        assert seconds == N_FOLDS  # one second for each fold is predicted
        return pseudo_random(candidate.text + "w") < 0.5

    def run(**kwargs):
        search = CountingSearch()
        engine = make_engine(search, is_worthwhile=is_worthwhile, **kwargs)
        engine.run()
        return [e for e in engine.history if e.status is Status.SKIPPED], engine

    skipped, engine = run(patience=40)
    assert len(skipped) > 10
    assert all("too long for so few rows" in e.reason for e in skipped)
    assert not any(is_worthwhile(e.candidate, N_FOLDS) for e in skipped)
    # Only a finished one makes the others dispensable.
    first = next(i for i, e in enumerate(engine.history) if e.status is Status.OK)
    assert skipped[0].number > first

    # Whoever asks for a number of evaluations gets them.
    skipped, engine = run(max_evaluations=40)
    assert not skipped and len(engine.history) == 40


def test_candidate_that_cannot_finish_is_not_started():
    search = CountingSearch()
    started = []

    def outcome(args):
        started.append(args[1])
        return 1.0, folds(0.5), None

    def predict_seconds(tree, n):
        return 1.0 if search.asked < 10 else 1e4

    engine = make_engine(search, outcome, budget=30.0, predict_seconds=predict_seconds)
    assert engine.run() == "no time for what is left to try"
    skipped = [e for e in engine.history if e.status is Status.SKIPPED]
    assert skipped and not {e.candidate.text for e in skipped} & set(started)


def test_recalled_seconds_count_more_than_those_of_the_operators():
    class Recalling(CountingSearch):
        def expected_seconds(self, text):
            return 1e4 if text in ("c5", "c6") else 1.0

    started = []

    def outcome(args):
        started.append(args[1])
        return 1.0, folds(0.5, seconds=1 / N_FOLDS), None

    # Operators say one second for a fit on 4 rows, two for one on all 8.
    engine = make_engine(
        Recalling(), outcome, budget=30.0, predict_seconds=lambda tree, n: n / 4
    )
    engine.run()
    skipped = {e.candidate.text: e for e in engine.history if e.status == "skipped"}
    assert {"c5", "c6"} <= set(skipped) and not {"c5", "c6"} & set(started)
    # Three folds on half of the rows are 15 000 s, less what the pace says: a third of
    # a second in place of half a second.
    seconds = float(skipped["c5"].reason.split("about ")[1].split(" s,")[0])
    assert 10_000 < seconds < 15_000


@pytest.mark.parametrize("score_seconds", [0.0, 2.0])
def test_without_a_finished_candidate_no_fold_is_begun_that_would_end_late(
    score_seconds,
):
    seconds = 3.0

    def outcome(args):
        results = [
            replace(r, score_seconds=score_seconds)
            for r in folds(0.5, seconds=seconds - score_seconds)
        ]
        return N_FOLDS * seconds, results, None

    clock = FakeClock()
    # There is time for two folds and a half of a candidate.
    engine = make_engine(CountingSearch(), outcome, clock=clock, budget=7.5)
    engine.pool = LocalPool(None, FakeProcess(clock, outcome))
    engine.run()
    assert clock() <= 107.5
    first, *others = engine.history
    assert first.status is Status.TIMEOUT and len(first.folds) == 2
    assert all(e.status is Status.SKIPPED for e in others)


@pytest.mark.parametrize("place", [Place.LOST, Place.IN_PROCESS])
def test_without_workers_what_is_not_known_to_be_safe_is_skipped(place):
    clock, search = FakeClock(), CountingSearch(n=60)
    engine = make_engine(search, clock=clock, budget=1e3)
    engine.forecast.is_safe = lambda tree: False
    engine.pool = LocalPool(
        None, FakeProcess(clock, lambda args: (0.1, folds(0.5), None)), without=place
    )
    reason = engine.run()
    statuses = {e.status for e in engine.history}
    if place is Place.IN_PROCESS:
        assert Status.OK in statuses
    else:
        assert statuses == {Status.SKIPPED}
        assert {e.reason for e in engine.history} == {NOT_SAFE}
        assert len(engine.history) == MAX_SKIPPED
        assert reason == "no worker processes for what is left to try"


def test_a_candidate_that_ran_when_the_workers_were_lost_has_crashed():
    class Lost(FakePool):
        def wait(self, timeout):
            raise PoolError("They are gone.")

    clock = FakeClock()
    engine = make_engine(CountingSearch(), clock=clock, max_evaluations=6)
    engine.pool = LocalPool(
        Lost(2, clock, random_outcome),
        FakeProcess(clock, lambda args: (0.1, folds(0.5), None)),
    )
    with pytest.warns(SklearnMetaWarning, match="not available: They are gone") as said:
        engine.run()
    assert len(said) == 1
    assert [e.status for e in engine.history] == [Status.CRASHED] * 2 + [Status.OK] * 4
