"""From rows of a numeric table to an episode, by way of the canonical input."""

from __future__ import annotations

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.maml._canonical_form import CanonicalInput
from sklearn_meta.maml._episode import Episode

# Targets are kept within this many deviations of the support: where the support holds
# nearly the same target everywhere, a query row could be millions of them away.
TARGET_LIMIT = 20.0


def canonical_episode(
    X_support,
    y_support,
    X_query,
    y_query,
    *,
    task,
    categorical=None,
    max_features=64,
    name="",
    family="",
) -> Episode:
    """Make an episode; everything that is learned of the columns is of the support.

    Parameters
    ----------
    X_support, X_query : ndarray of shape (n, n_features)
        Numbers, NaN where missing.
    y_support, y_query : ndarray of shape (n,)
        Whole numbers for classes, else targets. Query rows of a class that the support
        does not have are left out.
    task : {"classification", "regression"}
    categorical : ndarray of bool of shape (n_features,), default=None
        Marks columns of category codes.
    max_features : int, default=64
        Columns that are kept at most.
    name, family : str, default=""
        Where the rows come from.

    Returns
    -------
    episode : Episode
    """
    n_classes = 0
    if task == CLASSIFICATION:
        classes, y_support = np.unique(y_support, return_inverse=True)
        n_classes = len(classes)
        known = np.isin(y_query, classes)
        X_query = X_query[known]
        y_query = np.searchsorted(classes, y_query[known])
    else:
        center, scale = y_support.mean(), y_support.std()
        scale = scale if scale > 1e-12 * abs(center) else 1.0
        y_support = ((y_support - center) / scale).astype(np.float32)
        y_query = np.clip((y_query - center) / scale, -TARGET_LIMIT, TARGET_LIMIT)
        y_query = y_query.astype(np.float32)
    canon = CanonicalInput(max_features, categorical=categorical)
    x_support, missing_support = canon.fit_transform(X_support, y_support, task=task)
    x_query, missing_query = canon.transform(X_query)
    return Episode(
        x_support,
        missing_support,
        y_support,
        x_query,
        missing_query,
        y_query,
        n_classes,
        name,
        family,
    )
