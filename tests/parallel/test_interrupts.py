"""Ctrl-C at every line of the pool: it still works, or is closed, and loses nothing."""

import contextlib
import gc
import os
import time
import warnings

import pytest

from sklearn_meta.parallel import (
    _channel,
    _in_process,
    _local_pool,
    _messages,
    _pickled,
    _process_pool,
    _run_tasks,
    _server_handle,
    _shared_memory,
)
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place, Task
from sklearn_meta.parallel._process_pool import ProcessPool, can_start_processes
from tests.parallel.interrupts import interrupted_at
from tests.parallel.running import PATIENCE, TASKS

pytestmark = [
    pytest.mark.skipif(
        not (can_start_processes() and os.path.isdir("/proc/self/fd")),
        reason="processes do not fork, or descriptors cannot be counted",
    ),
    # Of objects that an interrupt has dropped: they release what they own.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MODULES = (
    _channel,
    _in_process,
    _local_pool,
    _messages,
    _pickled,
    _process_pool,
    _run_tasks,
    _server_handle,
    _shared_memory,
)
# Every so many lines in the daily tests.
STEP = 19


def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return set(file.read().split())


def make_pool(*, setup="load"):
    processes = ProcessPool(1, setup=(TASKS + setup, ()), preload=())
    return LocalPool(processes, InProcessPool())


def until(condition, pool=None):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        pool.wait(0.02) if pool is not None else time.sleep(0.01)


def until_ready(pool):
    """Wait for an idle worker: until then, tasks run in this process."""
    until(lambda: pool.place is Place.WORKER and pool.n_idle, pool)


def work(pool):
    """Begin and cancel tasks of all kinds."""
    pool.submit(Task(1, TASKS + "sleep", (1000,), key="a"))
    pool.wait(0.02)
    pool.cancel(1)
    pool.submit(Task(2, TASKS + "exit_at_once", (1,), key="b"))
    pool.wait(0.02)
    pool.wait(0.02)
    pool.cancel(2)
    pool.submit(Task(3, TASKS + "raise_exception", (ValueError("no"),)))
    pool.wait(0.02)
    pool.cancel(3)


def assert_works(pool):
    """Assert that a pool runs a task and reports each event of it once."""
    for task_id in (1, 2, 3):
        pool.cancel(task_id)
    until_ready(pool)
    pool.submit(Task(9, TASKS + "echo", ("x",)))
    events = []
    until(lambda: events.extend(pool.wait(0.1)) or Done(9) in events)
    assert events == [Payload(9, "x"), Done(9)]


def every_line(first=1, step=1):
    """Yield numbers of lines, until a block has ended before its line was reached."""
    line = first
    while True:
        injectors = []

        @contextlib.contextmanager
        def interrupt(line=line, injectors=injectors):
            with contextlib.suppress(KeyboardInterrupt):
                with interrupted_at(line, *MODULES) as injector:
                    injectors.append(injector)
                    yield injector

        yield interrupt
        if injectors[-1].where is None:
            return
        line += step


@pytest.mark.parametrize(
    "step", [STEP, pytest.param(3, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_a_pool_works_after_an_interrupt_at_any_line(step):
    before = descriptors()
    with make_pool() as pool:
        pool.start()
        until_ready(pool)
        for interrupt in every_line(step=step):
            with interrupt() as injector:
                work(pool)
            try:
                assert_works(pool)
            except Exception as error:
                error.add_note(f"after an interrupt at {injector.where}")
                raise
    assert descriptors() <= before


@pytest.mark.parametrize(
    "n", [40, pytest.param(300, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_a_pool_works_after_two_interrupts(n, rng):
    """The second one comes where the first one is dealt with."""
    before = descriptors()
    with make_pool() as pool:
        pool.start()
        until_ready(pool)
        for _ in range(n):
            first, second = rng.integers(1, 1200), rng.integers(1, 250)
            with contextlib.suppress(KeyboardInterrupt):
                with interrupted_at(first, *MODULES) as injector:
                    work(pool)
            with contextlib.suppress(KeyboardInterrupt):
                with interrupted_at(second, *MODULES) as again:
                    pool.cancel(1)
                    pool.wait(0.02)
                    pool.cancel(2)
            try:
                assert_works(pool)
            except Exception as error:
                error.add_note(f"after interrupts at {injector.where}, {again.where}")
                raise
    assert descriptors() <= before


@pytest.mark.parametrize(
    "step", [STEP, pytest.param(7, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_an_interrupted_start_loses_nothing(step, monkeypatch):
    # Servers that take no time to start, as they need not be of use.
    boot = "import time; time.sleep(1000)"
    monkeypatch.setattr(_server_handle, "BOOTSTRAP", boot)
    monkeypatch.setattr(_server_handle, "CLOSE_SECONDS", 0.0)
    before, processes = descriptors(), children()
    for interrupt in every_line(step=step):
        pool = make_pool()
        with interrupt() as injector, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pool.start()
            pool.wait(0)
        pool.cancel(1)
        pool.close()
        pool.close()
        del pool
        assert descriptors() <= before, injector.where
        assert children() <= processes, injector.where


@pytest.mark.parametrize("again", [None, 1, 9, 25])
def test_an_interrupted_close_is_complete(again, monkeypatch):
    """Also if the second try is interrupted, `again` lines after it has begun."""
    boot = "import time; time.sleep(1000)"
    monkeypatch.setattr(_server_handle, "BOOTSTRAP", boot)
    monkeypatch.setattr(_server_handle, "CLOSE_SECONDS", 0.0)
    release, tries = ProcessPool._release, []

    def releasing(self):
        tries.append(1)
        if len(tries) == 2 and again is not None:
            with interrupted_at(again, *MODULES):
                return release(self)
        return release(self)

    monkeypatch.setattr(ProcessPool, "_release", releasing)
    before, processes = descriptors(), children()
    step = STEP if again is None else 3 * STEP
    for interrupt in every_line(step=step):
        pool = make_pool()
        pool.start()
        tries.clear()
        with interrupt() as injector:
            pool.close()
        # In case the interrupt came before the first statement of the pool.
        with contextlib.suppress(KeyboardInterrupt):
            pool.close()
        del pool
        assert descriptors() <= before, injector.where
        assert children() <= processes, injector.where


@pytest.mark.slow
def test_an_interrupted_loss_of_the_server_loses_nothing_else(monkeypatch):
    monkeypatch.setattr(_process_pool, "MAX_LOST_SERVERS", 10**6)
    before = descriptors()
    with make_pool() as pool:
        pool.start()
        for interrupt in every_line(step=4 * STEP):
            until_ready(pool)
            pool.submit(Task(1, TASKS + "sleep", (1000,)))
            assert pool.wait(PATIENCE)
            os.kill(pool._processes._server.popen.pid, 9)
            events = []
            with interrupt() as injector:
                end = time.monotonic() + 1
                while not events and time.monotonic() < end:
                    events += pool.wait(0.1)
            if injector.where is None:
                assert isinstance(events[0], Failed)
            until_ready(pool)
            assert_works(pool)
    assert descriptors() <= before


def test_an_interrupt_of_the_failure_does_not_hide_it(monkeypatch):
    """What the pool has failed of is raised by the next call."""
    boot = "raise SystemExit('no such thing')"
    monkeypatch.setattr(_server_handle, "BOOTSTRAP", boot)
    before = descriptors()
    for interrupt in every_line(step=2 * STEP):
        pool = make_pool()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            pool.start()
            pool._processes._server.popen.wait()
            with interrupt() as injector:
                pool.wait(1)
            until(lambda pool=pool: not pool.place.has_workers, pool)
        pool.close()
        lost = [w for w in said if "not available" in str(w.message)]
        assert len(lost) <= 1, injector.where
        del pool, said, lost
        assert descriptors() <= before, injector.where


class Echo:
    """Work of a few tasks, for `run_tasks`."""

    def __init__(self):
        self.waiting, self.events = list(range(3)), []

    def next_task(self, place):
        return (
            Task(self.waiting.pop(), TASKS + "echo", ("x",)) if self.waiting else None
        )

    def collect(self, event):
        self.events.append(event)

    def is_done(self):
        return sum(isinstance(e, Done) for e in self.events) == 3

    def seconds_left(self):
        return 1.0


def test_a_pool_of_this_process_works_after_an_interrupt_at_any_line():
    for interrupt in every_line():
        pool = LocalPool(None, InProcessPool())
        with interrupt() as injector:
            _run_tasks.run_tasks(pool, Echo())
        for task_id in range(3):
            pool.cancel(task_id)
        work = Echo()
        _run_tasks.run_tasks(pool, work)
        assert work.is_done() and len(work.events) == 6, injector.where
