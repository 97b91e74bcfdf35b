"""New rows are converted to the types of the table that was seen in fit."""

import datetime as dt
import enum
import io
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_meta.data._alignment import align_columns
from sklearn_meta.data._encoding import apply_encoder, encode_table
from sklearn_meta.data._new_rows import as_frame

N = 60
WORDS = "red fox runs over the lazy dog again and jumps home".split()


class Color(enum.Enum):
    RED = "red"


def table():
    rng = np.random.default_rng(0)
    seconds = rng.integers(0, 900 * 86_400, N)
    return pd.DataFrame(
        {
            "int": rng.integers(0, 99, N),
            "float": np.round(rng.normal(size=N), 6),
            "missing": np.where(np.arange(N) % 7, rng.integers(0, 9, N), np.nan),
            "bool": rng.random(N) > 0.5,
            "category": rng.choice(["red", "blue", "green"], N),
            "codes": rng.choice(["5", "7", "11"], N),
            "number": [f"{v:.2f}" for v in rng.normal(size=N)],
            "money": [f"${v:,.2f}" for v in rng.uniform(1, 9_999, N)],
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(seconds, unit="s"),
            "german": [f"{i % 28 + 1:02d}.{i % 12 + 1:02d}.2020" for i in range(N)],
            "duration": pd.to_timedelta(rng.integers(1, 9_999, N), unit="s"),
            "clock": [f"{i % 24}:{i % 60:02d}" for i in range(N)],
            "set": ["x;y", "x", "y;z", "z"] * (N // 4),
            "text": [" ".join(rng.choice(WORDS, 6)) for _ in range(N)],
            "mixed": pd.Series([5, "a", 7.5, "b"] * (N // 4), dtype=object),
            "cat": pd.Categorical(rng.choice(["u", "v"], N)),
            "cat of ints": pd.Categorical(rng.choice([3, 1, 2], N)),
            "cat of bools": pd.Categorical(rng.random(N) > 0.5),
            "id": [f"A{i:03d}" for i in range(N)],
        }
    )


@pytest.fixture(scope="module")
def fitted():
    X = table()
    encoder, encoded, encoding = encode_table(X)
    kinds = [c.reported for c in encoding.columns]
    assert kinds == [
        "number", "number", "number", "boolean", "category", "category", "number",
        "number", "date", "date", "duration", "duration", "set", "text", "category",
        "category", "category", "category", "identifier",
    ]  # fmt: skip
    return X, encoder, encoded.toarray(), encoding.columns


def encoded(fitted, X):
    _, encoder, _, columns = fitted
    return apply_encoder(encoder, align_columns(X, columns)).toarray()


def as_json(X):
    """Records as a service gets them."""
    text = {name: X[name].astype(str) for name in ("date", "duration")}
    return X.assign(**text).to_json(orient="records", double_precision=15)


def plain(X):
    """Without what only pandas has."""
    return X.assign(
        mixed=[v if isinstance(v, str) else f"{v:g}" for v in X["mixed"]],
        **{"cat of ints": X["cat of ints"].astype(int)},
        **{"cat of bools": X["cat of bools"].astype(bool)},
    )


OTHERS = {
    "the same": lambda X: X,
    "objects": lambda X: X.astype(object),
    "objects with None": lambda X: X.astype(object).where(X.notna(), None),
    "objects with NA": lambda X: X.astype(object).where(X.notna(), pd.NA),
    "nullable": lambda X: X.convert_dtypes(),
    "arrow": lambda X: plain(X).convert_dtypes(dtype_backend="pyarrow"),
    "strings": lambda X: plain(X).astype(str).astype(object),
    "string dtype": lambda X: plain(X).astype("string"),
    "categories": lambda X: plain(X).astype("category"),
    "JSON": lambda X: pd.DataFrame(json.loads(as_json(X))),
    "read JSON": lambda X: pd.read_json(io.StringIO(as_json(X)), precise_float=True),
    "CSV": lambda X: pd.read_csv(io.StringIO(plain(X).to_csv(index=False))),
    "decimals": lambda X: X.assign(int=[Decimal(int(v)) for v in X["int"]]),
    "dates of Python": lambda X: X.assign(date=[v.to_pydatetime() for v in X["date"]]),
    "time zone": lambda X: X.assign(
        date=X["date"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    ),
    "nanoseconds": lambda X: X.astype({"date": "M8[ns]", "duration": "m8[ns]"}),
    "durations of Python": lambda X: X.assign(
        duration=pd.Series([v.to_pytimedelta() for v in X["duration"]], dtype=object)
    ),
    "booleans as numbers": lambda X: X.assign(bool=X["bool"].astype(int)),
    "lower-case booleans": lambda X: X.assign(bool=X["bool"].astype(str).str.lower()),
    "codes as numbers": lambda X: X.assign(codes=X["codes"].astype(float)),
    "numbers as numbers": lambda X: X.assign(number=X["number"].astype(float)),
    "sparse": lambda X: X.assign(int=pd.arrays.SparseArray(X["int"])),
    "polars": lambda X: pl.from_pandas(plain(X)),
    "polars strings": lambda X: pl.from_pandas(plain(X).astype(str)),
    "arrow table": lambda X: pl.from_pandas(plain(X)).to_arrow(),
    "an array in a frame": lambda X: as_frame(
        X.to_numpy(dtype=object), list(X.columns), "pandas"
    ),
    "an array in a frame of polars": lambda X: as_frame(
        plain(X).to_numpy(dtype=object), list(X.columns), "polars"
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_values_of_other_types_are_encoded_the_same(name, fitted):
    X, _, expected, _ = fitted
    found = encoded(fitted, OTHERS[name](X.copy()))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("i", [0, 1, 7])
def test_a_single_row(i, fitted):
    X, _, expected, _ = fitted
    rows = [
        X.iloc[[i]],
        X.iloc[i].to_frame().T,
        pd.DataFrame([X.iloc[i].to_dict()]),
        pd.DataFrame([json.loads(as_json(X))[i]]),
        pl.from_pandas(plain(X))[i : i + 1],
    ]
    for row in rows:
        np.testing.assert_allclose(encoded(fitted, row), expected[[i]], rtol=1e-12)


def test_a_table_of_the_same_types_is_not_copied(fitted):
    X, _, _, columns = fitted
    assert align_columns(X, columns) is X
    before = X.copy()
    others = X.astype(object)
    kept = others.copy()
    align_columns(others, columns)
    pd.testing.assert_frame_equal(others, kept)
    pd.testing.assert_frame_equal(X, before)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_rows_without_values(missing, fitted):
    X = fitted[0].astype(object)
    X[:] = missing
    first = encoded(fitted, X)
    none = X.astype(object)
    none[:] = None
    assert_array_equal(first, encoded(fitted, none))
    assert first.shape == fitted[2].shape


@pytest.mark.parametrize(
    "cell",
    ["junk", "", 5, 2.5, True, b"x", dt.date(2020, 1, 1), dt.time(1), Decimal(3)]
    + [Color.RED, [1], {"a": 1}, (1,), 10**400, "\x00", 1j, pd.Interval(0, 1)],
    ids=repr,
)
def test_other_cells_are_unknown_or_missing(cell, fitted):
    columns = {name: pd.Series([cell] * 3, dtype=object) for name in fitted[0].columns}
    assert encoded(fitted, pd.DataFrame(columns)).shape == (3, fitted[2].shape[1])


def test_infinite_numbers_are_refused_in_objects_as_well(fitted):
    X = fitted[0].astype(object)
    X.loc[0, "float"] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        encoded(fitted, X)


def test_enumerations_are_compared_by_value(fitted):
    X = fitted[0].astype({"category": object})
    X.loc[:2, "category"] = ["red", "red", "red"]
    by_value = encoded(fitted, X)
    X.loc[:2, "category"] = [Color.RED] * 3
    assert_array_equal(encoded(fitted, X), by_value)


def test_columns_of_arrays():
    X = plain(table())[["float", "category", "codes", "set", "mixed", "german"]]
    values = X.to_numpy(dtype=object)
    encoder, expected, encoding = encode_table(values)
    for other in (
        values.astype(str),
        X.assign(codes=X["codes"].astype(int)).to_numpy(dtype=object),
        X.astype(object).where(X.notna(), None).to_numpy(),
        values[[3]],
    ):
        found = apply_encoder(encoder, align_columns(other, encoding.columns))
        assert_array_equal(found, expected if len(other) == N else expected[[3]])
    floats = np.array([[1.5, 5.0], [2.5, 7.0]] * 4)
    encoder, expected, encoding = encode_table(
        np.array([[1.5, "5"], [2.5, "7"]] * 4, dtype=object)
    )
    assert [c.kind for c in encoding.columns] == ["number", "category"]
    found = apply_encoder(encoder, align_columns(floats, encoding.columns))
    assert_array_equal(found, expected)


def test_sparse_matrices_are_left_alone():
    X = sparse.csr_array(np.eye(3))
    columns = encode_table(X)[2].columns
    assert align_columns(X, columns) is X
    frame = pd.DataFrame(np.eye(3))
    assert align_columns(frame, columns) is frame
    columns = encode_table(np.eye(3))[2].columns
    assert align_columns(X, columns) is X
