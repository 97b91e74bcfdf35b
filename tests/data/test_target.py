"""Targets are checked, and the task that they pose is found."""

from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction

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
        (np.array(["a", 1], dtype=object), "O"),
        (np.array([1, None], dtype=object), "f"),
        (np.array([1.5, 2], dtype=object), "f"),
        (np.array([0.0, 1.0], dtype=object), "f"),
        ([Decimal("1.5"), 2, Fraction(1, 3)], "f"),
        ([1.5, pd.NA], "f"),
        ([2**70, -1], "f"),
        (pd.array([True, False], dtype="boolean"), "b"),
        (pd.array([1, 2], dtype="Int64"), "i"),
        (pd.Series([1, None], dtype="Int64"), "f"),
        (pd.Series([1, 2], dtype="int64[pyarrow]"), "i"),
        (pd.Series([1, 2], dtype="category"), "i"),
        (pd.Series(["a", "b"], dtype="string[pyarrow]"), "O"),
        (pd.Index([1, 2]), "i"),
        (pl.Series([1, 2]), "i"),
        (pl.Series([1, None]), "f"),
        (pl.Series(["a", "b"], dtype=pl.Categorical), "O"),
        (pl.Series([Decimal("1.5"), Decimal(2)]), "f"),
    ],
)
def test_types_say_what_a_target_holds(y, kind):
    assert np.asarray(with_numpy_type(y)).dtype.kind == kind


def test_a_sparse_target_is_not_converted_for_scores():
    y = sparse.csr_array(LABELS)
    assert with_numpy_type(y) is y


@pytest.mark.parametrize(
    "y",
    [
        pd.DataFrame({"y": [2, 1, 2]}),
        pd.DataFrame({"y": [2, 1, 2]}, dtype="Int64"),
        pd.DataFrame({"y": [2, 1, 2]}, dtype=object),
        pl.DataFrame({"y": [2, 1, 2]}),
        np.array([[2], [1], [2]], dtype=object),
    ],
)
def test_frames_and_arrays_of_one_column_are_one_target(y):
    with pytest.warns(DataConversionWarning):
        values = read_target(y)
    assert values.dtype.kind == "i" and values.tolist() == [2, 1, 2]


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


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_targets_must_be_finite(bad, n_outputs):
    y = np.arange(6.0).reshape(-1, n_outputs).squeeze()
    y.flat[1] = bad
    with pytest.raises(ValueError, match="Input y contains infinity. Drop these rows"):
        regression_task(y, "Name")


MISSING = {
    "float64": np.array([1.0, np.nan, 0.0]),
    "objects with None": np.array([1, None, 0], dtype=object),
    "objects with NaN": np.array([1, np.nan, 0], dtype=object),
    "objects with NA": np.array([1.0, pd.NA, 0.0], dtype=object),
    "list with NA": [1, pd.NA, 0],
    "decimals": [Decimal(1), Decimal("NaN"), Decimal(0)],
    "nothing but NA": [pd.NA, pd.NA, pd.NA],
    "Int64": pd.Series([1, None, 0], dtype="Int64"),
    "Float64": pd.Series([1, None, 0], dtype="Float64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "arrow": pd.Series([1, None, 0], dtype="double[pyarrow]"),
    "polars": pl.Series([1, None, 0]),
    "column": pd.DataFrame({"y": [1, None, 0]}, dtype="Int64"),
    "dates": pd.Series(pd.to_datetime(["2020-01-01", None, "2020-01-02"])),
    "outputs": pd.DataFrame({"a": [1, None, 0], "b": [1, 0, 1]}, dtype="Int64"),
    "outputs of polars": pl.DataFrame({"a": [1, None, 0], "b": [1, 0, 1]}),
}
MISSING_LABELS = {
    "str": pd.Series(["a", None, "b"]),
    "string": pd.Series(["a", None, "b"], dtype="string"),
    "string of arrow": pd.Series(["a", None, "b"], dtype="string[pyarrow]"),
    "category": pd.Series(["a", None, "b"], dtype="category"),
    "strings with NA": np.array(["a", pd.NA, "b"], dtype=object),
    "strings of polars": pl.Series(["a", None, "b"]),
    "enum of polars": pl.Series(["a", None, "b"], dtype=pl.Enum(["a", "b"])),
    "intervals": pd.cut(pd.Series([1.0, 5.0, 3.0]), [0, 2, 4]),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("task_of", [classification_task, regression_task])
@pytest.mark.parametrize("kind", [*MISSING, *MISSING_LABELS])
def test_missing_targets_are_refused_in_the_same_words(kind, task_of):
    message = "^Input y contains NaN or None. Drop these rows from X and y.$"
    y = read_target({**MISSING, **MISSING_LABELS}[kind])
    with pytest.raises(ValueError, match=message):
        task_of(y, "Name")


FLOATS = np.array([0.5, 1.5, 2.5])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.Series(pd.date_range("2020", periods=3)), "Got dates in y: pass the days"),
        (np.arange(3).astype("M8[D]"), "Got dates in y"),
        ([date(2020, 1, 1)] * 3, "Got dates in y"),
        (pl.Series([date(2020, 1, 1)] * 3), "Got dates in y"),
        (pd.Series(pd.to_timedelta(FLOATS, "s")), "Got durations in y: pass their sec"),
        ([timedelta(days=1)] * 3, "Got durations in y"),
        ([time(3)] * 3, "Got times of the day in y"),
        (pd.Series(pd.period_range("2020", periods=3)), "Got periods in y"),
        (pd.cut(pd.Series(FLOATS), 2), r"Got intervals.* in y: pass their midpoints"),
        (list(pd.cut(FLOATS, 2)), r"Got intervals.* in y"),
        (pd.DataFrame({"a": FLOATS, "b": pd.date_range("2020", periods=3)}), "dates"),
        (["a", "b", "c"], "'a'.*convert them to numbers, or use MetaAutoClassifier"),
        (np.array([1, "b", {}], dtype=object), "needs a target of numbers"),
    ],
)
def test_targets_that_are_no_numbers_are_refused_with_a_way_out(y, message):
    with pytest.raises(ValueError, match=message):
        regression_task(read_target(y), "Name")


def test_the_ways_out_are_taken():
    dates = pd.Series(pd.date_range("2020", periods=3))
    days = (dates - dates.min()) / np.timedelta64(1, "D")
    assert regression_task(read_target(days), "Name")[0].tolist() == [0, 1, 2]
    seconds = pd.Series(pd.to_timedelta(FLOATS, "s")) / np.timedelta64(1, "s")
    assert_array_equal(regression_task(read_target(seconds), "Name")[0], FLOATS)
    cut = pd.cut(pd.Series(FLOATS), [0, 2, 4])
    middles = cut.map(lambda interval: interval.mid).astype(float)
    assert regression_task(read_target(middles), "Name")[0].tolist() == [1, 1, 3]
    _, task = classification_task(read_target(cut.cat.codes), "Name")
    assert task.classes.tolist() == [0, 1]
    _, task = classification_task(read_target(cut.astype(str)), "Name")
    assert task.classes.tolist() == ["(0, 2]", "(2, 4]"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            pd.cut(pd.Series(FLOATS), 2),
            r"Got intervals in y.*y.astype\(str\).*cat.codes",
        ),
        (pd.qcut(FLOATS, 2), "Got intervals in y"),
        (pd.Series(pd.period_range("2020", periods=3)), r"Period.*y.astype\(str\)"),
        (np.array([1, "a", "b"], dtype=object), r"several types in y \(int, str\)"),
    ],
)
def test_labels_of_other_types_are_refused_with_a_way_out(y, message):
    with pytest.raises(ValueError, match=message):
        classification_task(read_target(y), "Name")


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (pd.Series(pd.Categorical(["b", "a"], categories=list("zab"))), ["a", "b"]),
        (pd.Series(["b", "a"], dtype="string"), ["a", "b"]),
        (np.array(["b", np.str_("a")], dtype=object), ["a", "b"]),
        (pl.Series(["b", "a"], dtype=pl.Enum(list("zab"))), ["a", "b"]),
        (np.array([1.0, 0.0], dtype=object), [0.0, 1.0]),
        ([Decimal(1), Decimal(0)], [0.0, 1.0]),
        (pd.Series([True, False], dtype="bool[pyarrow]"), [False, True]),
    ],
)
def test_classes_are_those_that_occur(y, classes):
    _, task = classification_task(read_target(y), "Name")
    assert task.classes.tolist() == classes
    assert isinstance(task.classes.tolist()[0], type(classes[0]))


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
