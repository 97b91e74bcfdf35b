"""Worker processes are used while there are any; then this process takes over."""

import warnings

import pytest

from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, PoolError, Task
from tests.parallel.running import TASKS
from tests.parallel.scripted_pool import ScriptedPool

LOST = PoolError("They are gone.")
WARNING = "Worker processes are not available: They are gone. Pipelines are fitted in"


class Processes(ScriptedPool):
    """Worker processes that start, and are lost, when the test says so."""

    def __init__(self, script=(), *, ready=True):
        super().__init__(3, script)
        self.is_ready = ready
        self.lost_at = ""

    def _perhaps_lost(self, where):
        if self.lost_at == where:
            raise LOST

    @property
    def ready(self):
        self._perhaps_lost("ready")
        return self.is_ready

    def start(self):
        self._perhaps_lost("start")
        super().start()

    def wait(self, timeout):
        self._perhaps_lost("wait")
        return super().wait(timeout)


def echo(task_id, *values):
    return Task(task_id, TASKS + "echo", values)


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
    assert state(pool) == (Place.MEANWHILE, 1, 3)
    pool.submit(echo(1, "a"))
    assert state(pool) == (Place.MEANWHILE, 0, 3)
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
        assert state(pool) == (Place.IN_PROCESS, 1, 1)
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
        assert (pool.place is Place.IN_PROCESS) == (where == "ready")
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
