"""Scaling, clipping and encoding of columns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.mlp._smooth_columns import LIMIT, MAX_INPUTS, smooth_columns

columns = st.lists(
    st.one_of(st.floats(-1e300, 1e300), st.just(np.nan)), min_size=2, max_size=30
)


@given(columns, st.integers(0, 8))
def test_inputs_are_finite_and_bounded(column, n_bins):
    X = np.array(column)[:, None]
    inputs = smooth_columns(X, n_bins).transform(X)
    assert inputs.dtype == np.float32
    assert np.isfinite(inputs).all()
    assert np.abs(inputs).max() <= LIMIT


@given(
    st.lists(st.integers(-50, 50), min_size=3, max_size=30),
    st.sampled_from([0.25, 4.0, 1024.0]),
    st.integers(-8, 8),
)
def test_inputs_do_not_depend_on_the_unit_of_a_column(column, factor, shift):
    # Powers of two and small whole numbers: the arithmetic is exact.
    X = np.array(column, dtype=float)[:, None]
    other = factor * X + shift
    one, two = (smooth_columns(x, 4).transform(x) for x in (X, other))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_inputs_keep_the_order_of_values():
    X = np.sort(np.random.default_rng(0).standard_cauchy(size=(200, 1)), axis=0)
    inputs = smooth_columns(X, 5).transform(X)
    assert inputs.shape == (200, 6)
    assert (np.diff(inputs, axis=0) >= 0).all()
    # Codes rise from -1 to 1 one after the other.
    codes = inputs[:, 1:]
    assert codes[0].tolist() == [-1] * 5 and codes[-1].tolist() == [1] * 5
    assert (np.diff(codes, axis=1) <= 0).all()


def test_missing_cells_are_zero_and_marked():
    X = np.array([[1.0, 5.0], [np.nan, 6.0], [3.0, 7.0]])
    columns = smooth_columns(X, 0)
    assert columns.transform(X)[:, 0].tolist() == [0, 1, 0]
    assert columns.transform(X)[1, 1] == 0
    # One that had no missing cells before has no mark for them.
    new = columns.transform(np.array([[2.0, np.nan]]))
    assert new.tolist() == [[0, 0, 0]]


def test_columns_that_say_nothing():
    X = np.column_stack([np.full(9, 7.0), np.full(9, np.nan), np.arange(9.0)])
    inputs = smooth_columns(X, 3).transform(X)
    # A mark, three columns, three codes of the last one.
    assert inputs.shape == (9, 7)
    assert inputs[:, 0].all() and not inputs[:, 1:3].any()


def test_few_codes_for_many_columns():
    X = np.random.default_rng(0).normal(size=(20, 300))
    assert smooth_columns(X, 8).transform(X).shape[1] <= MAX_INPUTS
    assert smooth_columns(X, 8).transform(X).shape[1] == 3 * 300
    wide = np.random.default_rng(0).normal(size=(5, MAX_INPUTS))
    assert smooth_columns(wide, 8).transform(wide).shape[1] == MAX_INPUTS
