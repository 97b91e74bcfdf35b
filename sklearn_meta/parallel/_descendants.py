"""Find and kill the processes that a process has started, on Linux.

A process group is not enough: a process may move to a session of its own (daemons, Ray,
the nanny of Dask). A subreaper becomes the parent of its orphaned descendants, which
therefore stay children of it. Where even the subreaper was killed, processes are found
by a variable in the environment with which they were started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable

# Options of the system call prctl.
PR_SET_CHILD_SUBREAPER = 36

# Longest time to kill and reap the processes with a mark, in seconds.
KILL_SECONDS = 0.5


def children(pid) -> list[int]:
    """Return the process ids of the children of a process.

    Parameters
    ----------
    pid : int

    Returns
    -------
    pids : list of int
        Those that have ended but were not reaped included; empty where the system does
        not tell them.
    """
    found: list[int] = []
    # Each thread has children of its own.
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    return found


def descendants(pid) -> list[int]:
    """Return the process ids of the children of a process, their children, and so on.

    Parameters
    ----------
    pid : int

    Returns
    -------
    pids : list of int
    """
    found = children(pid)
    for child in found:
        # The list grows while it is read.
        found += children(child)
    return found


def is_resource_tracker(pid) -> bool:
    """Whether a process removes shared memory once those that use it have ended.

    Those of `multiprocessing` and joblib do so within milliseconds. If they are killed
    first, the memory stays until the machine is started again.

    Parameters
    ----------
    pid : int

    Returns
    -------
    is_tracker : bool
    """
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"resource_tracker" in file.read()
    except OSError:
        return False


def kill_processes(pids: Iterable[int]):
    """Kill processes; those that have ended or belong to others are ignored.

    Parameters
    ----------
    pids : iterable of int
    """
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def marked(variable: str) -> list[int]:
    """Return the process ids of what was started with an environment variable.

    Parameters
    ----------
    variable : str
        Its name.

    Returns
    -------
    pids : list of int
        Of processes of this user that have not ended.
    """
    found: list[int] = []
    text, user, this = variable.encode() + b"=", os.getuid(), os.getpid()
    try:
        entries = list(os.scandir("/proc"))
    except OSError:
        return found
    for entry in entries:
        if not entry.name.isdecimal() or int(entry.name) == this:
            continue
        with contextlib.suppress(OSError):
            if entry.stat().st_uid == user:
                with open(f"/proc/{entry.name}/environ", "rb") as file:
                    if text in file.read():
                        found.append(int(entry.name))
    return found


def kill_marked(variable: str, killed: Iterable[int] = ()):
    """Kill all processes that were started with an environment variable.

    Parameters
    ----------
    variable : str
        Its name.
    killed : iterable of int, default=()
        Process ids of processes that were killed before. Like the marked ones, they are
        reaped if this process becomes their parent, as process 1 of a container does.
    """
    left = set(killed)
    end = time.monotonic() + KILL_SECONDS
    while time.monotonic() < end:
        found = marked(variable)
        kill_processes(found)
        left = {pid for pid in left.union(found) if not _is_gone(pid)}
        # A process may have started another one just before it was killed.
        if not found and not left:
            return
        time.sleep(0.001)


def _is_gone(pid):
    """Reap a process if it is a child; return whether it does not exist any more."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        # Its parent may be about to end.
        return not os.path.exists(f"/proc/{pid}")
