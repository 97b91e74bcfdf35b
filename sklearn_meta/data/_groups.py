"""Validate the groups of the rows, and number them."""

from __future__ import annotations

from numbers import Integral, Number, Real

import narwhals.stable.v2 as nw
import numpy as np

# How the types of pandas.NA and pandas.NaT are called; pandas need not be installed.
_MISSING_TYPES = ("NAType", "NaTType")


def read_groups(groups, n_samples) -> np.ndarray:
    """Convert groups to an array and check their number.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
        Labels of any type with equality and a hash: numbers, strings, dates, tuples.
    n_samples : int
        Number of rows of the table.

    Returns
    -------
    groups : ndarray of shape (n_samples,)
        Of objects where numpy has no type for the labels.

    Raises
    ------
    ValueError
        If there is not one label for each row.
    """
    values = _as_array(groups)
    if len(values) != n_samples:
        raise ValueError(
            "groups must have one value for each row of X. Got inconsistent numbers "
            f"of samples: {len(values)} groups for {n_samples} rows."
        )
    return values


def check_groups(groups, *, splits_rows) -> None:
    """Check that every row has a group, and that there are groups to split.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        As `read_groups` returns them.
    splits_rows : bool
        Whether the rows are split by groups, and not by a splitter of the user, which
        may use the groups for something else.

    Raises
    ------
    ValueError
        If labels are missing, or all rows are of one group.
    """
    missing = np.flatnonzero(_is_missing(groups))
    if len(missing):
        raise ValueError(
            f"groups must not have missing values. Got {len(missing)} among "
            f"{len(groups)} rows, the first one in row {missing[0]}. Drop these rows, "
            "or give them groups: one of their own each if they are independent, or a "
            "common one, as groups.fillna('unknown') does, if they may belong together."
        )
    if splits_rows and (group_numbers(groups) == 0).all():
        raise ValueError(
            "groups must have at least two different values, because all rows of a "
            f"group stay on one side of a split. All {len(groups)} rows have the group "
            f"{groups[0]!r}. Leave out groups if the rows are independent."
        )


def group_numbers(groups) -> np.ndarray:
    """Number the groups from 0 on.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)

    Returns
    -------
    numbers : ndarray of int of shape (n_samples,)
        In the order of the labels; in that of the rows if labels cannot be compared.
    """
    try:
        return np.unique(groups, return_inverse=True)[1].reshape(-1)
    except TypeError:
        # Labels of several types, such as 1 and "a".
        seen: dict = {}
        return np.array([seen.setdefault(label, len(seen)) for label in groups])


def groups_for_splitter(groups) -> np.ndarray | None:
    """Return groups that every splitter of scikit-learn takes.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,) or None

    Returns
    -------
    groups : ndarray of shape (n_samples,) or None
        Numbers in place of tuples and of labels of several types; else unchanged.
    """
    if groups is None or groups.dtype != object:
        return groups
    types = {type(label) for label in groups}
    # Comparing an array with a tuple compares with its elements.
    return groups if len(types) == 1 and tuple not in types else group_numbers(groups)


def _as_array(groups):
    """Return groups of any library as an array with one dimension."""
    if nw.dependencies.is_into_dataframe(groups):
        frame = nw.from_native(groups, eager_only=True)
        if frame.shape[1] != 1:
            raise ValueError(
                "groups must be one column. Got a data frame with "
                f"{frame.shape[1]} columns. For groups of several values, pass a list "
                "of tuples."
            )
        return _of_series(frame[:, 0])
    if nw.dependencies.is_into_series(groups):
        return _of_series(nw.from_native(groups, series_only=True))
    if isinstance(groups, list | tuple) and not any(
        isinstance(label, list | np.ndarray) for label in groups
    ):
        # numpy would make strings of missing values among strings, and columns of
        # tuples.
        return _narrow(groups)
    values = np.asarray(groups)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            "groups must have one dimension, with one value for each row of X. Got the "
            f"shape {values.shape}."
        )
    return _narrow(values) if values.dtype == object else values


def _of_series(series):
    """Return a narwhals series as an array."""
    is_plain = series.dtype.is_numeric() or series.dtype.is_temporal()
    if is_plain and not series.is_null().any():
        return np.asarray(series.to_numpy())
    return _narrow(series.to_list())


def _narrow(labels):
    """Return labels as an array of numbers or strings if all are, else of objects."""
    types = {type(label) for label in labels}
    for kind in (str, Integral, Real):
        if types and all(issubclass(t, kind) for t in types):
            return np.array(list(labels))
    array = np.empty(len(labels), dtype=object)
    for i, label in enumerate(labels):
        array[i] = label
    return array


def _is_missing(labels):
    """Return a mask of the missing labels."""
    if labels.dtype.kind in "fc":
        return np.isnan(labels)
    if labels.dtype.kind in "mM":
        return np.isnat(labels)
    if labels.dtype != object:
        return np.zeros(len(labels), dtype=bool)
    return np.array([_is_missing_label(label) for label in labels], dtype=bool)


def _is_missing_label(label):
    """Whether a label is None, NaN, NaT or pandas.NA."""
    if label is None or type(label).__name__ in _MISSING_TYPES:
        return True
    # NaN and numpy's NaT, the only numbers and dates that differ from themselves.
    return isinstance(label, Number | np.generic) and bool(label != label)
