"""What the command says: notes on standard error, results on standard output."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from dataclasses import dataclass

from sklearn_meta.cli._errors import one_line
from sklearn_meta.cli._files import write_standard


@dataclass(frozen=True)
class Messages:
    """Writer of notes and results.

    Parameters
    ----------
    quiet : bool, default=False
        Whether notes are left out.
    as_json : bool, default=False
        Whether results are one JSON object.
    """

    quiet: bool = False
    as_json: bool = False

    def note(self, text):
        """Write a line on standard error."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def results(self, results, lines):
        """Write results on standard output.

        Parameters
        ----------
        results : dict
            For JSON; NaN becomes null.
        lines : iterable of str
            The same for readers.
        """
        if self.as_json:
            # Not for ``--help``.
            import json

            text = json.dumps(_plain(results), indent=2, ensure_ascii=False)
        else:
            text = "\n".join(lines)
        write_standard(f"{text}\n")

    @contextlib.contextmanager
    def warnings_as_notes(self):
        """Return a context in which warnings for users are notes, without their place.

        Those for programmers are left out: nobody can act on them here.
        """

        def show(message, category, *args, **kwargs):
            self.note(f"{_new_line()}warning: {one_line(message)}")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = show
            yield


def _new_line():
    """Return what removes a line of progress from a terminal."""
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return "\r\x1b[2K" if is_terminal else ""


def _plain(value):
    """Return a value that JSON has."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (-INF, INF)):
        return None
    return value


INF = float("inf")


def in_columns(pairs) -> list[str]:
    """Return lines of names and values, the values below each other.

    Parameters
    ----------
    pairs : sequence of (str, object)

    Returns
    -------
    lines : list of str
    """
    pairs = list(pairs)
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"{name:<{width}}  {value}" for name, value in pairs]


def as_lines(rows, right=()) -> list[str]:
    """Return the lines of a table of strings, its header first.

    Parameters
    ----------
    rows : sequence of sequence of str
    right : collection of int
        Positions of the columns that end at the same place.

    Returns
    -------
    lines : list of str
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
