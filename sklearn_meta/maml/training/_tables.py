"""Tables that episodes are drawn from: numbers, category codes and a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sklearn_meta.data._column_kinds import is_missing
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import encode_table
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.maml.training._draws import check_task


@dataclass(frozen=True, eq=False)
class Table:
    """A table in numbers.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64
        NaN where a cell is missing; category codes in the columns that are marked.
    y : ndarray of shape (n_samples,)
        Class codes from 0 on (whole numbers), or targets (floats).
    categorical : ndarray of shape (n_features,), bool
        Which columns hold category codes.
    name : str, default=""
    family : str, default=""
        Variants of the same data share it. Empty: the name.
    """

    X: np.ndarray
    y: np.ndarray
    categorical: np.ndarray
    name: str = ""
    family: str = ""

    @property
    def task(self) -> str:
        """Classification or regression, by the kind of the target."""
        return CLASSIFICATION if self.y.dtype.kind in "iu" else REGRESSION


def as_table(X, y, *, task, name="", family="") -> Table:
    """Turn features of any kind and a target into a table.

    Columns are read as `MetaAutoClassifier` and `MetaAutoRegressor` read them: strings
    and categories become codes, dates numbers; columns that say nothing are left out.

    Parameters
    ----------
    X : data frame, array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        Rows whose target is missing are left out.
    task : {"classification", "regression"}
        What `y` is.
    name, family : str, default=""
        See `Table`.

    Returns
    -------
    table : Table

    Examples
    --------
    >>> from sklearn_meta.maml.training._tables import as_table
    >>> X = [[1, "a"], [2, "b"], [4, "a"], [8, "b"]]
    >>> table = as_table(X, ["no", "yes", "no", "no"], task="classification")
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
    return _table(encoded[known], y, encoding.schema, name, family)


def from_dataset(dataset: Dataset, *, name="", family="") -> Table:
    """Turn the package's own form of a dataset into a table."""
    return _table(dataset.X, dataset.y, dataset.schema, name, family)


def _table(encoded, y, schema, name, family):
    if sparse.issparse(encoded):
        encoded = encoded.toarray()
    categorical = np.arange(encoded.shape[1]) < schema.n_categorical
    return Table(encoded, y, categorical, name, family or name)


def read_tables(folder, *, task=None, hold_out=frozenset()) -> list[Table]:
    """Read the tables of a folder with a manifest.

    Parameters
    ----------
    folder : path-like
        Holds ``manifest.json`` and the tables, in the format that
        ``python -m sklearn_meta.building`` reads.
    task : {"classification", "regression"} or None, default=None
        Tables of the other task are left out; None reads all.
    hold_out : collection of str, default=frozenset()
        Families that are not read.

    Returns
    -------
    tables : list of Table
    """
    # The builder brings the database along, which episodes do not need.
    from sklearn_meta.building._sources import read_manifest, read_table

    tasks = (CLASSIFICATION, REGRESSION) if task is None else (task,)
    return [
        from_dataset(read_table(source), name=source.name, family=source.family)
        for source in read_manifest(folder, tasks=tasks)
        if source.family not in hold_out
    ]
