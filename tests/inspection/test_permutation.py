"""Columns are shuffled in tables of all types, and the table stays as it was."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sklearn_meta.inspection._permutation import as_rows, take_rows, with_shuffled

ORDER = np.array([2, 0, 3, 1])
NUMBERS = np.arange(12.0).reshape(4, 3)
COLUMNS = {
    "number": [1, 2, 3, 4],
    "word": ["a", None, "c", "d"],
    "day": [datetime.date(2020, 1, d) for d in (1, 2, 3, 4)],
}


def rows_of(X):
    if sparse.issparse(X):
        return X.toarray().tolist()
    if hasattr(X, "rows"):
        return [list(row) for row in X.rows()]
    return (X.to_numpy() if hasattr(X, "iloc") else X).tolist()


@pytest.mark.parametrize(
    "X",
    [
        NUMBERS,
        NUMBERS.tolist(),
        [["a", 1, None], ["b", 2, 1.5], ["c", 3, None], ["d", 4, 2.5]],
        sparse.csr_matrix(NUMBERS),
        sparse.coo_array(NUMBERS),
        pd.DataFrame(NUMBERS, index=[9, 9, 3, 1], columns=["a", "a", "b"]),
        pd.DataFrame(COLUMNS).astype({"word": "category"}),
        pl.DataFrame(COLUMNS),
    ],
    ids=lambda X: type(X).__name__,
)
@pytest.mark.parametrize("positions", [[1], [2, 0], []])
def test_only_these_columns_are_shuffled(X, positions):
    X = as_rows(X)
    before = rows_of(X)
    shuffled = with_shuffled(X, positions, ORDER)
    assert type(shuffled) is type(X)
    assert rows_of(X) == before
    expected = [list(row) for row in before]
    for i, row in enumerate(expected):
        for j in positions:
            row[j] = before[ORDER[i]][j]
    np.testing.assert_equal(rows_of(shuffled), expected)


def test_types_of_columns_stay():
    X = pd.DataFrame(COLUMNS).astype({"word": "category"})
    X["whole"] = pd.array([1, None, 3, 4], dtype="Int64")
    X["few"] = pd.arrays.SparseArray([0, 0, 1, 0])
    shuffled = with_shuffled(X, [0, 1, 2, 3, 4], ORDER)
    pd.testing.assert_series_equal(shuffled.dtypes, X.dtypes)
    assert shuffled.index.equals(X.index)
    X = pl.DataFrame(COLUMNS, schema_overrides={"word": pl.Categorical})
    assert with_shuffled(X, [0, 1, 2], ORDER).schema == X.schema


def test_rows_are_taken():
    for X in (NUMBERS, sparse.csr_matrix(NUMBERS), pd.DataFrame(COLUMNS)):
        X = as_rows(X)
        rows = rows_of(X)
        assert rows_of(take_rows(X, np.array([3, 1]))) == [rows[3], rows[1]]
