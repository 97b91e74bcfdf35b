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


def count_datasets(connection, task):
    """Return the number of datasets with scores in each metric of a task.

    Parameters
    ----------
    connection : sqlite3.Connection
    task : {"classification", "regression"}

    Returns
    -------
    counts : dict of str to int
        In the order in which the metrics were added, without those that have no score.
    """
    # One look-up in the index for each dataset and metric; counting the scores would
    # read all of them.
    return dict(
        connection.execute(
            """
            SELECT metrics.name, COUNT(*)
            FROM metrics JOIN datasets USING (task)
            WHERE task = ? AND EXISTS (
                SELECT 1 FROM scores
                WHERE metric = metrics.id AND dataset = datasets.id
            )
            GROUP BY metrics.id ORDER BY metrics.id
            """,
            (task,),
        )
    )


def read_matrix(connection, task, metric, *, pipelines=None, max_pipelines):
    """Read all scores in one metric.

    Parameters
    ----------
    connection : sqlite3.Connection
    task : {"classification", "regression"}
    metric : str
        Without scores in it, all means are NaN.
    pipelines : collection of str or None, default=None
        Texts of the pipelines to read; None reads all.
    max_pipelines : int
        Maximum number of pipelines; those of the best ranks on any dataset are read.

    Returns
    -------
    matrix : ScoreMatrix
    """
    datasets = connection.execute(
        """
        SELECT id, name, family, n_samples, n_features, n_classes
        FROM datasets WHERE task = ? ORDER BY id
        """,
        (task,),
    ).fetchall()
    rows = _Positions([row[0] for row in datasets])
    tried = _read_cells(
        connection,
        f"""
        SELECT dataset, COUNT(*), group_concat(pipeline),
            group_concat(ifnull(fit_microseconds, {UNKNOWN})), group_concat(n_rows)
        FROM evaluations
        WHERE dataset IN (SELECT id FROM datasets WHERE task = ?)
        GROUP BY dataset
        """,
        (task,),
    )
    scored = _read_cells(
        connection,
        f"""
        SELECT dataset, COUNT(*), group_concat(pipeline), group_concat(mean),
            group_concat(ifnull(standard_error, {UNKNOWN})), group_concat(exponent)
        FROM scores
        WHERE metric = (SELECT id FROM metrics WHERE task = ? AND name = ?)
        GROUP BY dataset
        """,
        (task, metric),
    )
    texts = dict(connection.execute("SELECT id, text FROM pipelines"))
    mean = decode_scores(scored.values[0], scored.values[2])
    ids = np.unique(tried.pipelines)
    if pipelines is not None:
        ids = np.array([i for i in ids.tolist() if texts[i] in pipelines], dtype=int)
    if len(ids) > max_pipelines:
        ids = _best_ranked(ids, scored, mean, max_pipelines)
    columns = _Positions(ids)

    shape = (len(rows.ids), len(columns.ids))
    into_scored = _scatterer(shape, rows[scored.datasets], columns[scored.pipelines])
    into_tried = _scatterer(shape, rows[tried.datasets], columns[tried.pipelines])
    _, error, exponent = scored.values
    fit, n_rows = tried.values
    names, metafeatures = _read_metafeature_matrix(connection, task, rows)
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


def _read_metafeature_matrix(connection, task, rows):
    chosen = """
        FROM metafeatures WHERE dataset IN (SELECT id FROM datasets WHERE task = ?)
    """
    groups = connection.execute(
        f"SELECT dataset, COUNT(*) {chosen} GROUP BY dataset", (task,)
    ).fetchall()
    if not groups:
        return (), np.empty((len(rows.ids), 0))
    distinct = connection.execute(f"SELECT DISTINCT metafeature {chosen}", (task,))
    columns = _Positions(sorted(i for (i,) in distinct))
    datasets, counts = zip(*groups, strict=True)
    if set(counts) == {len(columns.ids)}:
        # Most often every dataset has all of them: their ids need not be read.
        ids = np.tile(columns.ids, len(datasets))
    else:
        cells = connection.execute(
            f"SELECT metafeature {chosen} ORDER BY dataset, metafeature", (task,)
        )
        ids = np.fromiter(chain.from_iterable(cells), dtype=np.int64)
    datasets = np.repeat(datasets, counts)
    # Infinity represents NULL: no stored value is infinite.
    cells = connection.execute(
        f"SELECT ifnull(value, 9e999) {chosen} ORDER BY dataset, metafeature", (task,)
    )
    values = np.fromiter(chain.from_iterable(cells), dtype=float)
    values[np.isinf(values)] = np.nan
    names = dict(connection.execute("SELECT id, name FROM metafeature_names"))
    matrix = np.full((len(rows.ids), len(columns.ids)), np.nan)
    matrix[rows[datasets], columns[ids]] = values
    return tuple(names[i] for i in columns.ids.tolist()), matrix
