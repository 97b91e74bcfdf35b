"""Workers are started for a search that takes long enough."""

import pytest

from sklearn_meta.parallel import _start_pool as _start
from sklearn_meta.parallel._pool import Done, Payload, Place, PoolError, Task
from sklearn_meta.parallel._process_pool import PRELOAD
from sklearn_meta.parallel._start_pool import (
    IN_PROCESS_SECONDS,
    IN_PROCESS_SECONDS_OF_ONE,
    start_pool,
)
from tests.parallel.running import TASKS
from tests.parallel.scripted_pool import ScriptedPool


@pytest.fixture
def started(monkeypatch):
    """Pools of processes that were started, with what they were made with."""
    started = []

    class Processes(ScriptedPool):
        ready = False

        def __init__(self, n_workers, **arguments):
            super().__init__(n_workers)
            self.arguments = arguments
            started.append(self)

    monkeypatch.setattr(_start, "ProcessPool", Processes)
    monkeypatch.setattr(_start, "can_start_processes", lambda: True)
    return started


def start(context="context", **changes):
    arguments = {"n_workers": 2, "seconds": 1e3, "packages": (), "clock": lambda: 7.0}
    return start_pool(context, **{**arguments, **changes})


@pytest.mark.parametrize(
    ("n_workers", "most"),
    [(1, IN_PROCESS_SECONDS_OF_ONE), (2, IN_PROCESS_SECONDS), (9, IN_PROCESS_SECONDS)],
)
def test_short_searches_run_in_this_process(started, n_workers, most):
    pool = start(n_workers=n_workers, seconds=0.99 * most)
    assert not started and pool.place is Place.IN_PROCESS and pool.n_workers == 1
    pool = start(n_workers=n_workers, seconds=most)
    assert len(started) == 1 and pool.place is Place.STARTING
    assert pool.n_workers == n_workers


def test_a_single_worker_must_be_worth_more():
    assert IN_PROCESS_SECONDS < IN_PROCESS_SECONDS_OF_ONE


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_start_that_does_not_end_leaves_no_workers(started, monkeypatch, error):
    def fails(pool):
        pool.log.append(("start",))
        raise error

    monkeypatch.setattr(_start.ProcessPool, "start", fails, raising=False)
    with pytest.raises(error):
        start()
    assert started[0].log == [("start",), ("close",)]


def test_a_search_without_end_is_long(started):
    start(seconds=float("inf"))
    assert started[0].log == [("start",)]


def test_where_processes_cannot_exist_there_are_none(started, monkeypatch):
    monkeypatch.setattr(_start, "can_start_processes", lambda: False)
    assert start().place is Place.IN_PROCESS and not started


def test_workers_get_the_context_and_the_packages(started):
    context, clock = object(), lambda: 7.0
    start(context, packages=("one", "two"), clock=clock)
    arguments = started[0].arguments
    setup, loaded = arguments["setup"]
    assert _start.__name__.rpartition(".")[0] + "._server_process:identity" == setup
    assert loaded == (context,)
    assert arguments["preload"] == (*PRELOAD, "one", "two")
    assert arguments["clock"] is clock


def test_this_process_gets_the_context(started):
    pool = start(("context",))
    assert pool.clock() == 7.0
    pool.submit(Task(1, TASKS + "state"))
    assert pool.wait(0) == [Payload(1, ("context",))] and pool.wait(0) == [Done(1)]


def test_workers_that_cannot_start_are_no_error(started, monkeypatch):
    def fail(self):
        raise PoolError("No.")

    monkeypatch.setattr(_start.ProcessPool, "start", fail)
    with pytest.warns(UserWarning, match="not available: No. Pipelines"):
        assert start().place is Place.NOT_STARTED
