"""No process that a task has started outlives its task, the worker, or the pool."""

import os
import signal
import subprocess
import sys

import pytest

from sklearn_meta.parallel import _server_handle
from sklearn_meta.parallel._pool import Task
from tests.parallel.running import PATIENCE, TASKS, collect
from tests.parallel.test_process_pool import (
    is_alive,
    started,
    wait_until,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="there are no subreapers"
)


# Leaves a process in its own session, as daemons do, and tells its number.
DAEMON = """
import os
if (pid := os.fork()):
    print(pid)
else:
    os.setsid()
    os.execvp("sleep", ["sleep", "600"])
"""


def detach():
    """Leave a daemon; return the process ids of the worker and of the daemon."""
    # Without its output, which the daemon holds open.
    read, write = os.pipe()
    subprocess.run([sys.executable, "-c", DAEMON], stdout=write, check=True)
    child = int(os.read(read, 20))
    os.close(read)
    os.close(write)
    return os.getpid(), child


def submit(pool):
    """Start a task that leaves daemons again and again; return the first numbers."""
    pool.submit(Task(1, TASKS + "call_often", (detach,)))
    (event, *_) = pool.wait(PATIENCE)
    worker, child = event.value
    assert is_alive(child)
    return worker, child


@pytest.fixture
def pool():
    with started(preload=()) as pool:
        yield pool


def wait_until_dead(pids):
    wait_until(lambda: not any(map(is_alive, pids)))


def test_when_the_task_is_canceled(pool):
    pids = submit(pool)
    pool.cancel(1)
    wait_until_dead(pids)


def test_when_the_worker_crashes(pool):
    pids = submit(pool)
    os.kill(pids[0], signal.SIGKILL)
    collect(pool)
    wait_until_dead(pids)


def test_when_the_pool_closes(pool):
    pids = submit(pool)
    pool.close()
    wait_until_dead(pids)


def test_when_the_server_does_not_answer(pool, monkeypatch):
    monkeypatch.setattr(_server_handle, "CLOSE_SECONDS", 0.0)
    pids = submit(pool)
    os.kill(pool._server.popen.pid, signal.SIGSTOP)
    pool.close()
    wait_until_dead(pids)


def test_when_the_server_is_killed(pool):
    pids = submit(pool)
    os.kill(pool._server.popen.pid, signal.SIGKILL)
    collect(pool)
    wait_until_dead(pids)
