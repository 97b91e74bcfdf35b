"""The table as the search sees it, and how further rows are read like it."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator

from sklearn_meta.data._canonical_order import MAX_CANONICAL_ROWS
from sklearn_meta.data._describe import describe_table, like_target
from sklearn_meta.data._target import classification_task, regression_task
from sklearn_meta.exceptions import SklearnMetaWarning

X = np.array([[3.0, 4.0], [1.0, 2.0], [2.0, 3.0], [0.0, 1.0]])
Y = np.array([10.0, 20.0, 30.0, 40.0])


class Named(BaseEstimator):
    """What remembers the columns."""


def describe(X=X, y=Y, task_of=regression_task, **arguments):
    return describe_table(Named(), X, y, task_of=task_of, **arguments)


def test_rows_keep_their_order_in_one_and_are_sorted_in_the_other():
    table = describe()
    assert_array_equal(table.dataset.X, X)
    assert_array_equal(table.dataset.y, Y)
    assert table.rows.tolist() == [3, 1, 2, 0]
    assert_array_equal(table.canonical.X, X[table.rows])
    assert_array_equal(table.canonical.y, Y[table.rows])


def test_equal_tables_are_the_same_whatever_the_order_of_rows():
    order = [2, 0, 3, 1]
    first, second = describe(), describe(X[order], Y[order])
    assert_array_equal(first.canonical.X, second.canonical.X)
    assert_array_equal(first.canonical.y, second.canonical.y)
    assert (first.dataset.X != second.dataset.X).any()


def test_large_and_grouped_tables_stay_as_they_are():
    n = MAX_CANONICAL_ROWS + 1
    large = describe(np.zeros((n, 1)), np.arange(n))
    assert large.rows is None and large.canonical is large.dataset
    grouped = describe(groups=[0, 0, 1, 1])
    assert grouped.rows is None
    assert grouped.dataset.groups.tolist() == [0, 0, 1, 1]


def test_the_estimator_remembers_the_columns():
    estimator = Named()
    frame = pd.DataFrame(X, columns=["a", "b"])
    describe_table(estimator, frame, Y, task_of=regression_task)
    assert estimator.n_features_in_ == 2
    assert estimator.feature_names_in_.tolist() == ["a", "b"]


def test_labels_are_encoded_by_the_task():
    y = np.array(["b", "a", "b", "a"])
    table = describe(y=y, task_of=classification_task)
    assert table.dataset.y.tolist() == [1, 0, 1, 0]
    assert table.dataset.task.classes.tolist() == ["a", "b"]


def test_rows_without_weight_decide_on_nothing():
    frame = pd.DataFrame({"a": ["x", "y", "z", "y"] * 2, "b": np.arange(8.0)})
    y = np.array(["b", "a", "c", "a"] * 2)
    weight = np.array([1, 2, 0, 1] * 2)
    table = describe(
        frame,
        y,
        classification_task,
        sample_weight=weight,
        groups=np.arange(8),
        metadata={"cost": 10 * np.arange(8), "same": "for all"},
    )
    dataset = table.dataset
    assert dataset.task.classes.tolist() == ["a", "b"]
    assert dataset.schema.cardinalities == (2,)
    assert dataset.n_samples == 6
    assert dataset.sample_weight.tolist() == [0.75, 1.5, 0.75] * 2
    assert dataset.groups.tolist() == [0, 1, 3, 4, 5, 7]
    assert np.asarray(dataset.metadata["cost"]).tolist() == [0, 10, 30, 40, 50, 70]
    assert dataset.metadata["same"] == "for all"


def test_rows_without_weight_stay_where_splits_refer_to_them():
    weight = np.array([1, 0, 1, 1])
    table = describe(sample_weight=weight, keeps_rows=True)
    assert table.dataset.n_samples == 4
    assert table.dataset.sample_weight.tolist() == weight.tolist()


def test_groups_of_rows_without_weight_may_be_missing():
    table = describe(sample_weight=[1, 2, 0, 1], groups=["b", "a", None, "b"])
    assert table.dataset.groups.tolist() == ["b", "a", "b"]


def test_a_splitter_of_the_user_decides_what_groups_are_for():
    table = describe(groups=["a"] * 4, keeps_rows=True)
    assert table.dataset.groups.tolist() == ["a"] * 4


def test_integer_weights_are_repeated_rows():
    weighted = describe(sample_weight=[2, 1, 1, 1])
    repeated = describe(X[[0, 0, 1, 2, 3]], Y[[0, 0, 1, 2, 3]])
    assert weighted.canonical.sample_weight is None
    assert_array_equal(weighted.canonical.X, repeated.canonical.X)
    assert_array_equal(weighted.canonical.y, repeated.canonical.y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": X[:1], "y": Y[:1]}, "Named needs at least 2 samples.*n_samples = 1"),
        ({"y": Y[:3]}, "inconsistent numbers of samples"),
        ({"sample_weight": [1, 1, 1]}, "sample_weight.shape"),
        ({"sample_weight": [1, -1, 1, 1]}, "Negative values in data"),
        ({"groups": [0, 1]}, "groups .* inconsistent numbers of samples"),
        ({"groups": [0, 1, None, 1]}, "groups must not have missing values"),
        ({"groups": ["a"] * 4}, "groups must have at least two"),
        (
            {"groups": ["a", "a", "b", "a"], "sample_weight": [1, 2, 0, 1]},
            "groups must have at least two",
        ),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with (
        pytest.raises(ValueError, match=message),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("sklearn_meta.data._target.warn", lambda *args: None)
        describe(**arguments)


def test_the_columns_of_a_table_are_known_by_name():
    frame = pd.DataFrame({"a": ["x", "y", "x", "y"], "b": Y})
    table = describe(frame, Y)
    assert table.row_encoder.library == "pandas"
    assert list(table.row_encoder.names) == ["a", "b"]
    assert [c.reported for c in table.encoding.columns] == ["category", "number"]


# The table as it was given


FRAMES = [
    pd.DataFrame({"a": X[:, 0], "b": ["x", "y", None, "x"]}, index=[7, 5, 9, 8]),
    pl.DataFrame({"a": X[:, 0], "b": ["x", "y", None, "x"]}),
    X,
    X.astype(np.float32),
]


def first_column(table):
    return np.asarray(table["a"] if hasattr(table, "columns") else table[:, 0])


@pytest.mark.parametrize("given", FRAMES, ids=["pandas", "polars", "array", "float32"])
def test_rows_are_taken_from_what_was_given(given):
    table = describe(given)
    rows = np.array([2, 0, 0])
    part = table.given_as(table.dataset).take(rows)
    assert type(part) is type(given)
    assert_array_equal(first_column(part), X[rows, 0])
    sorted_part = table.given_as(table.canonical).take(rows)
    assert_array_equal(first_column(sorted_part), X[table.rows[rows], 0])


@pytest.mark.parametrize("given", FRAMES, ids=["pandas", "polars", "array", "float32"])
def test_a_table_that_is_unchanged_is_recognized(given):
    table = describe(given).given
    rows = np.array([2, 0])
    part = table.take(rows)
    assert table.is_unchanged(part, rows)
    assert not table.is_unchanged(part, np.array([0, 2]))
    assert not table.is_unchanged(part, np.array([2]))
    assert not table.is_unchanged(np.asarray(part).tolist(), rows)


def test_missing_values_are_no_change():
    given = np.array([[np.nan, 1.0], [2.0, 3.0], [1.0, np.nan]])
    table = describe(given, Y[:3]).given
    rows = np.arange(3)
    assert table.is_unchanged(table.take(rows), rows)
    changed = table.take(rows)
    changed[0, 0] = 0.0
    assert not table.is_unchanged(changed, rows)
    # What was given has not changed with it.
    assert np.isnan(given[0, 0])


def test_rows_without_weight_are_not_part_of_what_was_given():
    table = describe(FRAMES[0], sample_weight=[1.0, 0.0, 2.5, 1.0])
    assert table.given.X.index.tolist() == [7, 9, 8]


def test_a_target_of_pandas_keeps_its_index_and_names():
    y = pd.Series(Y, index=[7, 5, 9, 8], name="price")
    taken = describe(y=y).given.take_target(np.array([2, 0]), np.array([3.0, 1.0]))
    pd.testing.assert_series_equal(
        taken, pd.Series([3.0, 1.0], index=[9, 7], name="price")
    )
    both = pd.DataFrame({"a": Y, "b": -Y}, index=y.index)
    taken = like_target(np.ones((4, 2)), both)
    assert taken.columns.tolist() == ["a", "b"] and taken.index.equals(both.index)
    one = like_target(Y, both[["b"]])
    assert one.name == "b" and one.index.equals(both.index)
    for other in (Y, Y.tolist(), pl.Series(Y)):
        assert like_target(Y, other) is Y


def test_columns_are_read_as_the_user_says():
    frame = pd.DataFrame({"a": [1, 2, 1, 2], "b": Y, "c": ["x", "y", "z", "w"]})
    table = describe(frame, Y, column_kinds={"a": "category", "c": "drop"})
    kinds = [c.reported for c in table.encoding.columns]
    assert kinds == ["category", "number", "drop"]
    assert table.dataset.schema.cardinalities == (2,)


def test_columns_that_are_left_out_although_they_vary_are_named():
    frame = pd.DataFrame({"b": Y, "c": ["x", "y", "z", "w"], "d": 1})
    with pytest.warns(SklearnMetaWarning, match="1 column of X is left out.*'c'"):
        describe(frame, Y)
