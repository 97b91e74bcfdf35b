"""How much memory there is to share among the workers."""

from __future__ import annotations

from pathlib import Path

# The rest is for the parent, the page cache and whoever else works here.
SHARE_OF_FREE_MEMORY = 0.8


def default_memory_limit(n_workers) -> int | None:
    """Return the bytes that one worker may use, None where nothing is known.

    Parameters
    ----------
    n_workers : int

    Returns
    -------
    limit : int or None
        80 % of the available memory, divided by the number of workers.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if ":" in line}
    available = kilobytes.get("MemAvailable")
    if available is None:
        return None
    return int(int(available) * 1024 * SHARE_OF_FREE_MEMORY / n_workers)
