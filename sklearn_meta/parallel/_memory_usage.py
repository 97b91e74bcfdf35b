"""Memory usage of worker processes, compared with the memory limits of their tasks."""

from __future__ import annotations

import os

# Seconds between two checks of the memory of the running tasks.
MEMORY_CHECK_SECONDS = 0.05
# A worker is killed beyond this multiple of its memory limit. Up to there, the limit
# that the worker has set on itself makes the task fail with a MemoryError.
KILL_FACTOR = 1.25
# A crash above this share of the memory limit is attributed to the limit.
CRASH_SHARE = 0.8


def memory_bytes(pid="self"):
    """Return the private memory of a process, in use and reserved.

    Parameters
    ----------
    pid : int or "self"

    Returns
    -------
    used : int or None
        Bytes of resident anonymous memory; None where ``/proc`` does not exist.
    reserved : int or None
        Bytes of private writable memory, touched or not, which RLIMIT_DATA limits.
    """
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            _, resident, shared, _, _, data, _ = map(int, file.read().split())
    except (OSError, ValueError):
        return None, None
    page = os.sysconf("SC_PAGE_SIZE")
    return (resident - shared) * page, data * page


def excess_reason(growth, memory_limit) -> str:
    """Return why a worker has to be killed for its memory; empty if it has not.

    Parameters
    ----------
    growth : int
        Bytes that the worker uses beyond those that it started with.
    memory_limit : int
        Bytes.

    Returns
    -------
    reason : str
    """
    if growth <= KILL_FACTOR * memory_limit:
        return ""
    return (
        f"used {_megabytes(growth)} of memory; the limit is {_megabytes(memory_limit)}"
    )


def crash_reason(growth, memory_limit) -> str:
    """Return why memory explains the crash of a worker; empty if it does not.

    Parameters
    ----------
    growth : int
        Largest number of bytes that the worker was seen to use beyond those that it
        started with.
    memory_limit : int or None
        Bytes; None for no limit.

    Returns
    -------
    reason : str
    """
    if memory_limit is None or growth <= CRASH_SHARE * memory_limit:
        return ""
    return f"near its memory limit of {_megabytes(memory_limit)}"


def _megabytes(n_bytes):
    return f"{n_bytes / 2**20:.0f} MiB"
