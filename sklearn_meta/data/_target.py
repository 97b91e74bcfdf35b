"""Targets of several columns, checked: several numbers, or several labels."""

from __future__ import annotations

import warnings

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target


def several_outputs(y) -> np.ndarray | None:
    """Return a target of two or more columns as an array; None for any other.

    Parameters
    ----------
    y : array-like or data frame

    Returns
    -------
    y : ndarray of shape (n_samples, n_outputs) or None

    Raises
    ------
    TypeError
        If `y` is sparse.
    """
    if sparse.issparse(y):
        raise TypeError(
            "y must be dense. Got a sparse matrix: pass y.toarray() instead."
        )
    shape = getattr(y, "shape", None)
    if shape is None:
        shape = np.asarray(y, dtype=object).shape
    if len(shape) != 2 or shape[1] < 2:
        return None
    if nw.dependencies.is_into_dataframe(y):
        columns = nw.from_native(y, eager_only=True).iter_columns()
        return np.column_stack([column.to_numpy() for column in columns])
    y = np.asarray(y)
    # scikit-learn refuses integers and booleans in an array of objects.
    return np.array(y.tolist()) if y.dtype.kind == "O" else y


def check_labels(y, name):
    """Check indicators of labels: several columns of 0 and 1.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_labels)
    name : str
        Of the estimator, for messages.

    Raises
    ------
    ValueError
        If there are other values, or all rows agree on every label.
    """
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind != "multilabel-indicator" or not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"{name} takes one column of class labels, or several columns of 0 and 1 "
            f"that say which labels a row has. Got y of shape {y.shape} with other "
            f"values ({kind}). Wrap it where each column has classes of its own: "
            f"sklearn.multioutput.MultiOutputClassifier({name}(...))."
        )
    constant = np.flatnonzero((y == y[:1]).all(axis=0))
    if len(constant) == y.shape[1]:
        raise ValueError(
            f"{name} needs a label that some rows of y have and others have not. In "
            f"all {y.shape[1]} columns of y, all rows are the same."
        )
    if len(constant):
        warnings.warn(
            f"All rows agree on the labels {constant.tolist()} of y (columns, from 0): "
            "every pipeline will predict that.",
            UserWarning,
            stacklevel=7,
        )
