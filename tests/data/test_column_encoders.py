"""Each kind of column has its encoder, made of public libraries."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.data._column_encoders import column_transformer
from sklearn_meta.data._column_kinds import (
    CATEGORY,
    CONVERTED,
    DATE,
    DURATION,
    NUMBER,
    PARSED,
    TEXT,
    WITH_NA,
    Column,
)
from sklearn_meta.data._date_encoders import DAY, NOT_A_TIME, WEEK, YEAR
from sklearn_meta.data._transformer_specs import function_spec
from sklearn_meta.pipelines._spec import instantiate, paths


def encoded(columns, X):
    """The encoded table and the names of its columns."""
    encoder = instantiate(column_transformer(columns)).set_output(transform="default")
    values = np.asarray(encoder.fit_transform(X), dtype=float)
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


def test_texts_are_compared_by_their_printed_form():
    column = Column("a", TEXT, levels=("1", "x"))
    assert_array_equal(one(column, [1, "x", "1", None])[:, 0], [0, 1, 0, np.nan])


@pytest.mark.parametrize(
    ("how", "values"),
    [
        ("checked", [1.0, np.nan, 3.0]),
        (WITH_NA, pd.array([1, None, 3], dtype="Int64").astype(object)),
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
        Column("t", TEXT, levels=("1", "z")),
        Column("c", CATEGORY, levels=("x", "y")),
    ]
    values, names = encoded(columns, X)
    assert names == ["c", "t", "n"]
    assert_array_equal(values, [[0, 0, 1], [1, 1, 2]])


def test_columns_may_be_selected_by_position():
    values, _ = encoded([Column(1, NUMBER)], np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert_array_equal(values, [[2], [4]])


def test_encoders_work_without_this_package():
    columns = [
        Column(0, CATEGORY, levels=("x",)),
        Column(1, TEXT, levels=("x",)),
        *(Column(2, NUMBER, how=how) for how in ("checked", CONVERTED, WITH_NA)),
        Column(5, DURATION),
        Column(6, DATE, span=(0.0, 3 * YEAR)),
        Column(7, DATE, span=(0.0, 0.0), how=PARSED),
    ]
    modules = {p.partition(".")[0] for p in paths(column_transformer(columns))}
    assert modules == {"sklearn", "numpy", "pandas"}
    without_pandas = {
        p.partition(".")[0]
        for p in paths(column_transformer(columns[:4] + columns[5:7]))
    }
    assert without_pandas == {"sklearn", "numpy"}
