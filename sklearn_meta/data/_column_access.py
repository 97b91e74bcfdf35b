"""Uniform access to the columns of data frames (through narwhals) and of arrays."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np

# narwhals types of the kinds of numpy types; all other kinds are numbers.
_ARRAY_DTYPES = {
    "O": nw.Object(),
    "S": nw.Object(),
    "T": nw.String(),
    "U": nw.String(),
    "M": nw.Datetime(),
    "m": nw.Duration(),
    "c": nw.Object(),
}


def column_access(X):
    """Return access to the columns of a table.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    table : FrameColumns or ArrayColumns
    """
    return FrameColumns(X) if nw.dependencies.is_into_dataframe(X) else ArrayColumns(X)


class FrameColumns:
    """Columns of a data frame of any library that narwhals supports.

    Parameters
    ----------
    X : data frame

    Attributes
    ----------
    dtypes : list of narwhals types
    names : list
        Names of the columns.
    labels : list of (str or int)
        Names of the columns if all of them are strings, else their positions.
    n_rows : int
    is_pandas : bool
    """

    def __init__(self, X):
        self._X = nw.from_native(X)
        names = list(self._X.columns)
        self.dtypes = list(self._X.schema.values())
        self.n_rows = len(self._X)
        self.is_pandas = self._X.implementation.is_pandas()
        # scikit-learn selects columns by name only if all names are strings.
        by_name = all(isinstance(name, str) for name in names)
        self.labels = names if by_name else list(range(len(names)))
        self.names = names

    def name(self, i):
        """Return the name of a column for messages."""
        return f"column {self.names[i]!r}"

    def select(self, positions):
        """Return some columns as a table of the same library."""
        return self._X[:, list(positions)].to_native()

    def block(self, positions):
        """Return some columns as a two-dimensional array of Python objects."""
        return np.asarray(self.select(positions), dtype=object)

    def values(self, i):
        """Return a column as an array of Python objects."""
        return self.block([i]).reshape(-1)

    def is_plain_number(self, dtype):
        """Return whether values of a type can be converted to float at once."""
        # Missing decimals are pandas.NA, which float() does not accept.
        if dtype == nw.Decimal and self.is_pandas:
            return False
        return dtype.is_numeric() or dtype == nw.Boolean

    def is_sparse(self, i):
        """Return whether a column is a sparse column of pandas."""
        if not self.is_pandas:
            return False
        dtype = self.select([i]).dtypes.iloc[0]
        return hasattr(dtype, "subtype") and hasattr(dtype, "fill_value")


class ArrayColumns:
    """Columns of an ndarray, with the interface of `FrameColumns`."""

    is_pandas = False

    def __init__(self, X):
        self._X = X
        self.n_rows, n_columns = X.shape
        self.dtypes = [_ARRAY_DTYPES.get(X.dtype.kind, nw.Float64())] * n_columns
        self.names = self.labels = list(range(n_columns))

    def name(self, i):
        return f"column {i}"

    def select(self, positions):
        return self._X[:, list(positions)]

    def block(self, positions):
        return self.select(positions).astype(object)

    def values(self, i):
        return self._X[:, i].astype(object)

    def is_plain_number(self, dtype):
        return dtype.is_numeric()

    def is_sparse(self, i):
        return False
