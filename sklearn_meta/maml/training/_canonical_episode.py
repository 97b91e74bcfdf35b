"""Conversion of rows of a numeric table to an episode in canonical form."""

from __future__ import annotations

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.maml._canonical_form import CanonicalInput
from sklearn_meta.maml.training._episode import Episode

# Query targets are clipped to this many standard deviations of the support: they are
# unbounded if the support is nearly constant.
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
) -> Episode:
    """Make an episode; the canonical form is fitted to the support only.

    Parameters
    ----------
    X_support, X_query : ndarray of shape (n, n_features)
        Numbers, NaN where missing.
    y_support, y_query : ndarray of shape (n,)
        Integers for classes, else targets. Query rows of a class that is not in the
        support are left out.
    task : {"classification", "regression"}
    categorical : ndarray of bool of shape (n_features,), default=None
        Mask of the columns of category codes; None if there are none.
    max_features : int, default=64
        Maximum number of columns, those most relevant to the target.
    name : str, default=""
        Name of the episode.

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
    )
