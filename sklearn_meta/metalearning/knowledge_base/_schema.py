"""Schema of the SQLite file of a knowledge base: tables, versions, and encodings.

To change the schema: edit `TABLES`, raise `SCHEMA_VERSION`, add the statements that
convert a file of the version before to `MIGRATIONS`, adapt the queries in `_rows` and
`_matrix_query`, and add a dump of a file of the version before to the tests.

SQLite stores small integers in one to four bytes and any other number in eight. The
shipped file holds 171 000 scores, so that scores and seconds are encoded as integers.
"""

from __future__ import annotations

import math

import numpy as np

import sklearn_meta
from sklearn_meta.exceptions import SklearnMetaError

# "skmt": by it, `file` and other tools recognize the format.
APPLICATION_ID = 0x736B6D74
SCHEMA_VERSION = 1

# Statements that bring a file from one version of the schema to the next.
MIGRATIONS: dict[int, tuple[str, ...]] = {}

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


class KnowledgeBaseError(SklearnMetaError, ValueError):
    """A knowledge base that cannot be read or written; the message says what to do."""


def schema_version(connection, path):
    """Return the version of the schema of a file.

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
        If the file is another SQLite database, or its schema is too new.
    """
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
        statements = [
            statement
            for earlier in range(version, SCHEMA_VERSION)
            for statement in MIGRATIONS[earlier]
        ]
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
