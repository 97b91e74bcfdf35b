"""Exit codes of the command, and errors that are told in one line."""

from __future__ import annotations

from difflib import get_close_matches

from sklearn_meta.exceptions import SklearnMetaError

# A model was saved, or the results were written.
OK = 0
FAILED = 1
# Wrong arguments, or a file or column that is not there or cannot be read.
USAGE = 2
# A table without the columns of the model, or with other values in them.
MISFIT = 3
INTERRUPTED = 130


class CommandError(SklearnMetaError, ValueError):
    """Error whose message is all that the user needs."""

    code = FAILED


class UsageError(CommandError):
    """Error for wrong arguments, files and columns."""

    code = USAGE


class MisfitError(CommandError):
    """Error for a table that does not fit the model."""

    code = MISFIT


class Interrupted(CommandError):
    """Ctrl-C before anything was written."""

    code = INTERRUPTED


def one_line(error) -> str:
    """Return the message of an error without line breaks."""
    return " ".join(str(error).split())


def hint(name, names) -> str:
    """Return which of some names may have been meant; empty if none is similar.

    Parameters
    ----------
    name : str
    names : iterable of str

    Returns
    -------
    hint : str
        Such as ``"; did you mean 'price'?"``.
    """
    names = list(names)
    by_lower = {str(n).lower(): n for n in reversed(names)}
    close = get_close_matches(str(name).lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def listed(names, limit=8) -> str:
    """Return names in quotes, separated by commas, the first few of many.

    Parameters
    ----------
    names : iterable of str
    limit : int, default=8
        Number of names that are listed.

    Returns
    -------
    text : str
    """
    names = [repr(str(name)) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
