"""Units, records and the arithmetic of the report."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks._few_shot_methods import METHODS
from benchmarks._held_out import held_out_families, held_out_tables
from benchmarks._runs import append_line, read_lines
from benchmarks._tables import TASKS
from benchmarks.few_shot import (
    STEPS,
    adaptation_curves,
    compare,
    mean_ranks,
    measure,
    report,
    table_means,
    units,
)
from tests.benchmarks.test_few_shot_methods import make_split
from tests.benchmarks.test_main_job import make_manifest


def test_units_take_the_first_draw_of_all_tables_first(tmp_path):
    manifest = make_manifest(200)
    for entry in manifest:
        entry["n_rows"] = 150 if entry["n_rows"] == 150 else 3000
    pd.Series(manifest).to_json(tmp_path / "manifest.json", orient="records")
    names = {}
    for task in TASKS:
        folder = tmp_path / "train" / task
        folder.mkdir(parents=True)
        families = held_out_families(manifest)
        names[task] = [e["name"] for e in held_out_tables(manifest, task, families)]
        n = 40  # enough for 5 and 10 rows per class, not for 25
        target = np.arange(n) % 2 if task == TASKS[0] else np.arange(n) + 0.5
        frame = pd.DataFrame({"a": np.arange(n), "target": target})
        for name in names[task]:
            frame.to_parquet(folder / f"{name}.parquet")
    arguments = SimpleNamespace(data=tmp_path, tasks=TASKS[:1], draws=2)
    found = units(arguments)
    assert [u["draw"] for u in found] == sorted(u["draw"] for u in found)
    assert len(found) == 2 * 2 * len(names[TASKS[0]])
    assert {u["shots"] for u in found} == {5, 10}


def test_a_failing_method_is_recorded(monkeypatch):
    def failing(task, y, seed):
        raise MemoryError("no room")

    monkeypatch.setitem(METHODS["regression"], "failing", failing)
    result = measure("regression", "failing", make_split("regression", 10), seed=0)
    assert result == {"status": "failed", "error": "MemoryError: no room"}


def make_record(table, draw, method, log_loss, accuracy=0.5, status="ok", shots=5):
    scores = {"log_loss": log_loss, "accuracy": accuracy, "fit_seconds": 0.1}
    return {
        "task": "classification",
        "table": table,
        "shots": shots,
        "draw": draw,
        "method": method,
        "status": status,
        "constant": {"log_loss": 0.7, "accuracy": 0.5},
        **(scores if status == "ok" else {"error": "ValueError: no"}),
    }


class TestReport:
    def test_means_are_over_draws_then_tables(self):
        records = [
            make_record("t", 0, "maml", 0.2),
            make_record("t", 1, "maml", 0.4),
            make_record("u", 0, "maml", 0.9),
        ]
        tables, methods, means, _ = table_means(records, "classification", 5)
        assert tables == ["t", "u"]
        assert methods == ["maml"]
        assert np.allclose(means["log_loss"], [[0.3], [0.9]])

    def test_only_draws_with_all_methods_count(self):
        records = [
            make_record("t", 0, "maml", 0.2),
            make_record("t", 0, "lda", 0.3),
            make_record("t", 1, "maml", 9.0),
            make_record("u", 0, "lda", 9.0),
            make_record("t", 0, "maml", 9.0, shots=10),
        ]
        tables, methods, means, _ = table_means(records, "classification", 5)
        assert tables == ["t"]
        assert np.allclose(means["log_loss"], [[0.2, 0.3]])
        assert methods == ["maml", "lda"]

    def test_a_failure_is_the_constant_prediction_until_it_is_repeated(self):
        records = [make_record("t", 0, "maml", None, status="failed")]
        assert table_means(records, "classification", 5)[2]["log_loss"] == [[0.7]]
        records.append(make_record("t", 0, "maml", 0.1))
        assert table_means(records, "classification", 5)[2]["log_loss"] == [[0.1]]

    def test_ranks(self):
        values = np.array([[0.1, 0.2, 0.3], [0.5, 0.5, 0.1]])
        assert np.allclose(mean_ranks(values), [1.75, 2.25, 2.0])

    def test_paired_tests(self):
        rng = np.random.default_rng(0)
        our = rng.random(12)
        values = np.column_stack([our + 0.1 * np.arange(1, 13), our, our])
        compared = compare(values, ["lda", "maml", "k_nn"])
        # All twelve signs agree: twice one of 2^12 assignments.
        assert compared["lda"] == (12, pytest.approx(2 / 2**12))
        assert compared["k_nn"] == (0, 1.0)

    def test_printed(self, tmp_path, capsys):
        path = tmp_path / "results.jsonl"
        for table, draw, (method, value) in itertools.product(
            "tuv", range(2), (("maml", 0.2), ("lda", 0.3), ("k_nn", 0.6))
        ):
            append_line(path, make_record(table, draw, method, value))
        append_line(path, make_record("t", 0, "lda", None, status="failed"))
        report(SimpleNamespace(results=path, methods=None))
        lines = capsys.readouterr().out.splitlines()
        assert "classification, 5 rows per class: 3 tables, up to 2 draws" in lines
        order = [line.split()[0] for line in lines[3:6]]
        assert order == ["maml", "lda", "k_nn"]
        assert lines[-1] == "failed 1 times: lda: ValueError: no"
        assert len(read_lines(path)) == 19

    def test_some_methods_may_have_more_draws(self, tmp_path, capsys):
        path = tmp_path / "results.jsonl"
        for table, draw in itertools.product("tu", range(3)):
            append_line(path, make_record(table, draw, "maml", 0.2))
            append_line(path, make_record(table, draw, "lda", 0.3))
        for table in "tu":
            append_line(path, make_record(table, 0, "k_nn", 0.6))
        report(SimpleNamespace(results=path, methods=None))
        assert "up to 1 draws" in capsys.readouterr().out
        report(SimpleNamespace(results=path, methods=["maml", "lda"]))
        printed = capsys.readouterr().out
        assert "up to 3 draws" in printed and "k_nn" not in printed


def test_adaptation_curves_are_means_over_draws_then_tables():
    def record(table, draw, value, init="meta"):
        return {
            "task": "regression",
            "table": table,
            "shots": 10,
            "draw": draw,
            "init": init,
            "learning_rate": 1.0,
            "losses": {str(step): value / (1 + step) for step in STEPS},
        }

    records = [record("t", 0, 1.0), record("t", 1, 3.0), record("u", 0, 6.0)]
    records.append(record("t", 0, 5.0, init="random"))
    curves = adaptation_curves(records, "regression")
    decay = 1 / (1 + np.array(STEPS))
    assert np.allclose(curves["meta", 1.0], 4.0 * decay)
    assert np.allclose(curves["random", 1.0], 5.0 * decay)
    assert adaptation_curves(records, "classification") == {}
