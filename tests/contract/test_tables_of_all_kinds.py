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
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.model_selection import GridSearchCV

from sklearn_meta.exceptions import SklearnMetaWarning
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
    "numbers and strings": lambda rng: [5, 5.0, 2.5, "5", "a"][rng.integers(5)],
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


# ------------------------------------------------- kinds that the user has chosen


def orders(n=60):
    """Numbers that are categories, notes that are texts, and a target."""
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 5, n)
    frame = pd.DataFrame(
        {
            "shop": shop,
            "note": [["good", "bad", "ok"][i % 3] for i in range(n)],
            "id": [f"A{i:03d}" for i in range(n)],
            "x": rng.normal(size=n),
        }
    )
    return frame, np.where(shop % 2 == 1, "odd", "even")


def kinds(estimator):
    return estimator.column_report_["kind"].tolist()


@pytest.mark.parametrize(
    "column_kinds",
    [
        {"shop": "category", "note": "text", "id": "drop"},
        {0: "category", 1: "text", -2: "drop"},
        {make_column_selector("shop"): "category", ("note",): "text", "id": "drop"},
    ],
)
def test_columns_are_read_as_the_user_says(column_kinds):
    X, y = orders()
    with warnings.catch_warnings():
        warnings.simplefilter("error", SklearnMetaWarning)
        clf = classifier(column_kinds=column_kinds).fit(X, y)
    assert kinds(clf) == ["category", "text", "drop", "number"]
    assert clf.best_score_ > classifier().fit(X, y).best_score_
    # What was dropped may be anything later.
    later = X.assign(id=[[1]] * len(X))
    assert_array_equal(clf.predict(later), clf.predict(X))
    # Neither cloning nor fitting changes the parameter.
    assert clone(clf).column_kinds.keys() == column_kinds.keys() or callable(
        next(iter(column_kinds))
    )
    assert clf.get_params()["column_kinds"] is column_kinds


def test_columns_of_other_tables_are_read_as_the_user_says():
    X, y = orders()
    tables = [
        (pl.from_pandas(X), {"shop": "category", "id": "drop"}),
        (X.to_numpy(dtype=object), {0: "category", 2: "drop"}),
        (X.set_axis(range(4), axis=1), {0: "category", 2: "drop"}),
        (
            X.set_axis(pd.MultiIndex.from_product([["a"], X.columns]), axis=1),
            {("a", "shop"): "category", ("a", "id"): "drop"},
        ),
    ]
    for table, column_kinds in tables:
        clf = classifier(column_kinds=column_kinds).fit(table, y)
        assert kinds(clf) == ["category", "category", "drop", "number"]
        assert clf.predict(table).shape == y.shape


def test_kinds_are_a_parameter_to_search_over():
    X, y = orders()
    search = GridSearchCV(
        classifier(max_evaluations=1),
        {"column_kinds": [None, {"shop": "category"}, {"shop": "drop"}]},
        cv=2,
    ).fit(X, y)
    assert search.best_params_ == {"column_kinds": {"shop": "category"}}


def test_a_number_by_choice_is_one_in_further_rows():
    X, y = orders()
    X["shop"] = X["shop"].astype(str)
    assert kinds(classifier().fit(X, y))[0] == "category"
    clf = classifier(column_kinds={"shop": "number"}).fit(X, y)
    expected = clf.predict_proba(X)
    assert_array_equal(clf.predict_proba(X.astype({"shop": int})), expected)
    assert np.isfinite(clf.predict_proba(X.assign(shop="unheard of"))).all()


@pytest.mark.parametrize(
    ("column_kinds", "message"),
    [
        ("category", "'column_kinds' parameter"),
        ({"shop": "integer"}, "must map columns to kinds"),
        ({"shap": "category"}, "no such column. Did you mean 'shop'"),
        ({"note": "date"}, "says 'date' for column 'note' of X, which cannot be read"),
        (dict.fromkeys(["shop", "note", "id", "x"], "drop"), "not drop"),
    ],
)
def test_what_the_user_says_is_checked(column_kinds, message):
    X, y = orders()
    with pytest.raises(ValueError, match=message):
        classifier(column_kinds=column_kinds).fit(X, y)


def test_columns_of_sparse_matrices_are_numbers():
    X, y = sparse.csr_array(np.eye(20)), np.arange(20) % 2
    assert set(kinds(classifier().fit(X, y))) == {"number"}
    assert set(kinds(classifier(column_kinds={}).fit(X, y))) == {"number"}
    with pytest.raises(ValueError, match="must be None for a sparse matrix"):
        classifier(column_kinds={0: "drop"}).fit(X, y)
