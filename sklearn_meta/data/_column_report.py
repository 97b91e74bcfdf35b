"""Report how each column was read, and warn of columns that are left out."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn_meta._warnings import warn
from sklearn_meta.data._column_kinds import (
    BOOLEAN,
    CATEGORY,
    DATE,
    DURATION,
    IDENTIFIER,
    NUMBER,
    SET,
    TEXT,
    Column,
)
from sklearn_meta.data._date_encoders import cycle_names

# Maximum number of columns that a warning names.
MAX_NAMED = 8


def column_rows(columns: Sequence[Column], names) -> list[dict]:
    """Return one row for each column: how it was read and what was made of it.

    Parameters
    ----------
    columns : sequence of Column
        Empty for sparse matrices.
    names : sequence
        Names of the columns, their positions if they have none.

    Returns
    -------
    rows : list of dict
        With the keys ``"column"``, ``"kind"``, ``"reason"``, ``"levels"`` (number of
        different values; None where they are not counted), ``"missing"`` (number of
        cells) and ``"encoded_as"``.
    """
    if not columns:
        columns = [
            Column(i, NUMBER, note="sparse matrix", n_missing=0)
            for i in range(len(names))
        ]
    return [
        {
            "column": name,
            "kind": column.reported,
            "reason": column.note,
            "levels": column.n_levels,
            "missing": column.n_missing,
            "encoded_as": encoded_as(column),
        }
        for name, column in zip(names, columns, strict=True)
    ]


def encoded_as(column: Column) -> str:
    """Describe what was made of a column.

    Parameters
    ----------
    column : Column

    Returns
    -------
    description : str
    """
    if column.left_out is not None:
        return "left out"
    if column.kind == CATEGORY:
        n_levels = len(column.levels)
        rare = (column.n_levels or n_levels) - n_levels
        text = f"code of {n_levels} levels"
        return f"{text}, {rare} rare ones as unknown" if rare else text
    if column.kind == TEXT:
        tokens = [n for n in ("words", "characters") if n in dict(column.settings)]
        return f"counts of n-grams of {' and of '.join(tokens)}"
    if column.kind == DATE:
        return ", ".join(["time", *(f"cycle of the {c}" for c in cycle_names(column))])
    if column.kind == SET:
        return f"{len(column.levels)} columns of 0 and 1"
    return {BOOLEAN: "0 and 1", DURATION: "milliseconds"}.get(column.kind, "number")


def warn_of_left_out(columns: Sequence[Column], names):
    """Warn of columns that are left out although they vary.

    Parameters
    ----------
    columns : sequence of Column
    names : sequence
        Names of the columns.

    Warns
    -----
    SklearnMetaWarning
        If there is such a column.
    """
    found = [
        (name, column)
        for name, column in zip(names, columns, strict=False)
        if column.left_out == IDENTIFIER
    ]
    if not found:
        return
    listed = ", ".join(
        f"{name!r} ({column.note})" for name, column in found[:MAX_NAMED]
    )
    more = f", and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    first = found[0][0]
    what = "column of X is" if len(found) == 1 else "columns of X are"
    warn(
        f"{len(found)} {what} left out as identifiers of the rows: {listed}{more}. To "
        f"use a column, say what it is: column_kinds={{{first!r}: 'text'}}, or "
        "'category'. With 'drop' it is left out without this warning. column_report_ "
        "shows how each column was read."
    )
