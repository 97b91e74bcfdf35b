"""Default memory limit of a worker, from the free memory of machine and container."""

from __future__ import annotations

from pathlib import Path

# The rest is left to this process, the page cache and other processes.
SHARE_OF_FREE_MEMORY = 0.8

# Files of a control group, version 2 and version 1: limit, usage and statistics; then
# the name of the entry of the statistics that counts reclaimable page cache.
CONTROL_GROUPS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def default_memory_limit(n_workers, root=Path("/")) -> int | None:
    """Return the bytes that one worker may use.

    Parameters
    ----------
    n_workers : int
    root : Path, default=Path("/")
        Root of the file system.

    Returns
    -------
    limit : int or None
        80 % of the free memory of the machine, or of the container of this process if
        that is less, divided by the number of workers. None where neither is known.
    """
    free = [
        bytes_
        for bytes_ in (_free_on_machine(root), _free_in_container(root))
        if bytes_ is not None
    ]
    if not free:
        return None
    return int(min(free) * SHARE_OF_FREE_MEMORY / n_workers)


def _free_on_machine(root):
    """Return available bytes of the machine; None if they are not known."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if ":" in line}
    available = kilobytes.get("MemAvailable")
    return None if available is None else int(available) * 1024


def _free_in_container(root):
    """Return free bytes of the control group; None if it has no limit."""
    folder = root / "sys/fs/cgroup"
    for limit, usage, statistics, reclaimable in CONTROL_GROUPS:
        try:
            limit_bytes = int((folder / limit).read_text())
            used = int((folder / usage).read_text())
            lines = (folder / statistics).read_text().splitlines()
        except (OSError, ValueError):  # no such file, or no limit ("max")
            continue
        cached = dict(line.split() for line in lines).get(reclaimable, 0)
        return max(limit_bytes - used + int(cached), 0)
    return None
