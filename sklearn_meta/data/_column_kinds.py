"""Infer the kinds of columns: numbers, categories, texts, dates, durations, sets.

The rules are:

- Integers, floats and decimals are **numbers**, also in object columns without other
  values; booleans are **booleans**. Durations are numbers of milliseconds.
- Dates with or without a time of day are **dates**.
- Strings are read as numbers, amounts of money, percentages, **dates**, **durations**
  or **sets** of options if nearly all of them can be read in one format, see
  `_string_formats`.
- Other strings are **text** if few of them recur, or if they are sentences; all others,
  categoricals and enumerations are **categories**, also if their levels are numbers.
  Cells of several types are compared by their printed form.
- Columns with a single value and no missing values are **constant**, columns without
  values are **empty**, and strings that are codes of single rows are **identifiers**.
  They carry no information about new rows and are left out.

A kind that the user has chosen takes precedence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Complex, Real

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils import check_array

from sklearn_meta._warnings import raised_warnings
from sklearn_meta.data._column_access import column_access
from sklearn_meta.data._string_formats import (
    DATES,
    DURATIONS,
    NUMBERS,
    OPTIONS,
    date_format,
    detect_format,
    duration_format,
    number_format,
    option_format,
    without_markers,
)
from sklearn_meta.data._validation import check_no_infinity
from sklearn_meta.data.parsing import (
    date_parser,
    is_missing,
    parse_dates,
    parse_numbers,
    printed,
)

NUMBER = "number"
BOOLEAN = "boolean"
CATEGORY = "category"
TEXT = "text"
DATE = "date"
DURATION = "duration"
SET = "set"
CONSTANT = "constant"
EMPTY = "empty"
IDENTIFIER = "identifier"
DROP = "drop"

# Kinds that a user can choose.
CHOICES = (NUMBER, CATEGORY, TEXT, DATE, DURATION, SET, DROP)

# Of more levels than this, or than half of the cells, those that occur once are treated
# like unknown levels: no other row has them.
MANY_LEVELS = 1_000

# Columns of at most this many different strings are no text.
MAX_LABELS = 10
# Strings are text if the number of different ones exceeds this share of the cells...
MOSTLY_DIFFERENT = 0.5
# ... or this smaller share, if they have this many words in the mean.
SOME_DIFFERENT, SENTENCE = 0.1, 3.0
# If this share of mostly different strings are single words with digits, they are
# codes, and no text. If this share of the cells are different codes, they are those of
# rows.
CODE_SHARE = 0.9
ALL_DIFFERENT = 0.9
# Maximum number of different strings that words are counted in.
WORDS_SAMPLE = 500
_WORD = re.compile(r"\b\w\w+\b")
# Addresses of mail and of the web are made of words.
_ADDRESS = re.compile(r"@|://|www\.")

# Texts of single words have no n-grams of words.
MIN_WORDS = 1.2
# Maximum number of characters of a column for n-grams of several words, and for n-grams
# of characters of several and of one length: larger ones take more than some seconds.
MAX_BIGRAMS, MAX_CHARACTERS, MAX_TRIGRAMS = 20_000_000, 500_000, 2_000_000

# The n-grams that identifiers are encoded by, where there is no other column.
SHORT_TEXTS = (("min_df", 1), ("characters", (2, 4)))

# Maximum number of cells that are converted to float at once during the inspection.
CHUNK_CELLS = 4_000_000

DATETIME_UNIT = "datetime64[ms]"
DURATION_UNIT = "timedelta64[ms]"

# Conversion of the values of a column.
CHECKED = "checked"  # sklearn.utils.check_array or numpy.asarray
CONVERTED = "converted"  # numpy.asarray: sparse columns of pandas
PRINTED = "printed"  # sklearn_meta.data.parsing.as_text: values of several types
PARSED = "parsed"  # a function of sklearn_meta.data.parsing

# Hashable types of nested values.
_NESTED = (tuple, frozenset)


@dataclass(frozen=True)
class Column:
    """Kind and properties of a column of the input table.

    Parameters
    ----------
    label : str or int
        Name of the column in a data frame with string names, else its position.
    kind : {"number", "boolean", "category", "text", "date", "duration", "set"}
        Kind of the values, which determines the encoder.
    left_out : {"constant", "empty", "identifier", "drop"}, default=None
        Reason why the column is not used; None if it is.
    levels : tuple, default=()
        Levels of categories, in the order of their codes; options of sets.
    how : {"checked", "converted", "printed", "parsed"}, default="checked"
        Conversion of the values.
    settings : tuple of (str, object), default=()
        Arguments of the parsing function, the separator of sets, or the n-grams of
        texts.
    span : tuple of (float, float), default=None
        First and last date, in milliseconds since 1970.
    dated : bool, default=False
        Whether all dates are at midnight.
    note : str, default=""
        What the decision for this kind rests on, for reports.
    n_levels : int, default=None
        Number of different values; None for numbers and dates.
    n_missing : int, default=0
        Number of missing values, of cells that cannot be read as well.
    """

    label: str | int
    kind: str
    left_out: str | None = None
    levels: tuple = ()
    how: str = CHECKED
    settings: tuple = ()
    span: tuple[float, float] | None = None
    dated: bool = False
    note: str = ""
    n_levels: int | None = None
    n_missing: int = 0

    @property
    def reported(self) -> str:
        """Kind for reports: `left_out` if it is set, else `kind`."""
        return self.left_out or self.kind


def inspect_columns(X, chosen: Mapping[int, str] | None = None) -> tuple[Column, ...]:
    """Infer the kinds of the columns of a dense table.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)
    chosen : mapping of int to str, default=None
        Kinds that the user has chosen, by position of the column; see `CHOICES`.

    Returns
    -------
    columns : tuple of Column
        Columns in the order of the table.

    Raises
    ------
    TypeError
        If a column holds lists, dicts or other nested values.
    ValueError
        If a numeric column holds infinite or complex values, or a column cannot be read
        as the kind that was chosen for it.
    """
    table, chosen = column_access(X), chosen or {}
    columns: dict[int, Column] = {}
    plain, strings = [], []
    for i, dtype in enumerate(table.dtypes):
        kind = chosen.get(i)
        if kind == DROP:
            columns[i] = Column(table.labels[i], NUMBER, DROP, note="by column_kinds")
        elif kind not in (None, NUMBER) and table.is_plain_number(dtype):
            # Such as numbers of shops, or dates written as 20240501.
            columns[i] = _objects(table, i, table.values(i).tolist(), kind)
        elif table.is_plain_number(dtype):
            plain.append(i)
        elif dtype in (nw.String, nw.Object):
            strings.append(i)
        else:
            columns[i] = _inspect(table, i, dtype, kind)
    for chunk in _chunks(strings, table.n_rows):
        for i, values in zip(chunk, table.block(chunk).T, strict=True):
            columns[i] = _objects(table, i, values.tolist(), chosen.get(i))
    for chunk in _chunks(plain, table.n_rows):
        block = as_floats(table.select(chunk))
        found = _numeric_columns(block, chunk, table)
        columns.update(zip(chunk, found, strict=True))
    return tuple(_explained(columns[i]) for i in range(len(columns)))


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


def _explained(column):
    """Return a column with the reason why it is left out as its note."""
    note = {CONSTANT: "a single value", EMPTY: "no value"}.get(column.left_out)
    return column if note is None else replace(column, note=note)


def _chunks(positions, n_rows):
    """Split positions of columns into chunks of at most `CHUNK_CELLS` cells."""
    size = max(1, CHUNK_CELLS // max(n_rows, 1))
    for start in range(0, len(positions), size):
        yield positions[start : start + size]


def _inspect(table, i, dtype, kind) -> Column:
    """Infer the kind of a column whose type is neither numeric nor that of strings."""
    if dtype in (nw.Categorical, nw.Enum):
        order = dtype.categories if isinstance(dtype, nw.Enum) else None
        values = table.values(i).tolist()
        if kind not in (None, CATEGORY):
            return _objects(table, i, values, kind)
        counts, n_missing = _counted(values)
        types = set(map(type, counts))
        strings = all(issubclass(t, str) for t in types)
        if strings or all(map(_is_number, types)):
            note = f"type of the column ({dtype})"
            identifies = None if kind is None else False
            column = _categories(
                table.labels[i], counts, n_missing, order, CHECKED, note, identifies
            )
            if column.left_out == IDENTIFIER and not strings:
                return replace(column, how=PRINTED)
            return column
        return _objects(table, i, values, CATEGORY)
    if kind in (CATEGORY, TEXT, SET):
        return _objects(table, i, table.values(i).tolist(), kind)
    if dtype in (nw.Date, nw.Datetime):
        _check_choice(table, i, kind, DATE)
        return _dates(table, i, DATE)
    if dtype == nw.Duration:
        _check_choice(table, i, kind, DURATION)
        return _dates(table, i, DURATION)
    if dtype == nw.Decimal:
        _check_choice(table, i, kind, NUMBER)
        return _numbers(table, i, PARSED)
    if table.is_sparse(i) and table.select([i]).dtypes.iloc[0].subtype.kind in "biuf":
        _check_choice(table, i, kind, NUMBER)
        return _numbers(table, i, CONVERTED)
    return _objects(table, i, table.values(i).tolist(), kind)


def _check_choice(table, i, kind, found):
    """Raise if the user has chosen another kind than the type of a column."""
    if kind not in (None, found):
        raise ValueError(_not_readable(table.name(i), kind, f"it holds {found}s"))


def _not_readable(name, kind, reason):
    """Return the message for a column that cannot be read as the chosen kind."""
    return (
        f"The 'column_kinds' parameter says {kind!r} for {name} of X, which cannot be "
        f"read as that: {reason}. Choose another kind of {', '.join(CHOICES)}, or "
        "leave the column out of 'column_kinds'."
    )


# ------------------------------------------------------------ strings and objects


def _objects(table, i, values, kind) -> Column:
    """Infer the kind of a column of strings or objects from its values."""
    types = set(map(type, values))
    has_na = any(t.__name__ in ("NAType", "NaTType") for t in types)
    column = _of_types(table, i, values, types, kind, has_na)
    if has_na and column.kind in (TEXT, SET):
        # Of missing values, imputers do not take all of pandas.
        return replace(column, how=PRINTED)
    return column


def _of_types(table, i, values, types, kind, has_na) -> Column:
    """Infer the kind of a column from its values and their types."""
    label, name = table.labels[i], table.name(i)
    if types <= {str, type(None)} or types == {str, float}:
        counts, n_missing = _counted(values)
        if set(map(type, counts)) <= {str}:
            return _strings(label, name, counts, n_missing, CHECKED, kind)
    types = _types(values, types)
    nested = [t for t in types if t.__hash__ is None or issubclass(t, _NESTED)]
    if nested:
        raise TypeError(
            f"Values of type {nested[0].__name__} in {name} of X: each argument must "
            "be a string or a number. Convert nested values to columns or to strings."
        )
    if not types:
        return Column(label, CATEGORY, EMPTY, n_levels=0, n_missing=len(values))
    if all(map(_is_number, types)) and kind in (None, NUMBER):
        # float() does not accept pandas.NA and NaT.
        column = _numbers(table, i, PARSED if has_na else CHECKED)
        booleans = all(issubclass(t, bool | np.bool_) for t in types)
        return replace(column, kind=BOOLEAN) if booleans else column
    if any(issubclass(t, Complex) and not issubclass(t, Real) for t in types):
        raise ValueError(
            f"Complex data not supported: {name} of X holds complex numbers. Pass the "
            "real and the imaginary part as two columns."
        )
    modules = {t.__module__.partition(".")[0] for t in types}
    if modules <= {"datetime", "pandas", "numpy"}:
        for found in (DATE, DURATION):
            if kind not in (None, found):
                continue
            try:
                return _dates(table, i, found)
            except (TypeError, ValueError):
                # Times of day, periods, intervals, or dates out of bounds.
                continue
    if all(map(_is_number, types)):
        counts, n_missing = _counted(values)
        if kind == CATEGORY:
            note = "by column_kinds"
            return _categories(label, counts, n_missing, note=note, identifies=False)
    counts, n_missing = _counted([printed(value) for value in values])
    how = CHECKED if all(issubclass(t, str) for t in types) else PRINTED
    return _strings(label, name, counts, n_missing, how, kind)


def _counted(values):
    """Return the number of cells of each value, and that of missing ones."""
    counts = Counter(values)
    n_missing = 0
    for value in [v for v in counts if type(v) is not str and is_missing(v)]:
        n_missing += counts.pop(value)
    return counts, n_missing


def _types(values, types):
    """Return the types of the values that are not missing."""
    types = {t for t in types if t is not type(None)}
    types = {t for t in types if t.__name__ not in ("NAType", "NaTType")}
    floats = {t for t in types if issubclass(t, float | np.floating)}
    if floats and floats != types:
        # NaN among strings is a missing value and not a float.
        return {type(v) for v in values if not is_missing(v)}
    return types


def _is_number(type_):
    # For numpy, durations are integers.
    return type_ is not np.timedelta64 and issubclass(type_, Real | Decimal | np.bool_)


def _strings(label, name, counts, n_missing, how, kind) -> Column:
    """Infer the kind of a column of strings from the numbers of its values."""
    # In this order, sorting them again takes no time.
    counts = Counter({value: counts[value] for value in sorted(counts)})
    if kind is not None:
        return _strings_as(label, name, counts, n_missing, how, kind)
    if not counts:
        return Column(label, CATEGORY, EMPTY, n_levels=0, n_missing=n_missing)
    if len(counts) > 1 or n_missing:
        found = detect_format(counts)
        if found is not None:
            return _formatted(label, counts, n_missing, found, how)
        if len(counts) > MAX_LABELS:
            note = _text_note(counts)
            if note is not None:
                return _text(label, counts, n_missing, how, note)
            if len(counts) >= ALL_DIFFERENT * counts.total() and _are_codes(counts):
                note = "hardly any value recurs, and they are codes"
                return _categories(label, counts, n_missing, None, how, note, True)
        elif counts.total() == len(counts) > 1:
            note = "no value recurs"
            return _categories(label, counts, n_missing, None, how, note, True)
    return _categories(label, counts, n_missing, None, how, "strings that recur")


def _strings_as(label, name, counts, n_missing, how, kind):
    """Inspect a column of strings as the kind that the user has chosen."""
    note = "by column_kinds"
    if not counts:
        return Column(label, kind, EMPTY, n_levels=0, n_missing=n_missing)
    if kind == CATEGORY:
        return _categories(label, counts, n_missing, None, how, note, False)
    if kind == TEXT:
        return _text(label, counts, n_missing, how, note)
    values = without_markers(counts)
    if kind == SET:
        found = option_format(counts, values, forced=True)
    else:
        detect = {NUMBER: number_format, DATE: date_format, DURATION: duration_format}
        found = detect[kind](counts, values, values, forced=True)
    if found is None:
        example = values[0] if values else next(iter(counts))
        reason = f"none of its values can, such as {example!r}"
        raise ValueError(_not_readable(name, kind, reason))
    return _formatted(label, counts, n_missing, found, how)


def _formatted(label, counts, n_missing, found, how) -> Column:
    """Return the column of strings in a format."""
    n_missing += found.n_unreadable
    if found.kind == OPTIONS:
        settings = dict(found.settings)
        return Column(
            label, SET, levels=settings["options"], how=how,
            settings=(("separator", settings["separator"]),), note=found.note,
            n_levels=len(settings["options"]), n_missing=n_missing,
        )  # fmt: skip
    kind = {NUMBERS: NUMBER, DATES: DATE, DURATIONS: DURATION}[found.kind]
    column = Column(
        label, kind, how=PARSED, settings=found.settings, note=found.note,
        n_missing=n_missing,
    )  # fmt: skip
    if kind != DATE:
        return column
    parse = date_parser(**{"format": None, **dict(found.settings)})
    times = np.array([parse(v) for v in counts], dtype=np.int64).view(DATETIME_UNIT)
    return _with_span(column, times)


def _text_note(counts):
    """Return why a column of strings is text; None if it is not."""
    n_cells, n_levels = counts.total(), len(counts)
    if n_levels <= SOME_DIFFERENT * n_cells:
        return None
    words = _mean_words(counts)
    if n_levels > MOSTLY_DIFFERENT * n_cells:
        if _are_codes(counts):
            return None
        return f"{n_levels} different values in {n_cells} cells"
    if words >= SENTENCE:
        return f"{n_levels} different values of {words:.1f} words in the mean"
    return None


def _are_codes(counts):
    """Whether different strings are single words with digits."""
    sample = _sampled(counts)
    codes = sum(
        any(map(str.isdigit, value))
        and len(value.split()) == 1
        and not _ADDRESS.search(value)
        for value in sample
    )
    return codes >= CODE_SHARE * len(sample)


def _mean_words(counts):
    """Return the mean number of words of the different strings."""
    sample = _sampled(counts)
    return sum(len(value.split()) for value in sample) / len(sample)


def _has_words(counts):
    """Whether there are strings of several words."""
    sample = _sampled(counts)
    n_words = sum(len(_WORD.findall(value)) for value in sample)
    return n_words >= MIN_WORDS * len(sample)


def _some_word_recurs(counts):
    """Whether a word is in two of some different strings."""
    seen: set[str] = set()
    for value in _sampled(counts):
        words = set(_WORD.findall(value.lower()))
        if not words.isdisjoint(seen):
            return True
        seen |= words
    return False


def _sampled(counts):
    """Return some of the different strings, whatever the order of the rows."""
    values = sorted(counts)
    step = max(1, len(values) // WORDS_SAMPLE)
    return values[::step]


def _text(label, counts, n_missing, how, note) -> Column:
    """Return a column of texts, with the n-grams that they are encoded by."""
    n_characters = sum(len(value) * n for value, n in counts.items())
    settings: tuple = (("min_df", 2 if _some_word_recurs(counts) else 1),)
    if _has_words(counts):
        settings += (("words", (1, 2 if n_characters <= MAX_BIGRAMS else 1)),)
    if n_characters <= MAX_CHARACTERS:
        settings += (("characters", (2, 4)),)
    elif n_characters <= MAX_TRIGRAMS or len(settings) == 1:
        settings += (("characters", (3, 3)),)
    return Column(
        label, TEXT, how=how, settings=settings, note=note, n_levels=len(counts),
        n_missing=n_missing,
    )  # fmt: skip


def _categories(
    label, counts, n_missing, order=None, how=CHECKED, note="", identifies=None
) -> Column:
    """Return a column of categories, whose levels may have a given order.

    Whether they identify the rows is inferred if it is None.
    """
    left_out = None
    if not counts:
        left_out = EMPTY
    elif len(counts) == 1 and not n_missing:
        left_out = CONSTANT
    elif identifies:
        left_out = IDENTIFIER
    elif identifies is None and counts.total() == len(counts) > 1:
        left_out, note = IDENTIFIER, "no value recurs"
    if order is None:
        order = sorted(counts)
    kept = [level for level in order if level in counts]
    most = min(MANY_LEVELS, MOSTLY_DIFFERENT * counts.total())
    if left_out is None and len(counts) > most:
        kept = [level for level in kept if counts[level] > 1] or kept
    # The rows of new tables have other identifiers.
    levels = () if left_out == IDENTIFIER else tuple(map(_plain, kept))
    return Column(
        label, CATEGORY, left_out, levels, how, note=note, n_levels=len(counts),
        n_missing=n_missing,
    )  # fmt: skip


def _plain(level):
    """Return a level as a plain Python value, which source code can contain."""
    if type(level) is str:
        return level
    if isinstance(level, np.generic):
        level = level.item()
    return str(level) if isinstance(level, str) else level


# ---------------------------------------------------------------- numbers and dates


def _numbers(table, i, how) -> Column:
    """Inspect a numeric column."""
    values = table.select([i])
    if how == PARSED:
        values = parse_numbers(table.block([i]))
    elif how == CONVERTED:
        values = np.asarray(values, dtype="float64")
    (column,) = _numeric_columns(as_floats(values), [i], table, how)
    return column


def _numeric_columns(block, positions, table, how=CHECKED):
    """Return the columns of a block of numbers."""
    check_no_infinity(block, [table.name(i) for i in positions])
    n_missing = np.isnan(block).sum(axis=0).tolist()
    return [
        Column(
            table.labels[i],
            BOOLEAN if table.dtypes[i] == nw.Boolean else NUMBER,
            _useless_number(values, missing),
            how=how,
            note=f"type of the column ({table.dtypes[i]})",
            n_missing=missing,
        )
        for i, values, missing in zip(positions, block.T, n_missing, strict=True)
    ]


def _useless_number(values, n_missing):
    """Return "constant", "empty" or None for a numeric column."""
    if n_missing == len(values):
        return EMPTY
    if n_missing or (values[:64] != values[0]).any() or (values != values[0]).any():
        # In most columns, an early value differs from the first one.
        return None
    return CONSTANT


def _dates(table, i, kind) -> Column:
    """Inspect a column of dates or durations."""
    unit = DATETIME_UNIT if kind == DATE else DURATION_UNIT
    note = f"type of the column ({table.dtypes[i]})"
    how = CHECKED
    try:
        # numpy warns if it ignores a time zone.
        with raised_warnings():
            values = np.asarray(table.select([i]), dtype=unit)
    except (TypeError, ValueError, UserWarning):
        if kind != DATE:
            raise
        how, values = PARSED, parse_dates(table.block([i]))
        if (np.isnat(values).ravel() > [is_missing(v) for v in table.values(i)]).any():
            raise
    values = values.reshape(-1)
    column = Column(table.labels[i], kind, how=how, note=note)
    return _with_span(column, values, int(np.isnat(values).sum()))


def _with_span(column, times, n_missing=None):
    """Return a column of dates or durations with their span."""
    numbers = times[~np.isnat(times)].astype("float64")
    if n_missing is not None:
        column = replace(column, n_missing=n_missing)
    if len(numbers) == 0:
        return replace(column, left_out=EMPTY)
    span = (float(numbers.min()), float(numbers.max()))
    if span[0] == span[1] and not column.n_missing:
        column = replace(column, left_out=CONSTANT)
    dated = not np.any(numbers % 86_400_000)
    return replace(column, span=span, dated=bool(dated))
