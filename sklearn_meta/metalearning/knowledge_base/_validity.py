"""Checks of the values in a file, which may come from a stranger.

SQLite stores any value in any column: texts of gigabytes or bytes in the place of a
name, and numbers that no program has written. What is short is checked by SQL before it
is read; the many cells of evaluations and meta-features are checked as arrays after.
"""

from __future__ import annotations

import numpy as np

from sklearn_meta.metalearning.knowledge_base._records import MAX_COUNT, MAX_TEXT

# Of the provenance: JSON of any kind.
_MAX_JSON = 10_000_000

# A cast, since the length of a text ends at its first zero byte.
_TEXT = "typeof({0}) = 'text' AND length(CAST({0} AS BLOB)) <= {1}"
_COUNT = f"typeof({{0}}) = 'integer' AND {{0}} BETWEEN 0 AND {MAX_COUNT}"

_COLUMNS = {
    "provenance": {
        "name": _TEXT.format("name", MAX_TEXT),
        "value": _TEXT.format("value", _MAX_JSON),
    },
    "datasets": {
        **{
            name: _TEXT.format(name, MAX_TEXT)
            for name in ("task", "name", "family", "source")
        },
        **{
            name: _COUNT.format(name)
            for name in ("n_samples", "n_features", "n_classes")
        },
    },
    "metafeature_names": {"name": _TEXT.format("name", MAX_TEXT)},
    "pipelines": {"text": _TEXT.format("text", MAX_TEXT)},
    "metrics": {name: _TEXT.format(name, MAX_TEXT) for name in ("task", "name")},
}


def check_texts_and_counts(connection):
    """Check names, texts and sizes before they are read.

    Parameters
    ----------
    connection : sqlite3.Connection

    Raises
    ------
    ValueError
        If one is of another type, too long or out of range.
    """
    for table, columns in _COLUMNS.items():
        cases = " ".join(
            f"WHEN NOT ({valid}) THEN '{name}'" for name, valid in columns.items()
        )
        wrong = connection.execute(
            f"SELECT wrong FROM (SELECT CASE {cases} END AS wrong FROM {table}) "
            "WHERE wrong IS NOT NULL LIMIT 1"
        ).fetchone()
        if wrong is not None:
            raise ValueError(
                f"a value of the column {wrong[0]!r} of the table {table!r} is not "
                "of its type, or too large"
            )


def check_matrix(matrix):
    """Check the numbers of a score matrix.

    Parameters
    ----------
    matrix : ScoreMatrix

    Returns
    -------
    matrix : ScoreMatrix
        The same one.

    Raises
    ------
    ValueError
        If a number is infinite, negative where none can be, or too large.
    """
    for name, valid in (
        ("mean", ~np.isinf(matrix.mean)),
        ("standard_error", _is_size(matrix.standard_error)),
        ("fit_seconds", _is_size(matrix.fit_seconds)),
        ("n_rows", (matrix.n_rows >= 0) & (matrix.n_rows <= MAX_COUNT)),
        ("metafeatures", ~np.isinf(matrix.metafeatures)),
    ):
        if not valid.all():
            raise ValueError(f"{name!r} of an evaluation or dataset is out of range")
    return matrix


def _is_size(values):
    return np.isnan(values) | ((values >= 0) & (values < np.inf))
