"""Find rows that are copies of other rows, not equal by chance.

Copies on both sides of a split make scores too good: a model that remembers its
training rows knows the answers. Equal observations in a table of few categories, on the
other hand, tell how often something happens, and models must see the same cells in
training. Rows that are equal in `X` and `y` are copies if their values are their own:

1. The columns are dealt into two halves, and no other distinct row agrees with the row
   in either half. Where rows are equal by chance, many more agree in one half: of 2 201
   passengers with a class, an age group, a sex and a fate, all share their halves with
   others.
2. Or the row has a value that no other distinct row has, in a column of numbers that
   hardly repeat among the distinct rows and are on no grid, such as that of whole or
   rounded numbers.
3. Or it has such a value in a numeric target that the columns do not determine: equal
   columns often have different targets.

Other rows are also those with equal columns and another target. Where every distinct
row occurs a multiple of g times, the whole table is repeated, and g equal rows each are
copies, whatever the columns are.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

# Fewer distinct rows are the cells of a small design as likely as a repeated table.
MIN_DISTINCT_ROWS = 20
# A column identifies rows if it has at least this many values, and this many as a share
# of the distinct rows that have a value.
MIN_OWN_VALUES, OWN_VALUES_SHARE = 20, 0.9
# Numbers are on a grid if a larger share of neighboring values than this differ by the
# same smallest step.
GRID_SHARE = 0.1

# Columns that tell whether there may be equal rows at all, and rows that columns are
# ranked on. Of the first ranked ones, the values are looked at.
N_PROBES, N_RANKED, N_FIRST = 3, 500, 16

# Hashing: the bits of NaN, and an odd factor, the golden ratio in 64 bits.
_NAN = np.uint64(0x7FF8_0000_0000_0000)
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)
# Numbers of the columns of the target.
TARGETS = range(1 << 40, 1 << 41)


def find_copies(X, y, n_categorical=0, min_share=0.0) -> np.ndarray | None:
    """Number the rows such that copies have the same number.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Encoded table.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices, indicators or targets; floats are targets.
    n_categorical : int, default=0
        Number of columns of category codes, which come first.
    min_share : float, default=0.0
        Share of the rows that must be copies of earlier ones.

    Returns
    -------
    copy_of : ndarray of int of shape (n_samples,) or None
        Numbers from 0 on, in the order of the first rows. None if at most `min_share`
        of the rows are copies.
    """
    n = X.shape[0]
    targets = y.reshape(n, -1)

    def too_few(n_distinct):
        return n - n_distinct <= min_share * n

    if n < MIN_DISTINCT_ROWS or too_few(len(np.unique(_probe(X, targets)))):
        return None
    ranked = _ranked_columns(X)
    left, right = _hash_halves(X, ranked)
    whole = left + right + hash_columns(targets, TARGETS)
    _, first, inverse, counts = np.unique(
        whole, return_index=True, return_inverse=True, return_counts=True
    )
    if len(first) < MIN_DISTINCT_ROWS or too_few(len(first)):
        return None
    own = _alone(left[first]) & _alone(right[first])
    if not own[counts > 1].all():
        numbers = [X[first, j] for j in ranked[:N_FIRST] if j >= n_categorical]
        if y.dtype.kind == "f" and not _identifies((left + right)[first]):
            numbers += list(targets[first].T)
        for column in numbers:
            own |= _own_numbers(column)
    # Number of rows of each set of copies.
    size = np.where(own, counts, np.gcd.reduce(counts))
    if too_few((counts // size).sum()):
        return None
    order = np.argsort(inverse, kind="stable")
    begin = np.cumsum(counts) - counts
    position = np.empty(n, dtype=np.intp)
    position[order] = np.arange(n)
    # The first row of the set that a row is in.
    rank = (position - begin[inverse]) // size[inverse] * size[inverse]
    leader = order[begin[inverse] + rank]
    return np.unique(leader, return_inverse=True)[1]


def hash_columns(block, numbers) -> np.ndarray:
    """Return a 64-bit hash of each row of some columns.

    Parameters
    ----------
    block : ndarray of shape (n_samples, n_columns)
        Missing values are equal.
    numbers : iterable of int
        Number of each column. Hashes of disjoint sets of columns can be added.

    Returns
    -------
    hashes : ndarray of uint64 of shape (n_samples,)
    """
    total = np.zeros(len(block), dtype=np.uint64)
    for j, number in zip(range(block.shape[1]), numbers, strict=False):
        factor = np.uint64((2 * number + 1) * int(_ODD) % 2**64)
        total += _mix(block[:, j], factor)
    return total


def _mix(values, factors):
    """Hash numbers; the factors are odd and differ from column to column."""
    # Adding zero makes zeros of negative zeros.
    values = np.ascontiguousarray(values, dtype=np.float64) + 0.0
    bits = values.view(np.uint64)
    bits[np.isnan(values)] = _NAN
    # The finalizer of MurmurHash3 between the products.
    bits ^= bits >> np.uint64(33)
    bits *= factors
    bits ^= bits >> np.uint64(33)
    bits *= _ODD
    bits ^= bits >> np.uint64(29)
    return bits


def _probe(X, targets):
    """Hash some columns and the targets: rows that differ here are not equal."""
    if sparse.issparse(X):
        return sum(_hash_sparse_halves(X)) + hash_columns(targets, TARGETS)
    n_columns = X.shape[1]
    numbers = np.unique(np.linspace(0, n_columns - 1, N_PROBES).astype(int))
    return hash_columns(X[:, numbers], numbers.tolist()) + hash_columns(
        targets, TARGETS
    )


def _ranked_columns(X):
    """Return the columns of a dense table, those with many values first."""
    if sparse.issparse(X):
        return np.empty(0, dtype=np.intp)
    values = np.sort(X[:: -(-X.shape[0] // N_RANKED)], axis=0)
    n_values = (values[1:] != values[:-1]).sum(axis=0)
    return np.argsort(-n_values, kind="stable")


def _hash_halves(X, ranked):
    """Return the hashes of the rows in two halves of the columns."""
    if sparse.issparse(X):
        return _hash_sparse_halves(X)
    # Both halves have columns with many values: the first and the fourth, the fifth and
    # the eighth, ... against the rest.
    is_left = np.arange(len(ranked)) % 4 % 3 == 0
    return [
        hash_columns(X[:, half], half.tolist())
        for half in (ranked[is_left], ranked[~is_left])
    ]


def _hash_sparse_halves(X):
    """Return the hashes of the rows of a CSR matrix in two halves of the columns."""
    factors = (2 * X.indices.astype(np.uint64) + np.uint64(1)) * _ODD
    hashes = _mix(X.data, factors)
    # Values that are zero are as good as left out.
    hashes[X.data == 0] = 0
    halves = []
    for parity in (0, 1):
        of_half = np.where(X.indices % 2 == parity, hashes, np.uint64(0))
        sums = np.concatenate([[np.uint64(0)], np.cumsum(of_half)])
        halves.append(sums[X.indptr[1:]] - sums[X.indptr[:-1]])
    return halves


def _alone(hashes):
    """Return a mask of the hashes that occur once."""
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return counts[inverse] == 1


def _identifies(values):
    """Whether hardly any value of distinct rows occurs twice."""
    return len(np.unique(values)) >= OWN_VALUES_SHARE * len(values)


def _own_numbers(column):
    """Return a mask of the distinct rows with a number that only they have."""
    present = ~np.isnan(column)
    values = np.unique(column[present])
    if len(values) < max(MIN_OWN_VALUES, OWN_VALUES_SHARE * present.sum()):
        return np.zeros(len(column), dtype=bool)
    steps = np.diff(values)
    if np.isclose(steps, steps.min(), rtol=1e-6, atol=0).mean() > GRID_SHARE:
        return np.zeros(len(column), dtype=bool)
    return _alone(column) & present
