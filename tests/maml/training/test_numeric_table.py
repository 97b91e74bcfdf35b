"""Numeric tables: encoding and reading."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sklearn_meta.maml.training._numeric_table import numeric_table, read_tables
from tests.maml.training.episodes import TASKS


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_frames(library):
    frame = library(
        {"size": [1.0, None, 3.0, 4.0], "color": ["red", "blue", "red", "blue"]}
    )
    table = numeric_table(frame, ["x", "y", "x", "y"], task=TASKS[0], name="colors")
    assert table.task == "classification"
    assert table.family == "colors"
    assert table.y.tolist() == [0, 1, 0, 1]
    assert table.categorical.tolist() == [True, False]
    assert table.X[:, 0].tolist() == [1, 0, 1, 0]
    assert np.array_equal(table.X[:, 1], [1, np.nan, 3, 4], equal_nan=True)


def test_rows_without_target_are_left_out():
    table = numeric_table(
        np.eye(4), [1.0, None, np.nan, 2.0], task="regression", name="t"
    )
    assert table.task == "regression"
    assert table.y.tolist() == [1, 2]
    assert np.array_equal(table.X, np.eye(4)[[0, 3]])


def test_sparse_matrices():
    X = sparse.csr_array(np.eye(3))
    assert np.array_equal(
        numeric_table(X, [1, 2, 3], task=TASKS[1], name="t").X, np.eye(3)
    )


def test_task_is_checked():
    with pytest.raises(ValueError, match="'task' must be one of"):
        numeric_table(np.eye(2), [1, 2], task="ranking", name="t")


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one target for each of the 4 rows"):
        numeric_table(np.eye(4), [1, 2], task="regression", name="t")


def test_reading_a_folder_leaves_out_families(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "target": ["x", "y", "x"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    entries = [
        {"name": n, "task": TASKS[0], "family": f, "file": "t.csv"}
        for n, f in (("one", "f"), ("two", "g"), ("three", "g"))
    ]
    pd.Series(entries).to_json(tmp_path / "manifest.json", orient="records")
    tables = read_tables(tmp_path, hold_out={"g"})
    assert [(t.name, t.family) for t in tables] == [("one", "f")]
    assert tables[0].y.tolist() == [0, 1, 0]
    assert len(read_tables(tmp_path)) == 3
