"""Numeric tables that training episodes are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sklearn_meta.data._column_kinds import is_missing
from sklearn_meta.data._encoding import encode_table
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.maml._context import check_task
from sklearn_meta.maml._text_columns import reduce_text


@dataclass(frozen=True, eq=False)
class NumericTable:
    """An encoded table with its target.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64
        Numbers and category codes, NaN where a cell is missing.
    y : ndarray of shape (n_samples,)
        Class codes from 0 on (integers) or targets (floats).
    categorical : ndarray of shape (n_features,), bool
        Mask of the columns of category codes.
    name : str, default=""
        Name of the table.
    family : str, default=""
        Family of the table: variants of the same data share it.
    """

    X: np.ndarray
    y: np.ndarray
    categorical: np.ndarray
    name: str = ""
    family: str = ""

    @property
    def task(self) -> str:
        """Classification or regression, by the dtype of the target."""
        return CLASSIFICATION if self.y.dtype.kind in "iu" else REGRESSION


def numeric_table(X, y, *, task, name) -> NumericTable:
    """Encode features of any kind and a target.

    Columns are encoded as in `MetaAutoClassifier` and `MetaAutoRegressor`: strings and
    categories to codes, dates to numbers; uninformative columns are dropped.

    Parameters
    ----------
    X : data frame, array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        Target. Rows without one are dropped.
    task : {"classification", "regression"}
    name : str
        Name of the table and of its family.

    Returns
    -------
    table : NumericTable

    Raises
    ------
    ValueError
        If the task is unknown, or `y` has not one value for each row.

    Examples
    --------
    >>> from sklearn_meta.maml.training._numeric_table import numeric_table
    >>> X = [[1, "a"], [2, "b"], [4, "a"], [8, "b"]]
    >>> y = ["no", "yes", "no", "no"]
    >>> table = numeric_table(X, y, task="classification", name="letters")
    >>> table.X.tolist()
    [[0.0, 1.0], [1.0, 2.0], [0.0, 4.0], [1.0, 8.0]]
    >>> table.y.tolist(), table.categorical.tolist()
    ([0, 1, 0, 0], [True, False])
    """
    check_task(task)
    _, encoded, encoding = encode_table(X)
    y = np.asarray(y, dtype=object)
    if y.shape != encoded.shape[:1]:
        raise ValueError(
            f"'y' must have one target for each of the {encoded.shape[0]} rows of X. "
            f"Got an array of shape {y.shape}."
        )
    known = np.array([not is_missing(value) for value in y.tolist()], dtype=bool)
    if task == CLASSIFICATION:
        _, y = np.unique(y[known].astype(str), return_inverse=True)
    else:
        y = y[known].astype(np.float64)
    return _from_encoded(encoded[known], y, encoding.schema, name, name)


def _from_encoded(encoded, y, schema, name, family):
    """Return the table of an encoded matrix and its schema."""
    if schema.has_text:
        _, encoded = reduce_text(encoded, schema)
    if sparse.issparse(encoded):
        encoded = encoded.toarray()
    categorical = np.arange(encoded.shape[1]) < schema.n_categorical
    return NumericTable(encoded, y, categorical, name, family)


def read_tables(folder, *, hold_out=frozenset()) -> list[NumericTable]:
    """Read the tables of a folder with a manifest, without those of held-out families.

    The folder has the format of ``python -m sklearn_meta.building``.
    """
    # Imported here as the builder imports the knowledge base and its database.
    from sklearn_meta.building._sources import read_manifest, read_table

    tables = []
    for source in read_manifest(folder):
        if source.family not in hold_out:
            data = read_table(source)
            tables.append(
                _from_encoded(data.X, data.y, data.schema, source.name, source.family)
            )
    return tables
