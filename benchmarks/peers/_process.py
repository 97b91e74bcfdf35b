"""A process with everything it starts: its memory, and its end (Linux)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from benchmarks._watch import PROC, descendants, proportional_megabytes

# Inherited by everything that a process starts, also by what detaches from it.
MARK = "SKLEARN_META_BENCHMARK_RUN"
# Seconds between two looks: at the beginning more often, so that a short run is seen.
INTERVAL, FIRST_INTERVAL = 0.5, 0.05
# Until what was killed must be gone.
GRACE = 30.0
# Of this process's environment; what else is set here must not change the results.
KEPT = ("HOME", "JAVA_HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH")


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Parameters
    ----------
    ended : {"exit", "time limit", "memory limit"}
    exit_code : int
        Negative: killed by that signal.
    wall_seconds : float
    peak_megabytes : float
        Of all its processes together; pages that they share count once.
    """

    ended: str
    exit_code: int
    wall_seconds: float
    peak_megabytes: float


def run_process(command, *, folder, seconds, megabytes, variables=()):
    """Run a command, and end what it leaves behind.

    Parameters
    ----------
    command : list of str
    folder : Path
        Its working folder; gets the files ``stdout`` and ``stderr``.
    seconds, megabytes : float
        It is killed beyond them, with everything it has started.
    variables : collection of (str, str), default=()
        Of its environment.

    Returns
    -------
    ended : Ended
    """
    mark = uuid.uuid4().hex
    environment = {k: os.environ[k] for k in KEPT if k in os.environ}
    environment |= {**dict(variables), MARK: mark}
    folder = Path(folder)
    start = time.monotonic()
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    ended, peak, pause = "exit", 0.0, FIRST_INTERVAL
    try:
        while process.poll() is None:
            peak = max(peak, sum(map(proportional_megabytes, tree(process.pid, mark))))
            if time.monotonic() - start > seconds:
                ended = "time limit"
                break
            if peak > megabytes:
                ended = "memory limit"
                break
            try:
                process.wait(pause)
            except subprocess.TimeoutExpired:
                pause = min(1.2 * pause, INTERVAL)  # it goes on
        wall = time.monotonic() - start
    finally:
        end(process, mark)
    return Ended(ended, process.returncode, wall, peak)


def tree(root, mark):
    """Return the ids of the live processes below `root` or with the mark."""
    return marked(mark) | {pid for pid in descendants(root) if _is_alive(pid)}


def marked(mark):
    """Return the ids of the live processes with a mark, whoever their parent is."""
    needle = f"{MARK}={mark}".encode()
    found = set()
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                if needle in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
            except OSError:
                continue  # it ended, or is someone else's
    return found


def _is_alive(pid):
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def end(process, mark):
    """Kill a process and everything it has started.

    Raises
    ------
    RuntimeError
        If something cannot be killed: it would disturb the next run.
    """
    last = time.monotonic() + GRACE
    while True:
        # Again and again: what is killed may just have started something.
        running = process.poll() is None
        left = tree(process.pid, mark) if running else marked(mark)
        if not (running or left):
            return
        if time.monotonic() > last:
            raise RuntimeError(f"The processes {sorted(left)} cannot be killed.")
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
