"""Transactions on the SQLite file of a knowledge base.

Writers use a rollback journal, not a write-ahead log: the log needs shared memory,
which network folders do not have, and two more files beside the database, which remain
after a process was killed. A writer takes the lock at once (``BEGIN IMMEDIATE``) and
waits for other writers; an unfinished transaction of a killed writer is rolled back by
the next process that opens the file.

Nothing in a file can run code: extensions cannot be loaded, the schema is not trusted
(its views and triggers may call safe functions only), connections for reading cannot
change anything, and the texts of pipelines are parsed elsewhere, never evaluated.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from urllib.parse import quote

import sklearn_meta
from sklearn_meta.metalearning.knowledge_base import _schema
from sklearn_meta.metalearning.knowledge_base._schema import (
    KnowledgeBaseError,
    create_or_migrate,
    schema_version,
)

# Seconds to wait for other writers. Adding the records of one search takes
# milliseconds, merging large files some seconds.
LOCK_TIMEOUT = 60.0


@contextmanager
def reading(path, *, immutable=False) -> Iterator[sqlite3.Connection]:
    """Open a file for reading: one consistent state, in the current schema.

    Parameters
    ----------
    path : Path
        A file that does not exist, or is empty, is a knowledge base without datasets.
    immutable : bool, default=False
        Whether no process can change the file, so that no lock is needed and no
        unfinished transaction is looked for.

    Yields
    ------
    connection : sqlite3.Connection
        It cannot change the file. An older schema is read from a migrated copy in
        memory.

    Raises
    ------
    KnowledgeBaseError
        If the file is no knowledge base, too new, damaged or not readable; also for
        errors in the block that are caused by values in the file.
    """
    with _sqlite_errors(path), _valid_values(path):
        # Opened for writing, so that SQLite can roll back an unfinished transaction;
        # where permissions forbid that, SQLite opens the file for reading.
        mode = "ro&immutable=1" if immutable else "rw"
        exists = path.is_file() and path.stat().st_size > 0
        opened = _connect(path, mode) if exists or path.exists() else _in_memory()
        with closing(opened) as connection:
            if exists:
                connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            version = schema_version(connection, path)
            if version == _schema.SCHEMA_VERSION:
                yield connection
                return
            with closing(_in_memory()) as copy:
                connection.backup(copy)
                copy.execute("BEGIN")
                create_or_migrate(copy, path)
                copy.execute("COMMIT")
                copy.execute("PRAGMA query_only = ON")
                yield copy


@contextmanager
def writing(path) -> Iterator[sqlite3.Connection]:
    """Open a file for one transaction, which is committed at the end of the block.

    The file is created if it does not exist, and migrated if its schema is older. An
    exception in the block rolls the transaction back.

    Parameters
    ----------
    path : Path

    Yields
    ------
    connection : sqlite3.Connection

    Raises
    ------
    KnowledgeBaseError
        If the folder does not exist, or the file is no knowledge base, too new,
        damaged, locked for longer than a minute, or not writable.
    """
    _check_folder(path)
    with _sqlite_errors(path), closing(_connect(path, "rwc")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if create_or_migrate(connection, path) == 0:
                write_provenance(connection, _creation_provenance())
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


class _WriteTest(Exception):
    """Roll back a transaction that only tested whether the file can be written."""


def check_writable(path):
    """Raise an error now if a later write would fail.

    A write is tried and rolled back, since permissions are not reliable on network
    folders. No file is created.

    Parameters
    ----------
    path : Path

    Raises
    ------
    KnowledgeBaseError
        As `writing` would.
    """
    _check_folder(path)
    if not path.exists():
        try:
            with tempfile.TemporaryFile(dir=path.parent):
                return
        except OSError as error:
            raise KnowledgeBaseError(
                f"The knowledge base {str(path)!r} cannot be created: {error}. Pass a "
                "path in a folder that can be written."
            ) from error
    try:
        with writing(path) as connection:
            # The first change opens the journal beside the file.
            connection.execute(f"PRAGMA user_version = {_schema.SCHEMA_VERSION}")
            raise _WriteTest
    except _WriteTest:
        pass


def compact(path):
    """Rewrite a file without unused pages.

    Parameters
    ----------
    path : Path

    Raises
    ------
    KnowledgeBaseError
        As `writing` does.
    """
    with writing(path):
        pass
    with _sqlite_errors(path), closing(_connect(path, "rw")) as connection:
        connection.execute("VACUUM")


def _connect(path, mode):
    # Percent-encoded, as a name may hold '?' or '#'. A drive letter needs a slash in
    # front of it.
    name = path.absolute().as_posix()
    name = name if name.startswith("/") else f"/{name}"
    uri = f"file://{quote(os.fsencode(name))}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=LOCK_TIMEOUT, isolation_level=None
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def write_provenance(connection, items):
    """Store where a knowledge base comes from.

    Parameters
    ----------
    connection : sqlite3.Connection
    items : mapping of str to object
        Values that can be serialized as JSON.
    """
    connection.executemany(
        "INSERT OR REPLACE INTO provenance VALUES (?, ?)",
        [(name, json.dumps(value)) for name, value in items.items()],
    )


def read_provenance(connection):
    """Return the items of `write_provenance`, and the version of the schema.

    Parameters
    ----------
    connection : sqlite3.Connection

    Returns
    -------
    items : dict
    """
    items = connection.execute("SELECT name, value FROM provenance ORDER BY name")
    return {"schema_version": _schema.SCHEMA_VERSION} | {
        name: json.loads(value) for name, value in items
    }


def _creation_provenance():
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "created_by": f"sklearn_meta {sklearn_meta.__version__}",
    }


def _in_memory():
    return sqlite3.connect(":memory:", isolation_level=None)


def _check_folder(path):
    folder = path.absolute().parent
    if not folder.is_dir():
        raise KnowledgeBaseError(
            f"The folder of the knowledge base {str(path)!r} does not exist. Create "
            f"{str(folder)!r}, or pass another path."
        )


# By primary error code of SQLite: cause and remedy.
_EXPLANATIONS = {
    sqlite3.SQLITE_NOTADB: (
        "is not a SQLite database. Pass the path of a knowledge base, or one where no "
        "file is yet"
    ),
    sqlite3.SQLITE_CORRUPT: (
        "is damaged. Restore it from a copy, or pass another path; the command "
        "'sqlite3 FILE .recover' may save a part of it"
    ),
    sqlite3.SQLITE_BUSY: (
        f"is locked: other processes have been writing to it for {LOCK_TIMEOUT:.0f} "
        "seconds. Try again, or pass another path and merge the files later"
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written. Change the permissions of the file and of its folder, or "
        "pass another path"
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened. Check that it is a file, and its permissions and those of "
        "its folder"
    ),
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Free some space",
}


@contextmanager
def _sqlite_errors(path):
    """Raise errors of SQLite as `KnowledgeBaseError` with file and remedy."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        explanation = _EXPLANATIONS.get(code and code & 0xFF, "cannot be used")
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} {explanation} (SQLite: {error})."
        ) from error


@contextmanager
def _valid_values(path):
    """Raise errors that are caused by invalid values as `KnowledgeBaseError`.

    A text or NULL in place of a number, or a missing id, raises one of these.
    """
    try:
        yield
    except KnowledgeBaseError:
        raise
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} holds values that sklearn_meta "
            f"{sklearn_meta.__version__} does not understand ({error!r}). Restore it "
            "from a copy, or pass another path."
        ) from error
