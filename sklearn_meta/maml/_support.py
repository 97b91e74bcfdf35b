"""Support rows of a table: merge equal rows, and sample large tables.

Rows are ordered by a hash of their content. The order is pseudo-random but independent
of the order of the table. Equal rows are merged, so that a row of weight two is the
same input as the row repeated. The first rows are a uniform sample of all rows seen so
far, in any number of calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from scipy import sparse

# Number of cells converted to a sparse block at once.
MAX_BLOCK_CELLS = 1_000_000
DIGEST_BYTES = 16


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """Distinct rows with targets, in the order of their hashes.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        Class codes or targets.
    weight : ndarray of shape (n_rows,)
        Positive; the sum over all copies of a row.
    """

    X: object
    y: np.ndarray
    weight: np.ndarray

    def __len__(self):
        return len(self.y)

    def take(self, index):
        """Return the rows at some positions."""
        return DistinctRows(self.X[index], self.y[index], self.weight[index])


def distinct_rows(X, y, sample_weight, seed) -> DistinctRows:
    """Merge equal rows of `X`, (n_samples, n_features), and sort rows by their hashes.

    `sample_weight` is positive or None (all 1). `seed` is the key of the hash, which
    determines the order.
    """
    if sample_weight is None:
        sample_weight = np.ones(len(y))
    digest = _digests(X, y, seed)
    _, first, place = np.unique(digest, return_index=True, return_inverse=True)
    return DistinctRows(
        X[first], y[first], np.bincount(place, sample_weight, len(first))
    )


def _digests(X, y, seed):
    """Return the hash of each row with its target, as bytes of shape (n_samples,)."""
    key = int(seed).to_bytes(8, "little")
    y = np.asarray(y, dtype=np.float64) + 0.0
    digests = np.empty(len(y), dtype=f"S{2 * DIGEST_BYTES}")
    sparse_rows = sparse.issparse(X)
    if sparse_rows:
        X = X.copy()
        X.sum_duplicates()
        X.sort_indices()
    step = len(y) if sparse_rows else max(1, MAX_BLOCK_CELLS // max(1, X.shape[1]))
    for start in range(0, len(y), max(1, step)):
        block = X if sparse_rows else sparse.csr_array(X[start : start + step])
        # Equal values have equal bytes: no stored zeros, no negative zeros, one NaN.
        block.eliminate_zeros()
        block.data[np.isnan(block.data)] = np.nan
        indices = block.indices.astype(np.int64)
        for i, (first, last) in enumerate(pairwise(block.indptr), start):
            content = (
                indices[first:last].tobytes()
                + block.data[first:last].tobytes()
                + y[i].tobytes()
            )
            digests[i] = blake2b(content, digest_size=DIGEST_BYTES, key=key).hexdigest()
    return digests


@dataclass(frozen=True, eq=False)
class SupportRows:
    """Rows that an estimator is fitted to: context rows, then further training rows.

    Parameters
    ----------
    rows : DistinctRows
        Context rows first, with their sample weights.
    n_context : int
        Number of context rows.
    mass : ndarray of shape (n_classes,)
        Total weight of each class in the table; of all rows for regression.
    context_mass : ndarray of shape (n_classes,)
        The same in the context, where rare classes are oversampled.
    """

    rows: DistinctRows
    n_context: int
    mass: np.ndarray
    context_mass: np.ndarray

    @property
    def context_weight(self):
        """Weights of the context rows, (n_context,)."""
        return self.rows.weight[: self.n_context]

    @property
    def prior_shift(self):
        """Correction of logits for the class shares of the context, (n_classes,)."""
        found = (self.mass > 0) & (self.context_mass > 0)
        shares = [
            np.where(found, mass, 1.0) / mass.sum()
            for mass in (self.mass, self.context_mass)
        ]
        return np.where(found, np.log(shares[0]) - np.log(shares[1]), 0.0)

    def weight_as(self, mass):
        """Return the weights of all rows, scaled to the class proportions of `mass`."""
        if self.n_context == len(self.rows) and mass is self.mass:
            return self.rows.weight
        codes = _class_codes(self.rows, len(mass))
        own = np.bincount(codes, self.rows.weight, len(mass))
        share = mass / mass.sum() * len(self.rows)
        factor = np.divide(share, own, out=np.zeros(len(mass)), where=own > 0)
        return self.rows.weight * factor[codes]


def _class_codes(rows, n_classes):
    """Return the class codes; zeros for regression."""
    return rows.y if n_classes > 1 else np.zeros(len(rows), dtype=np.intp)


def rank_within_class(codes):
    """Return the number of earlier rows of the same class, for each row."""
    by_class = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.empty(len(codes), dtype=np.intp)
    rank[by_class] = np.arange(len(codes)) - first
    return rank


def choose_rows(rows, n_context, n_extra, n_classes) -> SupportRows:
    """Choose context rows and further training rows.

    Tables of up to `n_context` rows are used completely. Otherwise the number of
    context rows of a class is proportional to the square root of its size, so that rare
    classes are represented.

    Parameters
    ----------
    rows : DistinctRows
    n_context, n_extra : int
        Maximum numbers of context rows, at least one a class, and of further rows.
    n_classes : int
        0 for regression.
    """
    codes = _class_codes(rows, n_classes)
    mass = np.bincount(codes, rows.weight, max(n_classes, 1))
    if len(rows) <= n_context:
        return SupportRows(rows, len(rows), mass, mass)
    sizes = np.bincount(codes, minlength=len(mass))
    inside = rank_within_class(codes) < _quota(sizes, n_context)[codes]
    context, others = np.flatnonzero(inside), np.flatnonzero(~inside)[:n_extra]
    context_mass = np.bincount(codes[context], rows.weight[context], len(mass))
    chosen = rows.take(np.concatenate([context, others]))
    return SupportRows(chosen, len(context), mass, context_mass)


def _quota(sizes, n_rows):
    """Return numbers of rows proportional to the root of the class sizes."""
    # Rounded down: the sum may be a few rows less than `n_rows`.
    quota = np.minimum(sizes, 1)
    left = n_rows - quota.sum()
    open_ = sizes > quota
    while left > 0 and open_.any():
        root = np.sqrt(sizes) * open_
        wanted = np.maximum(np.floor(left * root / root.sum()), 1) * open_
        wanted = np.minimum(wanted.astype(int), sizes - quota)
        if wanted.sum() > left:
            # Fewer rows left than classes: the largest classes get them.
            order = np.argsort(-sizes, kind="stable")
            wanted[order[np.cumsum(wanted[order]) > left]] = 0
        if not wanted.any():
            break
        quota = quota + wanted
        left = n_rows - quota.sum()
        open_ = sizes > quota
    return quota
