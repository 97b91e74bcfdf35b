"""Columns that options name, and the order of rows in time."""

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.cli._columns import chosen_kinds, columns_of, split_names, time_order
from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._tables import TableFile


def test_lists_of_names():
    assert split_names("a,b") == ["a", "b"]
    assert split_names('"a, b", c,') == ["a, b", "c"]


def test_columns_of_options():
    table = TableFile("t.csv", pd.DataFrame(columns=["a", "b", "c, d"]))
    assert columns_of(table, ["b,a", "a"]) == ["b", "a"]
    assert columns_of(table, ["c, d"]) == ["c, d"]
    assert columns_of(table, []) == []
    with pytest.raises(UsageError, match="no column 'x' in t.csv"):
        columns_of(table, ["a,x"])


def test_kinds():
    features = ["a", "b=c"]
    assert chosen_kinds([], features) is None
    assert chosen_kinds(["a=text,b=c=date"], features) == {"a": "text", "b=c": "date"}


@pytest.mark.parametrize(
    "given, message",
    [
        ("a", "needs COLUMN=KIND, such as a=text"),
        ("a=texts", "no kind 'texts'; did you mean 'text'.; there are number,"),
        ("aa=text", "no feature 'aa'; did you mean 'a'"),
    ],
)
def test_wrong_kinds(given, message):
    with pytest.raises(UsageError, match=message):
        chosen_kinds([given], ["a"])


@pytest.mark.parametrize(
    "values",
    [
        [2.5, -1.0, 2.5],
        ["2024-02-01", "2023-12-31", "2024-02-01"],
        ["01.02.2024", "31.12.2023", "01.02.2024"],
        pd.to_datetime(["2024-02-01", "2023-12-31", "2024-02-01"]),
        ["10 kg", "9 kg", "10 kg"],
    ],
)
def test_rows_in_order(values):
    # Rows of the same time keep their order.
    values = pd.Series(np.tile(np.asarray(values, dtype=object), 10)).infer_objects()
    order = time_order(values, "t")
    assert order[:10].tolist() == list(range(1, 30, 3))
    assert order[10:].tolist() == [i for i in range(30) if i % 3 != 1]


@pytest.mark.parametrize(
    "values, message",
    [
        ([1.0, np.nan], "1 rows have no date or number in 't'"),
        (["2024-01-01"] * 19 + ["soon"], r"1 rows .* \(such as 'soon'\)"),
        (["first", "second"], "neither dates nor numbers, such as 'first'"),
    ],
)
def test_what_has_no_order(values, message):
    with pytest.raises(UsageError, match=message):
        time_order(pd.Series(values), "t")
