"""Which rows of a table a network learns from.

Rows are ordered by a hash of their content. That order is as good as random, but does
not depend on how the table is sorted; equal rows meet, so that a row with weight two is
the same input as the row twice; and the first rows in it are a uniform sample of all
rows seen so far, however many calls they came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from scipy import sparse

# Cells that are copied at once.
CHUNK_CELLS = 1_000_000
DIGEST_BYTES = 16


@dataclass(frozen=True, eq=False)
class Rows:
    """Different rows with targets, in the order of their hashes.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        Class codes or numbers.
    weight : ndarray of shape (n_rows,)
        Positive; the sum over all copies of the row.
    """

    X: object
    y: np.ndarray
    weight: np.ndarray

    def __len__(self):
        return len(self.y)

    def take(self, index):
        """Rows at some positions."""
        return Rows(self.X[index], self.y[index], self.weight[index])


def distinct_rows(X, y, sample_weight, seed) -> Rows:
    """Merge equal rows and order them by their hashes.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features), float64
    y : ndarray of shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,) or None
        Positive.
    seed : int
        Key of the hash, and so of the order.

    Returns
    -------
    rows : Rows
    """
    if sample_weight is None:
        sample_weight = np.ones(len(y))
    digest = _digests(X, y, seed)
    _, first, place = np.unique(digest, return_index=True, return_inverse=True)
    return Rows(X[first], y[first], np.bincount(place, sample_weight, len(first)))


def _digests(X, y, seed):
    """Hash of each row and its target, as comparable bytes (n_samples,)."""
    key = int(seed).to_bytes(8, "little")
    y = np.asarray(y, dtype=np.float64) + 0.0
    digests = np.empty(len(y), dtype=f"S{2 * DIGEST_BYTES}")
    sparse_rows = sparse.issparse(X)
    if sparse_rows:
        X = X.copy()
        X.sum_duplicates()
        X.sort_indices()
    step = len(y) if sparse_rows else max(1, CHUNK_CELLS // max(1, X.shape[1]))
    for start in range(0, len(y), max(1, step)):
        block = X if sparse_rows else sparse.csr_array(X[start : start + step])
        # A table says the same whether its zeros are stored or not. There are two
        # zeros, and many kinds of NaN.
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
class Choice:
    """Rows to learn from: those of the context first, then some to adapt on.

    Parameters
    ----------
    rows : Rows
        With their own weights.
    n_context : int
        Number of rows of the context.
    mass : ndarray of shape (n_classes,)
        Weight of each class in the whole table; of everything for regression.
    context_mass : ndarray of shape (n_classes,)
        The same in the context, where rare classes have more than their share.
    """

    rows: Rows
    n_context: int
    mass: np.ndarray
    context_mass: np.ndarray

    @property
    def context_weight(self):
        """Weights of the rows of the context, (n_context,)."""
        return self.rows.weight[: self.n_context]

    @property
    def prior_shift(self):
        """What to add to logits learned in the context, (n_classes,)."""
        found = (self.mass > 0) & (self.context_mass > 0)
        shares = [
            np.where(found, mass, 1.0) / mass.sum()
            for mass in (self.mass, self.context_mass)
        ]
        return np.where(found, np.log(shares[0]) - np.log(shares[1]), 0.0)

    def weight_as(self, mass):
        """Weights of all chosen rows with classes in the proportion of `mass`."""
        if self.n_context == len(self.rows) and mass is self.mass:
            return self.rows.weight
        codes = _codes(self.rows, len(mass))
        own = np.bincount(codes, self.rows.weight, len(mass))
        share = mass / mass.sum() * len(self.rows)
        factor = np.divide(share, own, out=np.zeros(len(mass)), where=own > 0)
        return self.rows.weight * factor[codes]


def _codes(rows, n_classes):
    return rows.y if n_classes > 1 else np.zeros(len(rows), dtype=np.intp)


def choose_rows(rows, n_context, n_extra, n_classes) -> Choice:
    """Choose the rows of the context, and some more to adapt on.

    Parameters
    ----------
    rows : Rows
        In random order.
    n_context : int
        Rows of the context at most; not fewer than one for each class.
    n_extra : int
        Further rows at most.
    n_classes : int
        0 for regression.

    Returns
    -------
    choice : Choice
        Small tables are taken whole. Else the context has of each class in proportion
        to the root of its size, so that a rare one is not lost.
    """
    codes = _codes(rows, n_classes)
    mass = np.bincount(codes, rows.weight, max(n_classes, 1))
    if len(rows) <= n_context:
        return Choice(rows, len(rows), mass, mass)
    sizes = np.bincount(codes, minlength=len(mass))
    by_class = np.argsort(codes, kind="stable")
    rank = np.empty(len(rows), dtype=np.intp)
    rank[by_class] = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[codes[by_class]]
    inside = rank < _quota(sizes, n_context)[codes]
    context, others = np.flatnonzero(inside), np.flatnonzero(~inside)[:n_extra]
    context_mass = np.bincount(codes[context], rows.weight[context], len(mass))
    chosen = rows.take(np.concatenate([context, others]))
    return Choice(chosen, len(context), mass, context_mass)


def _quota(sizes, n_rows):
    """Rows of each class: proportional to the root of its size, but no more than that.

    Largest remainders are not worth it: the result may have a few rows less.
    """
    quota = np.minimum(sizes, 1)
    left = n_rows - quota.sum()
    open_ = sizes > quota
    while left > 0 and open_.any():
        root = np.sqrt(sizes) * open_
        wish = np.maximum(np.floor(left * root / root.sum()), 1) * open_
        wish = np.minimum(wish.astype(int), sizes - quota)
        if wish.sum() > left:
            # Fewer places than classes: the largest ones get them.
            order = np.argsort(-sizes, kind="stable")
            wish[order[np.cumsum(wish[order]) > left]] = 0
        if not wish.any():
            break
        quota = quota + wish
        left = n_rows - quota.sum()
        open_ = sizes > quota
    return quota
