"""Read and write tables: csv, tsv and parquet, also compressed, and standard streams.

Tables are data frames of pandas, whose reader of csv takes separators, decimal marks
and encodings as people have them.
"""

from __future__ import annotations

import gzip
import io
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sklearn_meta.cli._csv import Dialect, looks_like_values, read_dialect
from sklearn_meta.cli._errors import UsageError, hint, listed, one_line
from sklearn_meta.cli._files import (
    STANDARD,
    check_is_file,
    replaced,
    write_standard,
)

# Beginning of a text file from which its dialect is read; more if it has no whole line.
HEAD_BYTES = 2**20

PARQUET_MAGIC, GZIP_MAGIC = b"PAR1", b"\x1f\x8b"

# What other files begin with, and what they are.
OTHER_FORMATS = (
    (b"PK\x03\x04", "a workbook of a spreadsheet program, or an archive"),
    (b"\xd0\xcf\x11\xe0", "a workbook of a spreadsheet program"),
    (b"ARROW1", "a file of Arrow or Feather"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\x89HDF", "a file of HDF5"),
)

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class TableFile:
    """A table and where it comes from.

    Parameters
    ----------
    name : str
        Name of the file, or ``"standard input"``.
    frame : pandas.DataFrame
    """

    name: str
    frame: object

    def column(self, name):
        """Return the name of a column that a user has given, if there is one.

        Raises
        ------
        UsageError
            If there is none; the message names the most similar one.
        """
        if name in self.frame.columns:
            return name
        names = [str(n) for n in self.frame.columns]
        message = f"no column {name!r} in {self.name}"
        if close := hint(name, names):
            message += close
        elif looks_like_values(names):
            message += "; its first line holds values, add one with the names"
        else:
            message += f"; it has {listed(names)}"
        if len(names) == 1:
            message += ", in one column: separate cells by commas"
        raise UsageError(message)


def read_table(path, messages) -> TableFile:
    """Read a table.

    Parameters
    ----------
    path : str
        A file, or ``"-"`` for standard input. Its content says what it is; the ending
        ``.tsv`` only that cells are separated by tabs.
    messages : Messages
        Gets notes on what was guessed.

    Returns
    -------
    table : TableFile

    Raises
    ------
    UsageError
        If there is no such file, or it is no table.
    """
    pandas = _pandas()
    name = _name(path)
    with _opened(path) as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if head.startswith(PARQUET_MAGIC):
            frame = _read_parquet(pandas, stream, name)
        else:
            _check_is_text(head, name)
            frame = _read_text(pandas, stream, head, path, name, messages)
    if not frame.shape[1]:
        raise UsageError(f"{name} has no columns")
    frame.columns = [str(column) for column in frame.columns]
    return TableFile(name, frame)


def cells_as_written(path, names, table):
    """Return some columns as they stand in a file, for a copy of them.

    Numbers keep their zeros: "007", "1.50".

    Parameters
    ----------
    path : str
        The file that `table` was read from.
    names : list of str
        Columns of `table`.
    table : TableFile

    Returns
    -------
    frame : pandas.DataFrame
    """
    pandas = _pandas()
    if path == STANDARD:
        # It has been read.
        return table.frame[names]
    with _opened(path) as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if head.startswith(PARQUET_MAGIC):
            return table.frame[names]
        dialect, encoding = _dialect(stream, head, path, table.name)
        return pandas.read_csv(
            stream, sep=dialect.separator, encoding=encoding, dtype=str,
            usecols=[list(table.frame.columns).index(n) for n in names],
            keep_default_na=False, index_col=False, encoding_errors="replace",
        )[names]  # fmt: skip


def write_table(frame, path):
    """Write a table, as a whole or not at all.

    Parameters
    ----------
    frame : pandas.DataFrame
    path : str
        The ending says how: ``.csv``, ``.tsv``, ``.parquet``, each of the first two
        also with ``.gz``; ``"-"`` is standard output, as csv.
    """
    if path == STANDARD:
        write_standard(frame.to_csv(index=False, lineterminator="\n"))
        return
    kind, is_compressed = output_format(path)
    with replaced(path) as temporary:
        if kind == "parquet":
            _with_pyarrow(lambda: frame.to_parquet(temporary, index=False), path)
            return
        opened = gzip.open if is_compressed else open
        with opened(temporary, "wt", encoding="utf-8", newline="") as stream:
            separator = "\t" if kind == "tsv" else ","
            frame.to_csv(stream, index=False, sep=separator, lineterminator="\n")


def output_format(path) -> tuple[str, bool]:
    """Return the format of a file to be written, and whether it is compressed.

    Parameters
    ----------
    path : str

    Returns
    -------
    kind : {"csv", "tsv", "parquet"}
    is_compressed : bool

    Raises
    ------
    UsageError
        If the ending is another one.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes[-2:]]
    is_compressed = suffixes[-1:] == [".gz"]
    if is_compressed:
        suffixes.pop()
    kind = suffixes[-1].removeprefix(".") if suffixes else ""
    if kind == "parquet" and not is_compressed:
        return kind, False
    # What is no file, such as /dev/null, has no ending.
    if kind in ("csv", "tsv") or (Path(path).exists() and not Path(path).is_file()):
        return kind or "csv", is_compressed
    raise UsageError(
        "the name of a table must end in .csv, .tsv (with or without .gz) or .parquet; "
        f"got {path!r}"
    )


def _pandas():
    try:
        import pandas
    except ImportError as error:
        raise UsageError(
            "tables need pandas, which is not installed; "
            'pip install "sklearn-meta[cli]"'
        ) from error
    return pandas


def _name(path):
    return "standard input" if path == STANDARD else str(path)


@contextmanager
def _opened(path):
    """Return a context with a stream of bytes that can be read again."""
    if path == STANDARD:
        stream = io.BytesIO(sys.stdin.buffer.read())
    else:
        check_is_file(path)
        stream = open(path, "rb")  # noqa: SIM115
    with stream:
        is_compressed = stream.read(2) == GZIP_MAGIC
        stream.seek(0)
        if not is_compressed:
            yield stream
            return
        with gzip.open(stream) as content:
            try:
                yield content
            except (EOFError, gzip.BadGzipFile, OSError) as error:
                raise UsageError(
                    f"{_name(path)} is damaged: {one_line(error)}"
                ) from error


def _check_is_text(head, name):
    for magic, what in OTHER_FORMATS:
        if head.startswith(magic):
            raise UsageError(f"{name} is {what}; save the table as csv or parquet")
    if b"\0" in head and not head.startswith(UTF16_MARKS):
        raise UsageError(f"{name} is not a text file; save the table as csv or parquet")


def _read_parquet(pandas, stream, name):
    data = io.BytesIO(stream.read())
    try:
        frame = _with_pyarrow(lambda: pandas.read_parquet(data), name)
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{name} is damaged: {one_line(error)}") from error
    # An index with a name is a column like others.
    has_names = any(n is not None for n in frame.index.names)
    return frame.reset_index(drop=not has_names)


def _with_pyarrow(action, name):
    try:
        return action()
    except ImportError as error:
        raise UsageError(
            f"{name}: files of parquet need pyarrow, which is not installed; "
            'pip install "sklearn-meta[cli]"'
        ) from error


def _encoding(head):
    """Return the encoding of a text by its beginning."""
    if head.startswith(UTF16_MARKS):
        return "utf-16"
    try:
        # Up to the last line end: a character may be cut.
        head[: head.rfind(b"\n") + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _dialect(stream, head, path, name) -> tuple[Dialect, str]:
    """Return the dialect and the encoding of a text."""
    encoding = _encoding(head)
    stream.seek(len(head))
    while b"\n" not in head and (more := stream.read(HEAD_BYTES)):
        head += more
    is_whole = not stream.read(1)
    stream.seek(0)
    text = head.decode(encoding, errors="replace")
    endings = Path(path).suffixes[-2:]
    separator = "\t" if ".tsv" in endings else None
    return read_dialect(text, name, is_whole=is_whole, separator=separator), encoding


def _read_text(pandas, stream, head, path, name, messages):
    if not head.strip():
        raise UsageError(f"{name} is empty; a header with names and rows are expected")
    dialect, encoding = _dialect(stream, head, path, name)
    settings = {
        "sep": dialect.separator, "decimal": dialect.decimal, "index_col": False,
        "low_memory": False,
    }  # fmt: skip
    try:
        try:
            frame = pandas.read_csv(stream, encoding=encoding, **settings)
        except UnicodeDecodeError:
            # Further down than the beginning.
            encoding = "cp1252"
            stream.seek(0)
            frame = pandas.read_csv(
                stream, encoding=encoding, encoding_errors="replace", **settings
            )
    except pandas.errors.ParserError as error:
        raise UsageError(_parser_message(error, name, dialect)) from error
    if encoding == "cp1252":
        messages.note(
            f"{name} is not UTF-8: read as Windows-1252. Save it as UTF-8 if letters "
            "are wrong."
        )
    if dialect.separator not in (",", "\t"):
        mark = ", decimal commas" if dialect.decimal == "," else ""
        messages.note(f"{name}: cells separated by {dialect.separator!r}{mark}.")
    unnamed = [column for column in frame.columns if _has_no_name(column, dialect)]
    if unnamed:
        messages.note(
            f"{name}: a column without a name is called {unnamed[0]!r}. If it numbers "
            f"the rows, leave it out: --drop {unnamed[0]!r}."
        )
    return frame


def _has_no_name(column, dialect):
    return str(column).startswith("Unnamed: ") and "" in dialect.names


def _parser_message(error, name, dialect):
    """Return what is wrong with a line, in words."""
    text = one_line(error)
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", text)
    if found:
        expected, line, saw = found.groups()
        return (
            f"{name}, line {line}: {saw} cells where the header has {expected}; put "
            f"cells that hold {dialect.separator!r} in double quotes"
        )
    if "EOF inside string" in text:
        return f"{name}: a double quote is never closed ({text})"
    return f"{name} is no table: {text}"
