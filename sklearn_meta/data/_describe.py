"""Describe a table: validate the input of `fit` and encode it as a dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import narwhals.stable.v2 as nw
import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length

from sklearn_meta._sklearn_compat import (
    _check_method_params,
    _check_sample_weight,
    _num_samples,
    _safe_indexing,
)
from sklearn_meta.data._canonical_order import canonical_rows
from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.data._encoding import Encoding, encode_table
from sklearn_meta.data._groups import check_groups, read_groups
from sklearn_meta.data._target import read_target
from sklearn_meta.data._validation import check_table
from sklearn_meta.data._weights import relative_weights


@dataclass(frozen=True)
class Table:
    """An encoded table, with its encoder.

    Parameters
    ----------
    dataset : Dataset
        Encoded table with the rows in their original order.
    rows : ndarray of int or None
        Indices in `dataset` of the rows of `canonical`; None if both are the same.
    canonical : Dataset
        Encoded table with the rows in canonical order, see `canonical_rows`.
    encoder : transformer or None
        Fitted transformer from the input table to the encoded table; None if they are
        the same.
    encoding : Encoding
        Description of the encoding.
    n_copies : int
        Number of rows that are copies of others, other than by weights.
    library : str or None
        Library of the data frame, such as ``"pandas"``; None for other tables.
    """

    dataset: Dataset
    rows: np.ndarray | None = field(repr=False)
    canonical: Dataset
    encoder: object = field(repr=False)
    encoding: Encoding
    n_copies: int
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
    """Validate the input of `fit` and encode it.

    Parameters
    ----------
    estimator : estimator
        Its attributes ``n_features_in_`` and ``feature_names_in_`` are set.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        Input table.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Target.
    task_of : callable
        ``task_of(y, name) -> (y, task)`` validates the target and determines the task;
        `classification_task` or `regression_task`.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows, of which only the ratios count; None for
        equal weights.
    groups : array-like of shape (n_samples,), default=None
        Group labels of the rows, see `read_groups`.
    metadata : dict of str to object, default=None
        Further arguments of the scorer, see `Dataset`.
    keeps_rows : bool, default=False
        Whether rows with weight zero are kept and copies not looked for, because
        splits contain row indices.

    Returns
    -------
    table : Table

    Raises
    ------
    TypeError
        If `X` is a lazy frame or has nested values, or `y` is sparse.
    ValueError
        If any other part of the input is invalid.
    """
    name = type(estimator).__name__
    X = check_table(estimator, X, reset=True)
    y, metadata = read_target(y), metadata or {}
    check_consistent_length(X, y)
    if groups is not None:
        groups = read_groups(groups, _num_samples(X))
    if sample_weight is not None:
        sample_weight = _check_sample_weight(
            sample_weight, y, dtype=np.float64, ensure_non_negative=True
        )
        if not keeps_rows and not sample_weight.all():
            # Rows with weight zero must not affect the classes and the levels.
            rows = np.flatnonzero(sample_weight)
            metadata = _check_method_params(X, metadata, indices=rows)
            X, y, sample_weight, groups = (
                None if values is None else _safe_indexing(values, rows)
                for values in (X, y, sample_weight, groups)
            )
        sample_weight = relative_weights(sample_weight)
    y, task = task_of(y, name)
    if _num_samples(X) < 2:
        raise ValueError(
            f"{name} needs at least 2 samples to choose between pipelines. "
            f"Got n_samples = {_num_samples(X)}."
        )
    if groups is not None:
        check_groups(groups, splits_rows=not keeps_rows)
    encoder, encoded, encoding = encode_table(X)
    dataset = Dataset(
        X=encoded,
        y=task.encode(y),
        schema=encoding.schema,
        task=task,
        sample_weight=sample_weight,
        groups=groups,
        metadata=metadata,
    )
    chosen = canonical_rows(dataset, keeps_rows=keeps_rows)
    if chosen.order is not None:
        canonical = replace(take_rows(dataset, chosen.order), copy_of=chosen.copy_of)
    else:
        canonical = dataset = replace(dataset, copy_of=chosen.copy_of)
    return Table(
        dataset,
        chosen.order,
        canonical,
        encoder,
        encoding,
        chosen.n_copies,
        library_of(X),
    )


def library_of(X) -> str | None:
    """Return the name of the library of a data frame.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix

    Returns
    -------
    library : str or None
        Such as ``"pandas"`` or ``"polars"``; None if `X` is not a data frame.
    """
    if not nw.dependencies.is_into_dataframe(X):
        return None
    return nw.from_native(X).implementation.value


def as_frame(X, names, library):
    """Convert an array to a data frame, for encoders that select columns by name.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    names : sequence of str
        Names of the columns.
    library : str
        Library of the data frame, see `library_of`.

    Returns
    -------
    X : data frame
    """
    X = X.toarray() if issparse(X) else X
    columns = {name: X[:, i] for i, name in enumerate(names)}
    return nw.from_dict(columns, backend=library).to_native()
