"""Samples, folds, and the cross-validation of one pipeline on one table."""

import numpy as np
import pytest

from sklearn_meta.building._sources import read_manifest
from sklearn_meta.building._worker_tasks import (
    EvaluationProtocol,
    evaluate_cell,
    make_state,
    prepare_table,
    sample_rows,
    split,
)
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import ClassificationTask, RegressionTask
from tests.building.builds import PIPELINES


def dataset_of(y, task):
    X = np.arange(len(y), dtype=float)[:, None]
    return Dataset(X=X, y=np.asarray(y), schema=schema_of(X), task=task)


def test_sample_keeps_proportions_and_rare_classes():
    y = np.repeat([0, 1, 2], [9_000, 990, 10])
    dataset = dataset_of(y, ClassificationTask(np.arange(3)))
    rows = sample_rows(dataset, EvaluationProtocol(max_rows=1000, n_folds=3), seed=1)
    assert np.bincount(y[rows]).tolist() == [900, 99, 6]
    assert (np.diff(rows) > 0).all()
    again = sample_rows(dataset, EvaluationProtocol(max_rows=1000, n_folds=3), seed=1)
    np.testing.assert_array_equal(rows, again)


def test_sample_of_a_regression_and_of_a_small_table():
    dataset = dataset_of(np.arange(50.0), RegressionTask())
    assert sample_rows(dataset, EvaluationProtocol(max_rows=50), seed=0) is None
    assert (
        len(np.unique(sample_rows(dataset, EvaluationProtocol(max_rows=20), seed=0)))
        == 20
    )


@pytest.mark.parametrize(("n", "n_folds"), [(90, 9), (200, 6), (300, 3)])
def test_few_rows_are_split_more_often(n, n_folds):
    dataset = dataset_of(np.arange(n, dtype=float), RegressionTask())
    folds = split(dataset, 3, seed=0)
    assert len(folds) == n_folds
    counts = np.bincount(np.concatenate([validation for _, validation in folds]))
    assert (counts == n_folds // 3).all()


def test_cell_is_the_cross_validation_that_it_says(flowers, tmp_path):
    state = make_state()
    path = str(tmp_path / "table")
    protocol = EvaluationProtocol()
    record, n_rows, cells = next(
        prepare_table(state, flowers, PIPELINES, protocol, path)
    )
    assert (record.family, record.n_classes, n_rows) == ("plants", 3, 90)
    assert len(record.metafeatures) >= 50
    assert [text for text, _ in cells] == list(PIPELINES)
    result = next(evaluate_cell(state, path, "decision_tree(X, max_depth=2)", 60.0))
    table = state.load(path)
    assert len(table.folds) == 9
    assert result.status == "ok"
    mean, error = result.scores["accuracy"]
    assert 0.6 < mean < 1.0 and 0 < error < 0.1


def test_seconds_of_a_cell_are_those_of_its_fits(flowers, tmp_path):
    state = make_state()
    path = str(tmp_path / "table")
    next(prepare_table(state, flowers, (), EvaluationProtocol(), path))
    # Long enough for a process clock that sees nothing of a small tree.
    result = next(evaluate_cell(state, path, "extra_trees(X)", 60.0))
    assert 0 < result.fit_seconds < result.cpu_seconds


def test_steps_that_do_nothing_share_a_cell(folder, tmp_path):
    heights = read_manifest(folder, names=["heights"])[0]
    texts = ("ridge(X)", "ridge(one_hot(X))", "ridge(impute(target_encode(X)))")
    path = str(tmp_path / "table")
    _, _, cells = next(
        prepare_table(make_state(), heights, texts, EvaluationProtocol(), path)
    )
    assert {text for text, _ in cells} == {"ridge(X)"}


def test_cell_that_will_take_too_long_is_given_up_after_a_fold(flowers, tmp_path):
    state = make_state()
    path = str(tmp_path / "table")
    next(prepare_table(state, flowers, (), EvaluationProtocol(), path))
    text = "extra_trees(X)"
    one_fit = next(evaluate_cell(state, path, text, 60.0)).fit_seconds
    # Enough for one fold, but not for nine.
    result = next(evaluate_cell(state, path, text, 4 * one_fit))
    assert result.status == "timeout" and not result.scores
    assert result.fit_seconds > 0 and "would take" in result.reason
