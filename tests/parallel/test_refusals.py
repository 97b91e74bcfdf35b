"""Whatever the system refuses, and when: an error of the pool, and nothing is lost.

Processes, descriptors, anonymous memory and room in it are refused at the k-th request
for each k, once or from then on.
"""

import errno
import gc
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.parallel import _process_pool
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._local_pool import LocalPool
from sklearn_meta.parallel._pool import Done, Payload, Place, PoolError, Task
from sklearn_meta.parallel._process_pool import ProcessPool, can_start_processes
from tests.parallel.running import PATIENCE, TASKS

pytestmark = pytest.mark.skipif(
    not (can_start_processes() and os.path.isdir("/proc/self/fd")),
    reason="processes do not fork, or descriptors cannot be counted",
)

# What a pool asks the system for.
REQUESTS = {
    "memfd_create": os,
    "ftruncate": os,
    "pwrite": os,
    "socketpair": socket,
    "Popen": subprocess,
    "send_fds": socket,
    "poll": select,
}


def descriptors():
    """Count what the descriptors of this process refer to.

    What other tests have left may be released at any time: there may be fewer later.
    """
    gc.collect()
    return Counter(
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
        or os.path.islink(f"/proc/self/fd/{fd}")
    )


def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return set(file.read().split())


class Refusing:
    """Refuse a request of the pool from the k-th on.

    Parameters
    ----------
    first : int
        The first call that is refused; 1 for all.
    error : Exception
    n : int
        Number of calls in a row that are refused.
    """

    def __init__(self, monkeypatch, name, first, error, n=10**9):
        self.n_calls, self.first, self.error, self.n = 0, first, error, n
        self.call = getattr(REQUESTS[name], name)
        monkeypatch.setattr(REQUESTS[name], name, self)

    def __call__(self, *args, **kwargs):
        self.n_calls += 1
        if self.first <= self.n_calls < self.first + self.n:
            raise self.error
        return self.call(*args, **kwargs)


def use(pool):
    """Run a task, kill one and lose one; return the events."""
    events, end = [], time.monotonic() + PATIENCE
    for task_id, function, args in (
        (1, "echo", ("a",)),
        (2, "sleep", (1000,)),
        (3, "exit_at_once", (3,)),
        (4, "echo", ("b",)),
    ):
        while not pool.n_idle:
            assert time.monotonic() < end
            events += pool.wait(0.1)
        pool.submit(Task(task_id, TASKS + function, args, pool.clock() + PATIENCE))
        while not any(e.task_id == task_id for e in events):
            assert time.monotonic() < end
            events += pool.wait(0.1)
        if task_id == 2:
            pool.cancel(2)
        while task_id != 2 and type(events[-1]) is Payload:
            assert time.monotonic() < end
            events += pool.wait(0.1)
    return events


def make_processes():
    args = (np.ones(100_000),)
    return ProcessPool(1, setup=(TASKS + "load", args), preload=())


def test_nothing_refused():
    before, processes = descriptors(), children()
    with make_processes() as pool:
        pool.start()
        assert Done(4) in use(pool)
    assert descriptors() <= before and children() <= processes


@pytest.mark.parametrize(
    "name, error",
    [
        ("memfd_create", OSError(errno.EMFILE, "Too many open files")),
        ("ftruncate", OSError(errno.ENOSPC, "No space left on device")),
        ("pwrite", OSError(errno.ENOMEM, "Cannot allocate memory")),
        ("socketpair", OSError(errno.EMFILE, "Too many open files")),
        ("Popen", BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")),
        ("Popen", MemoryError()),
        ("send_fds", OSError(errno.ENOBUFS, "No buffer space available")),
        ("poll", OSError(errno.EMFILE, "Too many open files")),
        ("poll", MemoryError()),
    ],
)
def test_what_is_refused_at_any_call_loses_nothing(monkeypatch, name, error):
    monkeypatch.setattr(_process_pool, "REFUSAL_SECONDS", 0.0)
    monkeypatch.setattr(_process_pool, "REFUSAL_SECONDS_WITH_OTHERS", 0.0)
    monkeypatch.setattr(_process_pool, "MAX_LOST_SERVERS", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    before, processes, k, outcomes = descriptors(), children(), 0, set()
    # There is no end to the calls of poll.
    for k in range(1, 4 if name in ("poll", "send_fds") else 100):
        with monkeypatch.context() as patch:
            refusing = Refusing(patch, name, k, error)
            with make_processes() as pool:
                try:
                    pool.start()
                    use(pool)
                    outcomes.add("works")
                except PoolError as failure:
                    assert "n_jobs=1" not in str(failure)
                    outcomes.add("fails")
        assert descriptors() <= before and children() <= processes
        if refusing.n_calls < k:
            break
    assert "fails" in outcomes


def refuse(*args, **kwargs):
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


def test_where_memfd_is_forbidden_a_temporary_file_takes_its_place(monkeypatch):
    Refusing(monkeypatch, "memfd_create", 1, PermissionError(errno.EPERM, "seccomp"))
    with make_processes() as pool:
        pool.start()
        assert Done(4) in use(pool)


@pytest.mark.parametrize("n", [1, 5])
def test_a_worker_that_is_refused_for_a_while_is_forked_later(monkeypatch, n):
    error = OSError(errno.EMFILE, "Too many open files")
    monkeypatch.setattr(_process_pool, "REFUSAL_SECONDS", 0.01)
    # The first call is that of the server.
    Refusing(monkeypatch, "socketpair", 2, error, n=n)
    with make_processes() as pool:
        pool.start()
        assert Done(4) in use(pool)


def test_an_object_larger_than_the_free_memory_is_not_written(monkeypatch):
    from sklearn_meta.parallel import _shared_memory

    monkeypatch.setattr(_shared_memory, "default_memory_limit", lambda n: 10_000)
    with make_processes() as pool, pytest.raises(PoolError, match="10,000 are free"):
        pool.start()


# Servers that cannot fork


def refuse_to_fork(monkeypatch, condition):
    """Let the server refuse to fork while a condition, a Python expression, is true."""
    from sklearn_meta.parallel import _server_handle

    patch = (
        "import os; fork = os.fork; state = []\n"
        "def refusing():\n"
        "    state.append(1); n = len(state)\n"
        f"    if {condition}: raise BlockingIOError(11, 'no process to spare')\n"
        "    return fork()\n"
        "os.fork = refusing\n"
    )
    boot = f"exec({patch!r}); " + _server_handle.BOOTSTRAP
    monkeypatch.setattr(_server_handle, "BOOTSTRAP", boot)


def test_a_server_that_can_never_fork_is_an_error_before_any_task(monkeypatch):
    monkeypatch.setattr(_process_pool, "MAX_REFUSALS", 3)
    refuse_to_fork(monkeypatch, "True")
    local = LocalPool(make_processes(), InProcessPool("here"))
    with local, pytest.warns(SklearnMetaWarning, match="no process to spare") as said:
        local.start()
        while local.place is Place.STARTING:
            assert local.wait(0.1) == []
        assert local.place is Place.NOT_STARTED
        local.submit(Task(1, TASKS + "echo", ("a",)))
        assert [local.wait(0), local.wait(0)] == [[Payload(1, "a")], [Done(1)]]
    assert len(said) == 1


def test_a_task_whose_worker_could_not_be_forked_is_given_to_the_next_one(monkeypatch):
    # The first worker works; those after it are refused twice each.
    refuse_to_fork(monkeypatch, "n % 3 != 1")
    with make_processes() as pool:
        pool.start()
        assert Done(4) in use(pool)
        for _ in range(2):
            pool.submit(Task(5, TASKS + "sleep", (1000,)))
            pool.cancel(5)
            pool.submit(Task(6, TASKS + "echo", ("c",)))
            events = []
            while not any(e == Done(6) for e in events):
                events += pool.wait(PATIENCE)
            assert events == [Payload(6, "c"), Done(6)]


def test_with_fewer_processes_than_workers_it_goes_on(monkeypatch):
    monkeypatch.setattr(_process_pool, "MAX_REFUSALS", 2)
    refuse_to_fork(monkeypatch, "n != 2")
    with ProcessPool(3, setup=(TASKS + "load", ()), preload=()) as pool:
        pool.start()
        while not pool.ready:
            pool.wait(0.1)
        n_tasks = pool.n_idle
        for task_id in range(n_tasks):
            pool.submit(Task(task_id, TASKS + "echo", ("a",)))
        events = []
        while sum(isinstance(e, Done) for e in events) < n_tasks:
            events += pool.wait(PATIENCE)
        assert len(events) == 2 * n_tasks


# Whole fits

FIT = """
import os, resource, sys, warnings
from sklearn.datasets import load_iris
from sklearn_meta import MetaAutoClassifier
from sklearn_meta.evaluation._engine import Engine
from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.parallel import _start_pool
from sklearn_meta.pipelines import SearchSpace

_start_pool.IN_PROCESS_SECONDS = 0.0
held, tell = [], Engine._tell
count = lambda: len(os.listdir("/proc/self/fd"))
free, when = map(int, sys.argv[1:])

def exhaust():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count() - 1 + free, hard))

def tell_and_exhaust(self, evaluation):
    if len(self.history) == when:
        exhaust()
    tell(self, evaluation)

Engine._tell = tell_and_exhaust
space = SearchSpace(include=["gaussian_nb", "logistic_regression", "standard_scaler"])
clf = MetaAutoClassifier(
    search_space=space, time_budget=60, n_jobs=2, max_evaluations=12, random_state=0
)
X, y = load_iris(return_X_y=True)
before = count()
if when < 0:
    exhaust()
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    clf.fit(X, y)
assert count() == before
said = [w for w in said if issubclass(w.category, SklearnMetaWarning)]
print(len(said), clf.n_evaluations_, clf.score(X, y) > 0.9)
"""


@pytest.mark.slow
@pytest.mark.parametrize("free", [1, 3, 60])
@pytest.mark.parametrize("when", [-1, 4])
def test_a_fit_goes_on_without_descriptors(tmp_path, free, when):
    """From the start or in the middle of the search, with one warning."""
    script = tmp_path / "script.py"
    script.write_text(FIT)
    done = subprocess.run(
        [sys.executable, str(script), str(free), str(when)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    n_warnings, n_evaluations, is_good = done.stdout.split()
    assert int(n_warnings) <= 1 and n_evaluations == "12" and is_good == "True"
