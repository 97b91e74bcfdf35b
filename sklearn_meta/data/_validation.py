"""Validate the input table: shape, column names, agreement with fit, finite values."""

from __future__ import annotations

from collections import Counter

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils.validation import validate_data


def check_table(estimator, X, *, reset):
    """Check the shape of a table and its consistency with the table seen in fit.

    Parameters
    ----------
    estimator : estimator
        Its attributes ``n_features_in_`` and ``feature_names_in_`` are set if `reset`,
        else compared with `X`.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
    reset : bool
        True in fit, False in predict.

    Returns
    -------
    X : data frame, ndarray or CSR matrix
        Data frames are returned unchanged.

    Raises
    ------
    ValueError
        If the table has no rows, no columns or duplicate column names, or other columns
        than the table seen in fit.
    TypeError
        If the table is a lazy frame.
    """
    if nw.dependencies.is_into_dataframe(X):
        check_frame(X)
        return validate_data(estimator, X, skip_check_array=True, reset=reset)
    check_not_lazy(X)
    is_list = isinstance(X, list | tuple)
    return validate_data(
        estimator,
        X,
        reset=reset,
        # In lists with strings and numbers, numpy would convert numbers to strings.
        dtype=object if is_list else None,
        accept_sparse="csr",
        ensure_all_finite=False,
    )


def check_frame(X):
    """Check that a data frame has rows, columns and unique column names.

    Parameters
    ----------
    X : data frame

    Raises
    ------
    ValueError
        If it has not.
    """
    try:
        frame = nw.from_native(X)
        n_rows, n_columns = frame.shape
        names = list(frame.columns)
    except nw.exceptions.DuplicateError as error:
        raise ValueError(
            f"The column names of X must be unique. {error}\nRename or drop the "
            "repeated columns."
        ) from error
    if len(set(names)) < len(names):
        repeated = [name for name, count in Counter(names).items() if count > 1]
        raise ValueError(
            f"The column names of X must be unique. Got {repeated} more than once. "
            "Rename or drop the repeated columns."
        )
    for count, what in ((n_rows, "sample(s)"), (n_columns, "feature(s)")):
        if count == 0:
            raise ValueError(
                f"Found array with 0 {what} (shape=({n_rows}, {n_columns})) while a "
                "minimum of 1 is required."
            )


def check_not_lazy(X):
    """Check that a table is not a lazy frame.

    Parameters
    ----------
    X : object

    Raises
    ------
    TypeError
        If it is one.
    """
    if isinstance(nw.from_native(X, pass_through=True), nw.LazyFrame):
        raise TypeError(
            f"X must be a table in memory. Got a lazy frame ({type(X).__name__}). Pass "
            "X.collect() instead."
        )


def check_no_infinity(block, names):
    """Check that columns have no infinite values.

    Parameters
    ----------
    block : ndarray of shape (n_samples, n_columns)
    names : sequence of str
        Names of the columns in the error message, such as ``"column 'age'"``.

    Raises
    ------
    ValueError
        If a column has an infinite value. The message names the first such column.
    """
    # The sum of a column is finite if all values are, except for overflows: faster than
    # a mask, and without its memory.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = np.flatnonzero(~np.isfinite(block.sum(axis=0)))
    for j in suspicious:
        if np.isinf(block[:, j]).any():
            raise ValueError(
                f"Input X contains infinity in {names[j]}. Replace infinite values by "
                "NaN (treated as missing) or by a finite bound."
            )
