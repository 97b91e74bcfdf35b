"""Canonical rows of small tables, and which rows are copies of each other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from sklearn_meta.data._copies import find_copies
from sklearn_meta.data._weights import as_counts

# Maximum number of rows of tables that are put into canonical order and whose weights
# are replaced by repetitions of rows, and the maximum mean number of repetitions.
MAX_CANONICAL_ROWS = 2_000
MAX_MEAN_COUNT = 10

# Share of the rows of larger tables that must be copies for any to be kept together.
MIN_COPIES_SHARE = 0.05

# Rows with more columns are sorted by a digest of their values.
MAX_SORTED_COLUMNS = 500


@dataclass(frozen=True)
class CanonicalRows:
    """Rows of the canonical table.

    Parameters
    ----------
    order : ndarray of int or None
        Index in the table of each row of the canonical one. None for the same rows.
    copy_of : ndarray of int or None
        Number of each row of the canonical table, the same for copies; see `Dataset`.
    n_copies : int
        Number of rows of the table that are copies of others.
    """

    order: np.ndarray | None = field(repr=False)
    copy_of: np.ndarray | None = field(repr=False)
    n_copies: int = 0


def canonical_rows(dataset, *, keeps_rows=False) -> CanonicalRows:
    """Choose the rows of the canonical table.

    Weights of small tables that are in the ratio of small whole numbers are replaced by
    repetitions: a row with weight 2 appears twice and a row with weight 0 is omitted,
    so that learners without weights and bootstrap samples treat weights and repetitions
    alike. The rows are sorted by their values, so that ``fit`` does not depend on their
    order. A table that is repeated as a whole, by weights or by rows, is used once.

    Repetitions and the copies that `find_copies` finds are numbered, to be kept on one
    side of every split.

    Parameters
    ----------
    dataset : Dataset
    keeps_rows : bool, default=False
        Whether splits contain row indices: these are obeyed, with copies on both sides.

    Returns
    -------
    rows : CanonicalRows
        Large tables, grouped rows and rows with other weights keep their order. Rows of
        groups have no copies: groups are kept together.
    """
    if dataset.groups is not None:
        return CanonicalRows(None, None)
    counts = _counts(dataset)
    if counts is None:
        if keeps_rows:
            return CanonicalRows(None, None)
        copy_of = find_copies(
            dataset.X, dataset.y, dataset.schema.n_categorical, MIN_COPIES_SHARE
        )
        return CanonicalRows(None, copy_of, _n_copies(copy_of))
    order = _sorted_rows(dataset, counts)
    if keeps_rows:
        return CanonicalRows(order, None)
    X, y = dataset.X[order], dataset.y[order]
    copy_of = find_copies(X, y, dataset.schema.n_categorical)
    n_copies = 0 if (counts > 1).any() else _n_copies(copy_of)
    copy_of = _joined(order, copy_of)
    if not dataset.metadata:
        # Copies may differ in their metadata.
        order, copy_of = _used_once(order, copy_of)
    if copy_of is not None and copy_of[-1] + 1 == len(copy_of):
        copy_of = None
    return CanonicalRows(order, copy_of, n_copies)


def _counts(dataset):
    """Return how often each row appears in the canonical table; None if it has none."""
    n, weight = dataset.n_samples, dataset.sample_weight
    if n > MAX_CANONICAL_ROWS:
        return None
    if weight is None:
        return np.ones(n, dtype=np.intp)
    return as_counts(weight, min(MAX_CANONICAL_ROWS, MAX_MEAN_COUNT * n))


def _sorted_rows(dataset, counts):
    """Return the repeated rows, sorted by their values."""
    rows = np.repeat(np.arange(dataset.n_samples), counts)
    # Equal rows by their weights, so that it does not matter which comes first.
    return rows[order_of_rows(dataset.X[rows], dataset.y[rows], (counts[rows],))]


def _n_copies(copy_of):
    return 0 if copy_of is None else len(copy_of) - int(copy_of.max()) - 1


def _joined(order, copy_of):
    """Number sorted rows such that repetitions and copies have the same number."""
    begins = np.diff(order) != 0
    if copy_of is not None:
        # Both are next to each other.
        begins &= np.diff(copy_of) != 0
    return np.append(0, np.cumsum(begins))


def _used_once(order, copy_of):
    """Leave out repetitions of the whole table."""
    _, first, sizes = np.unique(copy_of, return_index=True, return_counts=True)
    repeats = np.gcd.reduce(sizes)
    rank = np.arange(len(order)) - first[copy_of]
    kept = rank < (sizes // repeats)[copy_of]
    if (sizes == repeats).all():
        return order[kept], None
    return order[kept], copy_of[kept]


def order_of_rows(X, y, ties=()):
    """Return the permutation that sorts rows by their values, ties by the target.

    Wide tables are sorted by a digest of each row. An order of the values would need
    one key for each column: two minutes for 1 500 rows and 50 000 columns, and a dense
    copy of a sparse table. Any order will do that depends on the values only.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    ties : sequence of ndarray of shape (n_samples,), default=()
        Further keys, by which rows of equal values are sorted.

    Returns
    -------
    order : ndarray of int of shape (n_samples,)
    """
    if X.shape[1] > MAX_SORTED_COLUMNS:
        keys = np.array([_digest(row) for row in _row_bytes(X)], dtype=">u8").T
    else:
        keys = (X.toarray() if sparse.issparse(X) else X).T
    return np.lexsort((*ties, *np.atleast_2d(y.T), *keys))


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
