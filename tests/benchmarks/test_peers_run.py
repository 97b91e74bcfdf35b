"""The harness: what is asked of a system, what comes back, and what is done again."""

import importlib.util
import json
import os
import re
import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks._runs import append_line, read_lines
from benchmarks._tables import Split
from benchmarks.peers import _measure, environments, run, tables
from benchmarks.peers._measure import Limits, hard_limit, measure
from benchmarks.peers._process import Ended
from benchmarks.peers._systems import SYSTEMS, system_of
from benchmarks.peers.adapters import __main__ as adapter_main
from benchmarks.peers.adapters._job import PREDICTIONS, RESULT, Settings, write_job
from benchmarks.peers.run import KEYS, chosen, make_plan, without_line
from benchmarks.peers.tables import NUMBER, tables_of_record
from benchmarks.select_tables import select
from tests.benchmarks.test_main_job import make_manifest

ENTRIES = [{"task": "regression", "name": name} for name in ("t", "u")]


def make_settings(model="", task="classification", **changes):
    values = {
        "adapter": "tests.benchmarks.awkward_adapter",
        "task": task,
        "family": "made up",
        "budget": 10.0,
        "n_jobs": 1,
        "seed": 0,
        "model": model,
        "distributions": ("numpy", "no such distribution"),
    }
    return Settings(**values | changes)


def make_split(task="classification"):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "number": rng.normal(size=30),
            "a [text], or none": rng.choice(["x", "y", None], size=30),
            "category": pd.Categorical(rng.choice(["1", "2"], size=30)),
        }
    )
    if task == "classification":
        y = np.array(["1.0", "yes", "1"] * 10, dtype=object)
    else:
        y = rng.normal(size=30)
    parts = X[:20], y[:20], X[20:].reset_index(drop=True), y[20:]
    return Split(*parts)


# Inside of the environment of a system


def run_adapter(tmp_path, settings, split):
    write_job(tmp_path, settings, split.X_train, split.y_train, split.X_test)
    adapter_main.main(tmp_path)
    return json.loads((tmp_path / RESULT).read_text())


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_job_arrives_as_it_was(tmp_path, task):
    split, settings = make_split(task), make_settings(task=task)
    write_job(tmp_path, settings, split.X_train, split.y_train, split.X_test)
    job, X_test = adapter_main.read_job(tmp_path)
    assert job.settings == settings
    pd.testing.assert_frame_equal(job.X, split.X_train)
    pd.testing.assert_frame_equal(X_test, split.X_test)
    assert job.y.tolist() == split.y_train.tolist()
    assert job.y.dtype == split.y_train.dtype


def test_predictions_are_left_behind(tmp_path):
    split = make_split()
    result = run_adapter(tmp_path, make_settings(), split)
    assert result["stage"] == "done"
    assert result["n_candidates"] == 1
    assert set(result["versions"]) == {"python", "numpy"}
    times = ("fit_seconds", "predict_seconds", "predict_1000_seconds")
    assert all(result[name] >= 0 for name in times)
    with np.load(tmp_path / PREDICTIONS) as predictions:
        assert predictions["classes"].tolist() == ["1", "1.0", "yes"]
        assert predictions["probabilities"].shape == (10, 3)
        assert predictions["predicted"].tolist() == ["1.0"] * 10


def test_how_far_a_failure_came(tmp_path, capsys):
    result = run_adapter(tmp_path, make_settings("raises"), make_split())
    assert (result["stage"], result["error"]) == ("fit", "ZeroDivisionError: two lines")
    assert result["fit_seconds"] >= 0
    assert "Traceback" in capsys.readouterr().err
    unknown = make_settings(adapter="benchmarks.peers.adapters.nobody")
    result = run_adapter(tmp_path, unknown, make_split())
    assert result["stage"] == "import"
    assert result["error"].startswith("ModuleNotFoundError")


# One run


def measured(monkeypatch, settings, split):
    """Return the record of a run whose process is this one."""

    def here(command, *, folder, **_):
        try:
            adapter_main.main(folder)
        except SystemExit:
            (folder / "stderr").write_text("warning\nno more memory\n")
        return Ended("exit", 3, 1.0, 50.0)

    monkeypatch.setattr(_measure, "run_process", here)
    return measure(sys.executable, settings, split, limits=Limits(60, 1e6))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_constant_prediction_scores_like_it(monkeypatch, task):
    settings = make_settings(task=task, budget=10.0)
    record = measured(monkeypatch, settings, make_split(task))
    assert record["status"] == "ok"
    assert record["scores"] == pytest.approx(record["constant"])
    assert record["overrun_seconds"] == pytest.approx(record["fit_seconds"] - 10)
    assert len(record["final"]) == _measure.LONGEST_TEXT
    assert (record["rows"], record["columns"]) == (20, 3)
    json.dumps(record)


def test_a_system_without_a_budget_has_no_overrun(monkeypatch):
    record = measured(monkeypatch, make_settings(budget=None), make_split())
    assert record["status"] == "ok"
    assert "overrun_seconds" not in record


def test_a_run_that_cannot_be_described_is_fine(monkeypatch):
    record = measured(monkeypatch, make_settings("cannot describe"), make_split())
    assert record["status"] == "ok"


def test_a_run_that_raises_has_a_reason(monkeypatch):
    record = measured(monkeypatch, make_settings("raises"), make_split())
    assert record["status"] == "failed"
    assert record["reason"] == "fit: ZeroDivisionError: two lines"
    assert "scores" not in record


def test_a_run_that_dies_has_a_reason(monkeypatch):
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(os, "write", lambda *_: None)
    record = measured(monkeypatch, make_settings("dies"), make_split())
    assert record["status"] == "failed"
    assert record["reason"] == "fit: ended with exit code 3. no more memory"


@pytest.mark.parametrize(
    ("ended", "status"), [("time limit", "timeout"), ("memory limit", "memory")]
)
def test_a_run_that_is_killed_has_a_reason(monkeypatch, ended, status):
    def killed(command, **_):
        return Ended(ended, -9, 60.0, 50.0)

    monkeypatch.setattr(_measure, "run_process", killed)
    split = make_split()
    record = measure("python", make_settings(), split, limits=Limits(60, 1e6))
    assert record["status"] == status
    assert record["reason"] == f"{ended} reached during start"
    assert record["peak_megabytes"] == 50.0


def test_a_run_in_a_process_of_its_own():
    split = make_split()
    record = measure(
        sys.executable,
        make_settings(),
        split,
        limits=Limits(seconds=240, megabytes=1e6),
    )
    assert record["status"] == "ok", record
    assert record["scores"] == pytest.approx(record["constant"])
    assert record["peak_megabytes"] > 20


def test_the_hard_limit_leaves_room():
    assert hard_limit(10) == 130
    assert hard_limit(120) == 360
    assert hard_limit(None) == _measure.UNTUNED_SECONDS


# Many runs


def test_systems_are_interleaved():
    labels = ["sklearn_meta", "linear", "sklearn_meta@before"]
    plan = make_plan(ENTRIES, labels, budgets=[10, 60], seeds=[0, 1], n_cores=2)
    first_table = [(s["system"], s["budget"]) for s in plan[:5]]
    assert first_table == [
        ("sklearn_meta", 10),
        ("linear", None),
        ("sklearn_meta@before", 10),
        ("sklearn_meta", 60),
        ("sklearn_meta@before", 60),
    ]
    assert [s["table"] for s in plan] == (["t"] * 5 + ["u"] * 5) * 2
    assert [s["seed"] for s in plan] == [0] * 10 + [1] * 10
    assert len({tuple(s[k] for k in KEYS) for s in plan}) == len(plan) == 20


def test_what_has_a_line_is_not_run_again(tmp_path):
    path = tmp_path / "results" / "peers.jsonl"
    plan = make_plan(ENTRIES, ["flaml"], budgets=[10], seeds=[0, 1], n_cores=2)
    assert without_line(path, plan) == plan
    append_line(path, {**plan[0], "status": "ok"})
    append_line(path, {**plan[1], "status": "failed"})
    assert without_line(path, plan) == plan[2:]
    assert without_line(path, plan, ["timeout"]) == plan[2:]
    assert without_line(path, plan, ["failed"]) == plan[1:]
    append_line(path, {**plan[1], "status": "ok"})
    assert without_line(path, plan, ["failed"]) == plan[2:]


@pytest.fixture
def data(tmp_path):
    """A folder of one table, and what the command needs to run on it."""
    folder = tmp_path / "data"
    (folder / "train" / "regression").mkdir(parents=True)
    table = pd.DataFrame({"x": np.arange(30.0), "target": np.arange(30.0) % 7})
    table.to_parquet(folder / "train" / "regression" / "t.parquet")
    entry = {"task": "regression", "name": "t", "family": "f", "n_rows": 30}
    (folder / "manifest.json").write_text(json.dumps([entry]))
    return folder


def test_the_command_goes_on_where_it_was(data, tmp_path, monkeypatch, capsys):
    def fake(python, settings, split, **_):
        asked.append((python, settings, len(split.y_train)))
        scores = {"rmse": 1.0, "r2": 0.5}
        return {"status": "ok", "scores": scores, "peak_megabytes": 1.0}

    asked = []
    results = tmp_path / "results.jsonl"
    monkeypatch.setattr(run, "measure", fake)
    monkeypatch.setattr(run, "use_cores", lambda n: None)
    monkeypatch.setattr(run, "stop_on_termination", lambda: None)
    arguments = f"run --data {data} --results {results} --tables t --budgets 5".split()
    arguments += ["--systems", "sklearn_meta@now"]
    monkeypatch.setattr(sys, "argv", arguments)
    run.main()
    monkeypatch.setattr(sys, "argv", [*arguments, "linear"])
    run.main()
    run.main()
    assert "0 runs to do, 2 done" in capsys.readouterr().out
    assert [s.model for _, s, _ in asked] == ["", "linear"]
    assert [s.budget for _, s, _ in asked] == [5.0, None]
    assert {s.initializations for _, s, _ in asked} == {""}
    # What is known of a table's family is kept from the system.
    assert {s.family for _, s, _ in asked} == {"f"}
    assert {(python, n) for python, _, n in asked} == {(sys.executable, 20)}
    lines = read_lines(results)
    assert [line["system"] for line in lines] == ["sklearn_meta@now", "linear"]
    more = ["--systems", "sklearn_meta@later", "--initializations", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", [*arguments[:-2], *more])
    run.main()
    assert asked[-1][1].initializations == str(tmp_path.resolve())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--systems", "nobody"], "The systems are sklearn_meta, .*Got 'nobody'"),
        (["--systems", "flaml"], "benchmarks.peers.environments --systems flaml"),
        (["--systems", "linear", "--tables", "x"], "no table x"),
    ],
)
def test_what_the_command_says(data, tmp_path, monkeypatch, capsys, words, message):
    arguments = ["run", "--data", str(data), "--environments", str(tmp_path), *words]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        run.main()
    said = capsys.readouterr().err + str(ended.value)
    assert re.search(message, " ".join(said.split()))


def test_cores(monkeypatch):
    chosen_cores = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5, 1, 3})
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, c: chosen_cores.append(c))
    run.use_cores(2)
    assert chosen_cores == [[1, 3]]
    with pytest.raises(SystemExit, match="There are 3 cores, 4 are asked for"):
        run.use_cores(4)


# Tables and systems


def test_tables_of_record_are_of_families_that_were_not_looked_at():
    manifest = make_manifest()
    record = tables_of_record(manifest)
    assert not {e["family"] for e in record} & {e["family"] for e in select(manifest)}
    assert len({e["family"] for e in record}) == len(record)
    for task, n in NUMBER.items():
        assert sum(e["task"] == task for e in record) == n
    assert record == tables_of_record(manifest[::-1])
    assert chosen(manifest, ["regression"], None) == record[NUMBER["classification"] :]


def test_families_of_the_tables_of_record(tmp_path, monkeypatch, capsys):
    manifest = make_manifest()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    words = ["tables", "--data", str(tmp_path), "--families"]
    monkeypatch.setattr(sys, "argv", words)
    tables.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed == [entry["family"] for entry in tables_of_record(manifest)]


@pytest.mark.parametrize("name", SYSTEMS)
def test_systems_are_whole(name):
    system = SYSTEMS[name]
    assert importlib.util.find_spec(system.adapter) is not None
    assert system_of(f"{name}@before") is system
    if system.environment is not None:
        assert system.environment in environments.IMPORTS


@pytest.mark.parametrize("name", environments.IMPORTS)
def test_every_version_is_pinned(name):
    lines = environments.pins(name).splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in pinned)
    names = [line.partition("==")[0].lower() for line in pinned]
    assert {"numpy", "pandas", "pyarrow"} <= set(names)
    assert not any(name.startswith("nvidia") for name in names)
    assert len(set(names)) == len(names)


def test_an_environment_is_complete_when_all_steps_are_done(tmp_path, monkeypatch):
    def fake(command, **_):
        (tmp_path / "flaml").mkdir(exist_ok=True)
        done.append(command)
        if len(done) == fails_at[0]:
            raise environments.subprocess.CalledProcessError(1, command)

    done, fails_at = [], [None]
    monkeypatch.setattr(environments.subprocess, "run", fake)
    for step in (1, 2, 3):
        done.clear()
        fails_at[0] = step
        with pytest.raises(environments.subprocess.CalledProcessError):
            environments.make(tmp_path, "flaml")
        assert not environments.is_complete(tmp_path, "flaml")
    done.clear()
    fails_at[0] = None
    environments.make(tmp_path, "flaml")
    assert environments.is_complete(tmp_path, "flaml")
    assert done[-1][0] == environments.interpreter(tmp_path, "flaml")
    monkeypatch.setattr(environments, "pins", lambda name: "flaml==9.9.9\n")
    assert not environments.is_complete(tmp_path, "flaml")


def test_the_own_environment_is_this_one(tmp_path):
    assert environments.is_complete(tmp_path, None)
    assert environments.interpreter(tmp_path, None) == sys.executable
