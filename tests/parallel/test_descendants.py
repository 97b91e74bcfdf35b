"""Processes that a process has started."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from sklearn_meta.parallel._descendants import (
    children,
    descendants,
    kill_marked,
    kill_processes,
    marked,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="/proc tells the children"
)

SLEEP = "import time; time.sleep(60)"
# Starts a process in its own session and tells its number.
DETACH = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def detaching(**variables):
    """Run a process with a detached child; return both numbers."""
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        [sys.executable, "-c", DETACH],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as parent:
        child = int(parent.stdout.readline())
        try:
            yield parent, child
        finally:
            kill_processes([parent.pid, child])


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until_dead(*pids):
    end = time.monotonic() + 30
    while any(map(is_alive, pids)):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_children_and_their_children():
    with detaching() as (parent, child):
        assert parent.pid in children(os.getpid())
        assert children(parent.pid) == [child]
        assert {parent.pid, child} <= set(descendants(os.getpid()))
        assert descendants(child) == []
    assert children(parent.pid) == []


def test_killing_processes_that_are_not_there():
    with detaching() as (parent, child):
        kill_processes([parent.pid, child])
        assert parent.wait() == -signal.SIGKILL
        wait_until_dead(child)
    kill_processes([parent.pid])


def test_marked_processes_are_found_after_the_death_of_their_parent():
    with detaching() as (other, _), detaching(MARK_OF_TEST="1") as (parent, child):
        parent.kill()
        parent.wait()
        assert is_alive(child)
        assert marked("MARK_OF_TEST") == [child]
        kill_marked("MARK_OF_TEST")
        wait_until_dead(child)
        assert is_alive(other.pid)


def test_children_among_the_marked_are_reaped():
    # As in a container, where this process gets the orphans.
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEP], env={**os.environ, "MARK_OF_TEST": "1"}
    )
    other = subprocess.Popen([sys.executable, "-c", SLEEP])
    other.kill()
    kill_marked("MARK_OF_TEST", [other.pid])
    for process in (child, other):
        with pytest.raises(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        process.returncode = 0
