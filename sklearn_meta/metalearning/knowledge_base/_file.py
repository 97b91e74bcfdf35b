"""Transactions on the SQLite file of a knowledge base.

Writers use a rollback journal, not a write-ahead log: the log needs shared memory,
which network folders do not have, and two more files beside the database, which remain
after a process was killed. A writer takes the lock at once (``BEGIN IMMEDIATE``) and
waits for other writers; an unfinished transaction of a killed writer is rolled back by
the next process that opens the file.

A file may come from a stranger. Nothing in it can run code or keep a process busy: the
schema must be exactly that of its version (`_schema`), what a connection may do is
limited (`_guard`), and the values are checked (`_validity`); the texts of pipelines are
parsed elsewhere, never evaluated.

The file is opened by SQLite only, never by ``open``: closing any descriptor of a file
gives up the locks that other threads of the process hold on it (POSIX).
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from urllib.parse import quote

import sklearn_meta
from sklearn_meta.metalearning.knowledge_base import _schema
from sklearn_meta.metalearning.knowledge_base._guard import (
    READ_ONLY,
    READ_WRITE,
    SCHEMA_STEPS,
    ClosingConnection,
    StepLimit,
    allow_only,
    reading_steps,
    set_limits,
)
from sklearn_meta.metalearning.knowledge_base._schema import (
    KnowledgeBaseError,
    KnowledgeBaseLockedError,
    create_or_migrate,
    schema_version,
)
from sklearn_meta.metalearning.knowledge_base._validity import check_texts_and_counts

# Seconds to wait for other processes. Adding the records of one search takes
# milliseconds, merging large files some seconds.
LOCK_TIMEOUT = 60.0

# Share of the time budget of a search that a lock may delay its start, and its maximum
# in seconds: what writers hold it for is milliseconds.
_SEARCH_SHARE, _SEARCH_SECONDS = 0.02, 2.0

# Seconds between two tries to get a lock, from the first to the last ones.
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05

# A file is opened again if it was replaced meanwhile, this often.
_MAX_REPLACED = 3


def wait_before_search(time_budget):
    """Return the seconds that the lock of another process may delay a search.

    Parameters
    ----------
    time_budget : float
        Seconds of the whole search.

    Returns
    -------
    seconds : float
    """
    return min(_SEARCH_SECONDS, _SEARCH_SHARE * time_budget)


@contextmanager
def reading(
    path, *, immutable=False, timeout=LOCK_TIMEOUT
) -> Iterator[sqlite3.Connection]:
    """Open a file for reading: one consistent state, in the current schema.

    Parameters
    ----------
    path : Path
        A file that does not exist, or is empty, is a knowledge base without datasets.
    immutable : bool, default=False
        Whether no process can change the file, so that no lock is needed and no
        unfinished transaction is looked for. Such a file is part of the package: its
        values are not checked.
    timeout : float, default=60.0
        Seconds to wait while another process changes the file.

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
    KnowledgeBaseLockedError
        If other processes change the file for longer than `timeout`.
    """
    limit = StepLimit(SCHEMA_STEPS)
    with _sqlite_errors(path, timeout, limit), valid_values(path):
        # Opened for writing, so that SQLite can roll back an unfinished transaction;
        # where permissions forbid that, SQLite opens the file for reading.
        mode = "ro&immutable=1" if immutable else "rw"
        status = _status(path)
        exists = status is not None and status.st_size > 0
        opened = _in_memory() if status is None else _connect(path, mode, limit)
        with closing(opened) as connection:
            if exists:
                connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            _when_unlocked(
                lambda: connection.execute("SELECT 1 FROM sqlite_master"), timeout
            )
            version = schema_version(connection, path)
            if version and not immutable:
                _check_content(connection, path, limit)
            if version == _schema.SCHEMA_VERSION:
                limit.restart(reading_steps(path.stat().st_size))
                allow_only(READ_ONLY, connection, limit)
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
def writing(path, *, timeout=LOCK_TIMEOUT) -> Iterator[sqlite3.Connection]:
    """Open a file for one transaction, which is committed at the end of the block.

    The file is created if it does not exist, and migrated if its schema is older. An
    exception in the block rolls the transaction back.

    Parameters
    ----------
    path : Path
    timeout : float, default=60.0
        Seconds to wait while other processes use the file.

    Yields
    ------
    connection : sqlite3.Connection

    Raises
    ------
    KnowledgeBaseError
        If the folder does not exist, or the file is no knowledge base, too new,
        damaged, not writable, or replaced by another program meanwhile.
    KnowledgeBaseLockedError
        If other processes use the file for longer than `timeout`.
    """
    _check_folder(path)
    _status(path)
    limit = StepLimit(SCHEMA_STEPS)
    with (
        _sqlite_errors(path, timeout, limit),
        closing(_connect(path, "rwc", limit)) as connection,
    ):
        opened = _identity(path)
        _when_unlocked(lambda: connection.execute("BEGIN IMMEDIATE"), timeout)
        try:
            with valid_values(path):
                if schema_version(connection, path):
                    _check_content(connection, path, limit)
            # What is added may be larger than what is there.
            limit.restart(None)
            if create_or_migrate(connection, path) == 0:
                write_provenance(connection, _creation_provenance())
            allow_only(READ_WRITE, connection, limit)
            yield connection
            # While others read.
            _when_unlocked(lambda: connection.execute("COMMIT"), timeout)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    if _identity(path) != opened:
        raise _Replaced(_REPLACED.format(str(path)))


def write(path, change, *, timeout=LOCK_TIMEOUT):
    """Change a file in one transaction, again if the file was replaced meanwhile.

    Parameters
    ----------
    path : Path
    change : callable
        Called with a connection. An exception rolls the transaction back.
    timeout : float, default=60.0
        Seconds to wait while other processes use the file.

    Raises
    ------
    KnowledgeBaseError
        As `writing` does.
    """
    for n_replaced in range(_MAX_REPLACED):
        try:
            with writing(path, timeout=timeout) as connection:
                change(connection)
            return
        except _Replaced:
            if n_replaced == _MAX_REPLACED - 1:
                raise


class _Replaced(KnowledgeBaseError):
    """Another file has taken the place of the one that was written."""


class _WriteTest(Exception):
    """Roll back a transaction that only tested whether the file can be written."""


def check_writable(path, *, timeout=LOCK_TIMEOUT):
    """Raise an error now if a later write would fail.

    A write is tried and rolled back, since permissions are not reliable on network
    folders. No file is created.

    Parameters
    ----------
    path : Path
    timeout : float, default=60.0
        Seconds to wait while other processes use the file.

    Raises
    ------
    KnowledgeBaseError
        As `write` would.
    """
    _check_folder(path)
    if _status(path) is None:
        try:
            with tempfile.TemporaryFile(dir=path.parent):
                return
        except OSError as error:
            raise KnowledgeBaseError(
                f"The knowledge base {str(path)!r} cannot be created: {error}. Pass a "
                "path in a folder that can be written."
            ) from error

    def change(connection):
        # The first change opens the journal beside the file.
        connection.execute(f"PRAGMA user_version = {_schema.SCHEMA_VERSION}")
        raise _WriteTest

    try:
        write(path, change, timeout=timeout)
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
        As `write` does.
    """
    write(path, lambda connection: None)
    limit = StepLimit(None)
    with (
        _sqlite_errors(path, LOCK_TIMEOUT, limit),
        closing(_connect(path, "rw", limit)) as connection,
    ):
        _when_unlocked(lambda: connection.execute("VACUUM"), LOCK_TIMEOUT)


def _connect(path, mode, limit):
    # Percent-encoded, as a name may hold '?' or '#'. A drive letter needs a slash in
    # front of it.
    name = path.absolute().as_posix()
    name = name if name.startswith("/") else f"/{name}"
    uri = f"file://{quote(os.fsencode(name))}?mode={mode}"
    # SQLite itself does not wait for locks, see `_when_unlocked`.
    connection = sqlite3.connect(
        uri, uri=True, timeout=0, isolation_level=None, factory=ClosingConnection
    )
    set_limits(connection)
    limit.watch(connection)
    return connection


def _when_unlocked(action, timeout):
    """Call `action` until other processes let it, at most for some seconds.

    SQLite can wait as well, but only within one call of C, which Ctrl-C does not end.
    """
    deadline = time.monotonic() + timeout
    pause = _SHORTEST_PAUSE
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            left = deadline - time.monotonic()
            if _primary_code(error) != sqlite3.SQLITE_BUSY or left <= 0:
                raise
        # Random, so that many writers do not try at the same time again and again.
        time.sleep(min(left, pause * random.uniform(0.5, 1.0)))
        pause = min(_LONGEST_PAUSE, 1.5 * pause)


def _check_content(connection, path, limit):
    """Raise an error for formats and values that no version has written."""
    limit.restart(reading_steps(path.stat().st_size))
    (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    if journal == "wal":
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} uses a write-ahead log, which network "
            "folders do not support. Convert it: sqlite3 FILE 'PRAGMA journal_mode = "
            "DELETE'."
        )
    (encoding,) = connection.execute("PRAGMA encoding").fetchone()
    if encoding != "UTF-8":
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} holds texts in {encoding}, expected "
            "UTF-8, which all versions write. Restore it from a copy, or pass another "
            "path."
        )
    check_texts_and_counts(connection)


def _status(path):
    """Return the status of a file, or None if there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} cannot be opened: {error}. Check the "
            "permissions of its folder, or pass another path."
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} cannot be opened, since it is a folder "
            "or a device. Pass the path of a file, or one where no file is yet."
        )
    return status


def is_there(path):
    """Return whether there is a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    is_there : bool

    Raises
    ------
    KnowledgeBaseError
        If there is something else, or that cannot be told.
    """
    return _status(path) is not None


def _identity(path):
    """Return what tells a file from another one at the same path."""
    status = _status(path)
    return None if status is None else (status.st_dev, status.st_ino)


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
    try:
        exists = folder.is_dir()
    except OSError:  # of a folder above it; `_status` says more
        exists = True
    if not exists:
        raise KnowledgeBaseError(
            f"The folder of the knowledge base {str(path)!r} does not exist. Create "
            f"{str(folder)!r}, or pass another path."
        )


_REPLACED = (
    "The knowledge base {!r} was replaced or removed by another program while it was "
    "written to. Nothing was added to the file that is there now; try again."
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
    sqlite3.SQLITE_PROTOCOL: (
        "cannot be locked: its folder has no file locks, as some network folders. Use "
        "a file in a local folder, and merge the files later"
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written. Change the permissions of the file and of its folder, or "
        "pass another path"
    ),
    sqlite3.SQLITE_PERM: "cannot be used. Check its permissions, or pass another path",
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened. Check that it is a file, and its permissions, those of its "
        "folder, and of a file beside it with '-journal' in its name, if there is one"
    ),
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full. Nothing was added; free some space"
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk, its quota or the network folder failed. "
        "Use a file in a local folder with some free space"
    ),
    sqlite3.SQLITE_TOOBIG: (
        "holds a longer text than any version writes. Restore it from a copy, or pass "
        "another path"
    ),
    sqlite3.SQLITE_AUTH: "is not used in this way",
}

# By extended error code, where the primary one says too little.
_EXTENDED_EXPLANATIONS = {
    # SQLITE_READONLY_ROLLBACK and SQLITE_READONLY_CANTLOCK
    776: (
        "holds an unfinished addition of a process that was killed, which must be "
        "undone before the file is read. Open it once where file and folder can be "
        "written; the file with '-journal' in its name belongs to it"
    ),
}
_READONLY_DBMOVED = 1032


def _primary_code(error):
    """Return the primary error code of SQLite, or None."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


@contextmanager
def _sqlite_errors(path, timeout, limit):
    """Raise errors of SQLite as `KnowledgeBaseError` with file and remedy."""
    try:
        yield
    except sqlite3.Error as error:
        name = f"The knowledge base {str(path)!r}"
        code = getattr(error, "sqlite_errorcode", None)
        primary = _primary_code(error)
        if primary == sqlite3.SQLITE_INTERRUPT:
            limit.raise_interrupt()
            raise KnowledgeBaseError(
                f"{name} takes longer to read than any file of its size. It is damaged "
                "or was made to. Restore it from a copy, or pass another path."
            ) from error
        if primary == sqlite3.SQLITE_AUTH:
            limit.raise_if_not_denied()
        if code == _READONLY_DBMOVED:
            raise _Replaced(_REPLACED.format(str(path))) from error
        if primary == sqlite3.SQLITE_BUSY:
            raise KnowledgeBaseLockedError(
                f"{name} is locked: other processes have been using it for "
                f"{timeout:.3g} seconds, or its folder has no file locks, as some "
                "network folders. Try again, or pass another path and merge the files "
                f"later (SQLite: {error})."
            ) from error
        explanation = _EXTENDED_EXPLANATIONS.get(
            code, _EXPLANATIONS.get(primary, "cannot be used")
        )
        raise KnowledgeBaseError(f"{name} {explanation} (SQLite: {error}).") from error
    except UnicodeDecodeError as error:  # of a message of SQLite
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} "
            f"{_EXPLANATIONS[sqlite3.SQLITE_CORRUPT]} ({error})."
        ) from error


@contextmanager
def valid_values(path):
    """Raise errors that are caused by invalid values as `KnowledgeBaseError`.

    A text or NULL in place of a number, or a missing id, raises one of these.

    Parameters
    ----------
    path : Path
        Of the file whose values are read in the block.
    """
    try:
        yield
    except KnowledgeBaseError:
        raise
    except (
        LookupError,
        TypeError,
        ValueError,
        OverflowError,
        # Of numpy: a text in place of a list of numbers.
        DeprecationWarning,
        # Of json.
        RecursionError,
    ) as error:
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} holds values that sklearn_meta "
            f"{sklearn_meta.__version__} does not understand ({error!r}). Restore it "
            "from a copy, or pass another path."
        ) from error
