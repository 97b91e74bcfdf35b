"""Canonical order of the rows of small tables, independent of their original order."""

from __future__ import annotations

import numpy as np
from scipy import sparse

# Maximum number of rows of tables that are put into canonical order and whose integer
# weights are replaced by repetitions of rows.
MAX_CANONICAL_ROWS = 2_000


def canonical_rows(dataset):
    """Return the indices that put the rows of a small table into canonical order.

    Integer weights are replaced by repetitions: a row with weight 2 appears twice and a
    row with weight 0 is omitted, so that learners without weights, bootstrap samples
    and folds treat weights and repetitions alike. The rows are sorted by their values,
    so that ``fit`` does not depend on their order.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    rows : ndarray of int or None
        None if the rows keep their order: for large tables, for grouped rows and for
        weights that are not integers.
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
