"""Memory and processor time of a process and all its descendants (Linux)."""

from __future__ import annotations

import os
import threading
from pathlib import Path

PROC = Path("/proc")


def descendants(root):
    """Return `root` and the ids of all processes below it."""
    children = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # it ended
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, ())
    return found


def proportional_megabytes(pid):
    """Memory of a process; pages that k processes share count 1/k in each of them."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(x.split()[1]) / 1024 for x in lines if x.startswith("Pss:")), 0.0)


class MemoryWatch:
    """Peak memory of this process and its descendants while the context is open.

    Attributes
    ----------
    peak : float
        Megabytes.
    """

    def __init__(self, interval=0.25):
        self.peak = 0.0
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._stop.wait(self._interval):
            pids = descendants(os.getpid())
            self.peak = max(self.peak, sum(map(proportional_megabytes, pids)))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
