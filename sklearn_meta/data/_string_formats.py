"""Detect the format of strings: numbers, dates, durations and sets of options.

A column has a format if nearly all of its cells can be read in it. The decision depends
on the distinct values and their numbers, not on the order of the rows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sklearn_meta.data._units import DURATION_UNITS, SCALES, is_unit
from sklearn_meta.data.parsing import (
    NOT_A_TIME,
    affixes_of,
    date_parser,
    duration_of,
    is_currency,
    number_parser,
)

NUMBERS = "numbers"
DATES = "dates"
DURATIONS = "durations"
OPTIONS = "options"

# Printed forms of missing values, lower case: they speak neither for nor against a
# format.
MISSING_MARKERS = frozenset(
    "? ?? - -- --- . .. * na n/a n.a. #n/a nan nil null none missing unknown tbd "
    "undefined".split()
) | {"", "not available", "not applicable", "not known", "no data"}

# Longer strings are no markers, whatever spaces they have.
LONGEST_MARKER = 20

# Minimum share of the cells without a marker that a format must read. The others are
# typing errors, and become missing.
READABLE_SHARE = 0.9

# Minimum share of all cells that a format must read: the rest are markers.
KNOWN_SHARE = 0.3

# Words without digits that cannot be read are markers as well, such as "varies", if
# there are at most so many of them, and more than this number of values that can.
MAX_MARKERS = 3
MIN_VALUES_BESIDE_MARKERS = 20

# Minimum share of the numbers that a unit follows: more than in "12", "12 A" and "14".
UNIT_SHARE = 0.5

# Maximum number of distinct values that formats are compared on.
SAMPLE = 500

# Values that must not all be unreadable for a format to be tried on the others.
FIRST = 8

# Strings of few distinct integers are the labels of categories.
MAX_INTEGER_LABELS = 20

# From this length on, integers that all have one length and recur are codes, such as
# zip codes. Years are shorter, amounts recur less or are round.
CODE_LENGTH = 5
ROWS_PER_CODE = 2
ROUND_SHARE = 0.5

_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_NO_DATE = re.compile(
    r"(?:0000|0001|9999)[-/.]?\d\d[-/.]?\d\d|\d\d[./-]\d\d[./-](?:0000|0001|9999)"
)
_MONTH_AND_YEAR = re.compile(r"(?:0[1-9]|1[0-2])\.(?:19|20)\d\d")
_RATING = re.compile(r"/\s?\d+|out of .*")

# In the order of preference. Where days and months cannot be told apart, a slash means
# that the month comes first.
DATE_FORMATS: tuple[str | None, ...] = (
    None,
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%b %d %Y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%b %Y",
    "%b-%Y",
    "%m/%Y",
    "%m.%Y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%b-%y",
)

# Sets: separators by preference, maximum number of options, minimum mean number of rows
# of an option, and minimum share of the cells with several options.
SEPARATORS = (";", "|", "\n", ",", "/")
MAX_OPTIONS = 200
MIN_ROWS_PER_OPTION = 4
SEVERAL_SHARE = 0.1


@dataclass(frozen=True)
class StringFormat:
    """How the strings of a column are read.

    Parameters
    ----------
    kind : {"numbers", "dates", "durations", "options"}
    settings : tuple of (str, object)
        Arguments of the function of `sklearn_meta.data.parsing`, or the separator and
        the options of sets.
    note : str
        Description for reports.
    n_unreadable : int
        Number of cells that become missing, markers of missing values included.
    """

    kind: str
    settings: tuple[tuple[str, object], ...]
    note: str
    n_unreadable: int = 0


def detect_format(counts: Mapping[str, int]) -> StringFormat | None:
    """Return the format of a column of strings.

    Parameters
    ----------
    counts : mapping of str to int
        Number of cells of each distinct string.

    Returns
    -------
    format : StringFormat or None
        None if the strings are categories or texts.
    """
    values = without_markers(counts)
    sample = _sample(values)
    found = None
    # Nearly all strings of numbers and times have a digit: most other columns are known
    # by a look at a few values.
    if _DIGIT.search("".join(_sample(values, FIRST))):
        found = (
            number_format(counts, values, sample)
            or date_format(counts, values, sample)
            or duration_format(counts, values, sample)
        )
    return found or option_format(counts, values)


def without_markers(counts) -> list[str]:
    """Return the distinct strings that are no markers of missing values, sorted."""
    # In most columns there are none: found out without a loop in Python.
    if MISSING_MARKERS.isdisjoint(map(str.lower, map(str.strip, counts))):
        return sorted(counts)
    return sorted(
        v
        for v in counts
        if len(v) > LONGEST_MARKER or v.strip().lower() not in MISSING_MARKERS
    )


def number_format(counts, values, sample, forced=False) -> StringFormat | None:
    """Return the format of numbers, amounts of money or percentages.

    Parameters
    ----------
    counts : mapping of str to int
    values, sample : sequence of str
        Distinct strings without markers of missing values, and some of them.
    forced : bool, default=False
        Whether the user has said that the column holds numbers: then integers are no
        codes, and most cells may be unreadable.

    Returns
    -------
    format : StringFormat or None
    """
    unit = _unit(sample)
    parsers = {d: number_parser(d, unit) for d in (".", ",")}
    if not forced and not any(
        _readable(parse, _sample(sample, FIRST)) for parse in parsers.values()
    ):
        return None
    readable = {d: len(_readable(p, sample)) for d, p in parsers.items()}
    decimal = max(parsers, key=lambda d: readable[d])
    known = _readable(parsers[decimal], values)
    if not forced and (
        not _suffices(counts, values, known) or _are_codes(counts, known)
    ):
        return None
    if not known:
        return None
    settings: tuple[tuple[str, object], ...] = ()
    if decimal != ".":
        settings += (("decimal", decimal),)
    if unit is not None:
        settings += (("unit", unit),)
    return StringFormat(NUMBERS, settings, _number_note(known), _rest(counts, known))


def date_format(counts, values, sample, forced=False) -> StringFormat | None:
    """Return the format of dates; see `number_format` for the parameters."""
    formats = (*DATE_FORMATS, "%Y%m%d")
    readable = {}
    for format in formats:
        parse = date_parser(format)
        if any(_is_date(parse, v) for v in _sample(sample, FIRST)):
            readable[format] = sum(_is_date(parse, v) for v in sample)
    if not readable:
        return None
    format = max(readable, key=lambda f: readable[f])
    parse = date_parser(format)
    known = [v for v in values if _is_date(parse, v)]
    # Dates such as 9999-12-31 stand for missing ones.
    values = [v for v in values if not _NO_DATE.match(v)]
    if not known or (not forced and not _suffices(counts, values, known)):
        return None
    settings = () if format is None else (("format", format),)
    note = f"dates written as strings ({known[0]!r}"
    note += ")" if format is None else f", read as {format})"
    return StringFormat(DATES, settings, note, _rest(counts, known))


def duration_format(counts, values, sample, forced=False) -> StringFormat | None:
    """Return the format of durations; see `number_format` for the parameters."""
    if not any(np.isfinite(duration_of(v)) for v in _sample(sample, FIRST)):
        return None
    known = [v for v in values if np.isfinite(duration_of(v))]
    if not forced and not _suffices(counts, values, known):
        return None
    note = f"durations written as strings ({known[0]!r})"
    return StringFormat(DURATIONS, (), note, _rest(counts, known))


def option_format(counts, values, forced=False) -> StringFormat | None:
    """Return the separator and the options of a column of sets.

    Parameters
    ----------
    counts : mapping of str to int
    values : sequence of str
        Distinct strings without markers of missing values.
    forced : bool, default=False
        Whether the user has said that the column holds sets.

    Returns
    -------
    format : StringFormat or None
        None if no separator gives few options that recur in many combinations.
    """
    n_cells = sum(counts[v] for v in values)
    sample = _sample(values)
    for separator in SEPARATORS:
        # Values without a separator are options themselves.
        alone = sum(separator not in v for v in sample)
        if alone > MAX_OPTIONS and not forced:
            continue
        several = sum(counts[v] for v in values if separator in v)
        if several < (1 if forced else SEVERAL_SHARE * n_cells):
            continue
        options: Counter[str] = Counter()
        pattern = re.compile(option_pattern(separator))
        for value in values:
            for option in set(pattern.findall(value)):
                options[option] += counts[value]
            if len(options) > MAX_OPTIONS and not forced:
                break
        recur = options.total() >= MIN_ROWS_PER_OPTION * len(options)
        if (forced and options) or (
            2 <= len(options) <= MAX_OPTIONS
            and recur
            and len(options) < len(values)
            and _are_several(values, options, separator)
        ):
            kept = [o for o, _ in options.most_common(MAX_OPTIONS)]
            return StringFormat(
                OPTIONS,
                (("separator", separator), ("options", tuple(sorted(kept)))),
                f"sets of {len(kept)} options, separated by {separator!r}",
            )
    return None


def _are_several(values, options, separator):
    """Whether cells hold any number of options, and not the parts of one value.

    Parts are those of "Austin, TX", "120/80" and "52.1, 13.4".
    """
    if separator in (";", "|", "\n"):
        return True
    if separator == "/" and not all(map(_LETTER.search, options)):
        return False
    return len({value.count(separator) for value in values}) > 1


def option_pattern(separator) -> str:
    """Return the regular expression of one option in a set.

    Parameters
    ----------
    separator : str

    Returns
    -------
    pattern : str
        Spaces, brackets and quotes around an option are not part of it.
    """
    inside = f"[^{re.escape(separator)}]"
    border = rf"[^{re.escape(separator)}\s\[\]{{}}\"']"
    return f"{border}(?:{inside}*{border})?"


def _sample(values: Sequence[str], size=SAMPLE):
    """Return at most `size` values, evenly spaced."""
    if len(values) <= size:
        return values
    step = (len(values) - 1) / (size - 1)
    return [values[round(step * i)] for i in range(size)]


def _suffices(counts, values, known):
    """Whether the readable values are nearly all of those without markers."""
    readable = sum(counts[v] for v in known)
    with_meaning = sum(counts[v] for v in values)
    if readable < READABLE_SHARE * with_meaning:
        if len(known) <= MIN_VALUES_BESIDE_MARKERS:
            return False
        readable_values = set(known)
        rest = [v for v in values if v not in readable_values]
        words = [v for v in rest if not _DIGIT.search(v)]
        if len(words) <= MAX_MARKERS:
            with_meaning -= sum(counts[v] for v in words)
    return readable >= READABLE_SHARE * with_meaning and readable >= KNOWN_SHARE * sum(
        counts.values()
    )


def _readable(parse, values):
    """Return the strings that a parser reads as a number."""
    return [v for v in values if not math.isnan(parse(v))]


def _rest(counts, known):
    """Return the number of cells that are not readable."""
    return sum(counts.values()) - sum(counts[v] for v in known)


def _are_codes(counts, known):
    """Whether strings of numbers are labels, codes or months: no quantities."""
    if all(map(_MONTH_AND_YEAR.fullmatch, known)):
        return True
    if not all(v.isdecimal() for v in known):
        return False
    if any(v[0] == "0" and len(v) > 1 for v in known):
        return True
    if len(known) <= MAX_INTEGER_LABELS:
        return True
    if len({len(v) for v in known}) > 1:
        return False
    if all(_is_date(date_parser("%Y%m%d"), v) for v in known):
        return True
    recur = sum(counts[v] for v in known) >= ROWS_PER_CODE * len(known)
    rounded = sum(v.endswith("00") for v in known) >= ROUND_SHARE * len(known)
    return recur and not rounded and len(known[0]) >= CODE_LENGTH


def _unit(sample):
    """Return what follows the numbers, if it is the same unit or word everywhere."""
    found = [affixes_of(value) for value in sample]
    after = {affixes[1] for affixes in found if affixes is not None}
    after -= {"", "%", "\u2030"}
    if len(after) != 1:
        return None
    unit = after.pop()
    followed = sum(affixes[1] == unit for affixes in found if affixes is not None)
    if is_unit(unit) or _RATING.fullmatch(unit):
        return unit if followed >= UNIT_SHARE * len(sample) else None
    if is_currency(unit) or unit.lower() in SCALES or unit.lower() in DURATION_UNITS:
        return None
    # Any word that follows all of many numbers says nothing: "3 BHK", "12 sessions".
    many = followed > max(MAX_INTEGER_LABELS, READABLE_SHARE * len(sample))
    return unit if many and _LETTER.match(unit) else None


def _number_note(known):
    """Describe the numbers by an example of the most telling form."""
    sample = _sample(known)
    affixes = [affixes_of(v) or ("", "") for v in sample]
    for value, (before, after) in zip(sample, affixes, strict=True):
        if is_currency(before) or is_currency(after):
            return f"amounts of money written as strings ({value!r})"
    for value, (_, after) in zip(sample, affixes, strict=True):
        if after in ("%", "\u2030"):
            return f"percentages written as strings ({value!r})"
    return f"numbers written as strings ({known[-1]!r})"


def _is_date(parse, value):
    """Whether a parser of dates reads a value."""
    return parse(value) != NOT_A_TIME
