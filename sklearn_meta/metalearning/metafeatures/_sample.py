"""Sample of rows and columns that meta-features are computed on.

Intermediate results that several groups of meta-features need (ranks, bins, the design
matrix of linear models) are computed on first access and cached. `n` is the number of
rows of the sample, `p` of its columns, `k` of classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import sparse
from sklearn.utils.random import sample_without_replacement

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.metalearning.metafeatures._column_statistics import (
    average_ranks,
    n_distinct,
    quantiles,
    sorted_columns,
    unit_columns,
)

# Number of levels of a category in joint histograms; the rarest ones are merged.
MAX_LEVELS = 64

# Number of classes; the rarest ones are merged. Time and memory grow with it.
MAX_CLASSES = 32

# Approximate maximum number of columns of the design matrix, whose eigenvalue
# decomposition then takes some milliseconds.
MAX_WIDTH = 256
MAX_DUMMIES = 10


@dataclass(frozen=True)
class Sample:
    """Some rows and columns of an encoded table.

    Parameters
    ----------
    dataset : Dataset
        The whole table.
    codes : ndarray of shape (n, n_categorical)
        Category codes of the sample, NaN where missing.
    numbers : ndarray of shape (n, n_numeric)
        Numeric columns of the sample, NaN where missing.
    y : ndarray of shape (n,)
        Class indices or finite targets.
    seed : int
        Of models with randomness that are fitted on the sample.
    """

    dataset: Dataset = field(repr=False)
    codes: np.ndarray = field(repr=False)
    numbers: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    seed: int

    @property
    def is_classification(self):
        """Whether `y` holds class indices."""
        return self.dataset.task.is_classifier

    @property
    def n_samples(self):
        """Number of rows of the sample."""
        return len(self.y)

    @property
    def n_cells(self):
        """Number of values of the sample."""
        return self.n_samples * (self.codes.shape[1] + self.numbers.shape[1])

    @property
    def n_outputs(self):
        """Number of columns of `target`."""
        n_classes = len(self.class_counts) if self.is_classification else 1
        return n_classes if n_classes > 2 else 1

    @cached_property
    def n_distinct_numbers(self):
        """Number of distinct values of each numeric column."""
        return n_distinct(*sorted_columns(self.numbers))

    @cached_property
    def varying(self):
        """Numeric columns with at least two distinct values, see `unit_columns`."""
        return unit_columns(self.numbers[:, self.n_distinct_numbers > 1])

    @cached_property
    def ordered(self):
        """Result of `sorted_columns` for `varying`."""
        return sorted_columns(self.varying)

    @cached_property
    def standardized(self):
        """`varying` with mean 0 and variance 1; missing values at the mean."""
        absent = np.isnan(self.varying)
        centered = np.where(absent, 0.0, self.varying)
        centered -= centered.sum(axis=0) / self.ordered[1]
        centered[absent] = 0.0
        return centered / np.sqrt(np.mean(centered**2, axis=0))

    @cached_property
    def ranks(self):
        """Average ranks of `varying`, between 0 and 1."""
        return average_ranks(self.varying)

    @cached_property
    def levels(self):
        """Category codes by descending frequency, 0 for the most frequent level.

        Missing values are a level of their own.
        """
        levels = np.empty(self.codes.shape, dtype=np.intp)
        for j, column in enumerate(self.codes.T):
            values, inverse, counts = np.unique(
                column, return_inverse=True, return_counts=True
            )
            places = np.empty(len(values), dtype=np.intp)
            places[np.argsort(-counts, kind="stable")] = np.arange(len(values))
            levels[:, j] = places[inverse]
        return levels

    @cached_property
    def bins(self):
        """Levels of the categories, and numeric columns in bins of equal frequency.

        The number of bins is the cubic root of the number of rows; missing values have
        a bin of their own. Columns that do not vary are left out.
        """
        levels = np.minimum(self.levels, MAX_LEVELS - 1)
        levels = levels[:, levels.max(axis=0, initial=0) > 0]
        if not self.varying.shape[1]:
            return levels
        n_bins = max(2, int(self.n_samples ** (1 / 3)))
        edges = quantiles(*self.ordered, np.linspace(0, 1, n_bins + 1)[1:-1])
        codes = np.zeros(self.varying.shape, dtype=np.intp)
        for edge in edges:
            codes += self.varying > edge
        codes[np.isnan(self.varying)] = n_bins
        return np.hstack([levels, codes])

    @cached_property
    def target(self):
        """Centered target, (n, k): class indicators, one column for two classes.

        The squared error of a classifier on it is its Brier score.
        """
        if self.is_classification:
            one_hot = self.class_indicators
            columns = one_hot[:, 1:] if one_hot.shape[1] == 2 else one_hot
        else:
            columns = self.unit_y[:, None]
        return columns - columns.mean(axis=0)

    @cached_property
    def class_indicators(self):
        """One column for each class of the sample, (n, k), 1.0 for its members."""
        return np.eye(len(self.class_counts))[self.classes]

    @cached_property
    def classes(self):
        """Class of each row, numbered without gaps; the rarest of many are merged."""
        _, classes, counts = np.unique(self.y, return_inverse=True, return_counts=True)
        if len(counts) <= MAX_CLASSES:
            return classes
        places = np.empty(len(counts), dtype=np.intp)
        places[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        return np.minimum(places, MAX_CLASSES - 1)[classes]

    @cached_property
    def class_counts(self):
        """Number of rows of each class of the sample."""
        return np.bincount(self.classes)

    @cached_property
    def unit_y(self):
        """Numeric target between -1 and 1; zero where it is constant."""
        if (self.y == self.y[0]).all():
            return np.zeros(self.n_samples)
        return unit_columns(self.y[:, None])[:, 0]

    @cached_property
    def design(self):
        """Centered matrix for linear models and distances, (n, at most ~`MAX_WIDTH`).

        Standardized numeric columns, and indicators of the most frequent levels of
        each category.
        """
        numeric = self.standardized
        n_categorical = self.levels.shape[1]
        if not n_categorical:
            return numeric
        room = (MAX_WIDTH - numeric.shape[1]) // n_categorical
        room = max(2, min(room, MAX_DUMMIES))
        blocks = [numeric]
        for column in self.levels.T:
            n_levels = column.max() + 1
            # The last of few levels follows from the others.
            kept = np.arange(min(n_levels - 1, room))
            blocks.append((column[:, None] == kept).astype(np.float64))
        design = np.hstack(blocks)
        return design - design.mean(axis=0)

    @cached_property
    def spectrum(self):
        """Eigenvalues, descending, and eigenvectors of the covariance of `design`."""
        covariance = self.design.T @ self.design / self.n_samples
        values, vectors = np.linalg.eigh(covariance)
        return np.maximum(values[::-1], 0.0), vectors[:, ::-1]


def draw_sample(dataset, *, max_rows, max_columns, random_state):
    """Draw rows and columns of a table.

    Up to `max_rows` rows, all are taken, in an order that depends on their values only.

    Parameters
    ----------
    dataset : Dataset
    max_rows, max_columns : int
    random_state : RandomState

    Returns
    -------
    sample : Sample
    """
    X, y = dataset.X, dataset.y
    n_categorical = dataset.schema.n_categorical
    rows = _some(dataset.n_samples, max_rows, random_state)
    columns = _some(dataset.n_features, max_columns, random_state)
    seed = random_state.randint(2**31 - 1)
    values = X if rows is None else X[rows]
    y = y if rows is None else y[rows]
    if columns is None:
        columns = np.arange(dataset.n_features)
    else:
        values = values[:, columns]
    values = values.toarray() if sparse.issparse(values) else np.asarray(values)
    order = _order(values, y)
    values, y = values[order], y[order]
    split = np.searchsorted(columns, n_categorical)
    return Sample(dataset, values[:, :split], values[:, split:], y, seed)


def _some(n, limit, random_state):
    if n <= limit:
        return None
    return np.sort(sample_without_replacement(n, limit, random_state=random_state))


def _order(values, y):
    """Return the order of the rows by target, then by values.

    Comparing the bytes of the rows is ten times faster than `numpy.lexsort`.
    """
    # Minus zero has other bytes than zero; adding zero makes them equal.
    rows = np.ascontiguousarray(values, dtype=np.float64) + 0.0
    rows[np.isnan(rows)] = np.nan
    order = np.argsort(rows.view(f"V{rows.shape[1] * 8}").ravel(), kind="stable")
    return order[np.argsort(y[order], kind="stable")]
