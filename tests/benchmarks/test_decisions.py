"""Which tables decisions are measured on, and how scores are compared."""

import numpy as np

from benchmarks._tables import Split
from benchmarks.decisions import indicators, scores_by_table, tables


def entry(name, **changes):
    return {
        "name": name,
        "task": "classification",
        "family": name,
        "n_classes": 2,
        "class_balance": 0.1,
        "n_rows": 1_000,
        "reference_score": 0.8,
        **changes,
    }


def test_imbalanced_tables_of_two_classes_one_of_each_family():
    manifest = [
        entry("a"),
        entry("b", family="a"),
        entry("c", n_classes=3),
        entry("d", class_balance=0.3),
        entry("e", n_rows=100),
        entry("f", reference_score=0.99),
        entry("g", task="regression"),
        entry("h"),
    ]
    chosen = tables(manifest)
    assert len(chosen) == 2 and "h" in chosen
    assert tables(manifest[::-1]) == chosen
    assert tables(manifest, 1) == chosen[:1]


def test_the_minority_is_positive():
    y = np.array(["x", "y", "x", "x"], dtype=object)
    train, test = indicators(Split(None, y, None, y[:2]))
    assert train.tolist() == [0, 1, 0, 0] and test.tolist() == [0, 1]


def test_tables_with_all_systems_are_compared():
    def record(table, system, status="ok"):
        return {
            "table": table,
            "metric": "f1",
            "system": system,
            "status": status,
            "score": 0.5,
            "untuned_score": 0.1,
        }

    records = [record("a", "tuned"), record("a", "tuned_cv"), record("b", "tuned")]
    records.append(record("b", "tuned_cv", status="failed"))
    scores = scores_by_table(records)
    assert scores["f1"] == {"a": {"tuned": 0.5, "untuned": 0.1, "tuned_cv": 0.5}}
    assert scores["balanced_accuracy"] == {}
