"""Schema of the SQLite file of a knowledge base: tables, versions, and encodings.

To change the schema: copy `TABLES` to `EARLIER_TABLES`, edit it, raise
`SCHEMA_VERSION`, add the statements that convert a file of the version before to
`MIGRATIONS`, adapt the queries in `_rows` and `_matrix_query`, and add a dump of a file
of the version before to the tests.

A file is used only if it holds exactly the tables of its version. A view or a trigger
in a file of a stranger could read without end, and a generated column or an index of
expressions compute whatever its author wants.

SQLite stores small integers in one to four bytes and any other number in eight. The
shipped file holds 171 000 scores, so that scores and seconds are encoded as integers.
"""

from __future__ import annotations

import functools
import math
import sqlite3
from contextlib import closing

import numpy as np

import sklearn_meta
from sklearn_meta.exceptions import SklearnMetaError

# "skmt": by it, `file` and other tools recognize the format.
APPLICATION_ID = 0x736B6D74
SCHEMA_VERSION = 1

# Statements that bring a file from one version of the schema to the next.
MIGRATIONS: dict[int, tuple[str, ...]] = {}

# By version: `TABLES` as they were when files were created with it.
EARLIER_TABLES: dict[int, tuple[str, ...]] = {}

# Scores and seconds are integers, see `encode_score` and `encode_seconds`. Rows are
# clustered in the order in which they are read: one metric, dataset after dataset.
TABLES = (
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
    # For users of other tools for SQLite; the package does not use it.
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


# The schema has thirteen entries. More are read to name one that does not belong.
_MAX_ENTRIES = 100


class KnowledgeBaseError(SklearnMetaError, ValueError):
    """A knowledge base that cannot be read or written; the message says what to do."""


class KnowledgeBaseLockedError(KnowledgeBaseError):
    """A knowledge base that other processes used for as long as one could wait."""


def schema_version(connection, path):
    """Return the version of the schema of a file, if it is exactly that schema.

    Parameters
    ----------
    connection : sqlite3.Connection
    path : Path
        Of the file, for messages.

    Returns
    -------
    version : int
        0 for an empty file.

    Raises
    ------
    KnowledgeBaseError
        If the file is another SQLite database, its schema is too new, or it holds
        anything but the tables of its version.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    entries = _read_entries(connection)
    if application == 0 and not entries:
        return 0
    if application != APPLICATION_ID:
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
    if version < 1:
        raise KnowledgeBaseError(
            f"The knowledge base {str(path)!r} has version {version} of the schema; "
            "there has never been one below 1. Restore the file from a copy, or pass "
            "another path."
        )
    _check_entries(entries, version, path)
    return version


def _check_entries(entries, version, path):
    """Raise an error that names what is not part of the schema of a version."""
    known = _known_entries(version)
    if entries in known:
        return
    expected = known[0]
    name, kind, _, _ = min(entries ^ expected, key=repr)
    found = sorted({str(e[1])[:80] for e in entries if e[0] == name})
    wanted = sorted({e[1] for e in expected if e[0] == name})
    quoted = repr(name)[:80]
    if not found:
        problem = f"lacks the {kind} {quoted}"
    elif not wanted:
        problem = f"holds a {found[0]} {quoted}, which no knowledge base has"
    elif found != wanted:
        problem = f"holds a {found[0]} {quoted} in place of a {wanted[0]}"
    else:
        problem = f"has another definition of the {kind} {quoted}"
    raise KnowledgeBaseError(
        f"The knowledge base {str(path)!r} {problem}. It is used only with exactly the "
        "tables that sklearn_meta makes, since others could run without end. Undo the "
        "change, restore the file from a copy, or pass another path."
    )


def _read_entries(connection):
    """Return name, type, table and definition of what a file holds."""
    rows = connection.execute(
        "SELECT name, type, tbl_name, sql FROM sqlite_master LIMIT ?", (_MAX_ENTRIES,)
    )
    return frozenset(
        (name, kind, table, " ".join(sql.split()) if isinstance(sql, str) else sql)
        for name, kind, table, sql in rows
    )


def _known_entries(version):
    """Return what files of a version hold, one by one for the version of creation."""
    tables = {**EARLIER_TABLES, max([0, *EARLIER_TABLES]) + 1: TABLES}
    return [
        _entries_made_by((*tables[created], *_migrations(created, version)))
        for created in sorted(tables, reverse=True)
        if created <= version
    ]


@functools.cache
def _entries_made_by(statements):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        return _read_entries(connection)


def _migrations(version, to):
    return [s for earlier in range(version, to) for s in MIGRATIONS[earlier]]


def create_or_migrate(connection, path):
    """Bring a file to the current schema, in the open transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
    path : Path
        Of the file, for messages.

    Returns
    -------
    version : int
        That of the schema before; 0 for an empty file.
    """
    version = schema_version(connection, path)
    if version == SCHEMA_VERSION:
        return version
    if version == 0:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        statements = TABLES
    else:
        statements = _migrations(version, SCHEMA_VERSION)
    for statement in statements:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return version


# Encodings

# Significant digits of the larger one of a mean and its standard error: finer than the
# noise between folds, and few enough for three bytes.
SCORE_DIGITS = 6

# Represents NULL in integers that are read as text.
UNKNOWN = -1

# Powers of ten as they are read from text, so that the same decimal number always
# comes back as the same float.
_POWERS = np.array([float(f"1e{k}") for k in range(309)])
_SMALLEST_EXPONENT = -300

_MICROSECONDS = 1e6


def encode_score(mean, standard_error):
    """Encode a score as integers.

    Parameters
    ----------
    mean : float
        Finite.
    standard_error : float
        NaN or infinite where not known.

    Returns
    -------
    mean : int
    standard_error : int or None
        None where not known.
    exponent : int
        Of the power of ten that both are multiplied by.
    """
    known = math.isfinite(standard_error)
    largest = max(abs(mean), standard_error if known else 0.0)
    if largest == 0.0:
        return 0, (0 if known else None), 0
    magnitude = int(f"{largest:.{SCORE_DIGITS - 1}e}".partition("e")[2])
    exponent = max(magnitude - (SCORE_DIGITS - 1), _SMALLEST_EXPONENT)
    return (
        round(_shifted(mean, -exponent)),
        round(_shifted(standard_error, -exponent)) if known else None,
        exponent,
    )


def decode_scores(values, exponents):
    """Decode scores to six significant digits.

    Parameters
    ----------
    values : ndarray of int
        Means or standard errors. `UNKNOWN` is not treated; see `mask_unknown`.
    exponents : ndarray of int of the same shape

    Returns
    -------
    scores : ndarray of float
    """
    powers = _POWERS[np.abs(exponents)]
    # Infinite only where no version has written the numbers; checked by the readers.
    with np.errstate(over="ignore"):
        return np.where(exponents < 0, values / powers, values * powers)


def _shifted(value, places):
    return value * _POWERS[places] if places >= 0 else value / _POWERS[-places]


def encode_seconds(seconds):
    """Encode seconds as microseconds; None where they are NaN."""
    return None if math.isnan(seconds) else round(float(seconds) * _MICROSECONDS)


def decode_seconds(microseconds):
    """Decode an array of microseconds; NaN for `UNKNOWN`."""
    return mask_unknown(microseconds / _MICROSECONDS, microseconds)


def mask_unknown(values, stored):
    """Return `values` with NaN where `UNKNOWN` was stored."""
    return np.where(stored == UNKNOWN, np.nan, values)
