"""What each column of the user's table is: numbers, categories, a date, or nothing.

Columns are looked at through narwhals, so no data frame library is imported here.
The rules:

- booleans, integers, floats and decimals are **numeric**, also in object columns that
  hold nothing else; a duration is a number of milliseconds;
- strings, categories and enumerations are **categorical**, also where the levels are
  numbers; an object column of several types is **text**: categories that are compared
  by their printed form;
- dates and times of day with a date are **datetime**;
- a column with one value and nothing missing is **constant**, one without any value
  is **empty**, and one in which no level occurs twice is an **identifier**: all three
  say nothing about rows that were not seen, and are left out.
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

NUMERIC = "numeric"
CATEGORICAL = "categorical"
TEXT = "text"
DATETIME = "datetime"
DURATION = "duration"
CONSTANT = "constant"
EMPTY = "empty"
IDENTIFIER = "identifier"

# The kinds that are left out of the encoded table.
USELESS = frozenset({CONSTANT, EMPTY, IDENTIFIER})

# A categorical column keeps at most this many levels, the most frequent ones; the
# others are treated like levels that were never seen.
MAX_LEVELS = 1000
# Where more than this share of the rows have a level of their own or nearly so (free
# text, names), levels that occur once are left out: no other row can profit from them.
MAX_LEVELS_PER_ROW = 0.5

# Cells that are converted to float at once while columns are looked at.
CHUNK_CELLS = 4_000_000

DATETIME_UNIT = "datetime64[ms]"
DURATION_UNIT = "timedelta64[ms]"

# How the values of a column become numbers.
CHECKED = "checked"  # sklearn.utils.check_array
CONVERTED = "converted"  # numpy.asarray: sparse columns of pandas
WITH_NA = "with_na"  # by way of a nullable dtype: float() refuses pandas.NA
PARSED = "parsed"  # pandas.to_datetime: dates that numpy does not understand

# Nested values that can be hashed.
_NESTED = (tuple, frozenset)

_MISSING_TYPES = frozenset({"NAType", "NaTType"})
# How missing values print; among text they are nothing else.
_MISSING_TEXTS = frozenset({"None", "nan", "NaN", "NaT", "<NA>"})


@dataclass(frozen=True)
class Column:
    """One column of the user's table.

    Parameters
    ----------
    label : str or int
        What selects the column: its name in a data frame with string names, else its
        position.
    kind : str
        Numeric, categorical, text, datetime or duration: how it can be encoded.
    useless : str or None
        Constant, empty or identifier, if it is one of these.
    levels : tuple
        For categories: the levels that get a code, in the order of their codes.
    how : str
        How its values become numbers.
    span : (float, float) or None
        For dates: the first and the last, in milliseconds since 1970.
    dated : bool
        For dates: whether all of them are at midnight.
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
        """The kind that is shown to people."""
        return self.useless or self.kind


def inspect_columns(X) -> tuple[Column, ...]:
    """Find out what the columns of a dense table are.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    columns : tuple of Column
        In the order of the table.

    Raises
    ------
    TypeError
        If a column holds lists, dicts or other nested values.
    ValueError
        If a numeric column holds infinite or complex values.
    """
    table = _Frame(X) if nw.dependencies.is_into_dataframe(X) else _Array(X)
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
    """Convert a table of numbers to float64; missing is NaN, infinities stay.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
    """
    return check_array(
        X, dtype="float64", ensure_all_finite=False, ensure_min_samples=0
    )


def check_no_infinity(block, names):
    """Raise ValueError if a column holds an infinite value, naming the first one.

    Parameters
    ----------
    block : ndarray of shape (n_samples, n_columns)
    names : sequence of str
        How to call the columns, as in ``"column 'age'"``.
    """
    # The sum of a column is finite unless a value is not (or nearly so): cheaper than
    # a mask, and needs no memory.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = np.flatnonzero(~np.isfinite(block.sum(axis=0)))
    for j in suspicious:
        if np.isinf(block[:, j]).any():
            raise ValueError(
                f"Input X contains infinity in {names[j]}. Replace infinite values by "
                "NaN (treated as missing) or by a finite bound."
            )


class _Frame:
    """Columns of a data frame of any library that narwhals reads."""

    def __init__(self, X):
        self._X = nw.from_native(X)
        names = list(self._X.columns)
        self.dtypes = list(self._X.schema.values())
        self.n_rows = len(self._X)
        self.is_pandas = self._X.implementation.is_pandas()
        # scikit-learn selects by name only where all names are strings.
        by_name = all(isinstance(name, str) for name in names)
        self.labels = names if by_name else list(range(len(names)))
        self._names = names

    def name(self, i):
        return f"column {self._names[i]!r}"

    def select(self, positions):
        return self._X[:, list(positions)].to_native()

    def values(self, i):
        """Return one column as Python objects."""
        return np.asarray(self.select([i]), dtype=object).reshape(-1)

    def is_plain_number(self, dtype):
        # Missing decimals of pandas are pandas.NA.
        if dtype == nw.Decimal and self.is_pandas:
            return False
        return dtype.is_numeric() or dtype == nw.Boolean

    def is_sparse(self, i):
        if not self.is_pandas:
            return False
        dtype = self.select([i]).dtypes.iloc[0]
        return hasattr(dtype, "subtype") and hasattr(dtype, "fill_value")


# What the kinds of numpy's dtypes are to narwhals; the others are numbers.
_ARRAY_DTYPES = {
    "O": nw.Object(),
    "S": nw.Object(),
    "T": nw.String(),
    "U": nw.String(),
    "M": nw.Datetime(),
    "m": nw.Duration(),
    "c": nw.Object(),
}


class _Array:
    """Columns of an ndarray."""

    is_pandas = False

    def __init__(self, X):
        self._X = X
        self.n_rows, n_columns = X.shape
        self.dtypes = [_ARRAY_DTYPES.get(X.dtype.kind, nw.Float64())] * n_columns
        self.labels = list(range(n_columns))

    def name(self, i):
        return f"column {i}"

    def select(self, positions):
        return self._X[:, list(positions)]

    def values(self, i):
        return self._X[:, i].astype(object)

    def is_plain_number(self, dtype):
        return dtype.is_numeric()

    def is_sparse(self, i):
        return False


def _chunks(positions, n_rows):
    size = max(1, CHUNK_CELLS // max(n_rows, 1))
    for start in range(0, len(positions), size):
        yield positions[start : start + size]


def _inspect(table, i, dtype) -> Column:
    """Find out what a column that is not declared as numeric is."""
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
    """Look at the types of the values."""
    values = table.values(i)
    types = _types(values)
    nested = [t for t in types if t.__hash__ is None or issubclass(t, _NESTED)]
    if nested:
        raise TypeError(
            f"Values of type {nested[0].__name__} in {table.name(i)} of X: each "
            "argument must be a string or a number. Turn nested values into columns "
            "of their own, or into strings."
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
                # Times of day, periods, intervals, or dates beyond the calendar.
                continue
    return _categories(table, i, values=values)


def _types(values):
    """Types of the values that are present."""
    types = {t for t in set(map(type, values)) if t is not type(None)}
    types = {t for t in types if t.__name__ not in _MISSING_TYPES}
    floats = {t for t in types if issubclass(t, float | np.floating)}
    if floats and floats != types:
        # NaN among strings is a missing value, not a float.
        return {type(v) for v in values if not is_missing(v)}
    return types


def is_missing(value) -> bool:
    """Whether a single value stands for a missing one.

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
    values = table.select([i])
    if how == WITH_NA:
        values = values.astype("Float64")
    elif how == CONVERTED:
        values = np.asarray(values, dtype="float64")
    (useless,) = _useless_numbers(as_floats(values), [i], table)
    return Column(table.labels[i], NUMERIC, useless, how=how)


def _useless_numbers(block, positions, table):
    check_no_infinity(block, [table.name(i) for i in positions])
    for column in block.T:
        yield _useless_number(column)


def _useless_number(values):
    if len(values) == 0:
        return EMPTY
    if values[0] == values[0]:
        # The usual column differs from its first value early on.
        head = values[:64]
        if (head != values[0]).any() or (values != values[0]).any():
            return None
        return CONSTANT
    return EMPTY if np.isnan(values).all() else None


def _dates(table, i, kind) -> Column:
    unit = DATETIME_UNIT if kind == DATETIME else DURATION_UNIT
    how = CHECKED
    try:
        with warnings.catch_warnings():
            # numpy warns of a time zone that it leaves aside.
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
        # Ties are broken by the order of the levels, not by that of the rows.
        frequent = sorted(order, key=lambda level: -counts[level])[:MAX_LEVELS]
        kept = {level for level in frequent if counts[level] > 1}
    levels = tuple(_constant(level) for level in order if level in kept)
    return Column(label, kind, useless, levels)


def _constant(level):
    """Return the level as a plain Python value, which a source can show."""
    if isinstance(level, np.generic):
        level = level.item()
    return str(level) if isinstance(level, str) else level
