"""Memory usage of worker processes, compared with the memory limits of their tasks.

What a task uses is the memory that its worker has taken since it was forked, the shared
memory that it has created (mapped, or in open memory files), and the memory of the
processes that it has started. A worker that has little is looked at in some
microseconds; only if the sum of all that could count is near the limit, memory that
several processes share is divided between them, which takes the kernel some
milliseconds.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

import numpy as np

from sklearn_meta.parallel._descendants import descendants

# Seconds between two checks of the memory of the running tasks.
MEMORY_CHECK_SECONDS = 0.05
# A worker is killed beyond this multiple of its memory limit. Up to there, the limit
# that the worker has set on itself makes the task fail with a MemoryError.
KILL_FACTOR = 1.25
# A crash above this share of the memory limit is attributed to the limit.
CRASH_SHARE = 0.8

# Where memory files with names are.
SHARED_MEMORY = "/dev/shm"
# Entries of /proc/PID/pagemap: bytes, and the bit of a page that was touched. Of large
# data, some parts are read.
_ENTRY_BYTES, _PRESENT = 8, np.uint64(63)
_N_PARTS, _ENTRIES_PER_PART = 64, 2048


@dataclass(frozen=True)
class ServerMemory:
    """Memory of a server, with which its workers begin.

    Parameters
    ----------
    used : int
        Bytes of resident anonymous memory.
    data : tuple of (int, int)
        Device and inode of the shared memory with the data.
    address : int or None
        Where it is mapped, in the workers as well; None if it is not.
    data_bytes : int
        Its size.
    """

    used: int
    data: tuple[int, int]
    address: int | None
    data_bytes: int

    @classmethod
    def measure(cls, pid, descriptor) -> ServerMemory | None:
        """Measure a server.

        Parameters
        ----------
        pid : int
        descriptor : int
            Of the shared memory with the data.

        Returns
        -------
        memory : ServerMemory or None
            None where memory cannot be measured.
        """
        used, _ = memory_bytes(pid)
        file = os.fstat(descriptor)
        if used is None:
            return None
        address = _address(pid, file.st_ino)
        return cls(used, (file.st_dev, file.st_ino), address, file.st_size)


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
    pages = _pages(pid)
    if pages is None:
        return None, None
    resident, shared, data = pages
    return resident - shared, data


def shared_bytes(pid="self") -> int:
    """Return the shared memory that a process has touched, the data included.

    Parameters
    ----------
    pid : int or "self"

    Returns
    -------
    n_bytes : int
        0 where it is not known.
    """
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        _, _, rest = file.read().partition(b"RssShmem:")
        if rest:
            return int(rest.split(None, 1)[0]) * 1024
    return 0


def memory_growth(pid, server: ServerMemory, memory_limit) -> int | None:
    """Return the memory that the task of a worker uses.

    Parameters
    ----------
    pid : int
        Process id of the worker.
    server : ServerMemory
    memory_limit : int
        Bytes. Far below of it, the result is the memory of the worker alone.

    Returns
    -------
    growth : int or None
        Bytes; None if the worker has ended.
    """
    pages = _pages(pid)
    if pages is None:
        return None
    resident, shared, _ = pages
    private = resident - shared - server.used
    started = descendants(pid)
    in_files = _bytes_in_memory_files((pid, *started), server)
    bound = private + max(shared, in_files)
    bound += sum(resident for resident, _, _ in map(_pages_or_none, started))
    if bound <= CRASH_SHARE * memory_limit:
        return private
    mapped = max(shared_bytes(pid) - _touched_data_bytes(pid, server), 0)
    if started and mapped:
        # The processes that it has started may have mapped it as well.
        mapped = min(mapped, _fields(pid, "smaps_rollup").get("Pss_Shmem", mapped))
    for child in started:
        child_private, child_mapped = _bytes_of_child(child, pid)
        private += child_private
        mapped += child_mapped
    return private + max(mapped, in_files)


def _address(pid, inode):
    """Return the address at which a process has mapped a file; None if it has not."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps") as file:
        for line in file:
            # Address, permissions, offset, device, inode, path.
            if line.split(None, 5)[4] == str(inode) and "/memfd:" in line:
                return int(line.partition("-")[0], 16)
    return None


def _touched_data_bytes(pid, server):
    """Return how much of the data a worker has touched; it is a part of its memory."""
    if server.address is None:
        return 0
    page = os.sysconf("SC_PAGE_SIZE")
    first, n_pages = server.address // page, -(-server.data_bytes // page)
    starts, length = [0], n_pages
    if n_pages > _N_PARTS * _ENTRIES_PER_PART:
        length = _ENTRIES_PER_PART
        starts = [i * n_pages // _N_PARTS for i in range(_N_PARTS)]
    try:
        with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
            entries = b"".join(
                os.pread(
                    file.fileno(), length * _ENTRY_BYTES, (first + start) * _ENTRY_BYTES
                )
                for start in starts
            )
    except OSError:
        return server.data_bytes
    touched = np.frombuffer(entries, np.uint64) >> _PRESENT
    return int(touched.mean() * n_pages) * page if len(touched) else 0


def _bytes_of_child(child, pid):
    """Return private and shared bytes of a process that a worker has started."""
    fields = _fields(child, "smaps_rollup")
    if not fields:
        return 0, 0
    if _stack_address(child) == _stack_address(pid):
        # A fork: it shares pages with the worker and the server until it writes them.
        return fields.get("Private_Dirty", 0), 0
    return fields.get("Pss_Anon", 0), fields.get("Pss_Shmem", 0)


def _stack_address(pid):
    """Return an address that a fork inherits and a new program draws at random."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[25]
    except (OSError, IndexError):
        return None


def _bytes_in_memory_files(pids, server):
    """Return the bytes in memory files that processes have open, except the data."""
    devices = {server.data[0]}
    with contextlib.suppress(OSError):
        if os.stat(SHARED_MEMORY).st_dev != os.stat("/").st_dev:
            devices.add(os.stat(SHARED_MEMORY).st_dev)
    sizes = {server.data: 0}
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                file = os.stat(f"/proc/{pid}/fd/{name}")
                if file.st_dev in devices:
                    sizes.setdefault((file.st_dev, file.st_ino), file.st_blocks * 512)
    return sum(sizes.values())


def _pages(pid):
    """Return resident, shared and reserved bytes; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            _, resident, shared, _, _, data, _ = map(int, file.read().split())
    except (OSError, ValueError):
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    return resident * page, shared * page, data * page


def _pages_or_none(pid):
    return _pages(pid) or (0, 0, 0)


def _fields(pid, name):
    """Return the bytes of each entry of a file in ``/proc`` that is in kB."""
    fields = {}
    with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}") as file:
        for line in file:
            key, _, value = line.partition(":")
            if value.endswith("kB\n"):
                fields[key] = int(value.split()[0]) * 1024
    return fields


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
