"""Columns that options name, their kinds, and the order of rows in time."""

from __future__ import annotations

import csv
from collections import Counter

from sklearn_meta.cli._errors import UsageError, hint


def split_names(text) -> list[str]:
    """Return the names of a list such as ``a,b`` or ``"a, b",c``.

    Parameters
    ----------
    text : str
        As a line of csv: a name with a comma is in double quotes.

    Returns
    -------
    names : list of str
    """
    (names,) = csv.reader([text], skipinitialspace=True)
    return [name for name in names if name]


def columns_of(table, given) -> list[str]:
    """Return the columns that options name.

    Parameters
    ----------
    table : TableFile
    given : list of str
        Values of an option: names, or lists of them.

    Returns
    -------
    names : list of str
    """
    names = []
    for text in given:
        # The whole text first: a name with a comma needs no quotes then.
        parts = [text] if text in table.frame.columns else split_names(text)
        names += [table.column(part) for part in parts]
    return list(dict.fromkeys(names))


def chosen_kinds(given, features) -> dict[str, str] | None:
    """Return the parameter `column_kinds` of options such as ``notes=text``.

    Parameters
    ----------
    given : list of str
        Values of the option: a column and its kind, or a list of them.
    features : sequence of str
        Columns that have a kind.

    Returns
    -------
    kinds : dict of str to str, or None
        None without options.
    """
    from sklearn_meta.data._column_kinds import CHOICES

    kinds = {}
    for text in given:
        for part in split_names(text):
            name, equals, kind = part.rpartition("=")
            if not equals:
                raise UsageError(f"--kind needs COLUMN=KIND, such as {part}=text")
            if kind not in CHOICES:
                raise UsageError(
                    f"--kind {part}: no kind {kind!r}{hint(kind, CHOICES)}; there are "
                    f"{', '.join(CHOICES)}"
                )
            if name not in features:
                raise UsageError(
                    f"--kind {part}: no feature {name!r}{hint(name, features)}"
                )
            kinds[name] = kind
    return kinds or None


def time_order(values, name):
    """Return the positions of rows in the order of a column of dates or numbers.

    Parameters
    ----------
    values : pandas.Series
    name : str
        Name of the column, for messages.

    Returns
    -------
    order : ndarray of int of shape (n_rows,)
        Rows of the same time stay in the order of the table.

    Raises
    ------
    UsageError
        If the column has missing values, or holds texts that are no dates.
    """
    import numpy as np
    from pandas.api import types

    if types.is_numeric_dtype(values) or types.is_datetime64_any_dtype(values):
        keys = values.to_numpy()
        missing = values.isna().to_numpy()
    else:
        keys = _parsed(values, name)
        missing = np.isnan(keys)
    if missing.any():
        example = values[missing].iloc[0]
        raise UsageError(
            f"--order: {int(missing.sum())} rows have no date or number in {name!r} "
            f"(such as {str(example)!r}); fill them in or drop these rows"
        )
    return np.argsort(keys, kind="stable")


def _parsed(values, name):
    """Read texts as dates or numbers, as the columns of the table are read."""
    from sklearn_meta.data._string_formats import DATES, NUMBERS, detect_format
    from sklearn_meta.data.parsing import parse_dates, parse_numbers

    texts = values.astype(object).where(values.notna(), None)
    present = [str(text) for text in texts if text is not None]
    found = detect_format(Counter(present))
    if found is None or found.kind not in (DATES, NUMBERS):
        example = present[0] if present else ""
        raise UsageError(
            f"--order: {name!r} holds texts that are neither dates nor numbers, such "
            f"as {example!r}; write dates as 2024-12-31"
        )
    parse = parse_dates if found.kind == DATES else parse_numbers
    return parse(texts.to_numpy(dtype=object)[:, None], **dict(found.settings))[:, 0]
