"""Describe a table: check the user's input and encode it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklearn_meta._sklearn_compat import (
    _check_method_params,
    _check_sample_weight,
    _num_samples,
    _safe_indexing,
)
from sklearn_meta.data._dataset import Dataset, canonical_rows, take_rows
from sklearn_meta.data._encoding import Encoding, check_table, encode_table
from sklearn_meta.data._target import read_target


@dataclass(frozen=True)
class Table:
    """A table as the search sees it, and how further tables are read like it.

    Parameters
    ----------
    dataset : Dataset
        The encoded table in the order in which it came.
    rows : ndarray of int or None
        Order of the rows of `canonical`, by their index in `dataset`; None where both
        are the same.
    canonical : Dataset
        The same for equal small tables, whatever the order of their rows.
    encoder : transformer or None
        From the raw table to the encoded one; None where these are the same.
    encoding : Encoding
    library : str or None
        Library of the data frame; None for other tables.
    """

    dataset: Dataset
    rows: np.ndarray | None = field(repr=False)
    canonical: Dataset
    encoder: object = field(repr=False)
    encoding: Encoding
    library: str | None


def describe_table(
    estimator,
    X,
    y,
    *,
    task_of: Callable,
    sample_weight=None,
    groups=None,
    metadata=None,
    keeps_rows=False,
) -> Table:
    """Check the input of `fit` and encode it.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    task_of : callable
        ``task_of(y, name)`` checks the target and returns it with its task.
    sample_weight, groups : array-like of shape (n_samples,), default=None
    metadata : dict of str to object, default=None
        What the scorer gets besides predictions, targets and weights.
    keeps_rows : bool, default=False
        Whether rows without weight stay, because splits refer to the rows by number.

    Returns
    -------
    table : Table

    Raises
    ------
    ValueError
        If anything is wrong with the input.
    """
    name = type(estimator).__name__
    X = check_table(estimator, X, reset=True)
    y, metadata = read_target(y), metadata or {}
    check_consistent_length(X, y)
    if sample_weight is not None:
        sample_weight = _check_sample_weight(
            sample_weight, y, dtype=np.float64, ensure_non_negative=True
        )
        if not keeps_rows and not sample_weight.all():
            # Rows that do not count must not decide on classes or levels either.
            rows = np.flatnonzero(sample_weight)
            metadata = _check_method_params(X, metadata, indices=rows)
            X, y, sample_weight, groups = (
                None if values is None else _safe_indexing(values, rows)
                for values in (X, y, sample_weight, groups)
            )
    y, task = task_of(y, name)
    if _num_samples(X) < 2:
        raise ValueError(
            f"{name} needs at least 2 samples to choose between pipelines. "
            f"Got n_samples = {_num_samples(X)}."
        )
    encoder, encoded, encoding = encode_table(X)
    if groups is not None:
        groups = column_or_1d(groups)
        check_consistent_length(encoded, groups)
    dataset = Dataset(
        X=encoded,
        y=task.encode(y),
        schema=encoding.schema,
        task=task,
        sample_weight=sample_weight,
        groups=groups,
        metadata=metadata,
    )
    rows = canonical_rows(dataset)
    canonical = dataset if rows is None else take_rows(dataset, rows)
    return Table(dataset, rows, canonical, encoder, encoding, library_of(X))


def library_of(X) -> str | None:
    """Return the name of the library that a data frame is of; None for other tables."""
    if not nw.dependencies.is_into_dataframe(X):
        return None
    return nw.from_native(X).implementation.value


def as_frame(X, names, library):
    """Return an array as a data frame, for an encoder that knows columns by name."""
    X = X.toarray() if issparse(X) else X
    columns = {name: X[:, i] for i, name in enumerate(names)}
    return nw.from_dict(columns, backend=library).to_native()
