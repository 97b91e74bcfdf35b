"""Convert the columns of new rows to the types of the table that was seen in fit.

Rows that come one by one, as records of JSON or from another file, often have other
types: numbers as objects or strings, dates as strings, categories as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse

from sklearn_meta.data._column_access import column_access
from sklearn_meta.data._column_kinds import (
    BOOLEAN,
    CATEGORY,
    CHECKED,
    CONVERTED,
    DATE,
    DURATION,
    NUMBER,
    SET,
    TEXT,
    Column,
)
from sklearn_meta.data.parsing import (
    as_text,
    parse_dates,
    parse_durations,
    parse_numbers,
)

_TRUE_AND_FALSE = {"true": 1.0, "false": 0.0}


def align_columns(X, columns: Sequence[Column]):
    """Convert columns to the types that the encoder expects.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix of shape (n_samples, n_features)
    columns : sequence of Column
        Columns of the table seen in fit, in the same order; empty if it was a sparse
        matrix.

    Returns
    -------
    X : data frame, ndarray or sparse matrix
        The same object if no column has another type than in fit.
    """
    if not columns or issparse(X):
        return X
    table = column_access(X)
    changed = {}
    for i, (column, dtype) in enumerate(zip(columns, table.dtypes, strict=True)):
        if column.left_out is None and column.how in (CHECKED, CONVERTED):
            values = _aligned(table, i, column, dtype)
            if values is not None:
                changed[i] = values
    return _replaced(X, changed) if changed else X


def _aligned(table, i, column, dtype):
    """Return the converted values of a column; None if it can stay as it is."""
    kind = column.kind
    if kind in (NUMBER, BOOLEAN):
        if table.is_sparse(i):
            return None if column.how == CONVERTED else _numbers(table.block([i]))
        if table.is_plain_number(dtype):
            return None
        values = table.block([i])
        if kind == BOOLEAN:
            values = _booleans(values)
        return _numbers(values)
    if kind == DATE:
        return None if _is_local_time(dtype) else parse_dates(table.block([i]))[:, 0]
    if kind == DURATION:
        if dtype == nw.Duration:
            return None
        milliseconds = parse_durations(table.block([i]))[:, 0]
        return _as_timedelta(milliseconds)
    if kind == CATEGORY and column.levels:
        if isinstance(column.levels[0], str):
            same = dtype in (nw.String, nw.Categorical, nw.Enum)
            return None if same else as_text(table.block([i]))[:, 0]
        if table.is_plain_number(dtype) or dtype in (nw.Categorical, nw.Enum):
            return None
        return _numbers(_booleans(table.block([i])))
    if kind in (TEXT, SET):
        values = table.block([i])
        # pandas.NA cannot be imputed.
        types = set(map(type, values[:, 0].tolist()))
        same = dtype == nw.String and types <= {str, float, type(None)}
        return None if same else as_text(values)[:, 0]
    return None


def _booleans(values):
    """Replace the strings "true" and "false" by numbers."""
    converted = values.copy()
    for j, value in enumerate(values[:, 0]):
        if isinstance(value, str):
            converted[j, 0] = _TRUE_AND_FALSE.get(value.strip().lower(), value)
    return converted


def _numbers(values):
    """Parse numbers; infinite ones stay, for they are refused and not missing."""
    numbers = parse_numbers(values)[:, 0]
    for j, value in enumerate(values[:, 0]):
        if isinstance(value, float | np.floating) and np.isinf(value):
            numbers[j] = value
    return numbers


def _is_local_time(dtype):
    """Whether a type is that of dates without a time zone."""
    if dtype == nw.Date:
        return True
    return dtype == nw.Datetime and getattr(dtype, "time_zone", None) is None


def _as_timedelta(milliseconds):
    """Return milliseconds as timedelta64, missing ones as NaT."""
    known = np.isfinite(milliseconds)
    values = np.where(known, milliseconds, 0).astype("timedelta64[ms]")
    values[~known] = np.timedelta64("NaT")
    return values


def _replaced(X, changed):
    """Return a copy of a table with some columns replaced."""
    if isinstance(X, np.ndarray):
        X = X.astype(object)
        for i, values in changed.items():
            X[:, i] = values
        return X
    frame = nw.from_native(X)
    if frame.implementation.is_pandas():
        X = X.copy(deep=False)
        for i, values in changed.items():
            X.isetitem(i, values)
        return X
    names = list(frame.columns)
    series = [
        nw.new_series(names[i], _for_library(values), backend=frame.implementation)
        for i, values in changed.items()
    ]
    return frame.with_columns(*series).to_native()


def _for_library(values):
    """Return strings as a list, which other libraries read with missing values."""
    return values.tolist() if values.dtype.kind == "O" else values
