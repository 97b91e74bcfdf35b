"""Held-out families, draws of few rows, the methods, and the report's arithmetic."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier, is_regressor

from benchmarks._few_shot_draws import (
    MAX_QUERY,
    MIN_QUERY_PER_CLASS,
    SHOTS,
    TooFewRowsError,
    draw_classes,
    draw_split,
)
from benchmarks._few_shot_methods import METHODS, NETWORKS, SoftmaxSVC
from benchmarks._held_out import NUMBER, held_out_families, held_out_tables
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
from benchmarks.select_tables import select
from tests.benchmarks.test_main_job import make_manifest


class TestHeldOutFamilies:
    def test_follow_their_rule(self):
        manifest = make_manifest(300)
        number = {"classification": 60, "regression": 50}
        families = held_out_families(manifest, number)
        assert {entry["family"] for entry in select(manifest)} < families
        for task, wanted in number.items():
            assert len(held_out_tables(manifest, task, families)) >= wanted

    def test_no_more_than_needed(self):
        # Only families of one table, so that the last one that was taken was needed.
        manifest = [{**e, "family": e["name"]} for e in make_manifest(300)]
        families = held_out_families(manifest)
        for task, wanted in NUMBER.items():
            assert len(held_out_tables(manifest, task, families)) == wanted

    def test_do_not_depend_on_the_order_of_the_manifest(self):
        manifest = make_manifest(300)
        assert held_out_families(manifest) == held_out_families(manifest[::-1])

    def test_small_tables_do_not_count(self):
        manifest = make_manifest(300)
        for entry in manifest[150:]:
            entry["n_rows"] = 30
        kept = held_out_tables(manifest, "regression", held_out_families(manifest))
        assert min(entry["n_rows"] for entry in kept) >= 60

    def test_too_few_tables(self):
        manifest = make_manifest(66)
        for entry in manifest[60:]:
            entry["n_rows"] = 30
        with pytest.raises(ValueError, match="has 30 classification tables of 60"):
            held_out_families(manifest, {"classification": 40, "regression": 16})


class TestDraws:
    def test_as_many_rows_of_each_class(self):
        y = np.repeat(["a", "b", "c"], [400, 50, 15])
        train, test = draw_classes(np.random.default_rng(0), y, 10)
        assert not set(train) & set(test)
        assert {c: np.sum(y[train] == c) for c in "abc"} == {"a": 10, "b": 10, "c": 10}
        # All others, as they are fewer than 500.
        assert len(test) == len(y) - 30

    def test_query_is_stratified(self):
        y = np.repeat(["a", "b", "c"], [8000, 2000, 20])
        _, test = draw_classes(np.random.default_rng(0), y, 5)
        counts = {c: np.sum(y[test] == c) for c in "abc"}
        assert sum(counts.values()) <= MAX_QUERY
        assert counts["a"] == pytest.approx(400, abs=3)
        assert counts["b"] == pytest.approx(100, abs=3)
        assert counts["c"] == 1

    def test_rare_and_surplus_classes_are_left_out(self):
        counts = [40 - i for i in range(12)] + [5 + MIN_QUERY_PER_CLASS - 1]
        y = np.repeat(np.arange(13), counts)
        train, test = draw_classes(np.random.default_rng(0), y, 5)
        assert set(y[train]) == set(y[test]) == set(range(10))
        train, _ = draw_classes(np.random.default_rng(0), y[y >= 10], 5)
        assert set(y[y >= 10][train]) == {10, 11}

    def test_too_few_rows(self):
        X, y = pd.DataFrame({"a": range(20)}), np.repeat(["a", "b"], [14, 6])
        rows = {"table": "t", "draw": 0}
        with pytest.raises(TooFewRowsError, match="Fewer than two of the 2 classes"):
            draw_split(X, y, task=TASKS[0], shots=5, **rows)
        with pytest.raises(TooFewRowsError, match="t has 20 rows; 35 are needed"):
            draw_split(X, np.arange(20.0), task=TASKS[1], shots=25, **rows)

    def test_draws_are_repeatable_and_differ(self):
        X = pd.DataFrame({"a": np.arange(300.0)})
        y = np.arange(300.0)

        def rows(**changes):
            unit = {"task": TASKS[1], "table": "t", "shots": 10, "draw": 0, **changes}
            return tuple(draw_split(X, y, **unit).y_train)

        assert rows() == rows()
        drawn = {rows(), rows(draw=1), rows(table="u"), rows(shots=25)[:10]}
        assert len(drawn) == 4

    def test_units_take_the_first_draw_of_all_tables_first(self, tmp_path):
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
        arguments = SimpleNamespace(
            data=tmp_path, tasks=TASKS[:1], tables=None, shots=None, draws=2
        )
        found = units(arguments)
        assert [u["draw"] for u in found] == sorted(u["draw"] for u in found)
        assert len(found) == 2 * 2 * len(names[TASKS[0]])
        assert {u["shots"] for u in found} == {5, 10}


def make_split(task, n_rows):
    """Numbers, a category and gaps; a target that depends on them."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((200, 3)), columns=list("abc"))
    X["kind"] = pd.Categorical(rng.choice(["u", "v", "w"], 200))
    y = X["a"] + (X["kind"] == "u") + 0.1 * rng.standard_normal(200)
    X.loc[rng.random(200) < 0.1, "b"] = np.nan
    if task == "classification":
        y = np.where(y > y.median(), "high", "low").astype(object)
    else:
        y = y.to_numpy()
    shots = n_rows // 2 if task == "classification" else n_rows
    return draw_split(X, y, task=task, table="made", shots=shots, draw=0)


@pytest.mark.parametrize(
    ("task", "method"),
    [(t, m) for t in TASKS for m in METHODS[t] if m not in NETWORKS],
)
def test_methods_learn(task, method):
    result = measure(task, method, make_split(task, 60), seed=0)
    assert result["status"] == "ok", result
    if task == "classification":
        assert result["accuracy"] > 0.7
    else:
        assert result["rmse"] < 0.9


@pytest.mark.parametrize("method", ["logistic_regression_cv", "k_nn", "svm"])
def test_fewest_rows_are_enough_to_tune_with(method):
    shots = min(SHOTS["classification"])
    split = make_split("classification", 2 * shots)
    assert measure("classification", method, split, seed=0)["status"] == "ok"


@pytest.mark.parametrize("task", TASKS)
def test_methods_are_of_their_task(task):
    is_of_task = is_classifier if task == "classification" else is_regressor
    y = make_split(task, 20).y_train
    for name, method in METHODS[task].items():
        if name not in NETWORKS:
            assert is_of_task(method(task, y, 0)), name


def test_a_failing_method_is_recorded(monkeypatch):
    def failing(task, y, seed):
        raise MemoryError("no room")

    monkeypatch.setitem(METHODS["regression"], "failing", failing)
    result = measure("regression", "failing", make_split("regression", 10), seed=0)
    assert result == {"status": "failed", "error": "MemoryError: no room"}


def test_softmax_of_decision_values():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 2)), rng.choice(list("abc"), 60)
    X[y == "a"] += 3
    for classes in ("ab", "abc"):
        rows = np.isin(y, list(classes))
        model = SoftmaxSVC(scale=2.0).fit(X[rows], y[rows])
        p = model.predict_proba(X)
        assert np.allclose(p.sum(axis=1), 1)
        assert np.array_equal(model.predict(X), model.svc_.predict(X))


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
