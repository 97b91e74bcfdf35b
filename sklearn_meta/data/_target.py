"""Validate the target and determine the task: classification or regression."""

from __future__ import annotations

from numbers import Integral

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_meta._warnings import warn
from sklearn_meta.data._loss import loss_of
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)


def several_outputs(y) -> np.ndarray | None:
    """Return a target with two or more columns as an array.

    Parameters
    ----------
    y : array-like or data frame

    Returns
    -------
    y : ndarray of shape (n_samples, n_outputs) or None
        None if the target has one column.

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
    """Check a multi-label target: several columns of the indicators 0 and 1.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_labels)
    name : str
        Name of the estimator, for messages.

    Raises
    ------
    ValueError
        If there are other values, or all columns are constant.

    Warns
    -----
    UserWarning
        If some columns are constant.
    """
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y")
    if kind != "multilabel-indicator" or not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"{name} takes one column of class labels, or several columns of 0 and 1, "
            f"the indicators of labels. Got y of shape {y.shape} with other values "
            f"({kind}). If each column has its own classes, use "
            f"sklearn.multioutput.MultiOutputClassifier({name}(...))."
        )
    constant = np.flatnonzero((y == y[:1]).all(axis=0))
    if len(constant) == y.shape[1]:
        raise ValueError(
            f"{name} needs a label that some rows of y have and others have not. In "
            f"all {y.shape[1]} columns of y, all rows are the same."
        )
    if len(constant):
        warn(
            f"All rows agree on the labels {constant.tolist()} of y (columns, from 0): "
            "every pipeline will predict that. Drop them to avoid this warning.",
            UserWarning,
        )


def read_target(y) -> np.ndarray:
    """Convert a target to an array.

    Parameters
    ----------
    y : array-like or data frame
        One or several columns.

    Returns
    -------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    """
    outputs = several_outputs(y)
    if outputs is not None:
        return outputs
    return column_or_1d(with_numpy_type(y), warn=True)


def with_numpy_type(y):
    """Convert integers and booleans of nullable columns and object arrays.

    scikit-learn converts the integers and booleans of a nullable column to floats, and
    does not accept those in an array of objects.

    Parameters
    ----------
    y : array-like

    Returns
    -------
    y : array-like
        An ndarray of integers or booleans if possible, else `y`.
    """
    if nw.dependencies.is_into_series(y):
        series = nw.from_native(y, series_only=True)
        y = y if series.is_null().any() else series.to_numpy()
    if isinstance(y, np.ndarray) and y.dtype.kind == "O" and y.ndim == 1:
        values = y.tolist()
        if all(isinstance(value, Integral | np.bool_) for value in values):
            y = np.array(values)
    return y


def classification_task(y, name):
    """Validate the target of a classifier and return it with its task.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Class labels, or indicators of several labels.
    name : str
        Name of the estimator, for messages.

    Returns
    -------
    y : ndarray
        The target, unchanged.
    task : ClassificationTask or MultilabelTask

    Raises
    ------
    ValueError
        If labels are missing or continuous, or there is only one class.
    """
    if y.ndim == 2:
        check_labels(y, name)
        return y, MultilabelTask(y.shape[1], y.dtype)
    if _holds_missing(y):
        raise ValueError("Input y contains NaN or None. Drop these rows from X and y.")
    check_classification_targets(y)
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs at least 2 classes in y. Got 1 class: {classes[0]!r}."
        )
    return y, ClassificationTask(classes)


def regression_task(y, name, scoring=None):
    """Validate the target of a regressor and return it with its task.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        One or several numeric targets.
    name : str
        Name of the estimator. Not used; for the same signature as
        `classification_task`.
    scoring : None, str or callable, default=None
        The `scoring` parameter of the estimator, which decides the loss.

    Returns
    -------
    y : ndarray
        The target as float64.
    task : RegressionTask

    Raises
    ------
    ValueError
        If the target has values that are not finite, or for which the loss is not
        defined.

    Warns
    -----
    UserWarning
        If the target, or some of its columns, are constant.
    """
    y = y.astype(np.float64) if y.ndim == 2 else column_or_1d(y, dtype=np.float64)
    if not np.isfinite(y).all():
        raise ValueError(
            "Input y contains NaN or infinity. Drop these rows from X and y."
        )
    constant = np.flatnonzero(np.ptp(y, axis=0) == 0)
    if len(constant):
        what = (
            f"y is constant ({y[0]:g})"
            if y.ndim == 1
            else f"The columns {constant.tolist()} of y are constant"
        )
        warn(f"{what}: every pipeline will predict that constant.", UserWarning)
    n_outputs = 1 if y.ndim == 1 else y.shape[1]
    loss = loss_of(scoring)
    if loss is None:
        return y, RegressionTask(n_outputs)
    loss.check_target(y, scoring)
    return y, RegressionTask(n_outputs, loss, loss.least(y))


def _holds_missing(y):
    """Return whether some of the labels are NaN or None."""
    if y.dtype.kind == "O":
        # Only missing values (NaN, NaT) differ from themselves.
        return any(value is None or bool(value != value) for value in y.tolist())
    return y.dtype.kind in "fmM" and bool((y != y).any())
