"""Targets are checked, and the task that they pose is found."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from sklearn_meta.data._target import (
    check_labels,
    classification_task,
    read_target,
    regression_task,
    several_outputs,
    with_numpy_type,
)
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)

LABELS = np.array([[1, 0], [0, 1], [1, 1]])


@pytest.mark.parametrize(
    "y", [[1, 2], np.array([1, 2]), np.array([[1], [2]]), pd.Series([1, 2]), ["a", "b"]]
)
def test_a_single_output_is_none(y):
    assert several_outputs(y) is None


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        LABELS.tolist(),
        pd.DataFrame(LABELS),
        pl.DataFrame(LABELS),
        pd.DataFrame(LABELS, dtype="Int64"),
        LABELS.astype(object),
    ],
)
def test_several_outputs_become_an_array_of_numbers(y):
    outputs = several_outputs(y)
    assert_array_equal(outputs, LABELS)
    assert outputs.dtype.kind in "if"


def test_a_sparse_target_is_refused():
    with pytest.raises(TypeError, match="y must be dense.*toarray"):
        several_outputs(sparse.csr_array(LABELS))


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (pd.Series([1, 2], dtype="Int64"), "i"),
        (pd.Series([True, False], dtype="boolean"), "b"),
        (np.array([1, 2], dtype=object), "i"),
        (np.array([True, False], dtype=object), "b"),
        (np.array(["a", "b"], dtype=object), "O"),
        (np.array([1, None], dtype=object), "O"),
        (np.array([1.5, 2], dtype=object), "O"),
        (pl.Series([1, 2]), "i"),
    ],
)
def test_types_say_what_a_target_holds(y, kind):
    assert np.asarray(with_numpy_type(y)).dtype.kind == kind


def test_missing_values_stay_in_a_series():
    y = pd.Series([1, None], dtype="Int64")
    assert with_numpy_type(y) is y


def test_a_column_is_read_as_one_output_with_a_warning():
    with pytest.warns(DataConversionWarning):
        assert read_target(np.array([[1], [2]])).shape == (2,)
    assert read_target([3, 4]).tolist() == [3, 4]
    assert read_target(LABELS).shape == (3, 2)


@pytest.mark.parametrize(
    "y",
    [
        np.array(["b", "a", "b"]),
        np.array([3, 1, 3]),
        np.array([True, False, True]),
        np.array(["b", "a", "b"], dtype=object),
    ],
)
def test_classes_are_sorted(y):
    same, task = classification_task(y, "Name")
    assert same is y and isinstance(task, ClassificationTask)
    assert task.classes.tolist() == sorted(set(y.tolist()))
    assert task.encode(y).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a", None], dtype=object), "contains NaN or None. Drop these rows"),
        (np.array(["a", np.nan], dtype=object), "contains NaN or None"),
        (np.array([0.0, np.nan]), "contains NaN or None"),
        (np.array([0.1, 0.2]), "continuous"),
        (np.array(["a", "a"]), "Name needs at least 2 classes in y. Got 1 class: "),
    ],
)
def test_labels_that_pose_no_task_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        classification_task(y, "Name")


def test_several_columns_are_labels():
    y, task = classification_task(LABELS, "Name")
    assert isinstance(task, MultilabelTask) and task.n_outputs == 2
    assert task.dtype == LABELS.dtype


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (LABELS + 1, "several columns of 0 and 1.*MultiOutputClassifier"),
        (LABELS + 0.5, "continuous"),
        (np.ones((3, 2), dtype=int), "In all 2 columns of y, all rows are the same"),
    ],
)
def test_other_columns_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        check_labels(y, "Name")


def test_a_label_on_which_all_rows_agree_gets_a_warning():
    y = np.column_stack([LABELS, [1, 1, 1]])
    with pytest.warns(UserWarning, match=r"agree on the labels \[2\] of y") as record:
        check_labels(y, "Name")
    assert record[0].filename == __file__


@pytest.mark.parametrize("y", [[1, 2, 4], [[1, 2], [3, 5], [4, 4]]])
def test_targets_are_floats(y):
    values, task = regression_task(np.array(y), "Name")
    assert values.dtype == np.float64
    assert task == RegressionTask(n_outputs=np.array(y).size // 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_targets_must_be_finite(bad, n_outputs):
    y = np.arange(6.0).reshape(-1, n_outputs).squeeze()
    y.flat[1] = bad
    with pytest.raises(ValueError, match="Input y contains NaN or infinity"):
        regression_task(y, "Name")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(3, 2.5), r"y is constant \(2.5\): every pipeline will predict that"),
        (np.array([[1, 7], [2, 7]]), r"The columns \[1\] of y are constant"),
    ],
)
def test_constant_targets_get_a_warning(y, message):
    with pytest.warns(UserWarning, match=message):
        regression_task(y, "Name")
