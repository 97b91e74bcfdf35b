"""The report has one row a column, the warning names what is left out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_meta.data._column_report import column_rows, warn_of_left_out
from sklearn_meta.data._describe import column_names
from sklearn_meta.data._encoding import encode_table
from sklearn_meta.exceptions import SklearnMetaWarning

N = 60
WORDS = "red fox runs over the lazy dog again and jumps home".split()


def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": np.where(np.arange(N) < 5, np.nan, np.arange(N)),
            "flag": np.arange(N) % 2 == 0,
            "city": ["Oslo", "Rome", None] * (N // 3),
            "rare": ["a"] * 20 + ["b"] * 10 + ["c", "d"] * 15,
            "price": ["$1.50", "?", "$2"] * (N // 3),
            "share": ["10 %", "2.5 %"] * (N // 2),
            "day": [f"{i % 28 + 1}.5.2024" for i in range(N)],
            "when": pd.date_range("2020-01-01", periods=N, freq="30D"),
            "lasts": pd.to_timedelta(np.arange(N), unit="s"),
            "likes": ["a; b", "a", "b; c", "c"] * (N // 4),
            "note": [" ".join(rng.choice(WORDS, 5)) for _ in range(N)],
            "id": [f"A{i:03d}" for i in range(N)],
            "same": 7,
            "none": None,
        }
    )


def report(X, chosen=None):
    columns = encode_table(X, chosen)[2].columns
    rows = column_rows(columns, column_names(X))
    assert all(list(row) == list(rows[0]) for row in rows)
    return {row.pop("column"): row for row in rows}


def test_one_row_for_each_column():
    rows = report(table())
    assert list(rows) == list(table().columns)
    assert {name: row["kind"] for name, row in rows.items()} == {
        "x": "number",
        "flag": "boolean",
        "city": "category",
        "rare": "category",
        "price": "number",
        "share": "number",
        "day": "date",
        "when": "date",
        "lasts": "duration",
        "likes": "set",
        "note": "text",
        "id": "identifier",
        "same": "constant",
        "none": "empty",
    }
    assert {name: row["missing"] for name, row in rows.items() if row["missing"]} == {
        "x": 5,
        "city": N // 3,
        "price": N // 3,
        "none": N,
    }
    assert {name: row["levels"] for name, row in rows.items() if row["levels"]} == {
        "city": 2,
        "rare": 4,
        "likes": 3,
        "note": N,
        "id": N,
    }


def test_what_was_made_of_the_columns():
    encoded_as = {name: row["encoded_as"] for name, row in report(table()).items()}
    assert encoded_as == {
        "x": "number",
        "flag": "0 and 1",
        "city": "code of 2 levels",
        "rare": "code of 4 levels",
        "price": "number",
        "share": "number",
        "day": "time, cycle of the week",
        "when": "time, cycle of the week, cycle of the year",
        "lasts": "milliseconds",
        "likes": "3 columns of 0 and 1",
        "note": "counts of n-grams of words and of characters",
        "id": "left out",
        "same": "left out",
        "none": "left out",
    }


def test_reasons_are_given():
    reasons = {name: row["reason"] for name, row in report(table()).items()}
    assert reasons["x"] == "type of the column (Float64)"
    assert reasons["price"] == "amounts of money written as strings ('$1.50')"
    assert reasons["share"] == "percentages written as strings ('10 %')"
    assert reasons["day"] == "dates written as strings ('1.5.2024', read as %d.%m.%Y)"
    assert reasons["likes"] == "sets of 3 options, separated by ';'"
    assert reasons["note"] == f"{N} different values in {N} cells"
    assert reasons["id"] == "hardly any value recurs, and they are codes"
    assert (reasons["same"], reasons["none"]) == ("a single value", "no value")
    assert all(reasons.values())


def test_rare_levels_and_chosen_kinds_are_told():
    X = pd.DataFrame({"a": [*"aabb", *"cdefgh"], "b": range(10), "c": range(10)})
    rows = report(X, {1: "category", 2: "drop"})
    assert rows["a"]["encoded_as"] == "code of 2 levels, 6 rare ones as unknown"
    assert rows["b"]["kind"] == "category" and rows["b"]["reason"] == "by column_kinds"
    assert rows["c"]["kind"] == "drop" and rows["c"]["encoded_as"] == "left out"


@pytest.mark.parametrize("make", [sparse.csr_array, np.asarray])
def test_columns_of_arrays_are_numbered(make):
    rows = report(make(np.eye(3)))
    assert list(rows) == [0, 1, 2]
    assert {row["kind"] for row in rows.values()} == {"number"}
    assert {row["missing"] for row in rows.values()} == {0}


def warn_of(X, chosen=None):
    warn_of_left_out(encode_table(X, chosen)[2].columns, column_names(X))


def test_the_warning_names_columns_that_vary_and_are_left_out():
    with pytest.warns(SklearnMetaWarning) as caught:
        warn_of(table())
    (warning,) = caught
    message = str(warning.message)
    assert message.startswith("1 column of X is left out as identifiers")
    assert "'id' (hardly any value recurs" in message
    assert "column_kinds={'id': 'text'}" in message and "column_report_" in message
    assert "same" not in message and "none" not in message


def test_the_warning_names_some_of_many_columns():
    X = pd.DataFrame({f"id{i}": [f"A{i}-{j}" for j in range(20)] for i in range(10)})
    with pytest.warns(
        SklearnMetaWarning, match="10 columns of X are.*'id7'.*and 2 more"
    ):
        warn_of(X.assign(x=range(20)))


@pytest.mark.parametrize("kind", ["drop", "text", "category"])
def test_whoever_says_what_a_column_is_is_not_warned(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of(table(), {11: kind})
        warn_of(table().drop(columns="id"))
        warn_of(sparse.csr_array(np.eye(3)))
