"""The benchmark of the estimate of the score on new rows."""

import numpy as np
import pytest

from benchmarks import honest
from benchmarks._runs import append_line


def entry(name, task, n_rows=5_000, family=None, n_classes=2):
    return {
        "name": name,
        "task": task,
        "family": family or name,
        "n_rows": n_rows,
        "n_classes": n_classes,
    }


def test_tables_are_large_and_of_different_families():
    manifest = [entry(f"t{i}", "classification") for i in range(5)]
    manifest += [entry(f"r{i}", "regression", n_classes=None) for i in range(5)]
    manifest += [
        entry("small", "classification", n_rows=2_999),
        entry("related", "regression", family="t0"),
        entry("letters", "classification", n_classes=26),
    ]
    number = {"classification": 5, "regression": 4}
    chosen = honest.select(manifest, number)
    assert [e["task"] for e in chosen] == ["classification"] * 5 + ["regression"] * 4
    assert not {"small", "letters"} & {e["name"] for e in chosen}
    assert len({e["family"] for e in chosen}) == 9
    assert honest.select(manifest[::-1], number) == chosen
    with pytest.raises(ValueError, match="has 5 classification tables"):
        honest.select(manifest, {"classification": 6})


def test_every_class_is_in_both_parts():
    y = np.array(["a"] * 900 + ["b"] * 90 + ["c"] * 7 + ["d"] * 2, dtype=object)
    mask = honest.training_rows(y, 100, 0, by_class=True)
    counts = [np.count_nonzero(y[mask] == c) for c in "abcd"]
    assert counts == [90, 9, 6, 1]
    assert honest.training_rows(y, 100, 0, by_class=False).sum() == 100


class Model:
    classes_ = np.array(["no", "yes"], dtype=object)

    def predict(self, X):
        return X

    def predict_proba(self, X):
        return np.column_stack([1 - X, X])


def test_losses_and_their_scores():
    X, y = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 2.0])
    squares = honest.losses("regression", Model(), X, y)
    np.testing.assert_allclose(squares, [1, 0, 4])
    score, deviation = honest.score_of("regression", squares)
    assert score == pytest.approx(-np.sqrt(5 / 3))
    assert deviation == pytest.approx(np.std(squares) / 2 / np.sqrt(5 / 3))
    labels = np.array(["yes", "no", "no"], dtype=object)
    logs = honest.losses("classification", Model(), np.array([0.5, 0.2, 1.0]), labels)
    np.testing.assert_allclose(logs, -np.log([0.5, 0.8, honest.SMALLEST_PROBABILITY]))
    assert honest.score_of("classification", logs)[0] == pytest.approx(-logs.mean())
    assert honest.score_of("regression", np.zeros(3)) == (0, 0)


RECORD = {
    "status": "ok",
    "task": "classification",
    "table": "t0",
    "rows": 100,
    "seed": 0,
    "budget": 10.0,
    "max_evaluations": None,
    "n_jobs": 2,
    "n_train": 100,
    "n_test": 10_000,
    "best_score": -0.35,
    "honest_score": -0.45,
    "low": -0.55,
    "high": -0.40,
    "note": "",
    "test_score": -0.42,
    "deviation": 0.5,
    "test_score_of_best": -0.45,
    "deviation_of_best": 0.5,
}


def test_biases_are_in_standard_errors_of_the_difference():
    compared = honest.compared(RECORD)
    unit = 0.5 * np.sqrt(1 / 100 + 1 / 10_000)
    assert compared["best"] == pytest.approx(0.10 / unit)
    assert compared["honest"] == pytest.approx(-0.03 / unit)
    assert compared["width"] == pytest.approx(0.15 / (2 * 1.96 * 0.05))
    assert compared["holds"] and compared["holds_exactly"]
    # Just outside of the interval, by less than the error of the test.
    near = honest.compared({**RECORD, "test_score": -0.3999})
    assert near["holds"] and not near["holds_exactly"]
    assert not honest.compared({**RECORD, "test_score": -0.39})["holds"]


def test_the_report(tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    append_line(path, RECORD)
    append_line(path, {**RECORD, "rows": 200, "test_score": 0.0})
    append_line(path, {**RECORD, "table": "t1", "note": "no rows"})
    append_line(path, {**RECORD, "table": "t2", "status": "failed", "error": "x"})
    honest.report(type("Arguments", (), {"results": path}))
    printed = capsys.readouterr().out
    assert printed.count("outside") == 1
    assert "no estimate: t1 100: no rows" in printed
    assert "classification, 100 and 200 rows: 2 fits" in printed
    assert "holds the score in 50.0%" in printed
