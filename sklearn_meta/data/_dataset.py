"""The table as everything below the estimators sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_meta._sklearn_compat import _check_method_params
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import Task
from sklearn_meta.pipelines._schema import Schema


@dataclass(frozen=True)
class Dataset:
    """An encoded table with its target.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        The encoded table, see `Schema`.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices (int64) or targets (float64); several targets, or indicators of
        several labels (int64).
    schema : Schema
    task : Task
    sample_weight : ndarray of shape (n_samples,) or None
    groups : ndarray of shape (n_samples,) or None
    metadata : dict of str to object
        What the scorer gets besides predictions, targets and weights: one value for
        each row, or anything else, which is the same for all rows.
    """

    X: Any = field(repr=False)
    y: np.ndarray = field(repr=False)
    schema: Schema
    task: Task
    sample_weight: np.ndarray | None = field(default=None, repr=False)
    groups: np.ndarray | None = field(default=None, repr=False)
    metadata: dict = field(default_factory=dict, repr=False)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.X.shape[1]

    def metadata_of(self, rows) -> dict:
        """Return the metadata of some rows, by their indices."""
        return _check_method_params(self.X, self.metadata, indices=rows)


# Up to this many rows, integer weights are spelled out as repeated rows, and rows are
# put into an order that does not depend on the one they came in.
MAX_CANONICAL_ROWS = 2_000


def canonical_rows(dataset):
    """Return row indices that make equal datasets of equal small tables.

    A row of weight two appears twice, a row of weight zero not at all: learners that
    know nothing of weights, bootstraps and folds then treat weights and repetitions the
    same. The rows are sorted by value, so that ``fit`` does not depend on their order.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    rows : ndarray of int or None
        None for large tables, for weights that are no integers and for grouped rows,
        which stay as they are.
    """
    if dataset.groups is not None or dataset.n_samples > MAX_CANONICAL_ROWS:
        return None
    X, y, weight = dataset.X, dataset.y, dataset.sample_weight
    rows = np.arange(dataset.n_samples)
    if weight is not None:
        counts = weight.astype(np.intp)
        if (counts != weight).any() or not 0 < counts.sum() <= MAX_CANONICAL_ROWS:
            return None
        rows = np.repeat(rows, counts)
    values = X[rows].toarray() if sparse.issparse(X) else X[rows]
    return rows[np.lexsort((*np.atleast_2d(y[rows].T), *values.T))]


def take_rows(dataset, rows):
    """Return the dataset of some rows, which may repeat; their weights are dropped.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of int

    Returns
    -------
    dataset : Dataset
    """
    X, schema = dataset.X[rows], dataset.schema
    return replace(
        dataset,
        X=X,
        y=dataset.y[rows],
        schema=schema_of(X, schema.n_categorical, schema.cardinalities),
        sample_weight=None,
        metadata=dataset.metadata_of(rows),
    )
