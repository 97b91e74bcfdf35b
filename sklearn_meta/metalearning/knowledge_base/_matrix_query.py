"""SQL queries that read the scores in one metric as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from sklearn_meta.metalearning.knowledge_base._schema import (
    UNKNOWN,
    decode_scores,
    decode_seconds,
    mask_unknown,
)
from sklearn_meta.metalearning.knowledge_base._score_matrix import ScoreMatrix

# Up to this number of pipelines, their texts are read one by one, not all of the file.
FEW_PIPELINES = 3_000


def _id_list(ids):
    """Return integer ids as a list in SQL, which may be long."""
    return ", ".join(map(str, ids.tolist()))


def _chosen(task, ids):
    """Return a query of the datasets to read, and its parameters."""
    if ids is None:
        return "SELECT id FROM datasets WHERE task = ?", (task,)
    return _id_list(ids), ()


def count_datasets(connection, task, ids=None):
    """Return the number of datasets with scores in each metric of a task.

    Parameters
    ----------
    connection : sqlite3.Connection
    task : {"classification", "regression"}
    ids : ndarray of int or None, default=None
        Datasets to count; None counts all.

    Returns
    -------
    counts : dict of str to int
        In the order in which the metrics were added, without those that have no score.
    """
    # One look-up in the index for each dataset and metric; counting the scores would
    # read all of them.
    chosen, parameters = _chosen(task, ids)
    return dict(
        connection.execute(
            f"""
            SELECT metrics.name, COUNT(*)
            FROM metrics JOIN datasets USING (task)
            WHERE task = ? AND datasets.id IN ({chosen}) AND EXISTS (
                SELECT 1 FROM scores
                WHERE metric = metrics.id AND dataset = datasets.id
            )
            GROUP BY metrics.id ORDER BY metrics.id
            """,
            (task, *parameters),
        )
    )


def read_matrix(connection, task, metric, *, ids=None, pipelines=None, max_pipelines):
    """Read all scores in one metric.

    Parameters
    ----------
    connection : sqlite3.Connection
    task : {"classification", "regression"}
    metric : str
        Without scores in it, all means are NaN.
    ids : ndarray of int or None, default=None
        Datasets to read, ascending; None reads all of the task.
    pipelines : collection of str or None, default=None
        Texts of the pipelines to read; None reads all.
    max_pipelines : int
        Maximum number of pipelines; those of the best ranks on any dataset are read.

    Returns
    -------
    matrix : ScoreMatrix
    """
    chosen, parameters = _chosen(task, ids)
    datasets = connection.execute(
        f"""
        SELECT id, name, family, n_samples, n_features, n_classes
        FROM datasets WHERE id IN ({chosen}) ORDER BY id
        """,
        parameters,
    ).fetchall()
    rows = _Positions([row[0] for row in datasets])
    tried = _read_cells(
        connection,
        f"""
        SELECT dataset, COUNT(*), group_concat(pipeline),
            group_concat(ifnull(fit_microseconds, {UNKNOWN})), group_concat(n_rows)
        FROM evaluations
        WHERE dataset IN ({chosen})
        GROUP BY dataset
        """,
        parameters,
    )
    scored = _read_cells(
        connection,
        f"""
        SELECT dataset, COUNT(*), group_concat(pipeline), group_concat(mean),
            group_concat(ifnull(standard_error, {UNKNOWN})), group_concat(exponent)
        FROM scores
        WHERE metric = (SELECT id FROM metrics WHERE task = ? AND name = ?)
            AND dataset IN ({chosen})
        GROUP BY dataset
        """,
        (task, metric, *parameters),
    )
    mean = decode_scores(scored.values[0], scored.values[2])
    used = np.unique(tried.pipelines)
    if pipelines is not None:
        texts = _read_texts(connection)
        used = np.array([i for i in used.tolist() if texts[i] in pipelines], dtype=int)
    if len(used) > max_pipelines:
        used = _best_ranked(used, scored, mean, max_pipelines)
    texts = _read_texts(connection, used)
    columns = _Positions(used)

    shape = (len(rows.ids), len(columns.ids))
    into_scored = _scatterer(shape, rows[scored.datasets], columns[scored.pipelines])
    into_tried = _scatterer(shape, rows[tried.datasets], columns[tried.pipelines])
    _, error, exponent = scored.values
    fit, n_rows = tried.values
    names, metafeatures = _read_metafeatures(connection, rows, chosen, parameters)
    _, name, family, n_samples, n_features, n_classes = (
        zip(*datasets, strict=True) if datasets else ((),) * 6
    )
    return ScoreMatrix(
        task=task,
        metric=metric,
        datasets=tuple(name),
        families=tuple(family),
        n_samples=np.array(n_samples, dtype=np.int64),
        n_features=np.array(n_features, dtype=np.int64),
        n_classes=np.array(n_classes, dtype=np.int64),
        pipelines=tuple(texts[i] for i in columns.ids.tolist()),
        mean=into_scored(mean, np.nan),
        standard_error=into_scored(
            mask_unknown(decode_scores(error, exponent), error), np.nan
        ),
        tried=into_tried(np.True_, False),
        fit_seconds=into_tried(decode_seconds(fit), np.nan),
        n_rows=into_tried(n_rows, 0),
        metafeature_names=names,
        metafeatures=metafeatures,
    )


def read_metafeatures(connection, ids):
    """Read the meta-features of some datasets.

    Parameters
    ----------
    connection : sqlite3.Connection
    ids : ndarray of int
        Of datasets, ascending.

    Returns
    -------
    names : tuple of str
        Of all meta-features that any of the datasets has.
    values : ndarray of shape (n_datasets, n_metafeatures)
        NaN where one is not defined or not known.
    """
    return _read_metafeatures(connection, _Positions(ids), _id_list(ids), ())


def _read_texts(connection, ids=None):
    """Return the texts of pipelines by their ids."""
    few = ids is not None and len(ids) <= FEW_PIPELINES
    where = f"WHERE id IN ({_id_list(ids)})" if few else ""
    return dict(connection.execute(f"SELECT id, text FROM pipelines {where}"))


def _scatterer(shape, rows, columns):
    """Return a function that scatters the values of cells into an array."""
    kept = columns >= 0
    places = rows[kept], columns[kept]

    def scattered(values, empty):
        array = np.full(shape, empty)
        array[places] = values[kept] if np.ndim(values) else values
        return array

    return scattered


@dataclass(frozen=True)
class _Cells:
    """Cells of the matrix in coordinate format."""

    datasets: np.ndarray
    pipelines: np.ndarray
    values: tuple[np.ndarray, ...]


def _read_cells(connection, query, parameters):
    """Read cells that a query has concatenated to one text per dataset and column.

    numpy parses all texts at once, in half of the time that it takes to make a Python
    object of each of 240 000 numbers.
    """
    cursor = connection.execute(query, parameters)
    n_values = len(cursor.description) - 3  # dataset, number of cells, ids of pipelines
    rows = cursor.fetchall()
    if not rows:
        nothing = np.empty((2 + n_values, 0), dtype=int)
        return _Cells(nothing[0], nothing[1], tuple(nothing[2:]))
    datasets, counts, *texts = zip(*rows, strict=True)
    pipelines, *values = (
        np.fromstring(",".join(text), dtype=np.int64, sep=",") for text in texts
    )
    return _Cells(np.repeat(datasets, counts), pipelines, tuple(values))


def _best_ranked(ids, scored, mean, n):
    """Return the `n` pipelines whose best rank on any dataset is the highest."""
    order = np.lexsort((-mean, scored.datasets))
    _, starts, counts = np.unique(
        scored.datasets, return_index=True, return_counts=True
    )
    # Cells of one dataset are contiguous, before and after sorting.
    ranks = np.empty(len(order), dtype=int)
    ranks[order] = np.arange(len(order)) - np.repeat(starts, counts)
    places = _Positions(ids)
    known = places[scored.pipelines] >= 0
    columns = places[scored.pipelines[known]]
    best = np.full(len(ids), len(order))
    np.minimum.at(best, columns, ranks[known])
    popularity = np.bincount(columns, minlength=len(ids))
    chosen = np.lexsort((-popularity, best))[:n]
    return ids[np.sort(chosen)]


class _Positions:
    """Positions of ids in an ascending array of ids; -1 for others."""

    def __init__(self, ids):
        self.ids = np.asarray(ids, dtype=np.int64)

    def __getitem__(self, ids):
        ids = np.asarray(ids)
        if not len(self.ids):
            return np.full(ids.shape, -1)
        places = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)


def _read_metafeatures(connection, rows, chosen, parameters):
    chosen = f"FROM metafeatures WHERE dataset IN ({chosen})"
    groups = connection.execute(
        f"SELECT dataset, COUNT(*) {chosen} GROUP BY dataset", parameters
    ).fetchall()
    if not groups:
        return (), np.empty((len(rows.ids), 0))
    distinct = connection.execute(f"SELECT DISTINCT metafeature {chosen}", parameters)
    columns = _Positions(sorted(i for (i,) in distinct))
    datasets, counts = zip(*groups, strict=True)
    if set(counts) == {len(columns.ids)}:
        # Most often every dataset has all of them: their ids need not be read.
        ids = np.tile(columns.ids, len(datasets))
    else:
        cells = connection.execute(
            f"SELECT metafeature {chosen} ORDER BY dataset, metafeature", parameters
        )
        ids = np.fromiter(chain.from_iterable(cells), dtype=np.int64)
    datasets = np.repeat(datasets, counts)
    # Infinity represents NULL: no stored value is infinite.
    cells = connection.execute(
        f"SELECT ifnull(value, 9e999) {chosen} ORDER BY dataset, metafeature",
        parameters,
    )
    values = np.fromiter(chain.from_iterable(cells), dtype=float)
    values[np.isinf(values)] = np.nan
    names = dict(connection.execute("SELECT id, name FROM metafeature_names"))
    matrix = np.full((len(rows.ids), len(columns.ids)), np.nan)
    matrix[rows[datasets], columns[ids]] = values
    return tuple(names[i] for i in columns.ids.tolist()), matrix
