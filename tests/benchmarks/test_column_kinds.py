"""The tables of the benchmark of columns are what they are said to be."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.column_kinds import (
    as_duration,
    as_money,
    as_percentage,
    as_sets,
    flags_of,
    report,
    with_gaps,
    with_numbers_as,
)
from benchmarks.encoding import all_kinds, many_columns, many_levels
from sklearn_meta.data._encoding import encode_table


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "amount": rng.normal(0, 900, 80).round(2),
            "size": rng.uniform(1, 9, 80).round(3),
            "few": rng.integers(0, 3, 80),
            **{f"flag{i}": rng.integers(0, 2, 80) for i in range(5)},
        }
    )


@pytest.mark.parametrize(
    ("write", "kind"),
    [(as_money, "number"), (as_percentage, "number"), (as_duration, "duration")],
)
def test_numbers_are_written_as_strings_that_are_read(frame, write, kind):
    X, by_hand = with_numbers_as(write)(frame)
    assert X["amount"].map(type).eq(str).all() and by_hand is frame
    _, encoded, encoding = encode_table(X)
    assert [c.kind for c in encoding.columns[:3]] == [kind, kind, "number"]
    if kind == "number":
        written = encoded[:, -2]
        np.testing.assert_allclose(written, frame["amount"], rtol=1e-5, atol=1e-2)


def test_gaps_are_missing_by_hand(frame):
    X, by_hand = with_gaps(frame)
    gaps = X["amount"].eq("?")
    assert 0 < gaps.sum() < 10
    assert by_hand["amount"].isna().equals(gaps)


def test_sets_hold_the_flags(frame):
    X, by_hand = as_sets(frame)
    assert list(flags_of(frame)) == [f"flag{i}" for i in range(5)]
    assert list(X) == ["amount", "size", "few", "answers"] and by_hand is frame
    _, encoded, encoding = encode_table(X)
    assert encoding.columns[3].kind == "set"
    np.testing.assert_array_equal(encoded[:, -5:], frame.iloc[:, 3:])


def test_tables_of_the_encoding_have_the_sizes_that_are_said():
    assert all_kinds(50).shape == (50, 20)
    assert many_levels(50, 2, 9).nunique().max() <= 9
    assert many_columns(5, 7).shape == (5, 7)


def test_the_report_is_a_table():
    record = {
        "kind": "money", "table": "t", "task": "regression", "n_rows": 9,
        "ours": 0.5, "by_hand": 0.4,
    }  # fmt: skip
    assert report([record]).splitlines()[-1] == "| money | t | 9 | R² | 0.500 | 0.400 |"
