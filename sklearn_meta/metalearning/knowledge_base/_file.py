"""The file of a knowledge base: its schema, its versions, and how it is opened.

One SQLite file. Writers use a rollback journal, not a write-ahead log: the log needs
shared memory, which network folders do not have, and two more files beside the
database that outlive a killed process. A writer takes the lock at once (``BEGIN
IMMEDIATE``) and waits for its turn; what a killed writer left behind is rolled back by
the next one who opens the file.

Nothing in a file can run code: extensions cannot be loaded, the schema is not trusted
(its views and triggers may call harmless functions only), connections that read cannot
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
from sklearn_meta.exceptions import SklearnMetaError

# "skmt"; `file` and other tools tell by it what the file is.
APPLICATION_ID = 0x736B6D74
SCHEMA_VERSION = 1

# Statements that bring a file from one version of the schema to the next.
MIGRATIONS: dict[int, tuple[str, ...]] = {}

# Seconds to wait for the writers before. Adding what one search learned takes
# milliseconds; merging large files, some seconds.
LOCK_TIMEOUT = 60.0

# Numbers of scores and seconds are whole: SQLite keeps small integers in one to four
# bytes, any other number in eight, and the built-in file holds 171 000 scores. A score
# is ``mean * 10**exponent``. Rows are clustered as they are read: one metric, dataset
# after dataset.
_SCHEMA = (
    """
    CREATE TABLE provenance (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL  -- JSON
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE datasets (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        family TEXT NOT NULL,
        n_samples INTEGER NOT NULL,
        n_features INTEGER NOT NULL,
        n_classes INTEGER NOT NULL,
        source TEXT NOT NULL,
        UNIQUE (task, name)
    )
    """,
    """
    CREATE TABLE metafeature_names (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE metafeatures (
        dataset INTEGER NOT NULL REFERENCES datasets,
        metafeature INTEGER NOT NULL REFERENCES metafeature_names,
        value REAL,  -- NULL: not defined for this dataset
        PRIMARY KEY (dataset, metafeature)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE pipelines (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE metrics (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (task, name)
    )
    """,
    """
    CREATE TABLE evaluations (
        dataset INTEGER NOT NULL REFERENCES datasets,
        pipeline INTEGER NOT NULL REFERENCES pipelines,
        status TEXT NOT NULL,
        fit_microseconds INTEGER,
        predict_microseconds INTEGER,
        n_rows INTEGER NOT NULL,
        PRIMARY KEY (dataset, pipeline)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE scores (
        metric INTEGER NOT NULL REFERENCES metrics,
        dataset INTEGER NOT NULL REFERENCES datasets,
        pipeline INTEGER NOT NULL REFERENCES pipelines,
        mean INTEGER NOT NULL,
        standard_error INTEGER,
        exponent INTEGER NOT NULL,
        PRIMARY KEY (metric, dataset, pipeline)
    ) WITHOUT ROWID
    """,
    # For people with a tool for SQLite; the package does not use it.
    """
    CREATE VIEW leaderboard AS
    SELECT
        datasets.task,
        datasets.name AS dataset,
        metrics.name AS metric,
        pipelines.text AS pipeline,
        CAST(mean || 'e' || exponent AS REAL) AS mean,
        CAST(standard_error || 'e' || exponent AS REAL) AS standard_error,
        fit_microseconds / 1e6 AS fit_seconds,
        predict_microseconds / 1e6 AS predict_seconds,
        n_rows
    FROM scores
    JOIN evaluations USING (dataset, pipeline)
    JOIN datasets ON datasets.id = dataset
    JOIN pipelines ON pipelines.id = pipeline
    JOIN metrics ON metrics.id = metric
    """,
)


class KnowledgeBaseError(SklearnMetaError, ValueError):
    """A knowledge base that cannot be read or written; the message says what to do."""


@contextmanager
def reading(path, *, immutable=False) -> Iterator[sqlite3.Connection]:
    """Open a file for reading: one consistent state, in the present schema.

    Parameters
    ----------
    path : Path
        A file that does not exist, or is empty, is a knowledge base without datasets.
    immutable : bool, default=False
        Whether nobody can change the file, so that no lock is needed and no rest of
        a killed writer is looked for.

    Yields
    ------
    connection : sqlite3.Connection
        It cannot change the file. An older schema is read from a migrated copy in
        memory.

    Raises
    ------
    KnowledgeBaseError
        If the file is none of ours, too new, damaged or not readable; also for errors
        of the block that come from values in the file.
    """
    with _explained(path), _understood(path):
        # A file that is open for writing lets SQLite roll back what a killed writer
        # left; where it cannot be written, SQLite opens it for reading by itself.
        mode = "ro&immutable=1" if immutable else "rw"
        exists = path.is_file() and path.stat().st_size > 0
        opened = _connect(path, mode) if exists or path.exists() else _in_memory()
        with closing(opened) as connection:
            if exists:
                connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            version = _version(connection, path)
            if version == SCHEMA_VERSION:
                yield connection
                return
            with closing(_in_memory()) as copy:
                connection.backup(copy)
                copy.execute("BEGIN")
                _prepare(copy, path)
                copy.execute("COMMIT")
                copy.execute("PRAGMA query_only = ON")
                yield copy


@contextmanager
def writing(path) -> Iterator[sqlite3.Connection]:
    """Open a file for one transaction, which the end of the block commits.

    The file is created if it does not exist, and migrated if its schema is older. An
    exception in the block leaves the file as it was.

    Parameters
    ----------
    path : Path

    Yields
    ------
    connection : sqlite3.Connection

    Raises
    ------
    KnowledgeBaseError
        If the folder does not exist, or the file is none of ours, too new, damaged,
        locked for longer than a minute, or not writable.
    """
    _check_folder(path)
    with _explained(path), closing(_connect(path, "rwc")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _prepare(connection, path) == 0:
                write_provenance(connection, _birth_certificate())
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


class _Rehearsal(Exception):
    """Ends a transaction that was only to show that it is possible."""


def check_writable(path):
    """Raise an error now if a later write would fail.

    The write is rehearsed: permissions say little on network folders. Nothing is left
    behind, and no file is created.

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
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            raise _Rehearsal
    except _Rehearsal:
        pass


def compact(path):
    """Rewrite a file without gaps, in the order in which it is read.

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
    with _explained(path), closing(_connect(path, "rw")) as connection:
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
    """Store items that say where a knowledge base comes from.

    Parameters
    ----------
    connection : sqlite3.Connection
    items : mapping of str to value
        Values that JSON can express.
    """
    connection.executemany(
        "INSERT OR REPLACE INTO provenance VALUES (?, ?)",
        [(name, json.dumps(value)) for name, value in items.items()],
    )


def read_provenance(connection):
    """Return what `write_provenance` was given, and the version of the schema.

    Parameters
    ----------
    connection : sqlite3.Connection

    Returns
    -------
    items : dict
    """
    items = connection.execute("SELECT name, value FROM provenance ORDER BY name")
    return {"schema_version": SCHEMA_VERSION} | {
        name: json.loads(value) for name, value in items
    }


def _birth_certificate():
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


def _version(connection, path):
    """Return the version of the schema; 0 for a file without anything in it."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        (n_tables,) = connection.execute(
            "SELECT COUNT(*) FROM sqlite_master"
        ).fetchone()
        if application == 0 and n_tables == 0:
            return 0
        raise KnowledgeBaseError(
            f"{str(path)!r} is a SQLite database, but not a knowledge base. Pass the "
            "path of a knowledge base, or one where no file is yet."
        )
    if version > SCHEMA_VERSION:
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} has version {version} of the schema; "
            f"sklearn_meta {sklearn_meta.__version__} reads versions up to "
            f"{SCHEMA_VERSION}. Upgrade sklearn_meta, or pass another path."
        )
    return version


def _prepare(connection, path):
    """Create or migrate the schema in the open transaction; return what it was."""
    version = _version(connection, path)
    if version == SCHEMA_VERSION:
        return version
    if version == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        statements = _SCHEMA
    else:
        statements = [
            statement
            for earlier in range(version, SCHEMA_VERSION)
            for statement in MIGRATIONS[earlier]
        ]
    for statement in statements:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return version


# By the primary error code: what is wrong, and the way out.
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
def _explained(path):
    """Turn SQLite's errors into ours, which name the file and the way out."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        explanation = _EXPLANATIONS.get(code and code & 0xFF, "cannot be used")
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} {explanation} (SQLite: {error})."
        ) from error


@contextmanager
def _understood(path):
    """Turn what goes wrong with values that no version of ours writes into our error.

    What is read is numbers and names by their ids; a text, a NULL or a missing id in
    their place is met as one of these exceptions.
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
