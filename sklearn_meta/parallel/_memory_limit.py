"""How much memory there is to share among the workers."""

from __future__ import annotations

from pathlib import Path

# The rest is for the parent, the page cache and whoever else works here.
SHARE_OF_FREE_MEMORY = 0.8

# Limit, usage, and statistics of a container's control group, version 2 and version 1;
# the last is the name of what the page cache could give back.
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
    """Return the bytes that one worker may use, None where nothing is known.

    Parameters
    ----------
    n_workers : int
    root : Path, default=Path("/")
        Of the file system.

    Returns
    -------
    limit : int or None
        80 % of what the machine, or the container that this process is in, has left,
        divided by the number of workers.
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
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if ":" in line}
    available = kilobytes.get("MemAvailable")
    return None if available is None else int(available) * 1024


def _free_in_container(root):
    folder = root / "sys/fs/cgroup"
    for limit, usage, statistics, reclaimable in CONTROL_GROUPS:
        try:
            most = int((folder / limit).read_text())
            used = int((folder / usage).read_text())
            lines = (folder / statistics).read_text().splitlines()
        except (OSError, ValueError):  # no such file, or the limit "max"
            continue
        cached = dict(line.split() for line in lines).get(reclaimable, 0)
        return max(most - used + int(cached), 0)
    return None
