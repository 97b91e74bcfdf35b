"""Canonical order of the rows of small tables, independent of their original order."""

from __future__ import annotations

import hashlib

import numpy as np
from scipy import sparse

# Maximum number of rows of tables that are put into canonical order and whose integer
# weights are replaced by repetitions of rows.
MAX_CANONICAL_ROWS = 2_000

# Rows with more columns are sorted by a digest of their values.
MAX_SORTED_COLUMNS = 500


def canonical_rows(dataset):
    """Return the indices that put the rows of a small table into canonical order.

    Integer weights are replaced by repetitions: a row with weight 2 appears twice and a
    row with weight 0 is omitted, so that learners without weights, bootstrap samples
    and folds treat weights and repetitions alike. The rows are sorted by their values,
    so that ``fit`` does not depend on their order.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    rows : ndarray of int or None
        None if the rows keep their order: for large tables, for grouped rows and for
        weights that are not integers.
    """
    if dataset.groups is not None or dataset.n_samples > MAX_CANONICAL_ROWS:
        return None
    X, y, weight = dataset.X, dataset.y, dataset.sample_weight
    rows = np.arange(dataset.n_samples)
    if weight is not None:
        counts = weight.astype(np.intp)
        if (counts != weight).any() or not 0 < counts.sum() <= MAX_CANONICAL_ROWS:
            return None
        rows = np.repeat(rows, counts)
    return rows[order_of_rows(X[rows], y[rows])]


def order_of_rows(X, y):
    """Return the permutation that sorts rows by their values, ties by the target.

    Wide tables are sorted by a digest of each row. An order of the values would need
    one key for each column: two minutes for 1 500 rows and 50 000 columns, and a dense
    copy of a sparse table. Any order will do that depends on the values only.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)

    Returns
    -------
    order : ndarray of int of shape (n_samples,)
    """
    if X.shape[1] > MAX_SORTED_COLUMNS:
        keys = np.array([_digest(row) for row in _row_bytes(X)], dtype=">u8").T
    else:
        keys = (X.toarray() if sparse.issparse(X) else X).T
    return np.lexsort((*np.atleast_2d(y.T), *keys))


def _row_bytes(X):
    """Yield bytes of each row that are equal for equal rows."""
    if not sparse.issparse(X):
        for row in X:
            # Minus zero has other bytes than zero, and there are several NaN.
            row = row + 0.0
            row[np.isnan(row)] = np.nan
            yield row.tobytes()
        return
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    for first, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        values = X.data[first:end]
        stored = values != 0
        columns = X.indices[first:end][stored].astype(np.int64)
        yield columns.tobytes() + values[stored].tobytes()


def _digest(data):
    """Return a digest of bytes as two integers of 64 bits."""
    return np.frombuffer(hashlib.blake2b(data, digest_size=16).digest(), dtype=">u8")
