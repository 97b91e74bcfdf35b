"""Choice of the datasets of a large file that are most similar to a new one.

A file may hold more datasets than recall has time to read. They are narrowed down in
three steps, each of which reads more of fewer datasets: the sizes of the newest ones,
the meta-features of those of similar size, and the number of evaluations of the nearest
ones. What is chosen depends on the file and on the new dataset only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.metalearning.knowledge_base._matrix_query import (
    read_metafeatures,
)
from sklearn_meta.metalearning.metafeatures._column_statistics import average_ranks

# The sizes of this number of datasets are read, the newest ones: some 20 ms.
MOST_SIZES = 20_000

# The meta-features of this many times the number of datasets that are chosen are read.
CANDIDATES = 3


@dataclass(frozen=True)
class Nearest:
    """The most similar datasets to a new one, up to some numbers of them.

    Parameters
    ----------
    size : tuple of int
        Numbers of samples, features and classes of the new dataset.
    metafeatures : mapping of str to float
        Of the new dataset; NaN where not defined.
    n_datasets : int
        Maximum number of datasets.
    n_evaluations : int
        Number of their evaluations at which no further dataset is added.
    n_pipelines : int
        Maximum number of pipelines beside `n_datasets` datasets, see `max_pipelines`.
    """

    size: tuple[int, int, int]
    metafeatures: Mapping[str, float] = field(repr=False)
    n_datasets: int
    n_evaluations: int
    n_pipelines: int

    def max_pipelines(self, n_datasets):
        """Return the maximum number of pipelines beside a number of datasets.

        Those of the best ranks are read. Beside few datasets, there may be twice as
        many as beside the maximum number of datasets.

        Parameters
        ----------
        n_datasets : int
            Number of datasets that are read.

        Returns
        -------
        n_pipelines : int
        """
        return int(self.n_pipelines * (2 - n_datasets / self.n_datasets))


def choose_datasets(connection, task, nearest, without_families=()):
    """Return the ids of the nearest datasets.

    Parameters
    ----------
    connection : sqlite3.Connection
    task : {"classification", "regression"}
    nearest : Nearest
    without_families : collection of str, default=()
        Families whose datasets are not needed. They are left out where the file holds
        too many.

    Returns
    -------
    ids : ndarray of int
        Ascending; all datasets of the task if they are no more than the limits.
    """
    ids, sizes = _newest(connection, task)
    if len(ids) > nearest.n_datasets and without_families:
        ids, sizes = _newest(connection, task, without_families)
    # The newest ones are first, and thus the nearest ones of equals.
    if len(ids) > nearest.n_datasets:
        candidates = _smallest(
            _size_distances(sizes, nearest.size), CANDIDATES * nearest.n_datasets
        )
        ids = ids[np.sort(candidates)]
        names, values = read_metafeatures(connection, ids[::-1])
        new = [nearest.metafeatures.get(name, np.nan) for name in names]
        distances = _rank_distances(values[::-1], new)
        ids = ids[_smallest(distances, nearest.n_datasets)]
    return np.sort(_up_to(connection, ids, nearest.n_evaluations))


def _newest(connection, task, without_families=()):
    """Return ids and sizes of datasets, the newest first."""
    marks = ", ".join("?" * len(without_families))
    # The sign keeps SQLite from sorting all that it finds in the index of the tasks.
    rows = connection.execute(
        f"""
        SELECT id, n_samples, n_features, n_classes
        FROM datasets WHERE +task = ? AND family NOT IN ({marks})
        ORDER BY id DESC LIMIT ?
        """,
        (task, *sorted(without_families), MOST_SIZES),
    ).fetchall()
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1:]


def _size_distances(sizes, new):
    """Return squared distances of logarithms of the sizes, in standard deviations."""
    known = np.log(np.maximum(sizes, 1.0))
    differences = known - np.log(np.maximum(new, 1.0))
    spread = known.std(axis=0)
    return ((differences / np.where(spread > 0, spread, 1.0)) ** 2).sum(axis=1)


def _rank_distances(values, new):
    """Return squared distances of the ranks of meta-features, 0.5 where undefined."""
    ranks = np.nan_to_num(average_ranks(np.vstack([values, new])), nan=0.5)
    return ((ranks[:-1] - ranks[-1]) ** 2).sum(axis=1)


def _smallest(values, n):
    """Return the places of the `n` smallest values, the first ones of equals."""
    return np.argsort(values, kind="stable")[:n]


def _up_to(connection, ids, n_evaluations):
    """Return the first datasets that have a number of evaluations together."""
    total = 0
    for place, dataset in enumerate(ids.tolist()):
        # Counted up to the limit only: there may be any number.
        (count,) = connection.execute(
            "SELECT COUNT(*) FROM "
            "(SELECT 1 FROM evaluations WHERE dataset = ? LIMIT ?)",
            (dataset, n_evaluations),
        ).fetchone()
        total += count
        if total >= n_evaluations:
            return ids[: place + 1]
    return ids
