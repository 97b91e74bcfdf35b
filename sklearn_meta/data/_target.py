"""Validate the target and determine the task: classification or regression.

A target is read as what it prints as, whatever holds it: numbers in an array of
objects, in a nullable or Arrow column, or in a frame of one column are numbers.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Integral, Real

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_meta._warnings import warn
from sklearn_meta.data._loss import loss_of
from sklearn_meta.data._target_scale import TargetScale
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
    shape = _shape_of(y)
    if len(shape) != 2 or shape[1] < 2:
        return None
    return _stacked(y)


def _shape_of(y):
    """Return the shape of a target of any type."""
    shape = getattr(y, "shape", None)
    return np.asarray(y, dtype=object).shape if shape is None else shape


def _stacked(y):
    """Return a target with columns as an array of two dimensions."""
    if nw.dependencies.is_into_dataframe(y):
        frame = nw.from_native(y, eager_only=True)
        columns = [
            with_numpy_type(column.to_numpy()) for column in frame.iter_columns()
        ]
    else:
        columns = [with_numpy_type(column) for column in np.asarray(y).T]
    if any(column.dtype.kind not in "biuf" for column in columns):
        columns = [column.astype(object) for column in columns]
    return np.column_stack(columns)


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
    kind = "objects"
    if y.dtype.kind != "O":
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
    if len(_shape_of(y)) == 2:
        return column_or_1d(_stacked(y), warn=True)
    return column_or_1d(with_numpy_type(y), warn=True)


def with_numpy_type(y):
    """Convert a column to an array whose type says what it holds.

    scikit-learn converts the integers and booleans of a nullable column to floats, and
    does not accept numbers in an array of objects.

    Parameters
    ----------
    y : array-like
        Column, or any other target.

    Returns
    -------
    y : array-like
        For a series or an array of objects with one dimension an ndarray, of booleans,
        integers or floats if the values are numbers; else `y`. Missing values are NaN
        among numbers, and left as they are among other objects.
    """
    if nw.dependencies.is_into_series(y):
        y = nw.from_native(y, series_only=True).to_numpy()
    elif not isinstance(y, np.ndarray):
        array = _as_array(y)
        y = array if array.ndim == 1 and len(array) else y
    if isinstance(y, np.ndarray) and y.dtype.kind == "O" and y.ndim == 1:
        return _as_numbers(y)
    return y


def _as_array(values):
    """Return values as an array; an empty one if they are ragged."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.empty(0)


def _as_numbers(objects):
    """Return an array of numbers, with NaN where one is missing, if all are numbers."""
    values = objects.tolist()
    first = next((value for value in values if not _is_missing(value)), None)
    if not _is_number(first):
        return objects
    missing = [_is_missing(value) for value in values]
    present = [v for v, absent in zip(values, missing, strict=True) if not absent]
    if not all(map(_is_number, present)):
        return objects
    if not any(missing) and all(isinstance(v, Integral | np.bool_) for v in present):
        array = np.array(values)
        if array.dtype.kind != "O":
            return array
    numbers = np.full(len(values), np.nan)
    numbers[~np.array(missing)] = [float(value) for value in present]
    return numbers


def _is_number(value):
    return isinstance(value, Real | Decimal | np.bool_)


def _is_missing(value):
    """Return whether an object is None, NaN, NA or NaT."""
    try:
        # Only missing values differ from themselves.
        return value is None or bool(value != value)
    except TypeError:
        # Neither true nor false: pandas.NA.
        return True
    except ValueError:
        # A nested array.
        return False


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
        If labels are missing or continuous, or no labels, or there is only one class.
    """
    _check_present(y)
    if y.ndim == 2:
        check_labels(y, name)
        return y, MultilabelTask(y.shape[1], y.dtype)
    _check_type_of_labels(y, name)
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
        Name of the estimator, for messages.
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
        If the target has values that are missing, infinite or no numbers, or for which
        the loss is not defined.

    Warns
    -----
    UserWarning
        If the target, or some of its columns, are constant.
    """
    _check_present(y)
    for column in np.atleast_2d(y.T):
        _check_is_numeric(column, name)
    try:
        y = y.astype(np.float64) if y.ndim == 2 else column_or_1d(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        if y.dtype.kind not in "OUST":
            raise
        raise ValueError(
            f"{name} needs a target of numbers. Got others in y ({error}): convert "
            "them to numbers, or use MetaAutoClassifier for class labels."
        ) from error
    if not np.isfinite(y).all():
        raise ValueError("Input y contains infinity. Drop these rows from X and y.")
    constant = np.flatnonzero(np.ptp(y, axis=0) == 0)
    if len(constant):
        what = (
            f"y is constant ({y[0]:g})"
            if y.ndim == 1
            else f"The columns {constant.tolist()} of y are constant"
        )
        warn(f"{what}: every pipeline will predict that constant.", UserWarning)
    n_outputs = 1 if y.ndim == 1 else y.shape[1]
    loss, scale = loss_of(scoring), TargetScale.of(y)
    if loss is None:
        return y, RegressionTask(n_outputs, scale)
    loss.check_target(y, scoring)
    return y, RegressionTask(n_outputs, scale, loss, loss.least(y))


def _check_present(y):
    """Raise an error if some of the targets are missing."""
    if y.dtype.kind == "O":
        is_missing = any(map(_is_missing, y.ravel().tolist()))
    else:
        is_missing = y.dtype.kind in "fmM" and bool((y != y).any())
    if is_missing:
        raise ValueError("Input y contains NaN or None. Drop these rows from X and y.")


def _check_type_of_labels(y, name):
    """Raise an error if labels are objects that scikit-learn does not take."""
    if y.dtype.kind != "O" or all(isinstance(value, str) for value in y.tolist()):
        return
    types = sorted({type(value).__name__ for value in y.tolist()})
    if types == ["list"]:
        # scikit-learn itself says what is wrong with lists of labels.
        return
    if types == ["Interval"]:
        raise ValueError(
            f"{name} needs class labels that are strings, numbers or booleans. Got "
            "intervals in y, as of pandas.cut: pass y.astype(str), or the numbers of "
            "the intervals, y.cat.codes."
        )
    what = f"objects of the type {types[0]}" if len(types) == 1 else "several types"
    raise ValueError(
        f"Unknown label type: {name} needs class labels that are all strings, all "
        f"numbers or all booleans. Got {what} in y ({', '.join(types[:5])}): pass "
        "strings instead, such as y.astype(str)."
    )


def _check_is_numeric(column, name):
    """Raise an error if targets are dates, durations or intervals."""
    value = column[0] if len(column) else None
    if column.dtype.kind == "M" or isinstance(value, date | datetime):
        what = "dates"
        instead = "the days since the first one: (y - y.min()) / np.timedelta64(1, 'D')"
    elif column.dtype.kind == "m" or isinstance(value, timedelta):
        what, instead = "durations", "their seconds: y / np.timedelta64(1, 's')"
    elif isinstance(value, time):
        what, instead = "times of the day", "the hours since midnight"
    elif type(value).__name__ == "Interval":
        what = "intervals, as of pandas.cut,"
        instead = (
            "their midpoints, y.map(lambda interval: interval.mid).astype(float), or "
            "their numbers, y.cat.codes"
        )
    elif type(value).__name__ == "Period":
        what, instead = "periods", "their numbers: y.astype('int64')"
    else:
        return
    raise ValueError(
        f"{name} needs a target of numbers. Got {what} in y: pass {instead}."
    )
