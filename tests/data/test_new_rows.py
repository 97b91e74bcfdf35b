"""New rows are checked and encoded like the table of fit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator

from sklearn_meta.data._column_access import FrameColumns
from sklearn_meta.data._describe import describe_table
from sklearn_meta.data._new_rows import as_frame, library_of
from sklearn_meta.data._target import regression_task
from sklearn_meta.data.parsing import is_missing

X = np.array([[3.0, 4.0], [1.0, 2.0], [2.0, 3.0], [0.0, 1.0]])
Y = np.array([10.0, 20.0, 30.0, 40.0])


class Named(BaseEstimator):
    """What remembers the columns."""


def fitted(X, y=Y):
    estimator = Named()
    return estimator, describe_table(estimator, X, y, task_of=regression_task)


@pytest.mark.filterwarnings("ignore:X (has|does not have) .*feature names")
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("forgets", [False, True])
def test_rows_are_encoded_as_in_fit(frame, forgets):
    table = frame({"a": ["x", "y", "x", "y"], "b": Y})
    estimator, described = fitted(table)
    if forgets:
        # As other tools do.
        estimator.feature_names_in_ = None
    encoder = described.row_encoder
    rows = np.array([["y", 20.0], ["z", 1e39]], dtype=object)
    for given in (table, np.asarray(table)):
        assert_array_equal(encoder.encode(estimator, given), described.dataset.X)
    encoded = encoder.encode(estimator, rows)
    assert encoded[0].tolist() == [1, 20] and np.isnan(encoded[1, 0])
    assert 1e4 < encoded[1, 1] < 1e38


def test_rows_of_an_array_need_no_names():
    estimator, described = fitted(pd.DataFrame(X))
    encoded = described.row_encoder.encode(estimator, X[:2])
    assert_array_equal(encoded, described.dataset.X[:2])
    with pytest.raises(ValueError, match="1 features"):
        described.row_encoder.encode(estimator, X[:, :1])


@pytest.mark.parametrize(
    ("table", "library"),
    [
        (pd.DataFrame(X), "pandas"),
        (pl.DataFrame(X), "polars"),
        (X, None),
        (sparse.csr_array(X), None),
    ],
)
def test_libraries_of_tables(table, library):
    assert library_of(table) == library


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_an_array_becomes_a_frame_of_the_library(library, make):
    frame = as_frame(make(X), ["a", "b"], library)
    assert library_of(frame) == library and list(frame.columns) == ["a", "b"]
    assert_array_equal(np.asarray(frame), X)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_array_of_objects_becomes_a_frame(library):
    values = np.array([[1, "x", None], [2.5, "y", "z"]], dtype=object)
    frame = as_frame(values, ["a", "b", "c"], library)
    assert library_of(frame) == library
    columns = [FrameColumns(frame).values(i).tolist() for i in range(3)]
    assert columns[:2] == [[1, 2.5], ["x", "y"]]
    assert is_missing(columns[2][0]) and columns[2][1] == "z"
