"""Tables of all kinds become a matrix of codes and numbers."""

import datetime as dt
import decimal
import pickle
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_meta.data._column_encoders import MAX_NGRAMS
from sklearn_meta.data._encoding import (
    apply_encoder,
    encode_table,
    schema_of,
)
from sklearn_meta.data._validation import check_table
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._spec import instantiate, paths


def encoding_of(X):
    return encode_table(X)[2]


def dense(encoded):
    return encoded.toarray() if sparse.issparse(encoded) else np.asarray(encoded)


def kinds_of(encoding):
    return tuple(column.reported for column in encoding.columns)


def encode(X):
    """Encoded table by building what was inferred."""
    encoding = encoding_of(X)
    if encoding.encoder is None:
        return encoding, np.asarray(X)
    encoded = instantiate(encoding.encoder).fit_transform(X)
    return encoding, dense(encoded)


def names_of(X):
    """Names of the columns of the encoded table."""
    return list(encode_table(X)[0].get_feature_names_out())


def one_column(values):
    """Kind of a column and how it is encoded, beside a column of numbers."""
    X = pd.DataFrame({"a": values, "other": 1.5 * np.arange(len(values))})
    encoding, encoded = encode(X)
    found = [name.endswith("__a") for name in names_of(X)]
    column = encoded[:, np.flatnonzero(found)[0]] if any(found) else None
    return encoding.columns[0].reported, column


# ---------------------------------------------------------------- kinds of columns

NUMBERS = {
    "int": ([1, 2, 3, 1], [1, 2, 3, 1]),
    "float with NaN": ([1.5, np.nan, 3.0, 0.0], [1.5, np.nan, 3, 0]),
    "bool": ([True, False, True, True], [1, 0, 1, 1]),
    "bool objects": (
        np.array([True, None, True, False], dtype=object),
        [1, np.nan, 1, 0],
    ),
    "nullable int": (pd.array([1, None, 3, 1], dtype="Int64"), [1, np.nan, 3, 1]),
    "nullable bool": (
        pd.array([True, None, False, True], dtype="boolean"),
        [1, np.nan, 0, 1],
    ),
    "arrow int": (
        pd.array([1, None, 3, 1], dtype="int64[pyarrow]"),
        [1, np.nan, 3, 1],
    ),
    "arrow decimal": (
        pd.array(
            [decimal.Decimal("1.5"), None, decimal.Decimal(2), decimal.Decimal(2)],
            dtype=pd.ArrowDtype(pa.decimal128(10, 2)),
        ),
        [1.5, np.nan, 2, 2],
    ),
    "sparse": (pd.arrays.SparseArray([0.0, 0.0, 2.0, 0.0]), [0, 0, 2, 0]),
    "objects": (np.array([1, 2.5, None, True], dtype=object), [1, 2.5, np.nan, 1]),
    "objects with NA": (
        np.array([1, pd.NA, 2.5, 1], dtype=object),
        [1, np.nan, 2.5, 1],
    ),
    "decimals": (
        np.array([decimal.Decimal("1.5"), None, 2, 3], dtype=object),
        [1.5, np.nan, 2, 3],
    ),
    "strings": (["1.5", None, "2", "3"], [1.5, np.nan, 2, 3]),
    "arrow strings": (
        pd.array(["1.5", None, "2", "3"], dtype=pd.ArrowDtype(pa.string())),
        [1.5, np.nan, 2, 3],
    ),
    "strings and a marker": (["1.5", "?", "2", "3"], [1.5, np.nan, 2, 3]),
    "strings and numbers": (
        np.array(["1.5", pd.NA, 2, 3.0], object),
        [1.5, np.nan, 2, 3],
    ),
    "money": (["$1,234.50", None, "$2", "($3.00)"], [1234.5, np.nan, 2, -3]),
    "percentages": (["12 %", None, "2.5%", "0%"], [12, np.nan, 2.5, 0]),
    "decimal commas": (["1,5", None, "2.000,25", "3"], [1.5, np.nan, 2000.25, 3]),
    "units": (["1.5 kg", None, "2kg", "3"], [1.5, np.nan, 2, 3]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_every_type_become_floats(name):
    values, expected = NUMBERS[name]
    kind, column = one_column(values)
    assert kind == ("boolean" if "bool" in name else "number")
    assert_array_equal(column, expected)


CATEGORIES = {
    "object": np.array(["b", "a", None, "b", "a"], dtype=object),
    "str": pd.array(["b", "a", None, "b", "a"], dtype="str"),
    "string with NA": pd.array(["b", "a", None, "b", "a"], dtype="string"),
    "arrow": pd.array(["b", "a", None, "b", "a"], dtype=pd.ArrowDtype(pa.string())),
    "category": pd.Categorical(["b", "a", None, "b", "a"]),
    "unused levels": pd.Categorical(["b", "a", None, "b", "a"], ["a", "aa", "b"]),
    "numeric levels": pd.Categorical([30, 4, None, 30, 4]),
    "objects with NaN": np.array(["b", "a", np.nan, "b", "a"], dtype=object),
    "two kinds of missing": np.array(["b", "a", np.nan, "b", "a"] + [None], object),
}


@pytest.mark.parametrize("name", CATEGORIES)
def test_levels_are_numbered_in_sorted_order(name):
    kind, column = one_column(CATEGORIES[name])
    assert kind == "category"
    assert_array_equal(column[:5], [1, 0, np.nan, 1, 0])
    assert np.isnan(column[5:]).all()


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical(["low", "mid", "high"] * 2, ["low", "mid", "high"], True),
        pl.Series(["low", "mid", "high"] * 2, dtype=pl.Enum(["low", "mid", "high"])),
    ],
    ids=["pandas", "polars"],
)
def test_declared_order_of_levels_is_kept(values):
    frame = pd.DataFrame if isinstance(values, pd.Categorical) else pl.DataFrame
    _, encoded = encode(frame({"a": values}))
    assert_array_equal(encoded[:, 0], [0, 1, 2, 0, 1, 2])


def test_values_of_several_types_are_compared_as_text():
    values = np.array([1, "a", 2.5, None, "1", np.nan, "a", 2.5, 1.0], dtype=object)
    kind, column = one_column(values)
    assert kind == "category"
    assert_array_equal(column, [0, 2, 1, np.nan, 0, np.nan, 2, 1, 0])


@pytest.mark.parametrize(
    "values",
    [
        [dt.datetime(2024, 1, 1), "x", None, "x", dt.datetime(2024, 1, 1)],
        [pd.Period("2020", "Y"), "x", None, "x", pd.Period("2020", "Y")],
        [b"a", b"b", None, b"b", b"a"],
    ],
)
def test_other_values_are_categories(values):
    kind, column = one_column(np.array(values, dtype=object))
    assert kind == "category"
    assert_array_equal(column, [0, 1, np.nan, 1, 0])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([7] * 6, "constant"),
        (["x"] * 6, "constant"),
        ([np.nan] * 6, "empty"),
        ([None] * 6, "empty"),
        (pd.array([None] * 6, dtype="string"), "empty"),
        (pd.array([None] * 6, dtype="Int64"), "empty"),
        (pd.to_datetime([None] * 6), "empty"),
        (pd.to_datetime(["2024-01-01"] * 6), "constant"),
        (list("abcdef"), "identifier"),
        (["a", "b", "c", None, "d", "e"], "identifier"),
    ],
)
def test_columns_that_say_nothing_are_left_out(values, kind):
    found, column = one_column(values)
    assert found == kind
    assert column is None


@pytest.mark.parametrize("values", [[7, None] * 3, ["x", None] * 3])
def test_a_single_value_that_may_be_missing_is_kept(values):
    _, column = one_column(values)
    assert_array_equal(np.isnan(column), [False, True] * 3)


def test_something_is_kept_if_all_columns_are_constant():
    encoding, encoded = encode(pd.DataFrame({"a": [1, 1], "b": ["x", "x"]}))
    assert_array_equal(encoded, [[0, 1], [0, 1]])
    assert encoding.schema.cardinalities == (1,)


def test_a_table_without_any_value_is_refused():
    with pytest.raises(ValueError, match="None of the 2 columns of X has any value"):
        encoding_of(pd.DataFrame({"a": [None, None], "b": [np.nan, np.nan]}))


def test_of_mostly_rare_levels_only_those_are_kept_that_recur():
    values = ["often", "twice", "often", "twice", "often"] + list("abcdefgh")
    kind, column = one_column(values)
    assert kind == "category"
    assert_array_equal(column[:5], [0, 1, 0, 1, 0])
    assert np.isnan(column[5:]).all()
    kind, _ = one_column([*values, "i"])
    assert kind == "text"  # of more than ten values, most are different


def test_all_of_thousands_of_levels_are_encoded():
    levels = [f"{i:05d}" for i in range(3_000)]
    kind, column = one_column(levels * 2)
    assert kind == "category"
    assert_array_equal(column, [*range(3_000)] * 2)


# --------------------------------------------------------------------------- texts

DOCUMENTS = [
    "the dog runs", "the cat sleeps", "a dog sleeps", None, "the sun", "a cat runs",
    "dogs and cats", "sun and moon", "moon and stars", "the end", "stars run", "a moon",
]  # fmt: skip


def test_texts_become_counts_of_words_and_of_parts_of_words():
    X = pd.DataFrame({"note": DOCUMENTS, "x": np.arange(12.0)})
    encoder, encoded, encoding = encode_table(X)
    schema = encoding.schema
    assert encoded.format == "csr" and encoded.dtype == np.float64
    names = list(encoder.get_feature_names_out())
    assert len(names) == encoded.shape[1] == schema.n_features
    n_leading = schema.n_features - schema.n_words - schema.n_characters
    assert names[:n_leading] == ["numbers__x"]
    words = names[n_leading : n_leading + schema.n_words]
    assert "words0__the" in words and "words0__moon and" not in words
    dense = encoded.toarray()
    dog = dense[:, n_leading + words.index("words0__dog")]
    assert_array_equal(dog, [1, 0, 1, 0] + [0] * 8)
    # Missing texts are empty.
    assert (dense[3, n_leading:] == 0).all()
    # Unknown words are none.
    assert encoder.transform(pd.DataFrame({"note": ["xyzzy"], "x": [1.0]})).shape == (
        1,
        schema.n_features,
    )


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("dtype", [object, "str", "string", "category"])
def test_texts_of_every_type_are_the_same(missing, dtype):
    texts = [missing if text is None else text for text in DOCUMENTS]
    values = pd.Series(texts, dtype=object).astype(dtype)
    if dtype == "category":
        # What pandas knows as a category is one unless it is said otherwise.
        _, encoded, encoding = encode_table(values.to_frame("note"), {0: "text"})
    else:
        _, encoded, encoding = encode_table(values.to_frame("note"))
    expected = encode_table(pl.DataFrame({"note": DOCUMENTS}))[1]
    assert kinds_of(encoding) == ("text",)
    assert_array_equal(encoded.toarray(), expected.toarray())


def test_the_number_of_ngrams_is_bounded(monkeypatch):
    rng = np.random.default_rng(0)
    texts = [
        " ".join(rng.choice(list("abcdefgh"), (6, 4)).astype(object).sum(1))
        for _ in range(40)
    ]
    schema = encoding_of(pd.DataFrame({"t": texts})).schema
    assert schema.n_characters > 100 and MAX_NGRAMS > schema.n_characters
    monkeypatch.setattr("sklearn_meta.data._column_encoders.MAX_NGRAMS", 100)
    schema = encoding_of(pd.DataFrame({"t": texts})).schema
    assert schema.n_characters == 100


def test_identifiers_are_texts_if_nothing_else_is_left():
    codes = pd.DataFrame({"id": [f"A{i:03d}" for i in range(30)], "c": 1})
    encoding, encoded = encode(codes)
    assert kinds_of(encoding) == ("text", "number")
    assert encoding.columns[0].note == "no other column is left"
    assert encoded.shape[0] == 30 and (encoded.std(axis=0) > 0).any()
    _, encoded = encode(pd.DataFrame({"id": pd.Categorical(range(30))}))
    assert (encoded.std(axis=0) > 0).any()
    # With missing values of every kind.
    for missing in (None, np.nan, pd.NA):
        codes.loc[3, "id"] = missing
        encode(codes.astype(object))


# ---------------------------------------------------------------------------- sets


def test_sets_become_columns_of_0_and_1():
    values = ["b; a", "a", "c;b", None, "c", "b"] * 3
    X = pd.DataFrame({"s": values})
    encoder, encoded, encoding = encode_table(X)
    assert kinds_of(encoding) == ("set",)
    names = [name.rpartition("__")[2] for name in encoder.get_feature_names_out()]
    assert names == ["a", "b", "c"]
    assert_array_equal(
        encoded[:6],
        [[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1], [0, 1, 0]],
    )
    new = encoder.transform(pd.DataFrame({"s": ["z;a", "", "A", "ab; c"]}))
    assert_array_equal(new, [[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]])


def test_sets_may_hold_cells_of_several_types():
    values = np.array(["b;a", "a", "5;b", 5, "b", pd.NA, "b", b"a"] * 3, dtype=object)
    encoding, encoded = encode(pd.DataFrame({"s": values}))
    assert kinds_of(encoding) == ("set",)
    assert encoding.columns[0].levels == ("5", "a", "b")
    assert_array_equal(encoded[3], [1, 0, 0])
    assert_array_equal(encoded[5], [0, 0, 0])
    assert_array_equal(encoded[7], [0, 1, 0])


# --------------------------------------------------------------------------- dates

STAMPS = pd.Series(pd.date_range("2024-01-01 10:00", periods=4, freq="D"), name="a")
STAMPS[1] = pd.NaT

DATES = {
    "naive": STAMPS,
    "seconds": STAMPS.astype("datetime64[s]"),
    "UTC": STAMPS.dt.tz_localize("UTC"),
    "time zone": STAMPS.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
    "arrow": STAMPS.astype("timestamp[us][pyarrow]"),
    "arrow UTC": STAMPS.dt.tz_localize("UTC").astype("timestamp[us, tz=UTC][pyarrow]"),
    "objects": STAMPS.astype(object),
    "objects with None": STAMPS.astype(object).where(STAMPS.notna(), None),
    "objects with NaN": STAMPS.astype(object).where(STAMPS.notna(), np.nan),
    "strings": STAMPS.astype(str),
    "strings with an offset": STAMPS.dt.strftime("%Y-%m-%dT%H:%M:%S+02:00"),
    "German": STAMPS.dt.strftime("%d.%m.%Y %H:%M"),
    "month first": (STAMPS + pd.Timedelta("14D")).dt.strftime("%m/%d/%Y %I:%M %p"),
    "month names": STAMPS.dt.strftime("%d %B %Y, %H:%M").fillna("?"),
    "objects and strings": STAMPS.astype(object).where(
        [True, True, True, False], "2024-01-04 10:00"
    ),
}


@pytest.mark.parametrize("name", DATES)
def test_dates_of_every_type_are_put_on_one_scale(name):
    X = DATES[name].to_frame()
    encoding, encoded = encode(X)
    assert kinds_of(encoding) == ("date",)
    time = encoded[:, names_of(X).index("date0__time__a")]
    np.testing.assert_allclose(time, [0, np.nan, 2 / 3, 1])


@pytest.mark.parametrize("null", [None, np.nan])
def test_calendar_dates_among_objects_are_dates(null):
    values = [dt.date(2024, 1, 1), null, dt.date(2024, 1, 5), dt.date(2024, 1, 2)]
    encoding, encoded = encode(pd.DataFrame({"a": np.array(values, dtype=object)}))
    assert kinds_of(encoding) == ("date",)
    assert_array_equal(encoded, [[0], [np.nan], [1], [0.25]])


@pytest.mark.parametrize("dtype", ["timedelta64[ns]", "duration[us][pyarrow]"])
def test_durations_become_milliseconds(dtype):
    values = pd.Series(pd.to_timedelta(["1h", None, "2s"])).astype(dtype)
    kind, column = one_column(values)
    assert kind == "duration"
    assert_array_equal(column, [3_600_000, np.nan, 2_000])


def test_durations_of_several_types_are_in_one_table():
    X = pd.DataFrame(
        {
            "objects": pd.Series([dt.timedelta(seconds=1), None] * 2, dtype=object),
            "arrow": pd.Series(pd.to_timedelta(["1s", None] * 2)).astype(
                "duration[us][pyarrow]"
            ),
            "numpy": pd.to_timedelta(["1s", None] * 2),
            "strings": ["0:00:01", None] * 2,
        }
    )
    encoding, encoded = encode(X)
    assert kinds_of(encoding) == ("duration",) * 4
    assert_array_equal(encoded, [[1_000] * 4, [np.nan] * 4] * 2)


def cycles(X):
    return {name.split("__")[1] for name in names_of(X)} - {"time"}


@pytest.mark.parametrize(
    ("start", "periods", "freq", "expected"),
    [
        ("2024-01-01", 10, "h", set()),
        ("2024-01-01", 72, "h", {"day"}),
        ("2024-01-01", 10, "D", set()),
        ("2024-01-01", 30, "D", {"week"}),
        ("2020-01-01", 40, "30D", {"week", "year"}),
        ("2020-01-01", 400, "61h", {"day", "week", "year"}),
    ],
)
def test_cycles_are_those_that_the_dates_go_through_twice(
    start, periods, freq, expected
):
    dates = pd.date_range(start, periods=periods, freq=freq)
    assert cycles(pd.DataFrame({"t": dates})) == expected


def test_cycles_repeat():
    dates = pd.date_range("2020-01-01", periods=2000, freq="D")
    X = pd.DataFrame({"t": dates})
    _, encoded = encode(X)
    week = [i for i, name in enumerate(names_of(X)) if "week" in name]
    # Dates without a time of day: one feature for each weekday.
    weekday = np.argmax(encoded[:, week], axis=1)
    assert_array_equal(np.max(encoded[:, week], axis=1), 1)
    assert len({*zip(dates.day_of_week, weekday, strict=True)}) == 7
    year = [i for i, name in enumerate(names_of(X)) if "year" in name]
    np.testing.assert_allclose(encoded[0, year], encoded[1461, year], atol=1e-3)
    np.testing.assert_allclose(encoded[:, year].sum(axis=1), 1)


def test_missing_dates_are_in_no_part_of_a_cycle():
    dates = pd.Series(pd.date_range("2024-01-01", periods=30, freq="D"))
    dates[4] = pd.NaT
    _, encoded = encode(dates.to_frame("t"))
    assert np.isnan(encoded[4, 0])
    assert_array_equal(encoded[4, 1:], 0)


# ---------------------------------------------------------------- libraries agree


def lists(values, n):
    return st.lists(st.none() | values, min_size=n, max_size=n)


@st.composite
def columns(draw):
    n = draw(st.integers(1, 12))
    words = st.sampled_from(["", "a", "b", "nan", "None", "ä b", "'", '"\\'])
    values = {
        "int": st.integers(-(2**53), 2**53),
        "few": st.integers(0, 2),
        "float": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "bool": st.booleans(),
        "str": words,
        "cat": words,
        "date": st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)),
        "time": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(values)), min_size=1, unique=True))
    return {name: draw(lists(values[name], n)) for name in chosen}


PANDAS = {
    "int": "Int64",
    "few": "int64[pyarrow]",
    "float": "Float64",
    "bool": "boolean",
    "str": "str",
    "cat": "category",
    "date": object,
    "time": "datetime64[us]",
}
POLARS = {
    "int": pl.Int64,
    "few": pl.Int8,
    "float": pl.Float64,
    "bool": pl.Boolean,
    "str": pl.String,
    "cat": pl.Categorical,
    "date": pl.Date,
    "time": pl.Datetime("us"),
}


def in_pandas(values):
    return pd.DataFrame(
        {name: pd.Series(v, dtype=PANDAS[name]) for name, v in values.items()}
    )


def in_polars(values):
    return pl.DataFrame(values, schema={name: POLARS[name] for name in values})


@settings(max_examples=40)
@given(columns())
def test_pandas_and_polars_give_the_same_matrix(values):
    if all(v is None for column in values.values() for v in column):
        for frame in (in_pandas(values), in_polars(values)):
            with pytest.raises(ValueError, match="has any value"):
                encoding_of(frame)
        return
    encoder, encoded, encoding = encode_table(in_pandas(values))
    schema = encoding.schema
    other_encoder, other_encoded, other = encode_table(in_polars(values))
    other_schema = other.schema
    encoded = dense(encoded)
    assert_array_equal(encoded, dense(other_encoded))
    assert schema == other_schema
    # Either encoder reads the frames of the other library.
    assert_array_equal(dense(apply_encoder(encoder, in_polars(values))), encoded)
    if "date" not in values:
        again = apply_encoder(other_encoder, in_pandas(values))
        assert_array_equal(dense(again), encoded)


@settings(max_examples=40)
@given(columns(), st.randoms(use_true_random=False))
def test_encoding_does_not_depend_on_the_order_of_rows(values, random):
    if all(v is None for column in values.values() for v in column):
        return
    frame = in_polars(values)
    order = list(range(len(frame)))
    random.shuffle(order)
    _, encoded, encoding = encode_table(frame)
    schema = encoding.schema
    _, shuffled, shuffled_encoding = encode_table(frame[order])
    shuffled_schema = shuffled_encoding.schema
    assert_array_equal(dense(encoded)[order], dense(shuffled))
    assert schema == shuffled_schema


@settings(max_examples=40)
@given(columns())
def test_encoded_table_is_what_its_schema_says(values):
    if all(v is None for column in values.values() for v in column):
        return
    _, encoded, encoding = encode_table(in_polars(values))
    schema = encoding.schema
    assert encoded.dtype == np.float64
    assert sparse.issparse(encoded) == schema.has_text
    if sparse.issparse(encoded):
        encoded = encoded[:, : schema.n_leading].toarray()
        schema = replace(schema, n_features=schema.n_leading, n_words=0, n_characters=0)
    assert encoded.flags.c_contiguous
    assert encoded.shape[1] == schema.n_features
    assert not np.isinf(encoded).any()
    for j, cardinality in enumerate(schema.cardinalities):
        codes = encoded[~np.isnan(encoded[:, j]), j]
        assert set(codes) == set(range(cardinality))
    missing = np.flatnonzero(np.isnan(encoded).any(axis=0))
    assert schema.missing == tuple(missing)
    assert schema == schema_of(encoded, schema.n_categorical)


def test_arrow_tables_are_read():
    values = {
        "s": ["a", None, "a", "b"],
        "x": [1, None, 3, 4],
        "b": [True] * 3 + [None],
    }
    frames = pa.table(values), pd.DataFrame(values), pl.DataFrame(values)
    first, *others = (encode_table(frame)[1] for frame in frames)
    for other in others:
        assert_array_equal(first, other)


# ----------------------------------------------------------------- arrays and lists


def test_float_matrix_is_left_alone():
    X = np.array([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [3.0, 5.0, np.nan]])
    encoder, encoded, encoding = encode_table(X)
    schema = encoding.schema
    assert encoder is None
    assert encoded is X
    assert schema == Schema(3, missing=(1, 2), nearly_empty=(1, 2), nonnegative=True)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_other_matrices_become_float64(dtype, order):
    X = np.array([[0, 1], [1, 0], [1, 1]], dtype=dtype, order=order)
    encoder, encoded, encoding = encode_table(X)
    schema = encoding.schema
    assert encoded.dtype == np.float64
    assert encoded.flags.c_contiguous
    assert_array_equal(encoded, X)
    assert_array_equal(encoder.transform(X), X)
    assert schema == Schema(2, nonnegative=True)


def test_fortran_order_becomes_c_order():
    X = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    assert encode_table(X)[1].flags.c_contiguous


def test_array_of_numbers_as_objects_is_numeric():
    X = np.array([[1, None], [True, 2.5]], dtype=object)
    encoding, encoded = encode(X)
    assert kinds_of(encoding) == ("number", "number")
    assert_array_equal(encoded, [[1, np.nan], [1, 2.5]])


def test_array_of_numbers_as_strings_is_parsed():
    X = np.array([["1.5 kg", "$3"], ["2 kg", "?"], ["7.25 kg", "$4"]], dtype=object)
    encoding, encoded = encode(X)
    assert kinds_of(encoding) == ("number", "number")
    assert_array_equal(encoded, [[1.5, 3], [2, np.nan], [7.25, 4]])
    with_na = np.array([[1, pd.NA], [2, 3]], dtype=object)
    assert_array_equal(encode(with_na)[1], [[1, np.nan], [2, 3]])


def test_array_of_mixed_columns():
    X = np.array([[3, "b", 1.0], [4, "a", 1.0], [3, "b", None]], dtype=object)
    encoding, encoded = encode(np.vstack([X, X]))
    assert kinds_of(encoding) == ("number", "category", "number")
    assert names_of(np.vstack([X, X])) == [
        "categories__x1",
        "numbers__x0",
        "numbers__x2",
    ]
    assert_array_equal(encoded[:3], [[1, 3, 1], [0, 4, 1], [1, 3, np.nan]])


def test_array_of_strings_is_categorical():
    encoder, encoded, _ = encode_table(np.array([["b", "x"], ["a", "x"]] * 2))
    assert_array_equal(encoded, [[1], [0]] * 2)
    # A longer level than any in fit is not cut to a known one.
    assert np.isnan(encoder.transform(np.array([["abc", "x"]]))).all()


def test_array_of_dates():
    X = np.array([["2024-01-01"], ["NaT"], ["2024-01-02"]], dtype="datetime64[D]")
    _, encoded = encode(X)
    assert_array_equal(encoded[:, 0], [0, np.nan, 1])


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_csr_is_left_alone(container):
    X = container(np.array([[0.0, 2.0], [1.0, 0.0]]))
    encoder, encoded, encoding = encode_table(X)
    schema = encoding.schema
    assert encoder is None
    assert schema == Schema(2, sparse=True, nonnegative=True)
    assert_array_equal(encoded.toarray(), X.toarray())


@pytest.mark.parametrize(
    "container",
    [sparse.csc_array, sparse.coo_array, sparse.lil_array, sparse.dok_array],
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_other_sparse_formats_become_csr(container, dtype):
    dense = np.array([[0, 1], [1, 0]], dtype=dtype)
    encoder, encoded, _ = encode_table(container(dense))
    for result in (encoded, encoder.transform(container(dense))):
        assert result.format == "csr"
        assert result.dtype == np.float64
        assert_array_equal(result.toarray(), dense)


def test_sparse_tables_may_hold_negative_values_but_nothing_missing():
    X = sparse.csr_array(np.array([[0.0, -2.0], [1.0, 0.0]]))
    assert not encode_table(X)[2].schema.nonnegative
    X.data[0] = np.nan
    with pytest.raises(ValueError, match="sparse and contains NaN or infinity"):
        encode_table(X)


# ---------------------------------------------------------------------- new rows


def mixed_frame(n=40):
    return pd.DataFrame(
        {
            "x": np.arange(n) / 7,
            "color": ["red", "green"] * (n // 2),
            "flag": [True, False, False, True] * (n // 4),
            "day": pd.date_range("2024-01-01", periods=n, freq="D"),
            "mixed": [1, "a"] * (n // 2),
            "nothing": 3,
        }
    )


def test_unseen_levels_and_new_missing_values_are_nan():
    X = mixed_frame()
    encoder, _, _ = encode_table(X)
    new = X.iloc[:3].astype({"flag": object, "mixed": object})
    new.loc[0, ["color", "mixed"]] = ["blue", 7.5]
    new.loc[1, ["x", "color", "flag", "mixed"]] = None
    new.loc[2, "day"] = pd.NaT
    encoded = encoder.transform(new)
    names = list(encoder.get_feature_names_out())
    nan = {(i, names[j]) for i, j in zip(*np.nonzero(np.isnan(encoded)), strict=True)}
    assert nan == {
        (0, "categories__color"),
        (0, "printed__mixed"),
        (1, "numbers__x"),
        (1, "categories__color"),
        (1, "numbers__flag"),
        (1, "printed__mixed"),
        (2, "date0__time__day"),
    }


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_other_dtype_backends_at_prediction(backend):
    X = mixed_frame().drop(columns="mixed")
    encoder, encoded, _ = encode_table(X)
    other = X.convert_dtypes(dtype_backend=backend)
    assert_array_equal(encoder.transform(other), encoded)


def test_columns_are_selected_by_name():
    X = mixed_frame()
    encoder, encoded, _ = encode_table(X)
    moved = X[X.columns[::-1]].assign(extra="z")
    assert_array_equal(encoder.transform(moved), encoded)
    with pytest.raises(ValueError, match="columns are missing: {'color'}"):
        encoder.transform(X.drop(columns="color"))
    # A column that was left out is not needed.
    assert_array_equal(encoder.transform(X.drop(columns="nothing")), encoded)


def test_text_in_a_numeric_column_is_refused():
    encoder, _, _ = encode_table(mixed_frame())
    with pytest.raises(ValueError, match="could not convert string to float"):
        encoder.transform(mixed_frame().astype({"x": object}).replace({"x": {0: "?"}}))


def test_infinity_in_new_rows_is_refused():
    encoder, _, _ = encode_table(mixed_frame())
    with pytest.raises(ValueError, match="infinity"):
        apply_encoder(encoder, mixed_frame().assign(x=np.inf))
    with pytest.raises(ValueError, match="infinity"):
        apply_encoder(None, np.array([[np.inf]]))


def test_without_encoder_new_rows_become_floats():
    encoded = apply_encoder(None, np.array([[1, None]], dtype=object))
    assert_array_equal(encoded, [[1, np.nan]])


# ------------------------------------------------------------------ bad tables


@pytest.mark.parametrize(
    "value", [{"foo": "bar"}, [1, 2], (1, 2), {1}, np.ones(2)], ids=repr
)
@pytest.mark.parametrize("as_frame", [True, False])
def test_nested_values_are_refused(value, as_frame):
    cells = np.empty((3, 1), dtype=object)
    cells[:, 0] = [1.0, value, 2.0]
    X = pd.DataFrame(cells, columns=["a"]) if as_frame else cells
    place = "column 'a'" if as_frame else "column 0"
    with pytest.raises(TypeError, match="argument must be a string.* number") as info:
        encoding_of(X)
    assert place in str(info.value)


@pytest.mark.parametrize(
    "column", [pl.Series([[1], [2]]), pl.Series([{"a": 1}, {"a": 2}])]
)
def test_nested_columns_are_refused(column):
    with pytest.raises(TypeError, match="argument must be a string or a number"):
        encoding_of(pl.DataFrame({"a": column}))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda v: pd.DataFrame(v, columns=["a", "b"]), "column 'b'"),
        (lambda v: pl.DataFrame(v, schema=["a", "b"]), "column 'b'"),
        (lambda v: v, "column 1"),
        (lambda v: v.astype("float32"), "column 1"),
        (lambda v: v.astype(object), "column 1"),
    ],
)
def test_infinite_values_are_refused_by_column(value, make, place):
    X = make(np.array([[1.0, 2.0], [3.0, value]]))
    with pytest.raises(ValueError, match=f"contains infinity in {place}"):
        encoding_of(X)


def test_large_finite_values_are_no_infinity():
    X = np.array([[1e308, -1e308], [1e308, -1e308], [np.nan, 0]])
    assert encode_table(X)[2].schema.missing == (0,)


@pytest.mark.parametrize("dtype", [complex, object])
@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame])
def test_complex_numbers_are_refused(dtype, make):
    with pytest.raises(ValueError, match="Complex data not supported"):
        encoding_of(make(np.array([[1j], [2.0]], dtype=dtype)))


def test_repeated_column_names_are_refused():
    X = pd.DataFrame(np.eye(2), columns=["a", "a"])
    for call in (encoding_of, lambda X: check_table(BaseEstimator(), X, reset=True)):
        with pytest.raises(ValueError, match="column names of X must be unique"):
            call(X)


@pytest.mark.parametrize(
    "names", [[3, 1], pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])]
)
def test_names_that_are_no_strings_select_by_position(names):
    X = pd.DataFrame({"s": ["b", "a"] * 2, "x": [1.0, 2, 3, 4]})
    X.columns = names
    encoder, encoded, _ = encode_table(X)
    assert_array_equal(encoded, [[1, 1], [0, 2], [1, 3], [0, 4]])
    assert_array_equal(encoder.transform(X), encoded)


def test_lazy_frames_are_refused():
    X = pl.LazyFrame({"a": [1, 2]})
    for call in (encoding_of, lambda X: check_table(BaseEstimator(), X, reset=True)):
        with pytest.raises(TypeError, match=r"Pass X.collect\(\) instead"):
            call(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"a": []}), r"0 sample\(s\)"),
        (pd.DataFrame(index=[0, 1]), r"0 feature\(s\)"),
        (np.empty((0, 2)), r"0 sample\(s\)"),
        (np.empty((2, 0)), r"0 feature\(s\)"),
        (np.ones(3), "Expected 2D array"),
        ([], "Expected 2D array"),
        (np.array([[1j]]), "Complex data not supported"),
    ],
)
def test_check_table_refuses_bad_shapes(X, message):
    with pytest.raises(ValueError, match=message):
        check_table(BaseEstimator(), X, reset=True)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_check_table_remembers_the_columns(frame):
    estimator = BaseEstimator()
    X = frame({"a": [1, 2], "b": ["x", None]})
    assert check_table(estimator, X, reset=True) is X
    assert estimator.n_features_in_ == 2
    assert_array_equal(estimator.feature_names_in_, ["a", "b"])
    with pytest.raises(ValueError, match="feature names should match"):
        check_table(estimator, frame({"a": [1], "c": ["x"]}), reset=False)


def test_check_table_compares_the_number_of_columns():
    estimator = BaseEstimator()
    check_table(estimator, np.ones((2, 2)), reset=True)
    with pytest.raises(ValueError, match="has 1 features, but BaseEstimator"):
        check_table(estimator, [[1], [2]], reset=False)


def test_check_table_keeps_numbers_in_lists_apart_from_strings():
    X = check_table(BaseEstimator(), [[1, "a"], [2, "b"]] * 2, reset=True)
    _, encoded, _ = encode_table(X)
    assert_array_equal(encoded, [[0, 1], [1, 2]] * 2)


def test_check_table_makes_sparse_input_csr():
    X = check_table(BaseEstimator(), sparse.coo_array(np.eye(2)), reset=True)
    assert X.format == "csr"


# --------------------------------------------------------------------- schema


def test_schema_of_a_matrix():
    nan = np.nan
    encoded = np.full((1000, 5), 1.0)
    encoded[:, 0] = np.arange(1000) % 3
    encoded[:2, 0] = nan
    encoded[0, 2] = nan
    encoded[:951, 3] = nan
    encoded[:950, 4] = nan
    assert schema_of(encoded, 1) == Schema(
        5,
        n_categorical=1,
        cardinalities=(3,),
        missing=(0, 2, 3, 4),
        nearly_empty=(3,),
        nonnegative=True,
    )
    encoded[5, 1] = -1e-9
    assert not schema_of(encoded, 1).nonnegative


def test_complete_columns_of_small_tables_are_not_nearly_empty():
    assert schema_of(np.ones((5, 2))).nearly_empty == ()


def test_schema_of_a_table_with_text():
    leading = np.array([[0.0, np.nan, 1.0], [1.0, 2.0, 5.0]])
    counts = np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 1.0]])
    encoded = sparse.csr_matrix(np.hstack([leading, counts]))
    expected = Schema(
        6,
        n_categorical=1,
        cardinalities=(2,),
        missing=(1,),
        nearly_empty=(1,),
        nonnegative=True,
        n_words=2,
        n_characters=1,
    )
    assert schema_of(encoded, 1, n_words=2, n_characters=1) == expected
    assert (expected.n_leading, expected.has_text) == (3, True)
    text = schema_of(encoded[:, 3:], n_words=3)
    assert text == Schema(3, nonnegative=True, n_words=3)
    assert not Schema(3, sparse=True).has_text


# ------------------------------------------------------------------- plain objects


def test_encoder_of_ordinary_columns_consists_of_numpy_and_scikit_learn():
    rng = np.random.default_rng(0)
    X = (
        mixed_frame()
        .drop(columns="mixed")
        .assign(
            sparse=pd.arrays.SparseArray([0.0, 1.0] * 20),
            lasting=pd.to_timedelta(np.arange(40), unit="s"),
            options=["a;b", "a", "b;c", "c"] * 10,
            note=[" ".join(rng.choice(DOCUMENTS[:3], 3)) + f" {i}" for i in range(40)],
            level=pd.Categorical([3, 4] * 20),
        )
    )
    spec = encoding_of(X).encoder
    assert {path.partition(".")[0] for path in paths(spec)} == {"numpy", "sklearn"}
    check_plain(X)
    assert b"sklearn_meta" not in pickle.dumps(encode_table(X)[0])


def test_encoder_of_other_columns_needs_the_parsing_functions_as_well():
    X = mixed_frame().assign(
        na=np.array([1, pd.NA] * 20, dtype=object),
        day=[dt.date(2024, 1, 1), "2024-02-03"] * 20,
        price=[f"${i}.50" for i in range(40)],
        clock=[f"{i % 24}:00" for i in range(40)],
    )
    spec = encoding_of(X).encoder
    used = {path for path in paths(spec) if path.startswith("sklearn_meta")}
    assert used == {
        f"sklearn_meta.data.parsing.{name}"
        for name in ("as_text", "parse_dates", "parse_durations", "parse_numbers")
    }
    assert {path.partition(".")[0] for path in paths(spec)} == {
        "numpy",
        "sklearn",
        "sklearn_meta",
    }
    check_plain(X)


def check_plain(X):
    """The encoder survives a pickle, and fitting a clone gives the same."""
    encoder, encoded, _ = encode_table(X)
    loaded = pickle.loads(pickle.dumps(encoder))
    assert_array_equal(dense(loaded.transform(X)), dense(encoded))
    assert_array_equal(dense(clone(encoder).fit_transform(X)), dense(encoded))


def test_encoder_works_as_first_step_of_a_pipeline():
    X = mixed_frame()
    y = X["color"] == "red"
    encoder = instantiate(encoding_of(X).encoder)
    model = make_pipeline(encoder, LogisticRegression()).fit(X, y)
    assert model.score(X, y) > 0.5


def test_output_setting_of_the_user_is_ignored():
    X = mixed_frame()
    expected = encode_table(X)[1]
    with config_context(transform_output="pandas"):
        encoder, encoded, _ = encode_table(X)
        assert type(encoded) is np.ndarray
        assert type(apply_encoder(encoder, X)) is np.ndarray
    assert_array_equal(encoded, expected)


def test_polars_frames_do_not_need_pandas():
    code = """
        import sys
        import polars as pl

        class Hidden:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "pandas":
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Hidden())
        from datetime import date
        from sklearn_meta.data._encoding import encode_table

        X = pl.DataFrame({"s": ["b", "a", None] * 2, "i": [1, None, 3] * 2})
        X = X.with_columns(t=pl.lit(date(2024, 1, 1)) + pl.duration(days="i"))
        _, encoded, _ = encode_table(X)
        print(encoded.shape, "pandas" in sys.modules)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split("\n")[0] == "(6, 3) False"
