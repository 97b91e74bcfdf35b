import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter

import pytest

from benchmarks import faults
from benchmarks._runs import ROOT, read_lines

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


def test_a_fit_is_drawn_by_its_number():
    assert faults.draw(0, 3, 5) == faults.draw(0, 3, 5) != faults.draw(1, 3, 5)
    kinds = Counter()
    for fit in range(40):
        settings, drawn = faults.draw(0, fit, 5)
        assert len(drawn) == 5
        if not settings.workers:
            assert {f.kind for f in drawn} <= set(faults.WITHOUT_WORKERS)
        kinds.update(f.kind for f in drawn)
    assert set(kinds) == set(faults.KINDS)


def checkpoint(folder, *texts):
    connection = sqlite3.connect(folder / "checkpoint.sqlite")
    connection.execute("CREATE TABLE evaluations (number, text)")
    connection.executemany(
        "INSERT INTO evaluations VALUES (?, ?)", list(enumerate(texts))
    )
    connection.commit()
    connection.close()


def test_what_was_told_and_is_not_stored_is_lost(tmp_path):
    lines = [("told", "a(X)"), ("told", "b(X)"), ("told", "a(X)"), ("told", "c(X)")]
    assert faults._lost(lines, tmp_path) == (3, 3, 0)
    checkpoint(tmp_path, "a(X)", "c(X)", "d(X)")
    assert faults._lost(lines, tmp_path) == (3, 1, 0)
    # From here on it was said.
    said = [*lines[:1], ("not stored", "the disk is full"), *lines[1:]]
    assert faults._lost(said, tmp_path) == (3, 0, 1)


def test_a_damaged_checkpoint_is_an_error(tmp_path):
    (tmp_path / "checkpoint.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(RuntimeError, match="damaged"):
        faults._lost([("told", "a(X)")], tmp_path)


def test_processes_that_are_left_are_found_and_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "ENDING_SECONDS", 0.1)
    process = subprocess.Popen(
        ["sleep", "100"], env={**os.environ, faults.MARK: str(tmp_path)}
    )
    n, megabytes = faults._left_processes(tmp_path)
    assert n == 1 and megabytes > 0
    assert process.wait(20) == -signal.SIGKILL
    assert faults._left_processes(tmp_path) == (0, 0)


def record(outcome="model", files=(), **attempt):
    fault = {"kind": "kill parent"}
    one = {"outcome": outcome, "error": "", "faults": [fault], "left": {}}
    one |= {"told": 3, "lost": 0, "not stored": 0, "processes": 0, "megabytes": 0}
    return {
        "seed": 0, "fit": 0, "table": "iris", "outcome": outcome,
        "attempts": [{**one, **attempt}], "files": list(files),
    }  # fmt: skip


@pytest.mark.parametrize(
    "record, problem",
    [
        (record("unclear error", error="KeyError: 1"), "ended with: unclear error"),
        (record(lost=2), "0: 2 lost after kill parent"),
        (record(processes=1), "0: 1 processes after kill parent"),
        (record(left={"descriptors": 1}), "0: 1 descriptors left after kill parent"),
        (record(files=["x"]), "files left: ['x']"),
        (record("hangs"), "0: hangs after kill parent: "),
    ],
)
def test_problems(record, problem):
    assert problem in faults.problems(record)
    assert not faults.problems(globals()["record"]())


def test_the_report_counts(tmp_path, capsys):
    path = tmp_path / "faults.jsonl"
    path.write_text("\n".join(map(json.dumps, [record(), record(lost=2)])))
    faults.report(path)
    output = " ".join(capsys.readouterr().out.split())
    assert "2 fits, 2 faults, 2 processes kill parent 2" in output
    assert "evaluations told 6 lost 2" in output


@pytest.mark.slow
def test_nothing_is_lost_or_left_after_faults(tmp_path):
    path = tmp_path / "faults.jsonl"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.faults", "run"]
        + ["--fits", "4", "--faults", "8", "--seed", "1", "--out", str(path)],
        cwd=ROOT,
        check=True,
    )
    records = read_lines(path)
    assert len(records) == 4
    assert sum(len(a["faults"]) for r in records for a in r["attempts"]) >= 8
    assert not [problem for r in records for problem in faults.problems(r)]
