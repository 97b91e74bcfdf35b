"""Parse cells as text, numbers, dates and durations: the functions of fitted encoders.

Columns of strings that are numbers, amounts of money, percentages, dates or durations
are parsed inside of the fitted pipeline, by these functions. They take a whole table
and parse each distinct cell once. A cell that cannot be read is missing.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import re
from collections.abc import Callable
from decimal import Decimal
from numbers import Integral, Real

import numpy as np

from sklearn_meta.data._units import CURRENCIES, DURATION_UNITS, SCALES, ZONES

__all__ = ["as_text", "parse_dates", "parse_durations", "parse_numbers"]

DAY = 86_400_000
_EPOCH = dt.datetime(1970, 1, 1).toordinal()
NOT_A_TIME = np.iinfo(np.int64).min

# Larger floats are printed as they are: not all integers are floats there.
_LARGEST_INTEGER = 2.0**53

_MISSING_TYPES = frozenset({"NAType", "NaTType"})

# Longer strings are neither dates nor durations nor numbers in words and signs: with
# thousands of spaces, the regular expressions would take minutes.
_LONGEST = 80

# Cells that float() converts.
_NUMERIC = (str, Real, Decimal, np.bool_, type(None))

# Cells of these types are never equal if they have different types.
_UNEQUAL_TYPES = {str, float, type(None)}


def is_missing(value) -> bool:
    """Return whether a cell represents a missing value.

    Parameters
    ----------
    value : object

    Returns
    -------
    missing : bool
    """
    if value is None or type(value).__name__ in _MISSING_TYPES:
        return True
    if isinstance(value, float | np.floating | np.datetime64 | np.timedelta64):
        return bool(value != value)
    return isinstance(value, Decimal) and value.is_nan()


def printed(value) -> str | None:
    """Return the printed form by which cells of several types are compared.

    Integers, equal floats and strings of them have the same form; members of an
    enumeration have that of their value.

    Parameters
    ----------
    value : object

    Returns
    -------
    text : str or None
        None for a missing value.
    """
    if is_missing(value):
        return None
    if isinstance(value, enum.Enum):
        return printed(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, np.timedelta64):  # an integer, for numpy
        return str(value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real | Decimal):
        try:
            number = float(value)
        except OverflowError:  # a large fraction
            return str(value)
        if abs(number) <= _LARGEST_INTEGER and number.is_integer():
            return str(int(number))
        return repr(number)
    return str(value)


def as_text(X) -> np.ndarray:
    """Return the printed form of every cell of a table.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Cells of any type.

    Returns
    -------
    texts : ndarray of shape (n_samples, n_features)
        Strings, and None for missing values: 5, 5.0 and "5" become "5", a member of an
        enumeration its value.

    Examples
    --------
    >>> from sklearn_meta.data.parsing import as_text
    >>> as_text([[5.0, "5"], [None, True]])
    array([['5', '5'],
           [None, 'True']], dtype=object)
    """
    return _apply(X, printed, object)


def parse_numbers(X, decimal=".", unit=None) -> np.ndarray:
    """Parse numbers, amounts of money and percentages.

    Signs, thousands separators, currencies, percent signs, parentheses around negative
    amounts and the scales of "1.2k", "3 M" and "2bn" are understood. Percentages keep
    their value: "12 %" is 12. So do ratings with the same maximum: with the unit "/5",
    "4/5" is 4.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Cells of any type.
    decimal : {".", ","}, default="."
        Decimal separator; the other one may separate thousands.
    unit : str, default=None
        Unit of measurement that may follow the number, such as ``"kg"``.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_features)
        As float64; NaN for cells that are missing or no finite number.

    Examples
    --------
    >>> from sklearn_meta.data.parsing import parse_numbers
    >>> parse_numbers([["$1,234.50"], ["(12 %)"], ["unknown"]])
    array([[1234.5],
           [ -12. ],
           [   nan]])
    """
    X = np.asarray(X, dtype=object)
    types = set(map(type, X.flat))
    # float() takes "1_2" for 12.
    if (
        decimal == "."
        and np.timedelta64 not in types
        and all(issubclass(t, _NUMERIC) for t in types)
        and not (str in types and any(type(c) is str and "_" in c for c in X.flat))
    ):
        try:
            numbers = X.astype(np.float64)
        except (OverflowError, TypeError, ValueError):
            pass
        else:
            return np.where(np.isfinite(numbers), numbers, np.nan)
    return _apply(X, number_parser(decimal, unit), np.float64)


def parse_dates(X, format=None) -> np.ndarray:
    """Parse dates with or without a time of day.

    Dates of ISO 8601 are always understood, in any precision from the month on, and so
    are objects of dates. Dates with an offset or a time zone are converted to UTC. In
    strings, years before 1000 and from 3000 on stand for missing dates.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Cells of any type.
    format : str, default=None
        Format of other dates in the notation of `datetime.datetime.strptime`, such as
        ``"%d.%m.%Y"``. A time of day may follow and is not part of it.

    Returns
    -------
    dates : ndarray of shape (n_samples, n_features)
        As datetime64[ms]; NaT for cells that are missing or no date.

    Examples
    --------
    >>> from sklearn_meta.data.parsing import parse_dates
    >>> parse_dates([["2024-05-01 12:30"], ["01.05.2024"], ["?"]], format="%d.%m.%Y")
    array([['2024-05-01T12:30:00.000'],
           ['2024-05-01T00:00:00.000'],
           [                    'NaT']], dtype='datetime64[ms]')
    """
    return _apply(X, date_parser(format), np.int64).view("datetime64[ms]")


def parse_durations(X) -> np.ndarray:
    """Parse durations and times of day.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Such as "1:30:00", "2 days 04:00:00", "1h 30min", "PT90M", or objects of
        durations or times of day.

    Returns
    -------
    milliseconds : ndarray of shape (n_samples, n_features)
        As float64; NaN for cells that are missing or no duration.

    Examples
    --------
    >>> from sklearn_meta.data.parsing import parse_durations
    >>> parse_durations([["0:00:01"], ["2 min"], [None]])
    array([[  1000.],
           [120000.],
           [    nan]])
    """
    return _apply(X, duration_of, np.float64)


def _apply(X, function, dtype):
    """Apply a function to the cells, once for each distinct one."""
    X = np.asarray(X, dtype=object)
    cells = X.ravel().tolist()
    if set(map(type, cells)) <= _UNEQUAL_TYPES:
        known = {cell: function(cell) for cell in set(cells)}
        found = [known[cell] for cell in cells]
    else:
        found = _apply_by_type(cells, function)
    values = np.empty(len(cells), dtype=dtype)
    values[:] = found
    return values.reshape(X.shape)


def _apply_by_type(cells, function):
    """Apply a function to cells of any type, once for each type and value."""
    known: dict = {}
    found = []
    for cell in cells:
        # 1, 1.0 and True are equal, but have other printed forms.
        key = (cell.__class__, cell)
        try:
            if key not in known:
                known[key] = function(cell)
            found.append(known[key])
        except TypeError:  # not hashable
            found.append(function(cell))
    return found


# ------------------------------------------------------------------------- numbers

_SPACES = "\\s\u00a0\u202f\u2009"
_NUMBER = re.compile(
    rf"(?P<open>\()?"
    rf"(?P<sign>[-+\u2212\u2013]?)[{_SPACES}]*"
    rf"(?P<before>[^\W\d_]{{2,4}}\.?|[^\w{_SPACES}.,()'+\-]{{1,2}}"
    rf"|[A-Z]{{1,3}}[{_SPACES}]?\$)?"
    rf"[{_SPACES}]*(?P<sign_2>[-+\u2212\u2013]?)"
    rf"(?P<digits>[.,]?\d[\d.,'\u2019{_SPACES}]*?)(?P<exponent>[eE][-+]?\d{{1,3}})?"
    rf"[{_SPACES}]*(?P<after>[^\d{_SPACES}()\-](?:[^\d()]{{0,10}}[^\d{_SPACES}()\-])?"
    rf"|[a-z]{{1,3}}[23]|/[{_SPACES}]?\d{{1,3}}|out of \d{{1,3}}(?: stars?)?)?"
    rf"[{_SPACES}]*(?P<close>\))?(?P<trailing>-)?"
)
_THOUSANDS = {
    decimal: re.compile(
        rf"(?:\d+|[1-9]\d{{0,2}}(?:[{re.escape(other)}]\d{{3}})+"
        # Indian digit groups: 12,34,567.
        rf"|[1-9]\d?(?:[{re.escape(other)}]\d{{2}})+[{re.escape(other)}]\d{{3}}"
        rf"|[1-9]\d{{0,2}}(?:['\u2019{_SPACES}]\d{{3}})+)(?:{re.escape(decimal)}\d*)?"
        rf"|{re.escape(decimal)}\d+"
    )
    for decimal, other in ((".", ","), (",", "."))
}
_NEGATIVE = frozenset("-\u2212\u2013")


@functools.cache
def number_parser(decimal, unit) -> Callable:
    """Return the function that parses a cell as a number.

    Parameters
    ----------
    decimal : {".", ","}
    unit : str or None

    Returns
    -------
    parse : callable
        ``parse(cell) -> float``, NaN if the cell is no finite number.
    """
    thousands = _THOUSANDS[decimal]
    other = "," if decimal == "." else "."
    separators = re.compile(rf"['\u2019{_SPACES}{re.escape(other)}]")

    def parse(cell):
        if isinstance(cell, bool | np.bool_):
            return float(cell)
        text = printed(cell)
        if text is None:
            return np.nan
        if decimal == ".":
            value = _plain(text)
            if value == value:
                return value
        found = _matched(_NUMBER, text)
        if found is None or not thousands.fullmatch(found["digits"].rstrip()):
            return np.nan
        scale = _scale(found["before"], found["after"], unit)
        if scale is None or bool(found["open"]) != bool(found["close"]):
            return np.nan
        digits = separators.sub("", found["digits"]).replace(decimal, ".")
        value = scale * float(digits + (found["exponent"] or ""))
        signs = (found["sign"], found["sign_2"], found["trailing"] or "")
        negative = sum(sign in _NEGATIVE for sign in signs if sign)
        negative += bool(found["open"])
        return _finite(-value if negative % 2 else value)

    return parse


def _matched(pattern, text):
    """Match a string as a whole, without spaces around it, unless it is very long."""
    text = text.strip()
    return pattern.fullmatch(text) if len(text) <= _LONGEST else None


def _plain(text):
    """Parse what Python prints; NaN if it is something else."""
    if "_" in text:
        return np.nan
    try:
        return _finite(float(text))
    except ValueError:
        return np.nan


def _finite(value):
    return value if abs(value) < np.inf else np.nan


def _scale(before, after, unit):
    """Return the factor of what is around the digits; None if it is not known."""
    if before and not is_currency(before):
        return None
    if not after or after in ("%", "\u2030") or after == unit:
        return 1.0
    if is_currency(after):
        return 1.0
    return SCALES.get(after.lower())


@functools.lru_cache(maxsize=1_000)
def is_currency(affix) -> bool:
    """Return whether a string is a sign or code of a currency.

    Parameters
    ----------
    affix : str

    Returns
    -------
    found : bool
    """
    return "".join(affix.upper().split()).removesuffix(".") in CURRENCIES


def affixes_of(text) -> tuple[str, str] | None:
    """Return what stands before and after the digits of a number.

    Parameters
    ----------
    text : str

    Returns
    -------
    before, after : str
        Such as ``("$", "")`` and ``("", "kg")``; None if the text is no number.
    """
    found = _matched(_NUMBER, text)
    return None if found is None else (found["before"] or "", found["after"] or "")


# --------------------------------------------------------------------------- dates

_TIME = (
    r"(?:[T,\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<zone>Z|[A-Z]{3,4}|[+-]\d{2}(?::?\d{2})?)?)?"
)
_ISO = re.compile(r"(?P<Y>\d{4})-(?P<m>\d{1,2})(?:-(?P<d>\d{1,2}))?" + _TIME)
_FIELDS = {
    "%d": r"(?P<d>\d{1,2})(?:st|nd|rd|th)?",
    "%m": r"(?P<m>\d{1,2})",
    "%Y": r"(?P<Y>\d{4})",
    "%y": r"(?P<y>\d{2})",
    "%b": r"(?P<b>[A-Za-z]{3,9})\.?",
}
_MONTHS = {
    name: i
    for i, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun")
        + ("jul", "aug", "sep", "oct", "nov", "dec"),
        start=1,
    )
}
_MONTH_NAMES = frozenset(
    "january february march april may june july august september october november "
    "december sept".split()
) | set(_MONTHS)
# As in POSIX: years of two digits from 69 on are in the last century.
_CENTURY = 69
# Others stand for a missing date: 0000-00-00, 0001-01-01, 9999-12-31.
FIRST_YEAR, LAST_YEAR = 1000, 2999


@functools.cache
def date_parser(format) -> Callable:
    """Return the function that parses a cell as a date.

    Parameters
    ----------
    format : str or None
        See `parse_dates`.

    Returns
    -------
    parse : callable
        ``parse(cell) -> int``, milliseconds since 1970; the smallest int64, which is
        NaT, if the cell is no date.
    """
    pattern = None if format is None else _date_pattern(format)

    def parse(cell):
        if is_missing(cell):
            return NOT_A_TIME
        if isinstance(cell, dt.datetime):
            if cell.tzinfo is not None:
                try:
                    cell = cell.astimezone(dt.UTC).replace(tzinfo=None)
                except OverflowError:  # of the year 1 or 9999
                    return NOT_A_TIME
            return _since_1970(cell) + cell.microsecond // 1000
        if isinstance(cell, dt.date):
            return (cell.toordinal() - _EPOCH) * DAY
        if isinstance(cell, np.datetime64):
            return int(cell.astype("datetime64[ms]").astype(np.int64))
        text = printed(cell)
        found = _matched(_ISO, text)
        if found is None and pattern is not None:
            found = _matched(pattern, text)
        return NOT_A_TIME if found is None else _milliseconds(found.groupdict())

    return parse


def _date_pattern(format):
    """Return the regular expression of a format, with an optional time of day."""
    parts = re.split(r"(%[a-zA-Z])", format)
    weekday = r"(?:[A-Za-z]{3,9},?\s+)?" if "%b" in format else ""
    # Spaces of the format stand for any number of spaces.
    body = "".join(
        _FIELDS[part] if part in _FIELDS else re.escape(part).replace(r"\ ", r"\s+")
        for part in parts
    )
    return re.compile(rf"{weekday}{body}{_TIME}")


def _milliseconds(fields):
    """Return the milliseconds of the fields of a date; NaT if there is no such day."""
    year = fields.get("Y")
    if year is None:
        year = int(fields["y"])
        year += 1900 if year >= _CENTURY else 2000
    month = fields.get("m")
    if month is None:
        name = fields["b"].lower()
        if name not in _MONTH_NAMES:
            return NOT_A_TIME
        month = _MONTHS[name[:3]]
    hour = int(fields["hour"] or 0)
    half = fields["half"]
    if half and 1 <= hour <= 12:
        hour = hour % 12 + 12 * (half[0] in "pP")
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        return NOT_A_TIME
    try:
        date = dt.datetime(
            int(year), int(month), int(fields.get("d") or 1), hour,
            int(fields["minute"] or 0), int(fields["second"] or 0),
        )  # fmt: skip
    except ValueError:
        return NOT_A_TIME
    if fields["zone"] and fields["zone"][0] not in "+-" and fields["zone"] not in ZONES:
        return NOT_A_TIME
    fraction = int((fields["fraction"] or "0").ljust(3, "0")[:3])
    return _since_1970(date) + fraction - _offset(fields["zone"])


def _since_1970(date):
    """Return the milliseconds of the whole seconds of a datetime without a zone."""
    seconds = 3600 * date.hour + 60 * date.minute + date.second
    return (date.toordinal() - _EPOCH) * DAY + 1000 * seconds


def _offset(zone):
    """Return the offset of a zone from UTC in milliseconds."""
    if not zone:
        return 0
    if zone[0] not in "+-":
        return int(3_600_000 * ZONES[zone])
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = 60 * int(digits[:2]) + int(digits[2:])
    return (-60_000 if zone[0] == "-" else 60_000) * minutes


# ----------------------------------------------------------------------- durations

_CLOCK = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d+)\s*d(?:ays?)?,?\s+)?(?P<hours>\d{1,4}):"
    r"(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d(?:\.\d+)?))?"
)
# Of a stopwatch: minutes, seconds and their fraction.
_STOPWATCH = re.compile(r"(?P<sign>-)?(?P<minutes>\d{1,3}):(?P<seconds>[0-5]\d\.\d+)")
_HALF_DAY = re.compile(
    r"(?P<hours>0?[1-9]|1[0-2])(?::(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d))?)?"
    r"\s*(?P<half>[AaPp])\.?[Mm]\.?"
)
_ISO_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_UNITS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z\u00b5]+)\.?,?\s*(?:and\s+)?")


def duration_of(cell) -> float:
    """Return the milliseconds of a duration or time of day.

    Parameters
    ----------
    cell : object

    Returns
    -------
    milliseconds : float
        NaN if the cell is no duration.
    """
    if is_missing(cell):
        return np.nan
    if isinstance(cell, dt.timedelta):
        return cell / dt.timedelta(milliseconds=1)
    if isinstance(cell, np.timedelta64):
        return float(cell / np.timedelta64(1, "ms"))
    if isinstance(cell, dt.time):
        seconds = 3600 * cell.hour + 60 * cell.minute + cell.second
        return 1000.0 * seconds + cell.microsecond / 1000
    return _duration_of_text(printed(cell))


def _duration_of_text(text):
    text = text.strip()
    if len(text) > _LONGEST:
        return np.nan
    found = (
        _CLOCK.fullmatch(text)
        or _STOPWATCH.fullmatch(text)
        or _HALF_DAY.fullmatch(text)
        or _ISO_DURATION.fullmatch(text)
    )
    if found is not None:
        fields = found.groupdict()
        half = fields.pop("half", None)
        if half is not None:
            fields["hours"] = int(fields["hours"]) % 12 + 12 * (half in "pP")
        sign = -1.0 if fields.pop("sign", None) else 1.0
        present = {name: v for name, v in fields.items() if v is not None}
        if not present:
            return np.nan
        return sign * sum(
            DURATION_UNITS[name] * float(v) for name, v in present.items()
        )
    total, end = 0.0, 0
    for part in _UNITS.finditer(text):
        unit = DURATION_UNITS.get(part[2].lower())
        if part.start() != end or unit is None:
            return np.nan
        total, end = total + unit * float(part[1]), part.end()
    return total if end and end == len(text) else np.nan
