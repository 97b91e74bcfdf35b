"""Columns are told apart by their types and their values."""

import datetime as dt
import decimal
import enum
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_meta.data import _column_kinds
from sklearn_meta.data._column_kinds import (
    BOOLEAN,
    CATEGORY,
    CHECKED,
    CONSTANT,
    CONVERTED,
    DATE,
    DROP,
    DURATION,
    EMPTY,
    IDENTIFIER,
    NUMBER,
    PARSED,
    PRINTED,
    SET,
    TEXT,
    Column,
    as_floats,
    inspect_columns,
)
from sklearn_meta.data._validation import check_no_infinity

DAY = 86_400_000.0
ZONES = np.array(
    [
        dt.datetime(1970, 1, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(1970, 1, 3, tzinfo=dt.UTC),
    ],
    dtype=object,
)


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class Grade(enum.StrEnum):
    GOOD = "good"
    BAD = "bad"


def inspect(values, kind=None):
    chosen = {} if kind is None else {0: kind}
    (column,) = inspect_columns(pd.DataFrame({"a": values}), chosen)
    return column


def drawn(values, n=120, seed=0):
    """Cells drawn from some values, each of which occurs."""
    values = list(values)
    cells = np.empty(n, dtype=object)
    rng = np.random.default_rng(seed)
    more = rng.integers(0, len(values), n - len(values)) if n > len(values) else []
    cells[:] = [values[i] for i in [*range(len(values)), *more]][:n]
    return cells


WORDS = "red fox runs over the lazy dog again and jumps home with big ball".split()


def sentences(n, n_words=6):
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, n_words)) for _ in range(n)]


@pytest.mark.parametrize(
    ("values", "kind", "how"),
    [
        ([1, 2], NUMBER, CHECKED),
        ([True, False], BOOLEAN, CHECKED),
        (np.array([True, None, False], dtype=object), BOOLEAN, CHECKED),
        (np.array([True, pd.NA, False], dtype=object), BOOLEAN, PARSED),
        (np.array([True, 2], dtype=object), NUMBER, CHECKED),
        (np.array([1, None, 2.5], dtype=object), NUMBER, CHECKED),
        ([decimal.Decimal("1.5"), decimal.Decimal("2")], NUMBER, CHECKED),
        (np.array([1, pd.NA, 3], dtype=object), NUMBER, PARSED),
        (np.array([1, pd.NaT, 3], dtype=object), NUMBER, PARSED),
        (list(Size), NUMBER, CHECKED),
        (pd.arrays.SparseArray([0, 1, 0]), NUMBER, CONVERTED),
        (["a", "b", "a"], CATEGORY, CHECKED),
        (pd.Categorical([1, 2, 1]), CATEGORY, CHECKED),
        (["a", 1, "a"], CATEGORY, PRINTED),
        ([*Color, *Color], CATEGORY, PRINTED),
        ([*Grade, *Grade], CATEGORY, CHECKED),
        ([b"x", b"y", b"x"], CATEGORY, PRINTED),
        (["1", 2.5, None], NUMBER, PARSED),
        ([dt.date(2020, 1, 1), dt.date(2021, 1, 1)], DATE, CHECKED),
        (pd.to_datetime(["2020-01-01", "2021-01-01"], utc=True), DATE, CHECKED),
        (ZONES, DATE, PARSED),
        (pd.to_timedelta([1, 2], unit="s"), DURATION, CHECKED),
        ([dt.timedelta(1), dt.timedelta(2)], DURATION, CHECKED),
        (np.array([np.timedelta64(1, "s"), None], dtype=object), DURATION, CHECKED),
        ([dt.time(1), dt.time(2), dt.time(1)], DURATION, PARSED),
        (pd.period_range("2020-01", periods=3, freq="M").astype(object), DATE, CHECKED),
        (list(pd.interval_range(0, 2)) * 2, CATEGORY, PRINTED),
        ([dt.date(2020, 1, 1), "2021-05-01"], DATE, PARSED),
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
        (["x", 1, "z"], CATEGORY, IDENTIFIER),
        ([uuid.UUID(int=i) for i in range(30)], CATEGORY, IDENTIFIER),
        ([None, None, "x"], CATEGORY, None),
        ([""] * 3, CATEGORY, CONSTANT),
        ([None, None, "7.5"], NUMBER, None),
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
def test_levels_that_occur_once_are_left_out_if_most_do(values):
    column = inspect([*values, None])
    counts = {v: values.count(v) for v in sorted(set(values))}
    recurring = {v for v, n in counts.items() if n > 1}
    if len(counts) > 1 and not recurring:
        assert column.left_out == IDENTIFIER and column.levels == ()
        return
    assert column.left_out is None
    few = len(counts) <= 0.5 * len(values)
    assert set(column.levels) == (set(counts) if few else recurring or set(counts))
    assert list(column.levels) == sorted(column.levels)
    assert column.n_levels == len(counts) and column.n_missing == 1


def test_of_many_levels_all_are_kept_that_recur(monkeypatch):
    monkeypatch.setattr(_column_kinds, "MANY_LEVELS", 3)
    values = [*"aabbccdd", "e", *"abcdabcd"]
    assert inspect(values).levels == tuple("abcd")
    assert inspect(values[::-1]).levels == tuple("abcd")
    monkeypatch.setattr(_column_kinds, "MANY_LEVELS", 5)
    assert inspect(values).levels == tuple("abcde")


def test_thousands_of_levels_are_kept():
    values = [f"city {i}x" for i in range(3_000)] * 3
    column = inspect(values)
    assert column.kind == CATEGORY and len(column.levels) == 3_000


# ------------------------------------------------------------------- strings

RNG = np.random.default_rng(0)
STRINGS = {
    "yes and no": (drawn(["yes", "no"]), CATEGORY),
    "True and False": (drawn(["True", "False"]), CATEGORY),
    "few integers": (drawn("123"), CATEGORY),
    "grades": (drawn(["A+", "A", "B-", "C"]), CATEGORY),
    "ranges": (drawn(["10-20", "20-30", "30-40"]), CATEGORY),
    "many ranges": (drawn([f"{i}-{i + 10}" for i in range(70)]), CATEGORY),
    "bounds": (drawn(["<5", ">100", *map(str, range(5, 40))]), NUMBER),
    "often bounds": (drawn(["<5", ">100", "7", "12"]), CATEGORY),
    "fractions": (
        drawn([f"{i}/{j}" for i in range(1, 6) for j in range(6, 12)]),
        CATEGORY,
    ),
    "blood pressure": (drawn([f"{i}/{i - 40}" for i in range(110, 150)]), CATEGORY),
    "scores of games": (
        drawn([f"{i}-{j}" for i in range(5) for j in range(5)]),
        CATEGORY,
    ),
    "resolutions": (drawn(["1920x1080", "1366x768", "2560x1440"]), CATEGORY),
    "quarters": (
        drawn([f"{y}-Q{q}" for y in range(2000, 2015) for q in range(1, 5)]),
        CATEGORY,
    ),
    "zip codes with zeros": (
        drawn([f"{i:05d}" for i in range(900, 30_000, 700)]),
        CATEGORY,
    ),
    "zip codes that recur": (
        drawn([str(i) for i in range(10_001, 90_000, 2_003)]),
        CATEGORY,
    ),
    "zip and four": (drawn([f"9{i}210-{i}001" for i in range(100, 140)]), CATEGORY),
    "city and state": (
        drawn(["Austin, TX", "Dallas, TX", "Boston, MA", "Miami, FL"]),
        CATEGORY,
    ),
    "emoji": (drawn("😀😢🎉"), CATEGORY),
    "a few sentences": (
        drawn(["great product", "ok", "not what I ordered at all"]),
        CATEGORY,
    ),
    "first names": (
        drawn(
            [
                "Owen",
                "Mary",
                "John",
                "Anna",
                "Lily",
                "Kate",
                "Rose",
                "Max",
                "Otto",
                "Ida",
                "Hugh",
                "Peter",
            ]
        ),
        CATEGORY,
    ),
    "words for missing": (drawn(["None", "nan", "Gd", "TA"]), CATEGORY),
    "employment": (
        drawn(["10+ years", "2 years", "< 1 year", "3 years", "1 year", "n/a"]),
        CATEGORY,
    ),
    "one long text a row": (sentences(120), TEXT),
    "text with emoji": ([s + " 😀" for s in sentences(120)], TEXT),
    "html": ([f"<p>{s}<br/></p>" for s in sentences(120)], TEXT),
    "objects of JSON": (
        [f'{{"a": {i}, "b": "{s}"}}' for i, s in enumerate(sentences(120))],
        TEXT,
    ),
    "half missing": (sentences(60) + [None] * 60, TEXT),
    "without spaces": ([s.replace(" ", "") for s in sentences(120)], TEXT),
    "titles and names": (
        [
            f"{a.title()}, Mr. {b.title()} {c.title()}"
            for a, b, c in map(str.split, sentences(120, 3))
        ],
        TEXT,
    ),
    "street addresses": (
        [f"{i} {s.title()} Street" for i, s in enumerate(sentences(120, 2))],
        TEXT,
    ),
    "mail": (
        [f"{s.replace(' ', '.')}{i}@web.de" for i, s in enumerate(sentences(120, 2))],
        TEXT,
    ),
    "web": (
        [
            f"https://www.{s.replace(' ', '.com/')}/{i}"
            for i, s in enumerate(sentences(120, 2))
        ],
        TEXT,
    ),
    "coordinates": (
        [f"{50 + i / 999:.4f}, {9 + i / 77:.4f}" for i in range(120)],
        TEXT,
    ),
    "mixed units": ([f"{i} {'kg' if i % 3 else 'lbs'}" for i in range(120)], TEXT),
    "long cells": ([s * 4_000 for s in sentences(12)], TEXT),
    "ids": ([f"ID{i:05d}" for i in range(120)], IDENTIFIER),
    "hashes": ([f"{i * 2654435761 % 2**32:08x}" for i in range(120)], IDENTIFIER),
    "phone numbers": (
        [f"030-{i * 7919 % 9000 + 1000}-{i:03d}" for i in range(120)],
        IDENTIFIER,
    ),
    "addresses of machines": ([f"10.0.{i % 7}.{i}" for i in range(120)], IDENTIFIER),
    "versions": ([f"{i // 50}.{i % 50}.3" for i in range(120)], IDENTIFIER),
    "sizes with a word": (
        [f"{i}M" if i % 5 else "Varies with device" for i in range(120)],
        NUMBER,
    ),
    "years": (drawn([str(y) for y in range(1950, 2010)]), NUMBER),
    "round salaries": (drawn([f"{i}000" for i in range(20, 60)]), NUMBER),
    "time of day": (
        drawn([f"{h}:{m:02d}" for h in range(24) for m in (0, 30)]),
        DURATION,
    ),
    "options": (drawn(["red; blue", "red", "blue; green", "green", "red; green"]), SET),
    "lists": (drawn(["['a', 'b']", "['a']", "['b', 'c']", "['c']", "[]"]), SET),
    "genres": (
        drawn(["Drama|Comedy", "Comedy", "Drama", "Drama|Action", "Action|Comedy"]),
        SET,
    ),
    "commas": (drawn(["a, b", "a", "b, c", "a, b, c", "c"]), SET),
}


@pytest.mark.parametrize("name", STRINGS)
def test_strings(name):
    values, kind = STRINGS[name]
    assert inspect(values).reported == kind
    # Neither the order of the rows nor the type of strings matters.
    order = np.random.default_rng(1).permutation(len(values))
    shuffled = [values[i] for i in order]
    assert inspect(shuffled) == inspect(values)
    arrow = inspect(pd.array(list(values), dtype="str"))
    assert (arrow.kind, arrow.levels) == (inspect(values).kind, inspect(values).levels)


def test_unique_strings_are_identifiers_but_few_texts_are_not():
    assert inspect(["x", "y", "z"]).reported == IDENTIFIER
    assert inspect(sentences(11)).reported == TEXT


def test_what_texts_are_encoded_by():
    text = inspect(sentences(60))
    assert dict(text.settings) == {"min_df": 2, "words": (1, 2), "characters": (2, 4)}
    # Words that no other row has are no features: only parts of words are.
    single = dict(inspect([s.replace(" ", "") for s in sentences(60)]).settings)
    assert single["min_df"] == 1 and "words" not in single
    # Longer columns have fewer n-grams, that of identifiers are those of characters.
    long = dict(inspect([s * 700 for s in sentences(60)]).settings)
    assert long["characters"] == (3, 3) and long["words"] == (1, 2)


def test_pandas_na_among_texts_and_sets():
    values = pd.array([*sentences(30), None], dtype="string")
    assert (inspect(values).kind, inspect(values).how) == (TEXT, PRINTED)
    values = pd.array(["a;b", "a", "b;c", "c", None] * 6, dtype="string")
    assert (inspect(values).kind, inspect(values).how) == (SET, PRINTED)


def test_mixed_cells_are_compared_by_their_printed_form():
    column = inspect(np.array([5, 5.0, "5", "a", np.int8(5), None] * 4, dtype=object))
    assert column.levels == ("5", "a") and column.n_missing == 4


def test_markers_count_as_missing():
    column = inspect(["?", "1.5", "n/a", "2.5", None] * 4)
    assert (column.kind, column.n_missing) == (NUMBER, 12)


# ------------------------------------------------------------------ chosen kinds


@pytest.mark.parametrize(
    ("values", "kind", "how"),
    [
        ([1, 2, 1], CATEGORY, CHECKED),
        ([1.5, 2, 1], TEXT, PRINTED),
        (["a", "b", "c"], TEXT, CHECKED),
        (["a b c", "b", "c"], CATEGORY, CHECKED),
        (["1", "2", "3"], NUMBER, PARSED),
        (["01067", "01069", "1"], NUMBER, PARSED),
        (["1", "x", "y"], NUMBER, PARSED),
        (["a;b", "c", "d"], SET, CHECKED),
        (["a,b", "c", "d"], SET, CHECKED),
        (["2020-01-05", "x", "y"], DATE, PARSED),
        ([20200105, 20200106, 20200107], DATE, PARSED),
        ([20200105, np.nan, 20200107], DATE, PARSED),
        (["1h", "x", "y"], DURATION, PARSED),
        (pd.to_datetime(["2020-01-05", "2020-01-06"]), DATE, CHECKED),
        (pd.to_datetime(["2020-01-05", "2020-01-06"] * 2), CATEGORY, PRINTED),
        (pd.Categorical(["x y", "y z"] * 2), TEXT, CHECKED),
        (pd.Categorical(["1", "2"] * 2), NUMBER, PARSED),
        ([True, False], NUMBER, CHECKED),
        ([True, False], CATEGORY, CHECKED),
        (np.array([3, 4, 3], dtype=object), CATEGORY, CHECKED),
    ],
)
def test_a_chosen_kind_takes_precedence(values, kind, how):
    column = inspect(values, kind)
    assert column.kind in (kind, BOOLEAN) and column.left_out is None
    assert column.how == how


def test_a_column_may_be_dropped():
    assert inspect([1, 2], DROP).left_out == DROP
    assert inspect(sentences(20), DROP).reported == DROP
    # Whatever it holds.
    assert inspect(pd.Series([[1], [2]], dtype=object), DROP).left_out == DROP


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b"], NUMBER),
        (["a", "b"], DATE),
        (["a", "b"], DURATION),
        (["a", "b"], SET),
        ([1.0, 2.0], DATE),
        ([1, 2], SET),
        ([1, 2], DURATION),
        (pd.to_datetime(["2020-01-05", "2020-01-06"]), NUMBER),
        (pd.to_datetime(["2020-01-05", "2020-01-06"]), DURATION),
        (pd.to_timedelta([1, 2]), DATE),
    ],
)
def test_a_kind_that_cannot_be_read_is_refused(values, kind):
    message = f"'column_kinds' parameter says '{kind}' for column 'a'.*Choose another"
    with pytest.raises(ValueError, match=message):
        inspect(values, kind)


# ---------------------------------------------------------------- numbers and dates


def test_spans_and_times_of_dates():
    column = inspect(pd.to_datetime(["1970-01-02", None, "1970-01-04"]))
    assert column.span == (DAY, 3 * DAY) and column.dated
    column = inspect(pd.to_datetime(["1970-01-02 12:00", "1970-01-04 00:00"]))
    assert column.span == (1.5 * DAY, 3 * DAY) and not column.dated
    column = inspect(ZONES)
    assert column.span == (DAY, 2 * DAY)


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
