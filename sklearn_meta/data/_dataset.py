"""Dataset: an encoded table with its target, weights, groups and metadata."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

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
        Encoded table, see `Schema`.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices (int64), targets (float64) or, for several labels, indicators
        (int64).
    schema : Schema
        Layout of `X`.
    task : Task
        Classification or regression, with the classes or the number of outputs.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows; None for equal weights.
    groups : ndarray of shape (n_samples,), default=None
        Group labels of the rows, for splits by groups.
    copy_of : ndarray of int of shape (n_samples,), default=None
        Number of each row, the same for copies of a row, which stay on one side of
        every split; see `canonical_rows`. None if no row has copies.
    metadata : dict of str to object, default={}
        Further arguments of the scorer. Values with one entry per row are split along
        with the rows; all others are passed on unchanged.
    """

    X: Any = field(repr=False)
    y: np.ndarray = field(repr=False)
    schema: Schema
    task: Task
    sample_weight: np.ndarray | None = field(default=None, repr=False)
    groups: np.ndarray | None = field(default=None, repr=False)
    copy_of: np.ndarray | None = field(default=None, repr=False)
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
        """Return the metadata of some rows.

        Parameters
        ----------
        rows : ndarray of int
            Indices of the rows.

        Returns
        -------
        metadata : dict of str to object
        """
        return _check_method_params(self.X, self.metadata, indices=rows)


def take_rows(dataset, rows):
    """Return a dataset with some of the rows, without weights.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of int
        Indices of the rows; may contain repetitions.

    Returns
    -------
    dataset : Dataset
    """
    X, schema = dataset.X[rows], dataset.schema
    return replace(
        dataset,
        X=X,
        y=dataset.y[rows],
        schema=schema_of(
            X,
            schema.n_categorical,
            schema.cardinalities,
            schema.n_words,
            schema.n_characters,
        ),
        sample_weight=None,
        copy_of=None if dataset.copy_of is None else dataset.copy_of[rows],
        metadata=dataset.metadata_of(rows),
    )
