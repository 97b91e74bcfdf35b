"""Tables in which some columns are shuffled, whatever the type of the table."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse


def as_rows(X):
    """Return a table as something with rows and columns: lists become an array."""
    if sparse.issparse(X):
        return X.tocsc()
    if nw.dependencies.is_into_dataframe(X):
        return X
    array = np.asarray(X)
    # Cells of several types would become strings.
    return array if array.dtype.kind in "biufc" else np.asarray(X, dtype=object)


def take_rows(X, rows):
    """Return some rows of what `as_rows` returns."""
    if nw.dependencies.is_into_dataframe(X):
        return nw.from_native(X, eager_only=True)[rows].to_native()
    return X[rows]


def with_shuffled(X, positions, order):
    """Return a table in which some columns have their rows in another order.

    Parameters
    ----------
    X : {ndarray, sparse matrix, data frame} of shape (n_samples, n_features)
        From `as_rows`; not changed.
    positions : list of int
        Columns, all shuffled in the same way.
    order : ndarray of shape (n_samples,)
        Row that each row gets its values from.

    Returns
    -------
    shuffled : {ndarray, sparse matrix, data frame} of shape (n_samples, n_features)
        Of the same type and with the same types of columns.
    """
    if sparse.issparse(X):
        return _sparse_with_shuffled(X, positions, order)
    if hasattr(X, "isetitem"):
        # By position, as names of pandas may recur.
        X = X.copy(deep=False)
        for i in positions:
            column = X.iloc[order, i]
            column.index = X.index
            X.isetitem(i, column)
        return X
    if nw.dependencies.is_into_dataframe(X):
        frame = nw.from_native(X, eager_only=True)
        names = [frame.columns[i] for i in positions]
        return frame.with_columns(*(frame[name][order] for name in names)).to_native()
    X = X.copy()
    X[:, positions] = X[np.ix_(order, positions)]
    return X


def _sparse_with_shuffled(X, positions, order):
    """Renumber the rows of the stored values of some columns."""
    X = X.copy()
    to = np.empty(len(order), dtype=X.indices.dtype)
    to[order] = np.arange(len(order))
    for i in positions:
        stored = slice(X.indptr[i], X.indptr[i + 1])
        X.indices[stored] = to[X.indices[stored]]
    X.has_sorted_indices = False
    X.sort_indices()
    return X
