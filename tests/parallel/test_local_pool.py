"""Worker processes are used while there are any; then this process takes over."""

import errno
import os
import warnings

import pytest

from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool, this_process_only
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, PoolError, Task
from tests.parallel.running import TASKS
from tests.parallel.scripted_pool import ScriptedPool

LOST = PoolError("They are gone.")
WARNING = "Worker processes are not available: They are gone. Pipelines are fitted in"


class Processes(ScriptedPool):
    """Worker processes that start, and are lost, when the test says so."""

    def __init__(self, script=(), *, ready=True):
        self.lost_at, self.error = "", LOST
        super().__init__(3, script)
        self.is_ready = ready

    def _perhaps_lost(self, where):
        if self.lost_at == where:
            raise self.error

    @property
    def ready(self):
        self._perhaps_lost("ready")
        return self.is_ready

    @property
    def n_idle(self):
        self._perhaps_lost("n_idle")
        return super().n_idle

    def start(self):
        self._perhaps_lost("start")
        super().start()

    def submit(self, task):
        self._perhaps_lost("submit")
        super().submit(task)

    def wait(self, timeout):
        self._perhaps_lost("wait")
        return super().wait(timeout)

    def postpone(self, task_id, deadline):
        self._perhaps_lost("postpone")
        super().postpone(task_id, deadline)

    def cancel(self, task_id):
        self._perhaps_lost("cancel")
        super().cancel(task_id)


def echo(task_id, *values, key=None):
    return Task(task_id, TASKS + "echo", values, key=key)


def state(pool):
    return pool.place, pool.n_idle, pool.n_workers


@pytest.fixture
def now():
    return [5.0]


@pytest.fixture
def here(now):
    return InProcessPool(clock=lambda: now[0])


def test_without_workers_everything_runs_in_this_process(here):
    with LocalPool(None, here) as pool:
        pool.start()
        assert state(pool) == (Place.IN_PROCESS, 1, 1)
        assert pool.clock() == 5.0
        assert pool.wait(100) == []
        pool.submit(echo(1, "a"))
        assert state(pool) == (Place.IN_PROCESS, 0, 1)
        assert [pool.wait(0), pool.wait(0)] == [[Payload(1, "a")], [Done(1)]]


def test_workers_that_are_ready_get_the_tasks(here):
    processes = Processes()
    pool = LocalPool(processes, here)
    pool.start()
    assert state(pool) == (Place.WORKER, 3, 3)
    pool.submit(echo(1))
    pool.submit(echo(2))
    assert state(pool) == (Place.WORKER, 1, 3)
    assert pool.wait(7.0) == [Done(1), Done(2)]
    assert processes.log == [("start",), ("submit", 1), ("submit", 2)]
    assert processes.waits == [7.0] and here.n_idle == 1


def test_while_they_start_one_task_runs_in_this_process(here):
    processes = Processes(ready=False)
    pool = LocalPool(processes, here)
    pool.start()
    assert state(pool) == (Place.STARTING, 1, 3)
    pool.submit(echo(1, "a"))
    assert state(pool) == (Place.STARTING, 0, 3)
    assert pool.wait(100) == [Payload(1, "a")]
    processes.is_ready = True
    # The other tasks need not wait until it has ended.
    assert state(pool) == (Place.WORKER, 3, 3)
    pool.submit(echo(2))
    assert pool.wait(100) == [Done(1)]  # a step here does not wait
    assert pool.wait(100) == [Done(2)]
    assert processes.waits == [100]


def test_without_a_task_it_waits_for_the_workers_to_start(here):
    processes = Processes(ready=False)
    pool = LocalPool(processes, here)
    assert pool.wait(3.0) == [] and processes.waits == [3.0]


@pytest.mark.parametrize("where", ["start", "ready", "wait"])
def test_workers_that_do_not_start_are_replaced_by_this_process(here, where):
    processes = Processes(ready=False)
    processes.lost_at = where
    pool = LocalPool(processes, here)
    with pytest.warns(SklearnMetaWarning, match=WARNING) as record:
        pool.start()
        assert pool.wait(0) == []
        assert state(pool) == (Place.NOT_STARTED, 1, 1)
    assert len(record) == 1 and record[0].filename == __file__
    assert processes.log[-1] == ("close",)
    pool.submit(echo(1))
    assert pool.wait(0) == [Done(1)]
    assert ("submit", 1) not in processes.log


def with_three_tasks(here):
    """Return pools where one task of three in workers has ended."""
    processes = Processes({2: [[Payload(2, "a")], [], []], 3: [[], [], []]})
    pool = LocalPool(processes, here)
    for i in (1, 2, 3):
        pool.submit(echo(i))
    assert pool.wait(0) == [Done(1), Payload(2, "a")]
    return pool, processes


CRASHED = "crashed", "the worker processes were lost"


@pytest.mark.parametrize("where", ["ready", "wait"])
def test_tasks_of_lost_workers_are_failures_and_not_begun_again(here, where):
    pool, processes = with_three_tasks(here)
    processes.lost_at = where
    with pytest.warns(SklearnMetaWarning, match=WARNING) as record:
        assert (pool.place is Place.LOST) == (where == "ready")
        events = pool.wait(100)
    assert len(record) == 1 and record[0].filename == __file__
    assert sorted(events, key=lambda e: e.task_id) == [
        Failed(2, *CRASHED),
        Failed(3, *CRASHED),
    ]
    assert pool.wait(0) == []
    assert here.n_idle == 1 and processes.log[-1] == ("close",)
    pool.submit(echo(4, "b"))
    assert [pool.wait(0), pool.wait(0)] == [[Payload(4, "b")], [Done(4)]]


def test_a_task_in_this_process_goes_on_when_the_workers_are_lost(here):
    processes = Processes(ready=False)
    pool = LocalPool(processes, here)
    pool.submit(echo(1, "a", "b"))
    processes.is_ready = True
    pool.submit(echo(2))
    assert pool.wait(0) == [Payload(1, "a")]
    processes.lost_at = "ready"
    with pytest.warns(SklearnMetaWarning, match=WARNING):
        assert pool.n_idle == 0
    assert pool.wait(0) == [Payload(1, "b"), Failed(2, *CRASHED)]
    assert pool.wait(0) == [Done(1)]


def test_a_task_that_was_cancelled_is_no_failure(here):
    pool, processes = with_three_tasks(here)
    pool.cancel(2)
    assert ("cancel", 2) in processes.log
    processes.lost_at = "ready"
    with pytest.warns(SklearnMetaWarning, match=WARNING):
        assert pool.n_idle == 1
    pool.cancel(3)  # its failure was not reported yet
    assert pool.wait(0) == []


def test_deadlines_and_cancels_reach_the_pool_that_runs_the_task(here, now):
    processes = Processes(ready=False)
    pool = LocalPool(processes, here)
    pool.submit(Task(1, TASKS + "echo", ("a", "b"), 6.0))
    processes.is_ready = True
    pool.submit(echo(2))
    pool.postpone(2, 9.0)
    pool.postpone(1, 8.0)
    assert ("postpone", 2, 9.0) in processes.log
    now[0] = 7.0
    assert pool.wait(0) == [Payload(1, "a")]
    pool.cancel(1)
    assert here.n_idle == 1
    pool.cancel(2)
    assert processes.n_idle == 3


def test_close_ends_both(here):
    processes = Processes(ready=False)
    with LocalPool(processes, here) as pool:
        pool.submit(echo(1))
    assert processes.log == [("close",)] and here.n_idle == 1


def test_the_warning_may_be_an_error(here):
    # Nothing may be lost by it: the state changes before the warning is issued.
    pool, processes = with_three_tasks(here)
    processes.lost_at = "wait"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SklearnMetaWarning):
            pool.wait(0)
    assert {e.task_id for e in pool.wait(0)} == {2, 3}


CALLS = {
    "submit": lambda pool: pool.submit(echo(4)),
    "n_idle": lambda pool: pool.n_idle,
    "ready": lambda pool: pool.place,
    "wait": lambda pool: None,  # which follows in any case
    "postpone": lambda pool: pool.postpone(2, 9.0),
    "cancel": lambda pool: pool.cancel(9),
}


@pytest.mark.parametrize("where", CALLS)
@pytest.mark.parametrize(
    "error", [LOST, OSError(24, "Too many open files"), MemoryError("no room")]
)
def test_workers_may_be_lost_in_any_call(here, where, error):
    pool, processes = with_three_tasks(here)
    processes.lost_at, processes.error = where, error
    with pytest.warns(SklearnMetaWarning, match="Worker processes are not") as record:
        CALLS[where](pool)
        events = pool.wait(100)
    (warning,) = record
    assert str(error) in str(warning.message)
    lost = {2, 3, 4} if where == "submit" else {2, 3}
    assert {e.task_id for e in events} == lost
    assert all((e.kind, e.reason) == CRASHED for e in events)
    # Everything works from now on, and nothing is lost twice.
    assert state(pool) == (Place.LOST, 1, 1)
    pool.postpone(2, 9.0)
    pool.cancel(2)
    pool.submit(echo(5, "b"))
    assert [pool.wait(0), pool.wait(0)] == [[Payload(5, "b")], [Done(5)]]
    pool.close()


def test_what_ran_when_the_workers_were_lost_is_never_begun_here(here):
    processes = Processes({1: [[]], 2: [[]]})
    pool = LocalPool(processes, here)
    pool.submit(echo(1, key="killer"))
    pool.submit(echo(2))
    processes.lost_at = "wait"
    with pytest.warns(SklearnMetaWarning, match=WARNING):
        pool.wait(0)
    pool.submit(echo(3, "x", key="killer"))
    (event,) = pool.wait(0)
    assert (event.task_id, event.kind) == (3, "crashed")
    assert "not begun in this process" in event.reason
    pool.submit(echo(4, "x", key="other"))
    assert pool.wait(0) == [Payload(4, "x")]
    # A pool in its place, after Ctrl-C, knows it as well.
    another = this_process_only(pool, None)
    assert another.place is Place.LOST
    another.submit(echo(5, "x", key="killer"))
    assert [type(e) for e in another.wait(0)] == [Failed]


@pytest.mark.parametrize("kind", ["crashed", "timeout", "memory", "raised"])
def test_what_was_dangerous_in_a_worker_is_not_begun_here(here, kind):
    processes = Processes({1: [[Failed(1, kind, "")]]})
    pool = LocalPool(processes, here)
    pool.submit(echo(1, key="a"))
    pool.wait(0)
    processes.lost_at = "wait"
    with pytest.warns(SklearnMetaWarning, match=WARNING):
        pool.wait(0)
    pool.submit(echo(2, "x", key="a"))
    (event,) = pool.wait(0)
    assert isinstance(event, Payload) == (kind == "raised")


def test_a_pool_of_this_process_after_an_interrupt(here):
    pool = LocalPool(Processes(), here)
    another = this_process_only(pool, "state")
    assert another.place is Place.IN_PROCESS and another.clock is here.clock
    assert this_process_only(here, None).place is Place.IN_PROCESS
    another.submit(Task(1, TASKS + "state"))
    assert another.wait(0) == [Payload(1, "state")]


def test_workers_are_given_up_for_their_descriptors(here, monkeypatch):
    processes = Processes({1: [[]]})
    pool = LocalPool(processes, here)
    pool.submit(echo(1))
    assert not pool.free_descriptors() and pool.place is Place.WORKER

    def refuse(*args):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.warns(SklearnMetaWarning, match="Too many open files"):
        assert pool.free_descriptors()
    assert pool.place is Place.LOST and processes.log[-1] == ("close",)
    assert pool.wait(0) == [Failed(1, *CRASHED)]
    assert not pool.free_descriptors()
