"""The benchmark of prediction intervals and sets, without a run."""

from argparse import Namespace

import numpy as np
import pytest

from benchmarks import intervals
from benchmarks._runs import append_line


def record(task, table, coverage, widths, **more):
    """What one run writes, with the same coverage everywhere."""
    systems = {
        system: {
            "seconds": 1.0,
            **{
                f"{c:g}": {"coverage": coverage, "width": width, "empty": 0.0}
                for c in intervals.COVERAGES
            },
        }
        for system, width in widths.items()
    }
    return {
        "status": "ok",
        "task": task,
        "table": table,
        "systems": systems,
        **more,
    }


WIDTHS = {
    "sklearn_meta": 1.0,
    "mapie_cross": 2.0,
    "mapie_split": 2.0,
    "mapie_normalized": 1.0,
}


def test_one_table_of_each_family_by_a_rule():
    manifest = [
        {"task": task, "name": f"{task}{i}", "family": f"f{i // 2}", "n_rows": rows}
        for task in intervals.TASKS
        for i, rows in enumerate([500, 600, 100, 199, 200, 10_000])
    ]
    chosen = intervals.tables(manifest, intervals.REGRESSION)
    assert sorted(e["family"] for e in chosen) == ["f0", "f2"]
    assert all(e["n_rows"] >= 200 and e["task"] == "regression" for e in chosen)
    assert intervals.tables(manifest[::-1], intervals.REGRESSION) == chosen
    assert len(intervals.tables(manifest, intervals.REGRESSION, 1)) == 1


def test_coverage_and_width_of_intervals():
    ends = np.array([[0.0, 2.0], [0.0, 4.0], [-np.inf, np.inf]])
    found = intervals._of_intervals(ends, np.array([1.0, 5.0, 7.0]), 2.0)
    assert found == {
        "coverage": pytest.approx(2 / 3),
        "width": 1.5,
        "infinite": pytest.approx(1 / 3),
    }


def test_coverage_and_size_of_sets():
    sets = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], dtype=bool)
    # The last row is of a class that the training part lacks.
    found = intervals._of_sets(sets, np.array([0, 1, 1, -1]))
    assert found == {"coverage": 0.5, "width": 1.0, "empty": 0.25}


def test_only_tables_with_all_systems_are_compared():
    complete = record("regression", "a", 0.9, WIDTHS)
    failed = record("regression", "b", 0.9, WIDTHS)
    failed["systems"]["mapie_cross"] = {"error": "ValueError: no"}
    found, n = intervals.by_system([complete, failed], "regression")
    assert n == 1 and found["mapie_cross"]["0.9"][0, 1] == 2.0
    # There are no normalized residuals of classes.
    of_classes = record("classification", "c", 0.9, dict(list(WIDTHS.items())[:3]))
    found, n = intervals.by_system([of_classes], "classification")
    assert n == 1 and "mapie_normalized" not in found


def test_the_report_has_ratios_of_widths_and_sets_of_hard_tables(tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    assert intervals.report(Namespace(results=path)) is None
    append_line(path, record("regression", "a", 0.91, WIDTHS))
    append_line(path, record("regression", "b", 0.89, WIDTHS))
    widths = dict(list(WIDTHS.items())[:3])
    append_line(path, record("classification", "c", 0.97, widths, accuracy=0.97))
    append_line(path, record("classification", "d", 0.90, widths, accuracy=0.7))
    append_line(path, {"status": "timeout", "table": "e", "error": "late"})
    capsys.readouterr()
    intervals.report(Namespace(results=path))
    text = capsys.readouterr().out
    assert "regression, 2 tables" in text and "classification, 2 tables" in text
    assert "0.900 ± 0.010, width 2.000 SD of the target, 2.000 ± 0.000 of ours" in text
    assert "accuracy below 0.9 (1 tables): 0.900, 1.000 classes" in text
    assert "failed: e: late" in text
