"""Convert the columns of new rows to the types of the table that was seen in fit.

Rows that come one by one, as records of JSON or from another file, often have other
types: numbers as objects or strings, dates as strings, categories as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np

from sklearn_meta.data._column_access import FrameColumns
from sklearn_meta.data._column_kinds import (
    BOOLEAN,
    CATEGORY,
    CHECKED,
    CONVERTED,
    DATE,
    DURATION,
    NUMBER,
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
    X : data frame or ndarray of shape (n_samples, n_features)
    columns : sequence of Column
        Columns of the table seen in fit, in the same order.

    Returns
    -------
    X : data frame or ndarray
        The same object if no column has another type than in fit.
    """
    if not nw.dependencies.is_into_dataframe(X):
        return X
    table = FrameColumns(X)
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
        if table.is_plain_number(dtype) or table.is_sparse(i):
            return None
        values = table.block([i])
        if kind == BOOLEAN:
            values = _booleans(values)
        return parse_numbers(values)[:, 0]
    if kind == DATE:
        return None if _is_time(dtype) else parse_dates(table.block([i]))[:, 0]
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
        return parse_numbers(table.block([i]))[:, 0]
    if kind == TEXT and dtype != nw.String:
        return as_text(table.block([i]))[:, 0]
    return None


def _booleans(values):
    """Replace the strings "true" and "false" by numbers."""
    converted = values.copy()
    for j, value in enumerate(values[:, 0]):
        if isinstance(value, str):
            converted[j, 0] = _TRUE_AND_FALSE.get(value.strip().lower(), value)
    return converted


def _is_time(dtype):
    return dtype in (nw.Datetime, nw.Date)


def _as_timedelta(milliseconds):
    """Return milliseconds as timedelta64, missing ones as NaT."""
    known = np.isfinite(milliseconds)
    values = np.where(known, milliseconds, 0).astype("timedelta64[ms]")
    values[~known] = np.timedelta64("NaT")
    return values


def _replaced(X, changed):
    """Return a copy of a data frame with some columns replaced."""
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
