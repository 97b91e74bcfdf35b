"""Synthetic encoded tables of all kinds, and targets for them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines._schema import Schema

# Kinds of tables, with the columns of each.
TABLE_KINDS = {
    "dense": "numbers",
    "missing": "numbers with missing values",
    "categories": "two categories and numbers",
    "mixed": "categories and numbers, missing values in all of them, and a column with "
    "two present values",
    "levels": "nothing but categories, one of more levels than rows",
    "constant": "numbers, two constant columns and one that repeats another",
    "single": "one column of numbers",
    "short": "more columns of numbers than rows",
    "sparse": "a sparse matrix",
    "text": "categories and numbers, missing values in all of them, and counts of "
    "tokens, few of which are frequent",
    "wide": "a sparse matrix of more columns than can be made dense",
}

# Numbers of tokens in the table of text: more and fewer than there are singular vectors
# in place of them.
N_WORDS, N_CHARACTERS = 90, 40


def make_table(kind, *, n_rows=120, seed=0):
    """Make an encoded table and its schema.

    Parameters
    ----------
    kind : str
        A key of `TABLE_KINDS`.
    n_rows : int, default=120
        Number of rows, at least 10.
    seed : int, default=0
        Seed of the values.

    Returns
    -------
    table : ndarray or CSR matrix of shape (n_rows, n_features)
        Encoded table.
    schema : Schema
        Description of its columns.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> from sklearn_meta.testing import make_table
    >>> table, schema = make_table("categories", n_rows=20)
    >>> table.shape, schema.n_categorical
    ((20, 6), 2)
    """
    if kind not in TABLE_KINDS:
        raise ValueError(
            f"kind must be one of {', '.join(TABLE_KINDS)}. Got {kind!r} instead."
        )
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, 4))
    if kind in ("dense", "missing", "constant", "single", "short"):
        return _numbers(kind, numbers, rng)
    if kind in ("sparse", "wide"):
        width = 40 if kind == "sparse" else 2500
        table = sparse.random(n_rows, width, 0.1, "csr", random_state=rng)
        table.data -= 0.5
        return table, Schema(width, sparse=True)
    cardinalities = (2, 6, 300) if kind == "levels" else (2, 6)
    codes = np.column_stack([rng.integers(c, size=n_rows) for c in cardinalities])
    codes = codes.astype(float)
    if kind == "levels":
        # Every level of the last column occurs if there are rows enough.
        codes[:300, 2] = rng.permutation(300)[:n_rows]
        return codes, Schema(3, 3, cardinalities)
    if kind == "categories":
        return np.hstack([codes, numbers]), Schema(6, 2, cardinalities)
    codes[rng.uniform(size=codes.shape) < 0.1] = np.nan
    numbers[rng.uniform(size=numbers.shape) < 0.2] = np.nan
    numbers[2:, 1] = np.nan
    missing, nearly_empty = tuple(range(6)), (3,)
    table = np.hstack([codes, numbers])
    if kind == "text":
        return _with_text(table, rng), Schema(
            6 + N_WORDS + N_CHARACTERS, 2, cardinalities, missing, nearly_empty,
            n_words=N_WORDS, n_characters=N_CHARACTERS,
        )  # fmt: skip
    return table, Schema(6, 2, cardinalities, missing, nearly_empty)


def _with_text(table, rng):
    """Append counts of tokens, few of which are frequent, to a table."""
    frequency = 1 / np.arange(1, N_WORDS + 1)
    words = rng.poisson(frequency, (len(table), N_WORDS))
    characters = rng.poisson(5 * frequency[:N_CHARACTERS], (len(table), N_CHARACTERS))
    return sparse.csr_matrix(np.hstack([table, words, characters]))


def _numbers(kind, numbers, rng):
    """Tables without categories."""
    n_rows = len(numbers)
    if kind == "missing":
        numbers[rng.uniform(size=numbers.shape) < 0.2] = np.nan
        return numbers, Schema(4, missing=(0, 1, 2, 3))
    if kind == "constant":
        constants = np.tile([0.0, 7.5], (n_rows, 1))
        numbers = np.hstack([constants, numbers, numbers[:, :1]])
    elif kind == "single":
        numbers = numbers[:, :1]
    elif kind == "short":
        numbers = np.hstack([numbers, rng.normal(size=(n_rows, n_rows))])
    return numbers, Schema(numbers.shape[1])


def make_target(table, task, *, n_classes=3, seed=1):
    """Make a target that depends weakly on the first and the last column.

    Parameters
    ----------
    table : ndarray or sparse matrix of shape (n_rows, n_features)
        Encoded table.
    task : {"classification", "regression"}
    n_classes : int, default=3
        Number of classes, of about the same size; ignored for regression.
    seed : int, default=1
        Seed of the noise.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        Class indices or numbers.

    Examples
    --------
    >>> from sklearn_meta.testing import make_table, make_target
    >>> table, schema = make_table("dense")
    >>> make_target(table, "classification").max()
    np.int64(2)
    """
    rng = np.random.default_rng(seed)
    columns = table[:, [0, -1]]
    columns = columns.toarray() if sparse.issparse(columns) else columns
    signal = np.nan_to_num(columns).sum(axis=1) + rng.normal(size=table.shape[0])
    if task == REGRESSION:
        return signal
    cuts = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.digitize(signal, cuts)
