"""Choice of the datasets of a large file that are read for a new one."""

import sqlite3

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_meta.metalearning.knowledge_base import _nearest
from sklearn_meta.metalearning.knowledge_base._matrix_query import (
    count_datasets,
    read_matrix,
)
from sklearn_meta.metalearning.knowledge_base._nearest import Nearest, choose_datasets
from tests.metalearning.knowledge import dataset, evaluation


def nearest(n_datasets, *, size=(100, 5, 2), n_evaluations=10**6, **metafeatures):
    return Nearest(size, metafeatures, n_datasets, n_evaluations, n_pipelines=2000)


def add(knowledge_base, name, *, size=(100, 5, 2), n_pipelines=1, **changes):
    n_samples, n_features, n_classes = size
    described = dataset(
        name,
        n_samples=n_samples,
        n_features=n_features,
        n_classes=n_classes,
        **changes,
    )
    texts = ["lda(X)", "qda(X)", "svc(X)", "extra_trees(X)"][:n_pipelines]
    knowledge_base.add(described, [evaluation(text) for text in texts])


def names(knowledge_base, asked):
    return knowledge_base.matrix("classification", nearest=asked).datasets


def assert_same(one, other):
    for name, value in vars(one).items():
        assert_array_equal(value, getattr(other, name), err_msg=name)


def test_of_a_small_file_all_is_read(mine):
    for i in range(5):
        add(mine, f"d{i}", n_pipelines=1 + i % 3, metafeatures={"m": float(i)})
    for n_datasets in (5, 100):
        matrix = mine.matrix("classification", nearest=nearest(n_datasets, m=2.0))
        assert_same(matrix, mine.matrix("classification"))


def test_those_with_the_most_similar_meta_features_are_read(mine):
    for i in range(12):
        add(mine, f"d{i}", metafeatures={"m": float(i), "constant": 1.0})
    asked = nearest(3, m=7.0, constant=1.0, unknown=3.0)
    assert names(mine, asked) == ("d6", "d7", "d8")
    chosen = mine.matrix("classification", nearest=asked)
    assert_same(chosen, mine.matrix("classification").take_datasets([6, 7, 8]))


def test_meta_features_of_datasets_of_other_sizes_are_not_read(mine, monkeypatch):
    monkeypatch.setattr(_nearest, "CANDIDATES", 2)
    for i in range(4):
        add(mine, f"small {i}", metafeatures={"m": float(i)})
        add(mine, f"large {i}", size=(10_000, 5, 2), metafeatures={"m": float(i)})
    assert names(mine, nearest(2, m=1.0)) == ("small 1", "small 2")
    chosen = names(mine, nearest(2, size=(9_000, 5, 2), m=1.0))
    assert chosen == ("large 1", "large 2")


def test_of_equals_the_newest_are_read(mine):
    for i in range(6):
        add(mine, f"d{i}")
    assert names(mine, nearest(2)) == ("d4", "d5")


def test_only_the_newest_ones_of_a_huge_file_are_considered(mine, monkeypatch):
    monkeypatch.setattr(_nearest, "MOST_SIZES", 4)
    for i in range(10):
        add(mine, f"d{i}", metafeatures={"m": float(i)})
    assert names(mine, nearest(2, m=0.0)) == ("d6", "d7")


def test_datasets_are_added_up_to_a_number_of_evaluations(mine):
    for i in range(6):
        add(mine, f"d{i}", n_pipelines=4, metafeatures={"m": float(i)})
    for n_evaluations, n in ((1, 1), (4, 1), (5, 2), (8, 2), (100, 3)):
        asked = nearest(3, m=0.0, n_evaluations=n_evaluations)
        assert names(mine, asked) == tuple(f"d{i}" for i in range(n))


def test_families_that_a_view_leaves_out_take_no_place(mine):
    for i in range(6):
        add(mine, f"d{i}", family=f"f{i}", metafeatures={"m": float(i)})
    view = mine.without_families(["f0", "f1"])
    assert names(view, nearest(2, m=0.0)) == ("d2", "d3")


def test_the_metric_is_the_most_common_one_of_what_is_read(mine):
    for i in range(3):
        described = dataset(f"d{i}", metafeatures={"m": float(i)})
        scores = {"roc_auc" if i == 0 else "accuracy": (0.9, 0.01)}
        mine.add(described, [evaluation(scores=scores)])
    matrix = mine.matrix("classification", "accuracy", nearest=nearest(1, m=0.0))
    assert matrix.metric == "roc_auc" and matrix.shape == (1, 1)


@pytest.mark.parametrize(("n_datasets", "n_pipelines"), [(1, 2), (2, 3), (1000, 3)])
def test_beside_few_datasets_more_pipelines_are_read(mine, n_datasets, n_pipelines):
    add(mine, "d", n_pipelines=4)
    asked = Nearest((100, 5, 2), {}, n_datasets, n_evaluations=9, n_pipelines=2)
    matrix = mine.matrix("classification", nearest=asked)
    assert matrix.shape == (1, n_pipelines)


def test_another_task_has_nothing_to_do_with_it(mine):
    add(mine, "d")
    mine.add(dataset("other", task="regression"), [evaluation()])
    assert names(mine, nearest(1)) == ("d",)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_of_nothing_nothing_is_read(mine, task):
    assert mine.matrix(task, nearest=nearest(5)).shape == (0, 0)


def fill(path, n_datasets, n_pipelines, n_metafeatures):
    """Add many datasets to a file, in one transaction."""
    rng = np.random.default_rng(0)
    ids = np.arange(1, n_datasets + 1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")

        def insert(table, rows):
            rows = list(rows)
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

        insert("metrics", [(1, "classification", "accuracy")])
        columns = range(1, n_pipelines + 1)
        insert("pipelines", [(j, f"svc(X, C={j}.0)") for j in columns])
        known = range(1, n_metafeatures + 1)
        insert("metafeature_names", [(j, f"m{j}") for j in known])
        sizes = rng.integers(10, 10_000, size=(n_datasets, 2)).tolist()
        insert(
            "datasets",
            (
                (i, "classification", f"d{i}", f"d{i}", *size, 2, "")
                for i, size in zip(ids.tolist(), sizes, strict=True)
            ),
        )
        for i in ids.tolist():
            values = rng.normal(size=n_metafeatures).tolist()
            insert("metafeatures", ((i, j, values[j - 1]) for j in known))
            insert("evaluations", ((i, j, "ok", 1000, 1000, 100) for j in columns))
            insert("scores", ((1, i, j, 9000 + j, 10, -4) for j in columns))
    connection.close()


def test_what_is_read_of_a_large_file_hardly_grows_with_it(mine, path):
    asked = nearest(50, **{f"m{j}": 0.5 for j in range(1, 41)})
    read = {}
    for n_datasets in (300, 2000):
        path.unlink(missing_ok=True)
        mine.set_provenance()
        fill(path, n_datasets, n_pipelines=60, n_metafeatures=40)
        read[n_datasets] = _rows_and_steps(mine, asked)
    # The size is all that is read of a further dataset.
    assert read[2000][0] - read[300][0] == 1700
    assert read[2000][1] < 1.5 * read[300][1]


def _rows_and_steps(knowledge_base, asked):
    """Return the rows that are fetched, and thousands of SQLite's instructions."""
    rows = steps = 0

    def count_row(_, row):
        nonlocal rows
        rows += 1
        return row

    def count_step():
        nonlocal steps
        steps += 1

    task = "classification"
    with knowledge_base._reading() as connection:
        connection.row_factory = count_row
        connection.set_progress_handler(count_step, 1000)
        ids = choose_datasets(connection, task, asked)
        counts = count_datasets(connection, task, ids)
        matrix = read_matrix(connection, task, *counts, ids=ids, max_pipelines=2000)
    assert matrix.shape == (50, 60)
    return rows, steps
