"""Files that are written as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from sklearn_meta.cli._errors import UsageError, hint

STANDARD = "-"


@contextlib.contextmanager
def replaced(path):
    """Return a context with the path of a new file that then takes the place of a path.

    After an error, the file that was there is still there.

    Parameters
    ----------
    path : str or path-like

    Yields
    ------
    temporary : Path
        In the same folder; `path` itself for what is no file, such as ``/dev/null``.
    """
    # A link stays, and what it points to is replaced.
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    # Not by `tempfile`, whose files nobody else may read.
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_can_be_written(path):
    """Raise a `UsageError` if a file cannot be written, before the work is done.

    Parameters
    ----------
    path : str or None
        None, or ``"-"`` for standard output, can.
    """
    if path is None or path == STANDARD:
        return
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give the name of a file in it")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} for {path.name}; make it first")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"the folder {folder} cannot be written to")


def write_text(text, path):
    """Write a text as UTF-8.

    Parameters
    ----------
    text : str
    path : str or path-like
    """
    with replaced(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def write_standard(text):
    """Write a text to standard output, as UTF-8 whatever the locale says.

    Parameters
    ----------
    text : str
    """
    buffer = getattr(sys.stdout, "buffer", None)
    sys.stdout.flush()
    if buffer is None:
        sys.stdout.write(text)
    else:
        buffer.write(text.encode("utf-8", errors="replace"))
    sys.stdout.flush()


def check_is_file(path):
    """Raise a `UsageError` if a file is not there or cannot be read.

    Parameters
    ----------
    path : str or path-like
    """
    path = Path(path)
    if not path.exists():
        folder = path.absolute().parent
        names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        raise UsageError(f"there is no file {path}{hint(path.name, names)}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; give the name of a file in it")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path} may not be read by this user")
