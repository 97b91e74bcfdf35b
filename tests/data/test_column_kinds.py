"""Columns are told apart by their types and their values."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_meta.data import _column_kinds
from sklearn_meta.data._column_kinds import (
    CATEGORY,
    CHECKED,
    CONSTANT,
    CONVERTED,
    DATE,
    DURATION,
    EMPTY,
    IDENTIFIER,
    NUMBER,
    PARSED,
    TEXT,
    WITH_NA,
    Column,
    as_floats,
    check_no_infinity,
    inspect_columns,
    is_missing,
)

DAY = 86_400_000.0
ZONES = np.array(
    [
        dt.datetime(1970, 1, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(1970, 1, 3, tzinfo=dt.UTC),
    ],
    dtype=object,
)


def inspect(values):
    (column,) = inspect_columns(pd.DataFrame({"a": values}))
    return column


@pytest.mark.parametrize(
    ("values", "kind", "how"),
    [
        ([1, 2], NUMBER, CHECKED),
        ([True, False], NUMBER, CHECKED),
        (np.array([1, None, 2.5], dtype=object), NUMBER, CHECKED),
        ([decimal.Decimal("1.5"), decimal.Decimal("2")], NUMBER, CHECKED),
        (np.array([1, pd.NA, 3], dtype=object), NUMBER, WITH_NA),
        (pd.arrays.SparseArray([0, 1, 0]), NUMBER, CONVERTED),
        (["a", "b", "a"], CATEGORY, CHECKED),
        (pd.Categorical([1, 2, 1]), CATEGORY, CHECKED),
        (["a", 1, "a"], TEXT, CHECKED),
        ([dt.date(2020, 1, 1), dt.date(2021, 1, 1)], DATE, CHECKED),
        (pd.to_datetime(["2020-01-01", "2021-01-01"], utc=True), DATE, CHECKED),
        (ZONES, DATE, PARSED),
        (pd.to_timedelta([1, 2], unit="s"), DURATION, CHECKED),
        ([dt.timedelta(1), dt.timedelta(2)], DURATION, CHECKED),
        ([dt.time(1), dt.time(2), dt.time(1)], TEXT, CHECKED),
    ],
)
def test_kinds(values, kind, how):
    column = inspect(values)
    assert (column.label, column.kind, column.how) == ("a", kind, how)
    assert column.left_out is None and column.reported == kind


@pytest.mark.parametrize(
    ("values", "kind", "left_out"),
    [
        ([3.0] * 100, NUMBER, CONSTANT),
        ([np.nan] * 100, NUMBER, EMPTY),
        ([np.nan, 3.0], NUMBER, None),
        ([3.0] * 99 + [np.nan], NUMBER, None),
        ([3.0] * 99 + [4.0], NUMBER, None),
        (["x"] * 3, CATEGORY, CONSTANT),
        (["x", "x", None], CATEGORY, None),
        ([None, None], CATEGORY, EMPTY),
        (["x", "y", "z"], CATEGORY, IDENTIFIER),
        (["x", "y", "z", "x"], CATEGORY, None),
        (["x", 1, "z"], TEXT, IDENTIFIER),
        (pd.to_datetime(["2020-01-01"] * 2), DATE, CONSTANT),
        (pd.to_datetime(["2020-01-01", None]), DATE, None),
        (pd.to_datetime([None, None]), DATE, EMPTY),
    ],
)
def test_columns_that_say_nothing_of_new_rows(values, kind, left_out):
    column = inspect(values)
    assert (column.kind, column.left_out) == (kind, left_out)
    assert column.reported == (left_out or kind)


@pytest.mark.parametrize("left_out", [None, CONSTANT])
def test_what_is_reported(left_out):
    assert Column("a", NUMBER, left_out).reported == (left_out or NUMBER)


def test_levels_are_plain_values_in_sorted_order():
    values = np.array([np.str_("b"), np.str_("a")] * 2, dtype=object)
    levels = inspect(values).levels
    assert levels == ("a", "b") and {type(level) for level in levels} == {str}
    levels = inspect(pd.Categorical(np.array([2, 1] * 2))).levels
    assert levels == (1, 2) and {type(level) for level in levels} == {int}


def test_the_declared_order_of_an_enumeration_is_kept():
    values = pl.Series(["hi", "lo"] * 2, dtype=pl.Enum(["lo", "mid", "hi"]))
    (column,) = inspect_columns(pl.DataFrame({"a": values}))
    assert column.levels == ("lo", "hi")


@settings(max_examples=50)
@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60))
def test_levels_that_occur_once_are_left_out_of_free_text(values):
    column = inspect([*values, None])
    counts = {v: values.count(v) for v in sorted(set(values))}
    if len(counts) == 1:
        expected = set(counts)
    elif max(counts.values()) == 1:
        expected = set(counts)  # an identifier
        assert column.left_out == IDENTIFIER
    elif len(counts) > 0.5 * len(values):
        expected = {v for v, n in counts.items() if n > 1}
    else:
        expected = set(counts)
    assert set(column.levels) == expected
    assert list(column.levels) == sorted(column.levels)


def test_the_most_frequent_levels_are_kept(monkeypatch):
    monkeypatch.setattr(_column_kinds, "MAX_LEVELS", 2)
    values = list("aabbbcc") * 10
    assert inspect(values).levels == ("a", "b")  # ties by the order of the levels
    assert inspect(values[::-1]).levels == ("a", "b")


def test_spans_and_times_of_dates():
    column = inspect(pd.to_datetime(["1970-01-02", None, "1970-01-04"]))
    assert column.span == (DAY, 3 * DAY) and column.dated
    column = inspect(pd.to_datetime(["1970-01-02 12:00", "1970-01-04 00:00"]))
    assert column.span == (1.5 * DAY, 3 * DAY) and not column.dated
    column = inspect(ZONES)
    assert column.span == (DAY, 2 * DAY)


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT")])
def test_what_is_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "", "nan", False, np.datetime64("2020"), ()])
def test_what_is_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused_with_the_name_of_its_column(value):
    block = np.array([[1.0, 2.0], [np.nan, value]])
    with pytest.raises(ValueError, match="infinity in column 'b'"):
        check_no_infinity(block, ["column 'a'", "column 'b'"])
    check_no_infinity(np.full((2, 1), 1e308), ["column 'a'"])  # their sum is infinite


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([[1], [2]], TypeError, "Values of type list in column 'a' of X"),
        ([{"b": 1}, None], TypeError, "Values of type dict"),
        ([(1, 2), (3, 4)], TypeError, "Values of type tuple"),
        ([1j, 2j], ValueError, "column 'a' of X holds complex numbers"),
    ],
)
def test_values_that_are_no_cells_are_refused(values, error, message):
    with pytest.raises(error, match=message):
        inspect(pd.Series(values, dtype=object))


def test_columns_are_labeled_by_name_where_all_names_are_strings():
    values = np.arange(4.0).reshape(2, 2)
    labels = [c.label for c in inspect_columns(pd.DataFrame(values))]
    assert labels == [0, 1]
    labels = [
        c.label for c in inspect_columns(pd.DataFrame(values, columns=["b", "a"]))
    ]
    assert labels == ["b", "a"]
    assert [c.label for c in inspect_columns(values)] == [0, 1]


def test_plain_numbers_are_looked_at_in_chunks(monkeypatch):
    values = np.arange(20.0).reshape(4, 5)
    values[:, 3] = 7
    whole = inspect_columns(values)
    monkeypatch.setattr(_column_kinds, "CHUNK_CELLS", 8)
    assert inspect_columns(values) == whole
    assert [c.left_out for c in whole] == [None, None, None, CONSTANT, None]


def test_numbers_become_floats_and_infinities_stay():
    values = as_floats(pd.DataFrame({"a": [1, 2], "b": [np.inf, None]}))
    assert values.dtype == np.float64
    assert_array_equal(values, [[1, np.inf], [2, np.nan]])
    assert as_floats(np.empty((0, 2))).shape == (0, 2)
