"""No process that a task has started outlives its task, the worker, or the pool."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from multiprocessing import shared_memory

import pytest

from sklearn_meta.parallel import _server_handle
from sklearn_meta.parallel._descendants import children
from sklearn_meta.parallel._pool import Task
from tests.parallel.running import PATIENCE, TASKS, collect
from tests.parallel.test_process_pool import (
    USE_POOL,
    assert_nothing_survives,
    is_alive,
    run_script,
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


def hold_shared_memory(state):
    """Create shared memory; yield the worker, its resource tracker and a file."""
    memory = shared_memory.SharedMemory(create=True, size=1000)
    (tracker,) = children(os.getpid())
    yield os.getpid(), tracker, f"/dev/shm/{memory.name}"
    time.sleep(1000)


@pytest.mark.parametrize("end", ["cancel", "crash"])
def test_shared_memory_with_a_name_is_removed(pool, end):
    pool.submit(Task(1, f"{__name__}:hold_shared_memory"))
    (event,) = pool.wait(PATIENCE)
    worker, tracker, file = event.value
    if end == "cancel":
        pool.cancel(1)
    else:
        os.kill(worker, signal.SIGKILL)
    wait_until_dead([worker, tracker])
    assert not os.path.exists(file)


DETACH_IN_A_POOL = """
import os, signal, time
from tests.parallel.test_server_process import detach

pool = ProcessPool(1, setup=(TASKS + "load", ()), preload=())
pool.start()
while not pool.ready:
    pool.wait(1)
pool.submit(Task(1, TASKS + "call_often", (detach,)))
(event, *_) = pool.wait(30)
"""


def test_when_the_parent_is_killed(tmp_path):
    body = DETACH_IN_A_POOL + "print(*event.value, flush=True)\ntime.sleep(1000)\n"
    assert_nothing_survives(tmp_path, body, n_pids=2)


def test_no_zombies_of_process_1(tmp_path):
    command = ["unshare", "--fork", "--pid", "--mount-proc"]
    if os.geteuid():
        command.append("--map-root-user")
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip("namespaces are not allowed")
    body = """
assert os.getpid() == 1
os.kill(pool._server.popen.pid, signal.SIGKILL)
while not any(event.task_id == 1 for event in pool.wait(1) if hasattr(event, "kind")):
    pass
pool.close()
print([name for name in os.listdir("/proc") if name.isdecimal()])
"""
    script = tmp_path / "script.py"
    script.write_text(USE_POOL + DETACH_IN_A_POOL + body)
    done = subprocess.run(
        [*command, sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "['1']\n", done.stderr


def test_process_whose_children_are_in_another_namespace(tmp_path):
    body = """
    import ctypes

    CLONE_NEWPID = 0x20000000
    if ctypes.CDLL(None).unshare(CLONE_NEWPID):
        print("not allowed")
    else:
        try:
            use_pool()
        except Exception as error:
            print(error)
    """
    out = run_script(tmp_path, USE_POOL + textwrap.dedent(body))
    if out == "not allowed\n":
        pytest.skip("namespaces are not allowed")
    assert "another PID namespace" in out
