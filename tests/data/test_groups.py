"""Groups of any type are read, and refused by name where they cannot be used."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from sklearn_meta.data._groups import check_groups, group_numbers, read_groups

TOWNS = ["b", "a", "b", "c"]
OF_TOWNS = [1, 0, 1, 2]
CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "object array": lambda v: np.array(v, dtype=object),
    "column": lambda v: np.array(v, dtype=object).reshape(-1, 1),
    "pandas": pd.Series,
    "pandas objects": lambda v: pd.Series(v, dtype=object),
    "pandas strings": lambda v: pd.Series(v, dtype="string"),
    "pandas arrow": lambda v: pd.Series(v, dtype=pd.ArrowDtype(pa.string())),
    "pandas category": lambda v: pd.Series(v, dtype="category"),
    "pandas array": lambda v: pd.array(v, dtype="string"),
    "pandas index": lambda v: pd.Index(v),
    "pandas frame": lambda v: pd.DataFrame({"town": v}),
    "polars": pl.Series,
    "polars category": lambda v: pl.Series(v, dtype=pl.Categorical),
    "polars frame": lambda v: pl.DataFrame({"town": v}),
    "arrow": lambda v: pa.chunked_array([v]),
}


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
def test_strings_in_any_container(make):
    groups = read_groups(make(TOWNS), 4)
    assert groups.shape == (4,) and groups.tolist() == TOWNS
    check_groups(groups, splits_rows=True)
    assert_array_equal(group_numbers(groups), OF_TOWNS)


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
def test_a_missing_group_is_refused_in_any_container(make):
    groups = read_groups(make(["b", "a", None, "c"]), 4)
    with pytest.raises(ValueError, match="groups must not have missing.*1 among 4.*2"):
        check_groups(groups, splits_rows=False)


@pytest.mark.parametrize(
    "groups",
    [
        ["a", np.nan, "b"],
        ["a", pd.NA, "b"],
        [1.0, np.nan, 2.0],
        np.array([1.0, np.nan, 2.0]),
        [pd.Timestamp("2020-01-01"), pd.NaT, pd.Timestamp("2020-01-02")],
        np.array(["2020-01-01", "NaT", "2020-01-02"], dtype="datetime64[D]"),
        pd.Series([1, None, 2], dtype="Int64"),
        pd.Series([1, None, 2], dtype="float64"),
        pl.Series([1, None, 2]),
        pl.Series([1.0, np.nan, 2.0]),
    ],
    ids=str,
)
def test_every_kind_of_missing_value(groups):
    with pytest.raises(ValueError, match="groups must not have missing.*1 among 3.*1"):
        check_groups(read_groups(groups, 3), splits_rows=True)


@pytest.mark.parametrize(
    ("groups", "numbers"),
    [
        ([3, 1, 3], [1, 0, 1]),
        (np.array([2.5, 0.5, 0.5]), [1, 0, 0]),
        ([True, False, True], [1, 0, 1]),
        (pd.Series([3, 1, 3], dtype="Int64"), [1, 0, 1]),
        (pl.Series([3, 1, 3], dtype=pl.UInt8), [1, 0, 1]),
        ([(1, "b"), (1, "a"), (1, "b")], [1, 0, 1]),
        (pd.MultiIndex.from_tuples([(1, "b"), (1, "a"), (1, "b")]), [1, 0, 1]),
        ([datetime.date(2021, 1, 1), datetime.date(2020, 1, 1)], [1, 0]),
        (pd.Series(pd.to_datetime(["2021-01-01", "2020-01-01"])), [1, 0]),
        # Without an order, by their first row.
        (["a", 1, ("b",), 1], [0, 1, 2, 1]),
    ],
    ids=str,
)
def test_groups_are_numbered(groups, numbers):
    read = read_groups(groups, len(numbers))
    check_groups(read, splits_rows=True)
    assert_array_equal(group_numbers(read), numbers)


def test_numbers_stay_numbers_for_a_splitter():
    for groups in ([2020, 2021], pd.Series([2020, 2021], dtype="Int64")):
        assert read_groups(groups, 2).dtype.kind == "i"


@pytest.mark.parametrize("label", ["clinic A", 7, (1, 2)])
def test_a_single_group_cannot_be_split(label):
    groups = read_groups([label] * 3, 3)
    with pytest.raises(ValueError, match="groups must have at least two"):
        check_groups(groups, splits_rows=True)
    check_groups(groups, splits_rows=False)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([0, 1], "groups must have one value for each row.*2 groups for 3 rows"),
        (np.zeros((3, 2)), r"groups must have one dimension.*\(3, 2\)"),
        ([[0, 1], [0, 1], [0, 1]], r"groups must have one dimension.*\(3, 2\)"),
        (pd.DataFrame({"a": [1], "b": [2]}), "groups must be one column.*2 columns"),
        ("town", "groups must have one dimension"),
    ],
    ids=str,
)
def test_other_shapes_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        read_groups(groups, 3)
