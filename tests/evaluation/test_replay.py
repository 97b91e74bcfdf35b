"""A search that is begun anew is brought to where an earlier one has ended."""

import zlib

import pytest

from sklearn_meta.evaluation import _engine
from sklearn_meta.evaluation._engine import ENDED_ITS_PROCESS
from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.evaluation._replay import (
    SEARCH_ENDED,
    Entry,
    MemoryRecord,
    NoRecord,
    Replay,
    is_unfinished,
)
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.pipelines._tree import X
from tests.evaluation.test_engine import (
    FakeClock,
    FakePool,
    FakeProcess,
    folds,
    make_engine,
    random_outcome,
)


class Killed(BaseException):
    """What ends an engine between two instructions."""


class Dependent:
    """Proposes what depends on everything that it was told, and in which order.

    What was skipped says nothing about a pipeline.
    """

    def __init__(self, name=""):
        self.state, self.n, self.log = name, 0, []

    def ask(self, n):
        self.n += 1
        text = f"c{zlib.crc32(f'{self.n} {self.state}'.encode())}"
        self.log.append(("ask", text))
        return [Candidate(X, text, "test")]

    def tell(self, evaluations):
        for e in evaluations:
            if is_unfinished(e.status, e.reason):
                continue
            self.state += f"{e.number} {e.candidate.text} {e.score} {e.status};"
            self.log.append(("tell", e.number))


class Observer:
    """Kills the engine after a number of evaluations."""

    def __init__(self, last=None):
        self.last, self.n = last, 0

    def __call__(self, evaluation, history):
        self.n += 1
        if self.n == self.last:
            raise Killed
        return False


class Warned(MemoryRecord):
    """Counts divergences."""

    n_diverged = 0

    def diverged(self):
        self.n_diverged += 1


def ran(n_workers=2, *, record=None, last=None, name="", **kwargs):
    """An engine that has run until it ended or was killed."""
    observe = Observer(last)
    engine = make_engine(
        Dependent(name),
        n_workers=n_workers,
        observe=observe,
        record=MemoryRecord() if record is None else record,
        **kwargs,
    )
    try:
        engine.run()
    except Killed:
        engine.pool.close()
    return engine


def outcomes(engine):
    return [
        (e.number, e.candidate.text, e.status, e.scores)
        for e in engine.history
        if not is_unfinished(e.status, e.reason)
    ]


def count(calls):
    """An outcome that notes what is evaluated."""

    def outcome(args):
        calls.append(args[1])
        return random_outcome(args)

    return outcome


@pytest.mark.parametrize("last", [1, 2, 7, 25, 39])
@pytest.mark.parametrize("n_workers", [1, 3])
def test_a_counted_search_ends_as_without_interruption(n_workers, last):
    whole = ran(n_workers, max_evaluations=40)
    killed = ran(n_workers, max_evaluations=40, last=last)
    assert len(killed.history) == last
    calls = []
    resumed = ran(
        4 - n_workers,
        max_evaluations=40,
        record=killed.record.after(killed.history),
        outcome=count(calls),
    )
    # The record counts evaluations of earlier fits apart, see `Plan.continued`.
    assert outcomes(resumed) == outcomes(whole)
    assert resumed.search.log == whole.search.log
    done = {entry.text for entry in resumed.record.entries}
    assert done.isdisjoint(calls) and len(calls) == 40 - len(done)


def test_moments_go_on_where_an_earlier_fit_has_ended():
    first = ran(max_evaluations=10)
    before = {e.number: e.elapsed for e in first.history}
    assert sorted(before.values())[0] > 0
    again = ran(max_evaluations=20, record=first.record.after(first.history))
    after = {e.number: e.elapsed for e in again.history}
    assert {n: after[n] for n in before} == before
    assert min(after[n] for n in after.keys() - before.keys()) > max(before.values())


def test_what_was_finished_but_not_told_is_not_evaluated_again():
    # With several workers, later candidates are finished before earlier ones.
    runs = [ran(3, max_evaluations=40, last=last) for last in range(10, 20)]
    assert any(len(r.record._new) > len(r.history) for r in runs)


@pytest.mark.parametrize("n_max", [30, 45])
def test_a_larger_number_of_evaluations_continues_a_finished_search(n_max):
    finished = ran(max_evaluations=20)
    record = finished.record.after(finished.history)
    again = ran(max_evaluations=n_max, record=record)
    assert outcomes(again) == outcomes(ran(max_evaluations=n_max))


def test_a_smaller_number_of_evaluations_ends_earlier():
    finished = ran(max_evaluations=30)
    again = ran(max_evaluations=20, record=finished.record.after(finished.history))
    assert outcomes(again) == outcomes(ran(max_evaluations=20))


def test_patience_ends_a_continued_search_after_the_same_evaluation():
    whole = ran(max_evaluations=200, patience=25)
    killed = ran(max_evaluations=200, patience=25, last=len(whole.history) - 3)
    again = ran(
        max_evaluations=200,
        patience=25,
        record=killed.record.after(killed.history),
    )
    assert outcomes(again) == outcomes(whole)
    finished = ran(
        max_evaluations=200,
        patience=25,
        record=again.record.after(again.history),
        outcome=None,
    )
    assert outcomes(finished) == outcomes(whole)


@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_a_timed_search_is_told_the_same_in_the_same_order(n_workers):
    killed = ran(n_workers, budget=1e3, last=30)
    (last,) = [i for i, e in enumerate(killed.search.log) if e[0] == "tell"][29:30]
    again = ran(n_workers, budget=90.0, record=killed.record.after(killed.history))
    assert again.search.log[: last + 1] == killed.search.log[: last + 1]
    assert outcomes(again)[:30] == outcomes(killed)
    assert len(again.history) > 30
    assert len({e.number for e in again.history}) == len(again.history)
    third = ran(n_workers, budget=95.0, record=again.record.after(again.history))
    assert outcomes(third)[: len(outcomes(again))] == outcomes(again)


def test_a_counted_search_goes_on_from_a_timed_one():
    timed = ran(budget=30.0)
    n = len(outcomes(timed))
    again = ran(max_evaluations=n + 10, record=timed.record.after(timed.history))
    assert outcomes(again)[:n] == outcomes(timed)
    assert len(again.history) == n + 10


@pytest.mark.parametrize("repeatable", [True, False])
def test_another_search_is_told_everything_and_evaluates_nothing_again(
    repeatable, monkeypatch
):
    monkeypatch.setattr(_engine, "parse", None)
    limits = {"max_evaluations": 20} if repeatable else {"budget": 30.0}
    first = ran(**limits)
    record = Warned(
        (*first.record.entries, *first.record._new), first.history
    )  # what a fit after this one gets
    n = len(outcomes(first))
    limits = {"max_evaluations": n + 10} if repeatable else {"budget": 60.0}
    calls = []
    again = ran(name="another", record=record, outcome=count(calls), **limits)
    assert record.n_diverged == 1
    assert outcomes(again)[:n] == outcomes(first)
    told = [("tell", number) for number, *_ in outcomes(first)]
    assert again.search.log[1 : n + 1] == told
    assert len(again.history) == n + 10 if repeatable else len(again.history) > n
    assert len({e.number for e in again.history}) == len(again.history)
    assert {text for _, text, *_ in outcomes(first)}.isdisjoint(calls)


class Listed:
    """Proposes texts, and does not look at what it is told."""

    def __init__(self, texts):
        self.texts, self.told = list(texts), []

    def ask(self, n):
        return [Candidate(X, self.texts.pop(0), "test")] if self.texts else []

    def tell(self, evaluations):
        self.told += [e.candidate.text for e in evaluations]


def test_another_order_of_the_same_candidates_evaluates_none_again():
    first = make_engine(Listed("abcdef"), record=MemoryRecord(), max_evaluations=6)
    first.run()
    calls = []
    record = first.record.after(first.history)
    again = make_engine(
        Listed("abxdecfy"), record=record, max_evaluations=9, outcome=count(calls)
    )
    again.run()
    assert sorted(calls) == ["x", "y"]
    assert sorted(again.search.told) == sorted("abcdefxy")
    assert [e.number for e in again.history] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_what_the_catalog_does_not_have_any_more_is_left_out(monkeypatch):
    def parse(text, *, catalog):
        if text == "c":
            raise PipelineSyntaxError("unknown", text, 0)
        return X

    monkeypatch.setattr(_engine, "parse", parse)
    first = make_engine(Listed("abcd"), record=MemoryRecord(), max_evaluations=4)
    first.run()
    bare = [
        type(e)(e.number, Candidate(None, e.candidate.text, "t"), e.status, e.folds)
        for e in first.history
    ]
    record = MemoryRecord(first.record.after(first.history).entries, bare)
    again = make_engine(Listed("xyz"), record=record, max_evaluations=6)
    again.run()
    assert again.search.told == ["a", "b", "d", "x", "y", "z"]


# What was skipped


def test_what_was_skipped_is_evaluated_once_there_is_time():
    first = ran(budget=30.0, record=MemoryRecord(), predict_seconds=lambda t, n: 4.0)
    skipped = [e.number for e in first.history if e.status is Status.SKIPPED]
    assert skipped
    # The same budget, of which nothing is left, changes nothing.
    record = first.record.after(first.history)
    again = ran(budget=1e-9, record=record, predict_seconds=lambda t, n: 4.0)
    assert outcomes(again) == outcomes(first)
    assert sorted(e.number for e in again.history) == list(range(len(first.history)))
    # A larger one evaluates what was skipped, before anything else.
    record = first.record.after(first.history)
    more = ran(budget=300.0, record=record, predict_seconds=lambda t, n: 4.0)
    status = {e.number: e.status for e in more.history}
    assert all(status[number] is not Status.SKIPPED for number in skipped)
    assert len(status) == len(more.history) > len(first.history)
    # And the next one knows it.
    third = more.record.after(more.history)
    assert len({e.number for e in third.entries}) == len(third.entries)
    last = ran(budget=1e-9, record=third, predict_seconds=lambda t, n: 4.0)
    assert outcomes(last) == outcomes(more)


def test_what_was_running_at_the_end_is_evaluated_once_there_is_time():
    def run(budget, record):
        engine = make_engine(
            Listed(["a", "b", "c", "slow"]),
            lambda args: (9.0 if args[1] == "slow" else 1.0, folds(0.5), None),
            n_workers=1,
            budget=budget,
            record=record,
        )
        engine.run()
        return engine

    first = run(4.0, MemoryRecord())
    *_, slow = first.history
    assert (slow.candidate.text, slow.status) == ("slow", Status.TIMEOUT)
    assert slow.reason == SEARCH_ENDED
    again = run(1e-9, first.record.after(first.history))
    assert list(again.history) == list(first.history)
    more = run(100.0, again.record.after(again.history))
    *_, slow = more.history
    assert (slow.candidate.text, slow.status) == ("slow", Status.OK)
    assert len(more.history) == 4


# What ended its process


def suspicious(text):
    record = MemoryRecord()
    record.suspect = text
    return record


def test_what_ended_its_process_is_not_begun_in_this_one():
    clock = FakeClock()
    process = FakeProcess(clock, random_outcome)
    engine = make_engine(
        Listed("abc"), clock=clock, pool=process, record=suspicious("b"),
        max_evaluations=3,
    )  # fmt: skip
    engine.run()
    (b,) = [e for e in engine.history if e.candidate.text == "b"]
    assert (b.status, b.reason) == (Status.CRASHED, ENDED_ITS_PROCESS)
    assert len(engine.history) == 3


def test_what_ended_its_process_is_evaluated_by_a_worker():
    clock, begun = FakeClock(), []

    class Process(FakeProcess):
        def submit(self, task):
            begun.append(task.args[1])
            super().submit(task)

    from sklearn_meta.parallel._local_pool import LocalPool

    pool = LocalPool(
        FakePool(1, clock, random_outcome, ready_at=clock() + 2),
        Process(clock, random_outcome),
    )
    engine = make_engine(
        Listed("abcdefgh"), clock=clock, pool=pool, record=suspicious("a"),
        max_evaluations=8, predict_seconds=lambda tree, n: 0.01,
    )  # fmt: skip
    engine.run()
    assert begun and "a" not in begun
    assert all(e.status is not Status.CRASHED for e in engine.history)


# Records


def test_without_a_record_nothing_is_kept():
    record = NoRecord()
    engine = make_engine(Dependent(), max_evaluations=3, record=record)
    engine.run()
    assert record.entries == () and vars(record) == {}
    with pytest.raises(KeyError):
        record.load(Entry(0, "c", None))


def test_the_memory_record_holds_what_the_history_does_not_have():
    killed = ran(3, max_evaluations=40, last=20)
    told = {e.number for e in killed.history}
    assert told.isdisjoint(killed.record._evaluations)
    record = killed.record.after(killed.history)
    assert record.load(record.entries[0]) in list(killed.history)
    assert record.n_extra == len(record.entries)


def test_a_replay_knows_what_is_left():
    record = MemoryRecord([Entry(0, "a", None), Entry(2, "c", None), Entry(3, "d", 5)])
    replay = Replay(record)
    assert replay.n_numbers == 4
    assert replay.told_in_order(0) and not replay.told_in_order(1)
    assert [e.number for e in replay.told_at_once()] == [3]
    assert not replay.differs(0, "a") and replay.differs(0, "b")
    assert not replay.differs(1, "b") and replay.differs(1, "c")
    assert replay.take(2).text == "c" and not replay.differs(1, "c")
    assert [e.text for e in replay.take_all()] == ["d", "a"]
    assert not replay.differs(0, "b") and replay.told_at_once() == []
