"""Tables with columns of all kinds, missing cells, odd names and types of columns."""

import datetime as dt
import enum
import pickle
import warnings
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from tests.contract.small import classifier, regressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_meta.exceptions.SklearnMetaWarning"
)

WORDS = "red fox runs over the lazy dog again and jumps home with big ball".split()
START = dt.datetime(2019, 12, 30)


class Color(enum.Enum):
    RED = "red"
    BLUE = 2


def moment(rng):
    return START + dt.timedelta(minutes=int(rng.integers(0, 900 * 1440)))


def words(rng, n):
    return " ".join(rng.choice(WORDS, n))


# Draw a cell of each kind.
NUMBERS = {
    "integers": lambda rng: int(rng.integers(-99, 99)),
    "few integers": lambda rng: int(rng.integers(0, 3)),
    "floats": lambda rng: float(rng.normal() * 10.0 ** rng.integers(-3, 6)),
    "booleans": lambda rng: bool(rng.integers(0, 2)),
}
STRINGS = {
    "labels": lambda rng: str(
        rng.choice(["red", "Blue", "", "nan", "ä b", " x", "'\""])
    ),
    "digits": lambda rng: str(rng.integers(1, 4)),
    "zip codes": lambda rng: f"{rng.integers(1, 30) * 1_001:05d}",
    "identifiers": lambda rng: f"A{rng.integers(0, 10**9):09d}",
    "numbers": lambda rng: f"{rng.normal():.3f}",
    "numbers and marks": lambda rng: (
        f"{rng.normal():.3f}" if rng.random() < 0.7 else "?"
    ),
    "amounts": lambda rng: f"${rng.uniform(1, 9_999):,.2f}",
    "commas": lambda rng: f"{rng.uniform(1, 9):.2f} €".replace(".", ","),
    "percentages": lambda rng: f"{rng.uniform(0, 99):.1f} %",
    "units": lambda rng: f"{rng.uniform(0, 99):.1f} kg",
    "ISO dates": lambda rng: moment(rng).date().isoformat(),
    "ISO moments": lambda rng: moment(rng).isoformat() + "Z",
    "German dates": lambda rng: moment(rng).strftime("%d.%m.%Y"),
    "clocks": lambda rng: moment(rng).strftime("%H:%M"),
    "sets": lambda rng: (
        ";".join(np.flatnonzero(rng.random(4) < 0.5).astype("U1")) or "0"
    ),
    "named sets": lambda rng: ", ".join(
        rng.permutation(WORDS[:4])[: rng.integers(1, 4)]
    ),
    "texts": lambda rng: words(rng, rng.integers(2, 9)),
    "single words": lambda rng: words(rng, 3).replace(" ", ""),
    "constant": lambda rng: "x",
}
TIMES = {
    "dates": lambda rng: moment(rng).date(),
    "moments": moment,
    "durations": lambda rng: dt.timedelta(seconds=int(rng.integers(0, 9_999))),
}
OBJECTS = {
    "numbers and strings": lambda rng: rng.choice(
        [5, 5.0, 2.5, "5", "a"][rng.integers(5)]
    ),
    "mixed": lambda rng: [5, 5.0, "5", "a", True, None, b"a"][rng.integers(7)],
    "decimals": lambda rng: Decimal(int(rng.integers(0, 999))) / 8,
    "enumerations": lambda rng: list(Color)[rng.integers(2)],
    "bytes": lambda rng: [b"x", b"\xff"][rng.integers(2)],
    "times": lambda rng: moment(rng).time(),
    "dates and strings": lambda rng: [moment(rng), moment(rng).isoformat()][
        rng.integers(2)
    ],
    "nothing": lambda rng: None,
}
KINDS = {**NUMBERS, **STRINGS, **TIMES, **OBJECTS}

# Types that pandas can give a column of some kinds; None is what it infers.
TYPES = {
    **dict.fromkeys(STRINGS, (object, "str", "string", "category", "string[pyarrow]")),
    **dict.fromkeys(OBJECTS, (object,)),
    "integers": (object, None, "Int64", "int64[pyarrow]", "category", "float32"),
    "few integers": (object, None, "Int8", "category"),
    "floats": (object, None, "Float64", "double[pyarrow]", "float32"),
    "booleans": (object, None, "boolean", "bool[pyarrow]", "category"),
    "dates": (object, "datetime64[s]", "date32[pyarrow]"),
    "moments": (object, "datetime64[ns]", "timestamp[us][pyarrow]", "utc"),
    "durations": (object, "timedelta64[ns]", "duration[us][pyarrow]"),
}

NAMES = ["a", "", " ", "a b", "time__a", "date0__time__a", "numbers__a", "x0", "'\""]
NAMES += ["ü", "😀", "a\nb", "None", "0", "categories", "words0__the", "{}", "%s", "\\"]


@dataclass
class Table:
    """A drawn table, with what it was drawn from as its representation."""

    X: object
    y: np.ndarray
    drawn: str

    def __repr__(self):
        return self.drawn


def cells_of(kind, n, seed, missing, nulls):
    rng = np.random.default_rng(seed)
    cells = np.empty(n, dtype=object)
    cells[:] = [KINDS[kind](rng) for _ in range(n)]
    for i in np.flatnonzero(rng.random(n) < missing):
        cells[i] = nulls[rng.integers(len(nulls))]
    return cells


def series(cells, dtype):
    values = pd.Series(cells, dtype=object)
    if dtype == "utc":
        return pd.to_datetime(values, utc=True)
    if dtype is None:
        return values.infer_objects()
    if dtype is not object:
        values = values.where(values.notna(), None)
    return values.astype(dtype)


@st.composite
def tables(draw):
    n = draw(st.integers(20, 60))
    library = draw(st.sampled_from(["pandas", "pandas", "polars", "array"]))
    usual = [k for k in KINDS if library != "polars" or k not in OBJECTS]
    kinds = draw(st.lists(st.sampled_from(usual), min_size=1, max_size=5))
    seed = draw(st.integers(0, 10**6))
    columns, drawn = [], [f"{library}, {n} rows, seed {seed}"]
    for i, kind in enumerate(kinds):
        missing = draw(st.sampled_from([0, 0, 0.1, 0.5, 0.97]))
        nulls = [None]
        dtype = None
        if library == "pandas":
            dtype = draw(st.sampled_from(TYPES[kind]))
            if dtype is object and missing:
                null = st.sampled_from([None, np.nan, pd.NA, pd.NaT])
                nulls = draw(st.lists(null, min_size=1, max_size=2))
        elif library == "array":
            nulls = draw(st.sampled_from([[None], [np.nan]]))
        cells = cells_of(kind, n, [seed, i], missing, nulls)
        columns.append(series(cells, dtype) if library == "pandas" else cells)
        drawn.append(f"{kind} as {dtype}, {missing} missing {nulls}")
    names = draw(st.permutations(NAMES))[: len(kinds)]
    if library == "array":
        X = np.column_stack(columns)
    elif library == "polars":
        X = pl.DataFrame(
            {m: pl.Series(c.tolist()) for m, c in zip(names, columns, strict=True)}
        )
    else:
        X = pd.concat(columns, axis=1, ignore_index=True)
        X.columns = draw(
            st.sampled_from([names, [3 * i + 1 for i in range(len(names))]])
            | st.just(pd.MultiIndex.from_tuples([("a", m) for m in names]))
        )
        X.index = draw(st.sampled_from([X.index, X.index[::-1], [0] * n]))
        drawn.append(f"columns {list(X.columns)}")
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2 if draw(st.booleans()) else np.arange(n) / 7)
    return Table(X, y, "\n".join(drawn))


def rows_of(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def predictions(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def check_table(table):
    X, y = table.X, table.y
    make = classifier if set(y) == {0, 1} else regressor
    estimator = make(max_evaluations=2)
    try:
        estimator.fit(X, y)
    except ValueError as error:
        assert "has any value" in str(error)
        assert pd.isna(np.asarray(X, dtype=object)).all()
        return
    assert len(estimator.column_report_) == X.shape[1]
    assert len(estimator.history_) == 2

    # Rows are predicted alike as they are, one by one, and in another order.
    expected = predictions(estimator, X)
    assert np.isfinite(expected).all()
    order = np.random.default_rng(0).permutation(len(y))
    assert_allclose(predictions(estimator, rows_of(X, order)), expected[order])
    assert_allclose(predictions(estimator, rows_of(X, [3])), expected[[3]])
    if isinstance(X, pd.DataFrame):
        assert_allclose(predictions(estimator, X.astype(object)), expected)
        row = X.reset_index(drop=True).iloc[3].to_frame().T
        assert_allclose(predictions(estimator, row), expected[[3]])

    loaded = pickle.loads(pickle.dumps(estimator))
    assert_array_equal(predictions(loaded, X), expected)

    written: dict = {}
    exec(estimator.to_source(), written)  # noqa: S102
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of learners
        exported = written["pipeline"].fit(X, y)
        best = clone(estimator.best_estimator_).fit(X, y)
    assert_array_equal(predictions(exported, X), predictions(best, X))


# A fit takes a third of a second: fewer examples than elsewhere.
@settings(
    max_examples=settings.default.max_examples // 8,
    suppress_health_check=list(HealthCheck),
)
@given(tables())
def test_tables_are_fitted_predicted_pickled_and_exported(table):
    check_table(table)
