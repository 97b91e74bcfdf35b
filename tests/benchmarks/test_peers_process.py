"""A run ends when it must, with all that it has started, and is measured until then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers import _process
from benchmarks.peers._process import KEPT, MARK, run_process

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="reads /proc"
)

# Leaves a process behind that no longer belongs to its session, and says which.
DETACHES = "setsid sleep 600 & echo $! > left; sleep "

# Holds 60 MB while another one that it has started holds 60 MB.
HOLDS = """
import subprocess, sys, time
held = bytearray(60_000_000)
if sys.argv[1:]:
    command = [sys.executable, "-ISc", sys.argv[1]]
    other = subprocess.Popen(command, stdout=subprocess.PIPE)
    other.stdout.readline()
print(flush=True)
time.sleep(2)
"""


def run(command, tmp_path, **limits):
    limits = {"seconds": 120.0, "megabytes": 1e6} | limits
    return run_process(command, folder=tmp_path, **limits)


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_process_that_ends(tmp_path):
    ended = run(["sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path)
    assert (ended.ended, ended.exit_code) == ("exit", 3)
    assert (tmp_path / "stdout").read_text() == "out\n"
    assert (tmp_path / "stderr").read_text() == "err\n"


def test_a_process_that_takes_too_long(tmp_path):
    ended = run(["sleep", "600"], tmp_path, seconds=0.3)
    assert (ended.ended, ended.exit_code) == ("time limit", -9)
    assert 0.3 < ended.wall_seconds < 60


@pytest.mark.parametrize(("lasts", "how"), [(0, "exit"), (600, "time limit")])
def test_nothing_is_left_behind(tmp_path, lasts, how):
    command = ["sh", "-c", f"{DETACHES}{lasts}"]
    seconds = 120.0 if how == "exit" else 2.0
    assert run(command, tmp_path, seconds=seconds).ended == how
    left = int((tmp_path / "left").read_text())
    assert not is_alive(left)


def test_nothing_is_left_behind_by_an_interrupt(tmp_path, monkeypatch):
    def interrupted(pid):
        raise KeyboardInterrupt

    started = []
    start = subprocess.Popen
    monkeypatch.setattr(
        _process.subprocess,
        "Popen",
        lambda *a, **k: started.append(start(*a, **k)) or started[-1],
    )
    monkeypatch.setattr(_process, "proportional_megabytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(["sleep", "600"], tmp_path)
    assert started[0].returncode == -9


def test_memory_is_that_of_all_processes(tmp_path):
    command = [sys.executable, "-ISc", HOLDS, HOLDS]
    assert 115 < run(command, tmp_path).peak_megabytes < 250
    ended = run(command, tmp_path, megabytes=90)
    assert ended.ended == "memory limit"
    assert ended.peak_megabytes > 90


def test_only_some_variables_are_handed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    run_process(
        ["env"],
        folder=tmp_path,
        seconds=60,
        megabytes=1e6,
        variables=[("PYTHONHASHSEED", "0")],
    )
    lines = (tmp_path / "stdout").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    assert variables["PATH"] == os.environ["PATH"]
    assert variables["PYTHONHASHSEED"] == "0"
    assert set(variables) <= {*KEPT, MARK, "PYTHONHASHSEED", "PWD", "SHLVL", "_"}


def test_what_cannot_be_killed_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(_process, "GRACE", 0.0)
    monkeypatch.setattr(_process, "marked", lambda mark: {2**22 + 1})
    with pytest.raises(RuntimeError, match=f"{2**22 + 1}.* cannot be killed"):
        run(["true"], tmp_path)
