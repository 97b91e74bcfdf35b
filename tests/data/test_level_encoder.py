"""The encoder of many categories gives what OrdinalEncoder gives."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_meta.data.level_encoder import LevelEncoder


@parametrize_with_checks([LevelEncoder()])
def test_sklearn_compatibility(estimator, check):
    check(estimator)


LEVELS = st.lists(st.text(max_size=2), min_size=1, max_size=4, unique=True)
CELLS = st.none() | st.text(max_size=2) | st.just(np.nan) | st.integers(0, 2)


@given(st.data(), st.lists(LEVELS, min_size=1, max_size=3))
def test_codes_are_those_of_ordinal_encoder(data, levels):
    row = st.tuples(*[st.sampled_from(column) | CELLS for column in levels])
    X = np.array(data.draw(st.lists(row, min_size=1, max_size=6)), dtype=object)
    ordinal = OrdinalEncoder(
        categories=[np.array(column, dtype=object) for column in levels],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
    )
    first = np.array([[column[0] for column in levels]], dtype=object)
    encoder = LevelEncoder(levels).fit(first)
    # OrdinalEncoder refuses integers beside strings: they are unknown as well.
    known = np.array([[c if isinstance(c, str) else None for c in row] for row in X])
    expected = ordinal.fit(first).transform(known.astype(object))
    assert_array_equal(encoder.transform(X), expected)


@pytest.mark.parametrize(
    "make", [np.array, pd.DataFrame, pl.DataFrame, lambda X: X.tolist()]
)
def test_levels_are_inferred_from_tables_of_every_kind(make):
    X = np.array([["b", "x"], ["a", "x"], [None, "y"]], dtype=object)
    if make is pl.DataFrame:
        X = pl.DataFrame({"a": X[:, 0].tolist(), "b": X[:, 1].tolist()})
    else:
        X = make(X)
    codes = LevelEncoder().fit_transform(X)
    assert_array_equal(codes, [[1, 0], [0, 0], [np.nan, 1]])


def test_levels_of_numbers():
    encoder = LevelEncoder([[3, 1.5, True]]).fit([[0]])
    codes = encoder.transform(np.array([[3.0], [1], [2], [np.nan]], dtype=object))
    assert_array_equal(codes, [[0], [2], [np.nan], [np.nan]])


def test_one_entry_for_each_column_is_expected():
    with pytest.raises(ValueError, match="'levels' parameter must have one entry.*2"):
        LevelEncoder([["a"]]).fit([["a", "b"]])


def test_it_survives_cloning_and_pickling():
    X = pd.DataFrame({"a": ["x", "y"], "b": ["u", None]})
    encoder = LevelEncoder([["y", "x"], ["u"]]).fit(X)
    assert encoder.levels_ == [["y", "x"], ["u"]]
    for other in (clone(encoder).fit(X), pickle.loads(pickle.dumps(encoder))):
        assert_array_equal(other.transform(X), [[1, 0], [0, np.nan]])
        assert list(other.get_feature_names_out()) == ["a", "b"]


def test_skops_stores_levels_of_every_type():
    X = np.array([[False, 3, "a"], [True, 1.5, None]], dtype=object)
    encoder = LevelEncoder([[False, True], [1.5, 3], ["a"]]).fit(X)
    data = skops.io.dumps(encoder)
    own = "sklearn_meta.data.level_encoder.LevelEncoder"
    assert skops.io.get_untrusted_types(data=data) == [own]
    loaded = skops.io.loads(data, trusted=[own])
    assert_array_equal(loaded.transform(X), [[0, 1, 0], [1, 0, np.nan]])
    assert not hasattr(pickle.loads(pickle.dumps(LevelEncoder())), "levels_")
