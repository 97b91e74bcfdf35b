"""Find out how a text file separates its cells, from its beginning."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

from sklearn_meta.cli._errors import UsageError, listed

# By preference: the first of those that separate equally well.
SEPARATORS = (",", ";", "\t", "|")

# Records that are looked at.
MAX_RECORDS = 200

# Share of the records that must have as many cells as the header.
REGULAR_SHARE = 0.8

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+")


@dataclass(frozen=True)
class Dialect:
    """How the cells of a text file are written.

    Parameters
    ----------
    separator : str
    decimal : {".", ","}
        Decimal mark of its numbers.
    names : tuple of str
        The cells of its first record.
    """

    separator: str
    decimal: str
    names: tuple[str, ...]


def read_dialect(text, name, *, is_whole, separator=None) -> Dialect:
    """Return how the cells of a file are written.

    Parameters
    ----------
    text : str
        Beginning of the file.
    name : str
        Name of the file, for messages.
    is_whole : bool
        Whether `text` is the whole file: otherwise its last record may be cut.
    separator : str, default=None
        None to find it out: the one that gives the records as many cells as the header,
        and the most of them.

    Returns
    -------
    dialect : Dialect

    Raises
    ------
    UsageError
        If there is no record, a name is empty twice or given twice, or the records have
        one cell more than the header.
    """
    found = [
        (s, _records(text, s, is_whole))
        for s in (SEPARATORS if separator is None else (separator,))
    ]
    separator, records = max(found, key=lambda entry: _regularity(entry[1]))
    if not records:
        raise UsageError(f"{name} is empty; a header with names and rows are expected")
    names, rows = records[0], records[1:]
    _check_names(names, name)
    widths = {len(row) for row in rows}
    if widths == {len(names) + 1} and rows[0][-1] != "":
        raise UsageError(
            f"the header of {name} has {len(names)} names, its rows have "
            f"{len(names) + 1} cells; add the name of the first column"
        )
    return Dialect(separator, _decimal_mark(rows, separator), tuple(names))


def _records(text, separator, is_whole):
    """Return the first records that are not empty, without one that is cut."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    records = []
    try:
        for record in reader:
            if record:
                records.append(record)
            if len(records) > MAX_RECORDS:
                return records
    except csv.Error:
        # A cell that is longer than the limit of the module, or zero bytes.
        return records
    return records if is_whole else records[:-1]


def _regularity(records):
    """Order separators: by how many records are like the header, and by their cells."""
    if not records:
        return (False, 0)
    width, rows = len(records[0]), records[1:]
    # Rows that end early, and rows of R, which have one name less than cells.
    alike = sum(len(row) in (width, width + 1) for row in rows)
    is_regular = width > 1 and alike >= REGULAR_SHARE * len(rows)
    return (is_regular, width if is_regular else -width)


def _check_names(names, name):
    twice = [n for n, count in Counter(names).items() if count > 1]
    if "" in twice:
        raise UsageError(
            f"{names.count('')} columns of {name} have no name; name them in the first "
            "line"
        )
    if twice:
        raise UsageError(
            f"{name} has several columns called {listed(twice)}; rename all but one"
        )


def _decimal_mark(rows, separator):
    """Return the decimal mark; a comma if there are numbers that can mean that only."""
    if separator == ",":
        return "."
    cells = [cell.strip() for row in rows for cell in row]
    commas = [cell for cell in cells if _DECIMAL_COMMA.fullmatch(cell)]
    if any(_DECIMAL_POINT.fullmatch(cell) for cell in cells):
        return "."
    return "," if any(not _THOUSANDS.fullmatch(cell) for cell in commas) else "."


def looks_like_values(names) -> bool:
    """Whether the first record of a file is one of values: half of it are numbers.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    looks : bool
    """
    number = re.compile(r"\s*[+-]?\d+([.,]\d+)?(e[+-]?\d+)?\s*", re.IGNORECASE)
    n_numbers = sum(bool(number.fullmatch(str(name))) for name in names)
    return n_numbers >= len(names) / 2 > 0
