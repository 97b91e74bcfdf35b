"""Default memory limit of a worker, from what machine, container and job allow."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sklearn_meta._warnings import warn
from sklearn_meta.parallel._control_groups import (
    UNLIMITED,
    Allowance,
    memory_allowances,
)

# The rest is left to this process, the page cache and other processes.
SHARE_OF_FREE_MEMORY = 0.8
# A machine that is full at the moment still gives a worker this much, if it is a part
# of the whole memory: a limit of a few megabytes would fail every candidate.
LEAST_LIMIT = 256 * 2**20

# Limits of a job of Slurm in megabytes, and the number that they are multiplied by.
SLURM_LIMITS = (
    ("SLURM_MEM_PER_NODE", None),
    ("SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE"),
    ("SLURM_MEM_PER_GPU", "SLURM_GPUS_ON_NODE"),
)
SLURM_UNITS = {"K": 2**10, "M": 2**20, "": 2**20, "G": 2**30, "T": 2**40}

# Limits of each single process: their names in /proc/self/limits, and the position of
# what counts towards them in /proc/self/statm.
PROCESS_LIMITS = (("Max address space", 0), ("Max data size", 5))


def default_memory_limit(n_workers, root=Path("/"), environ=os.environ) -> int | None:
    """Return the bytes that one worker may use.

    Parameters
    ----------
    n_workers : int
    root : Path, default=Path("/")
        Root of the file system.
    environ : mapping, default=os.environ
        Environment variables.

    Returns
    -------
    limit : int or None
        80 % of the free memory of the machine, or of a control group or job of this
        process if that is less, divided by the number of workers; also less than what
        the limits of a single process leave. At least `LEAST_LIMIT` if the whole memory
        allows it. None where nothing is known.

    Warns
    -----
    SklearnMetaWarning
        If the whole memory does not allow `LEAST_LIMIT` for each worker.
    """
    shared = [
        *_of_machine(root),
        *memory_allowances(root),
        *_of_slurm(root, environ),
    ]
    shares = [(a.size / n_workers, a.free / n_workers) for a in shared]
    shares += [(a.size, a.free) for a in _of_process(root)]
    if not shares:
        return None
    size = SHARE_OF_FREE_MEMORY * min(size for size, _ in shares)
    free = SHARE_OF_FREE_MEMORY * min(free for _, free in shares)
    if size < LEAST_LIMIT:
        warn(
            f"Each worker process may use {size / 2**20:.0f} MiB of memory only, which "
            "many pipelines exceed. Use a smaller n_jobs, or set memory_limit."
        )
    return int(max(free, min(LEAST_LIMIT, size)))


def _of_machine(root):
    """Return the memory of the machine; nothing if it is not known."""
    lines = _lines(root / "proc/meminfo")
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if ":" in line}
    try:
        free = int(kilobytes["MemAvailable"]) * 1024
    except (KeyError, ValueError):
        return []
    return [Allowance(int(kilobytes.get("MemTotal", 0)) * 1024 or free, free)]


def _of_slurm(root, environ):
    """Return the memory of the Slurm job of this process on this node."""
    found = []
    for name, multiplier in SLURM_LIMITS:
        match = re.fullmatch(r"(\d+)([KMGT]?)B?", environ.get(name, "").upper())
        times = environ.get(multiplier, "1") if multiplier else "1"
        # A limit of 0 stands for all memory of the node.
        if match and int(match[1]) and times.isdecimal():
            size = int(match[1]) * SLURM_UNITS[match[2]] * max(int(times), 1)
            # What other processes of the job use is known to a control group only.
            used = _pages(root, 1) - _pages(root, 2)
            found.append(Allowance(size, max(size - used, 0)))
    return found


def _of_process(root):
    """Return what the limits of a single process allow."""
    found = []
    for line in _lines(root / "proc/self/limits"):
        for name, position in PROCESS_LIMITS:
            soft = line.removeprefix(name).split()
            if line.startswith(name) and soft and soft[0].isdecimal():
                size = int(soft[0])
                if size < UNLIMITED:
                    free = size - _pages(root, position)
                    found.append(Allowance(size, max(free, 0)))
    return found


def _pages(root, position):
    """Return the bytes of an entry of ``/proc/self/statm``; 0 if it is not known."""
    for line in _lines(root / "proc/self/statm"):
        return int(line.split()[position]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _lines(path):
    """Return the lines of a file; none if it cannot be read."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
