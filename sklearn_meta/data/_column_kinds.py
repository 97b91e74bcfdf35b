"""Infer the kinds of columns: numbers, categories, texts, dates, durations.

The rules are:

- Booleans, integers, floats and decimals are **numeric**, also in object columns
  without other values. Durations are numbers of milliseconds.
- Strings, categoricals and enumerations are **categorical**, also if their levels are
  numbers. Object columns with values of several types are **text**: categories that are
  compared by their printed form.
- Dates with or without a time of day are **datetime**.
- Columns with a single value and no missing values are **constant**, columns without
  values are **empty**, and categorical columns without repeated levels are
  **identifiers**. They carry no information about new rows and are dropped.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from numbers import Complex, Real

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils import check_array

from sklearn_meta.data._column_access import column_access
from sklearn_meta.data._validation import check_no_infinity

NUMERIC = "numeric"
CATEGORICAL = "categorical"
TEXT = "text"
DATETIME = "datetime"
DURATION = "duration"
CONSTANT = "constant"
EMPTY = "empty"
IDENTIFIER = "identifier"

# Maximum number of levels of a categorical column. The most frequent ones are kept; the
# others are treated like unknown levels.
MAX_LEVELS = 1000
# If the number of levels exceeds this share of the rows (free text, names), levels that
# occur once are treated like unknown levels: no other row has them.
MAX_LEVELS_PER_ROW = 0.5

# Maximum number of cells that are converted to float at once during the inspection.
CHUNK_CELLS = 4_000_000

DATETIME_UNIT = "datetime64[ms]"
DURATION_UNIT = "timedelta64[ms]"

# Conversion of the values of a column to numbers or times.
CHECKED = "checked"  # sklearn.utils.check_array
CONVERTED = "converted"  # numpy.asarray: sparse columns of pandas
WITH_NA = "with_na"  # a nullable dtype first: float() does not accept pandas.NA
PARSED = "parsed"  # pandas.to_datetime: dates that numpy cannot convert

# Hashable types of nested values.
_NESTED = (tuple, frozenset)

_MISSING_TYPES = frozenset({"NAType", "NaTType"})
# Printed forms of missing values in text columns.
_MISSING_TEXTS = frozenset({"None", "nan", "NaN", "NaT", "<NA>"})


@dataclass(frozen=True)
class Column:
    """Kind and properties of a column of the input table.

    Parameters
    ----------
    label : str or int
        Name of the column in a data frame with string names, else its position.
    kind : {"numeric", "categorical", "text", "datetime", "duration"}
        Kind of the values, which determines the encoder.
    useless : {"constant", "empty", "identifier"}, default=None
        Reason why the column carries no information; None if it may carry some.
    levels : tuple, default=()
        Levels of categories and texts, in the order of their codes.
    how : {"checked", "converted", "with_na", "parsed"}, default="checked"
        Conversion of the values to numbers or times.
    span : tuple of (float, float), default=None
        First and last date or duration, in milliseconds (since 1970 for dates).
    dated : bool, default=False
        Whether all dates are at midnight.
    """

    label: str | int
    kind: str
    useless: str | None = None
    levels: tuple = ()
    how: str = CHECKED
    span: tuple[float, float] | None = None
    dated: bool = False

    @property
    def reported(self) -> str:
        """Kind for reports: `useless` if it is set, else `kind`."""
        return self.useless or self.kind


def inspect_columns(X) -> tuple[Column, ...]:
    """Infer the kinds of the columns of a dense table.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    columns : tuple of Column
        Columns in the order of the table.

    Raises
    ------
    TypeError
        If a column holds lists, dicts or other nested values.
    ValueError
        If a numeric column holds infinite or complex values.
    """
    table = column_access(X)
    columns, plain = {}, []
    for i, dtype in enumerate(table.dtypes):
        if table.is_plain_number(dtype):
            plain.append(i)
        else:
            columns[i] = _inspect(table, i, dtype)
    for chunk in _chunks(plain, table.n_rows):
        block = as_floats(table.select(chunk))
        for i, useless in zip(
            chunk, _useless_numbers(block, chunk, table), strict=True
        ):
            columns[i] = Column(table.labels[i], NUMERIC, useless)
    return tuple(columns[i] for i in range(len(columns)))


def as_floats(X) -> np.ndarray:
    """Convert a numeric table to float64, without a check for infinite values.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Missing values are NaN.
    """
    return check_array(
        X, dtype="float64", ensure_all_finite=False, ensure_min_samples=0
    )


def _chunks(positions, n_rows):
    """Split positions of columns into chunks of at most `CHUNK_CELLS` cells."""
    size = max(1, CHUNK_CELLS // max(n_rows, 1))
    for start in range(0, len(positions), size):
        yield positions[start : start + size]


def _inspect(table, i, dtype) -> Column:
    """Infer the kind of a column whose type is not numeric."""
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        order = dtype.categories if isinstance(dtype, nw.Enum) else None
        return _categories(table, i, order)
    if dtype in (nw.Date, nw.Datetime):
        return _dates(table, i, DATETIME)
    if dtype == nw.Duration:
        return _dates(table, i, DURATION)
    if dtype == nw.Decimal:
        return _numbers(table, i, WITH_NA)
    if table.is_sparse(i) and table.select([i]).dtypes.iloc[0].subtype.kind in "biuf":
        return _numbers(table, i, CONVERTED)
    return _objects(table, i)


def _objects(table, i) -> Column:
    """Infer the kind of an object column from the types of its values."""
    values = table.values(i)
    types = _types(values)
    nested = [t for t in types if t.__hash__ is None or issubclass(t, _NESTED)]
    if nested:
        raise TypeError(
            f"Values of type {nested[0].__name__} in {table.name(i)} of X: each "
            "argument must be a string or a number. Convert nested values to columns "
            "or to strings."
        )
    if not types:
        return Column(table.labels[i], CATEGORICAL, EMPTY)
    if all(_is_number(t) for t in types):
        has_na = any(t.__name__ == "NAType" for t in set(map(type, values)))
        return _numbers(table, i, WITH_NA if has_na else CHECKED)
    if any(issubclass(t, Complex) and not issubclass(t, Real) for t in types):
        raise ValueError(
            f"Complex data not supported: {table.name(i)} of X holds complex numbers. "
            "Pass the real and the imaginary part as two columns."
        )
    modules = {t.__module__.partition(".")[0] for t in types}
    if modules <= {"datetime", "pandas", "numpy"}:
        for kind in (DATETIME, DURATION):
            try:
                return _dates(table, i, kind)
            except (TypeError, ValueError):
                # Times of day, periods, intervals, or dates out of bounds.
                continue
    return _categories(table, i, values=values)


def _types(values):
    """Return the types of the values that are not missing."""
    types = {t for t in set(map(type, values)) if t is not type(None)}
    types = {t for t in types if t.__name__ not in _MISSING_TYPES}
    floats = {t for t in types if issubclass(t, float | np.floating)}
    if floats and floats != types:
        # NaN among strings is a missing value and not a float.
        return {type(v) for v in values if not is_missing(v)}
    return types


def is_missing(value) -> bool:
    """Return whether a value represents a missing value.

    Parameters
    ----------
    value : object

    Returns
    -------
    missing : bool
    """
    if value is None or type(value).__name__ in _MISSING_TYPES:
        return True
    return isinstance(value, float | np.floating | np.datetime64) and value != value


def _is_number(type_):
    return issubclass(type_, Real | Decimal | np.bool_)


def _numbers(table, i, how) -> Column:
    """Inspect a numeric column."""
    values = table.select([i])
    if how == WITH_NA:
        values = values.astype("Float64")
    elif how == CONVERTED:
        values = np.asarray(values, dtype="float64")
    (useless,) = _useless_numbers(as_floats(values), [i], table)
    return Column(table.labels[i], NUMERIC, useless, how=how)


def _useless_numbers(block, positions, table):
    """Yield for each numeric column why it carries no information, or None."""
    check_no_infinity(block, [table.name(i) for i in positions])
    for column in block.T:
        yield _useless_number(column)


def _useless_number(values):
    """Return "constant", "empty" or None for a numeric column."""
    if len(values) == 0:
        return EMPTY
    if values[0] == values[0]:
        # In most columns, an early value differs from the first one.
        head = values[:64]
        if (head != values[0]).any() or (values != values[0]).any():
            return None
        return CONSTANT
    return EMPTY if np.isnan(values).all() else None


def _dates(table, i, kind) -> Column:
    """Inspect a column of dates or durations."""
    unit = DATETIME_UNIT if kind == DATETIME else DURATION_UNIT
    how = CHECKED
    try:
        with warnings.catch_warnings():
            # numpy warns if it ignores a time zone.
            warnings.simplefilter("error")
            values = np.asarray(table.select([i]), dtype=unit).reshape(-1)
    except (TypeError, ValueError, UserWarning):
        if not table.is_pandas or kind != DATETIME:
            raise
        import pandas as pd

        how = PARSED
        parsed = pd.to_datetime(table.select([i]).iloc[:, 0], utc=True)
        values = np.asarray(parsed.dt.tz_localize(None), dtype=unit)
    numbers = values[~np.isnat(values)].astype("float64")
    label = table.labels[i]
    if len(numbers) == 0:
        return Column(label, kind, EMPTY, how=how)
    span = (float(numbers.min()), float(numbers.max()))
    constant = span[0] == span[1] and len(numbers) == len(values)
    midnight = not np.any(numbers % 86_400_000)
    return Column(label, kind, CONSTANT if constant else None, (), how, span, midnight)


def _categories(table, i, order=None, values=None) -> Column:
    """Inspect a column of categories, whose levels may have a given order."""
    values = table.values(i) if values is None else values
    counts = Counter(values.tolist())
    missing = [level for level in counts if is_missing(level)]
    for level in missing:
        del counts[level]
    kind = CATEGORICAL
    types = set(map(type, counts))
    if not (
        all(issubclass(t, str) for t in types)
        or all(issubclass(t, Real | np.bool_) for t in types)
    ):
        kind = TEXT
        counts = Counter(values.astype(str).tolist())
        missing = [level for level in counts if level in _MISSING_TEXTS]
        for level in missing:
            del counts[level]
    label = table.labels[i]
    if not counts:
        return Column(label, kind, EMPTY)
    if kind == TEXT or order is None:
        order = sorted(counts)
    order = [level for level in order if level in counts]
    useless = None
    kept: Collection = counts
    if len(counts) == 1:
        useless = None if missing else CONSTANT
    elif max(counts.values()) == 1:
        useless, kept = IDENTIFIER, set(order[:MAX_LEVELS])
    elif len(counts) > min(MAX_LEVELS, MAX_LEVELS_PER_ROW * counts.total()):
        # Ties are resolved by the order of the levels, not by that of the rows.
        frequent = sorted(order, key=lambda level: -counts[level])[:MAX_LEVELS]
        kept = {level for level in frequent if counts[level] > 1}
    levels = tuple(_plain(level) for level in order if level in kept)
    return Column(label, kind, useless, levels)


def _plain(level):
    """Return a level as a plain Python value, which source code can contain."""
    if isinstance(level, np.generic):
        level = level.item()
    return str(level) if isinstance(level, str) else level
