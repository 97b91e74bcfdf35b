"""Each kind of column has its encoder, made of public libraries."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_meta.data import _date_encoders
from sklearn_meta.data._column_encoders import column_transformer
from sklearn_meta.data._column_kinds import (
    CATEGORY,
    CONVERTED,
    DATE,
    DURATION,
    NUMBER,
    PARSED,
    PRINTED,
    SET,
    TEXT,
    Column,
)
from sklearn_meta.data._date_encoders import DAY, NOT_A_TIME, WEEK, YEAR
from sklearn_meta.data._transformer_specs import function_spec
from sklearn_meta.pipelines._spec import instantiate, paths


def encoded(columns, X):
    """The encoded table and the names of its columns."""
    encoder = instantiate(column_transformer(columns))
    values = encoder.fit_transform(X)
    values = values.toarray() if sparse.issparse(values) else np.asarray(values)
    return values, [str(name) for name in encoder.get_feature_names_out()]


def one(column, values):
    return encoded([column], pd.DataFrame({"a": values}))[0]


def test_a_function_is_applied_to_the_whole_table():
    spec = function_spec("numpy.clip", a_min=0, a_max=1)
    assert instantiate(spec).fit_transform(np.array([[-1.0, 0.5, 2.0]])).tolist() == [
        [0.0, 0.5, 1.0]
    ]
    assert not instantiate(spec).accept_sparse
    assert instantiate(function_spec("sklearn.utils.check_array", accept_sparse="csr")).accept_sparse  # fmt: skip  # noqa: E501
    assert instantiate(function_spec("numpy.abs")).kw_args is None


def test_levels_get_the_codes_of_their_order():
    column = Column("a", CATEGORY, levels=("small", "large"))
    values = one(column, ["large", "small", "unheard of", None])
    assert_array_equal(values[:, 0], [1, 0, np.nan, np.nan])


def test_cells_of_several_types_are_compared_by_their_printed_form():
    column = Column("a", CATEGORY, levels=("1", "x"), how=PRINTED)
    assert_array_equal(one(column, [1, "x", "1", None])[:, 0], [0, 1, 0, np.nan])


@pytest.mark.parametrize(
    ("how", "values"),
    [
        ("checked", [1.0, np.nan, 3.0]),
        (PARSED, pd.array([1, None, 3], dtype="Int64").astype(object)),
        (PARSED, ["$1", "?", "3.0"]),
        (CONVERTED, pd.arrays.SparseArray([1.0, np.nan, 3.0])),
    ],
)
def test_numbers_of_every_kind_become_floats(how, values):
    column = Column("a", NUMBER, how=how)
    assert_array_equal(one(column, values)[:, 0], [1, np.nan, 3])


def test_infinity_is_refused():
    with pytest.raises(ValueError, match="infinity"):
        one(Column("a", NUMBER), [1.0, np.inf])


def test_durations_are_milliseconds():
    values = pd.to_timedelta(["1s", None, "2min"])
    column = Column("a", DURATION, span=(1_000.0, 120_000.0))
    assert_array_equal(one(column, values)[:, 0], [1_000, np.nan, 120_000])
    column = Column("a", DURATION, how=PARSED)
    assert_array_equal(
        one(column, ["0:00:01", None, "2min"])[:, 0], [1_000, np.nan, 120_000]
    )


def test_strings_of_numbers_have_one_encoder_for_each_way_to_write_them():
    X = pd.DataFrame({"a": ["1,5"], "b": ["1.5"], "c": ["2 kg"], "d": ["2,5"]})
    comma, unit = (("decimal", ","),), (("unit", "kg"),)
    columns = [
        Column(name, NUMBER, how=PARSED, settings=settings)
        for name, settings in zip("abcd", [comma, (), unit, comma], strict=True)
    ]
    values, names = encoded(columns, X)
    assert names == ["amounts0__a", "amounts0__d", "amounts1__b", "amounts2__c"]
    assert_array_equal(values, [[1.5, 2.5, 1.5, 2]])


def test_options_of_sets_are_0_or_1():
    column = Column(
        "a", SET, levels=("red", "sky blue"), settings=(("separator", ";"),)
    )
    values = one(column, ["sky blue ;red", None, "green", "[red]", "red;red", np.nan])
    assert_array_equal(values, [[1, 1], [0, 0], [0, 0], [1, 0], [1, 0], [0, 0]])
    column = Column(
        "a", SET, levels=("5",), how=PRINTED, settings=(("separator", ","),)
    )
    assert_array_equal(one(column, [5, "5.0,5", None]), [[1], [1], [0]])


@pytest.mark.parametrize("how", ["checked", PRINTED])
def test_counts_of_words_and_of_characters(how):
    settings = (("min_df", 1), ("words", (1, 1)), ("characters", (2, 2)))
    column = Column("a", TEXT, how=how, settings=settings)
    X = pd.DataFrame({"a": ["to be", None, "be be"]})
    values, names = encoded([column], X)
    words = ["words0__be", "words0__to"]
    assert names[:2] == words
    assert_array_equal(values[:, :2], [[1, 1], [0, 0], [2, 0]])
    assert all(name.startswith("characters0__") for name in names[2:])
    assert "characters0__be" in names
    # Sparse, whatever the share of zeros.
    encoder = instantiate(column_transformer([column, Column("b", NUMBER)]))
    assert sparse.issparse(encoder.fit_transform(X.assign(b=1.0)))


def dates(days, **arguments):
    column = Column("a", DATE, span=(0.0, max(days) * DAY), dated=False, **arguments)
    return one(column, pd.to_datetime(np.array(days) * DAY, unit="ms"))


def test_dates_are_on_a_scale_from_the_first_to_the_last():
    values = dates([0.0, 0.25, 1.0])
    assert values.shape == (3, 1)
    assert_allclose(values[:, 0], [0, 0.25, 1])


@pytest.mark.parametrize(
    ("span", "dated", "n_parts"),
    [
        (1.9 * DAY, False, 1),
        (2 * DAY, False, 1 + 6),
        (2 * DAY, True, 1),
        (2 * WEEK, True, 1 + 7),
        (2 * WEEK, False, 1 + 6 + 7),
        (2 * YEAR, True, 1 + 7 + 6),
        (2 * YEAR, False, 1 + 6 + 7 + 6),
    ],
)
def test_cycles_are_those_that_were_gone_through_twice(span, dated, n_parts):
    column = Column("a", DATE, span=(0.0, span), dated=dated)
    days = pd.to_datetime(np.linspace(0, span, 9), unit="ms")
    assert one(column, days).shape == (9, n_parts)


def test_a_cycle_comes_back_to_where_it_was():
    values = dates([0.0, 7.0, 3.5, 10.5, 21.0])
    assert_allclose(values[0, 1:], values[1, 1:], atol=1e-9)
    assert_allclose(values[2, 1:], values[3, 1:], atol=1e-9)
    assert np.abs(values[0, 1:] - values[2, 1:]).max() > 0.1


def test_missing_dates_have_splines_where_these_take_no_missing_values(monkeypatch):
    column = Column("a", DATE, span=(0.0, 20 * DAY))
    dates = pd.to_datetime(["1970-01-05", None, "1970-01-01"])
    monkeypatch.setattr(_date_encoders, "splines_take_missing", lambda: False)
    values = one(column, dates)
    assert np.isnan(values[1, 0]) and np.isfinite(values[:, 1:]).all()
    assert_array_equal(values[1, 1:], values[2, 1:])
    monkeypatch.undo()
    assert_allclose(one(column, dates)[[0, 2]], values[[0, 2]])


def test_missing_dates_are_missing_and_in_no_cycle():
    column = Column("a", DATE, span=(0.0, 20 * DAY))
    days = pd.to_datetime([0.0, None, 20 * DAY], unit="ms")
    values = one(column, days)
    assert np.isnan(values[1, 0]) and (values[1, 1:] == 0).all()
    assert np.datetime64("NaT").astype("datetime64[ms]").astype(float) == NOT_A_TIME


def test_dates_that_numpy_does_not_read_are_parsed():
    column = Column("a", DATE, how=PARSED, span=(0.0, DAY))
    values = one(column, ["1970-01-01 00:00+00:00", "1970-01-02 02:00+02:00"])
    assert_allclose(values[:, 0], [0, 1])


def test_categories_come_first_and_columns_that_are_not_named_are_left_out():
    X = pd.DataFrame({"n": [1.0, 2.0], "left": [0, 0], "c": ["x", "y"], "t": [1, "z"]})
    columns = [
        Column("n", NUMBER),
        Column("t", CATEGORY, levels=("1", "z"), how=PRINTED),
        Column("c", CATEGORY, levels=("x", "y")),
    ]
    values, names = encoded(columns, X)
    assert names == ["categories__c", "printed__t", "numbers__n"]
    assert_array_equal(values, [[0, 0, 1], [1, 1, 2]])


def test_names_of_derived_columns_do_not_clash():
    days = pd.to_datetime(np.arange(30) * DAY, unit="ms")
    X = pd.DataFrame({"a": days, "time__a": days, "date0__time__a": np.arange(30.0)})
    columns = [
        Column("a", DATE, span=(0.0, 29 * DAY), dated=True),
        Column("time__a", DATE, span=(0.0, 29 * DAY), dated=True),
        Column("date0__time__a", NUMBER),
    ]
    _, names = encoded(columns, X)
    assert len(set(names)) == len(names) == 17
    assert "date0__time__a" in names and "numbers__date0__time__a" in names


@pytest.mark.parametrize("n_columns, n_levels", [(1, 1_001), (201, 2)])
def test_many_columns_or_levels_have_an_encoder_of_their_own(n_columns, n_levels):
    levels = tuple(f"l{i:04d}" for i in range(n_levels))
    columns = [Column(f"c{i}", CATEGORY, levels=levels) for i in range(n_columns)]
    spec = column_transformer(columns)
    assert "sklearn_meta.data.level_encoder.LevelEncoder" in paths(spec)
    X = pd.DataFrame({c.label: [*levels[::-1], "new"] for c in columns})
    values, _ = encoded(columns, X)
    assert_array_equal(values[:, -1], [*range(n_levels)[::-1], np.nan])
    fewer = column_transformer([Column("c", CATEGORY, levels=levels[:1_000])] * 1)
    assert "sklearn_meta.data.level_encoder.LevelEncoder" not in paths(fewer)


def test_columns_may_be_selected_by_position():
    values, _ = encoded([Column(1, NUMBER)], np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert_array_equal(values, [[2], [4]])


def used_packages(columns):
    return {path.partition(".")[0] for path in paths(column_transformer(columns))}


PLAIN = [
    Column(0, CATEGORY, levels=("x",)),
    *(Column(1, NUMBER, how=how) for how in ("checked", CONVERTED)),
    Column(2, DURATION),
    Column(3, DATE, span=(0.0, 3 * YEAR)),
    Column(4, SET, levels=("x", "y"), settings=(("separator", ";"),)),
    Column(5, TEXT, settings=(("min_df", 1), ("words", (1, 2)))),
]
OTHER = [
    Column(0, CATEGORY, levels=("x",), how=PRINTED),
    Column(0, NUMBER, how=PARSED),
    Column(0, DURATION, how=PARSED),
    Column(0, DATE, how=PARSED, span=(0.0, DAY)),
    Column(0, SET, levels=("x",), how=PRINTED, settings=(("separator", ";"),)),
    Column(0, TEXT, how=PRINTED, settings=(("min_df", 1), ("words", (1, 1)))),
]


def test_encoders_of_ordinary_columns_work_without_this_package():
    assert used_packages(PLAIN) == {"sklearn", "numpy"}


@pytest.mark.parametrize("column", OTHER, ids=lambda column: column.kind)
def test_encoders_of_strings_that_are_parsed_and_of_mixed_cells_need_it(column):
    spec = column_transformer([column])
    own = {path for path in paths(spec) if path.startswith("sklearn_meta")}
    assert len(own) == 1 and own.pop().startswith("sklearn_meta.data.parsing.")
