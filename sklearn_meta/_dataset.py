"""The table as everything below the estimators sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sklearn_meta._task import Task
from sklearn_meta.pipelines._schema import Schema


@dataclass(frozen=True)
class Dataset:
    """An encoded table with its target.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        The encoded table, see `Schema`.
    y : ndarray of shape (n_samples,)
        Class indices (int64) or targets (float64).
    schema : Schema
    task : Task
    sample_weight : ndarray of shape (n_samples,) or None
    groups : ndarray of shape (n_samples,) or None
    """

    X: object = field(repr=False)
    y: np.ndarray = field(repr=False)
    schema: Schema
    task: Task
    sample_weight: np.ndarray | None = field(default=None, repr=False)
    groups: np.ndarray | None = field(default=None, repr=False)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.X.shape[1]
