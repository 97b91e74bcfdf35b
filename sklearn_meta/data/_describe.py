"""Describe a table: validate the input of `fit` and encode it as a dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils.validation import check_consistent_length

from sklearn_meta._sklearn_compat import (
    _check_method_params,
    _check_sample_weight,
    _num_samples,
    _safe_indexing,
)
from sklearn_meta.data._bounds import Bounds, clip_huge
from sklearn_meta.data._canonical_order import canonical_rows
from sklearn_meta.data._column_choice import chosen_kinds
from sklearn_meta.data._column_report import warn_of_left_out
from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.data._encoding import Encoding, encode_table
from sklearn_meta.data._groups import check_groups, read_groups
from sklearn_meta.data._new_rows import RowEncoder, library_of
from sklearn_meta.data._target import read_target
from sklearn_meta.data._validation import check_table
from sklearn_meta.data._weights import relative_weights


@dataclass(frozen=True)
class GivenTable:
    """The table as the user gave it, for scorers that read it.

    Parameters
    ----------
    X : data frame, ndarray or CSR matrix of shape (n_samples, n_features)
    row_encoder : RowEncoder
        Encoder of rows of the table.
    feature_names : ndarray of str or None
        Names of the columns, if all of them are strings.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target as the user gave it.
    rows : ndarray of int, default=None
        Index in `X` of each row of the encoded table; None if they are the same.
    """

    X: Any = field(repr=False)
    row_encoder: RowEncoder = field(repr=False)
    feature_names: np.ndarray | None = field(repr=False)
    y: Any = field(repr=False)
    rows: np.ndarray | None = field(default=None, repr=False)

    def take(self, rows):
        """Return some rows of the table, of which the caller may change the values.

        Parameters
        ----------
        rows : ndarray of int
            Indices in the encoded table.

        Returns
        -------
        X : data frame, ndarray or CSR matrix
            Of the same type as the table.
        """
        return _safe_indexing(self.X, rows if self.rows is None else self.rows[rows])

    def take_target(self, rows, values):
        """Return the target of some rows in the form in which the user gave it.

        Parameters
        ----------
        rows : ndarray of int
            Indices in the encoded table.
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The target of the rows.

        Returns
        -------
        y : ndarray, Series or DataFrame
            See `like_target`.
        """
        rows = rows if self.rows is None else self.rows[rows]
        return like_target(values, _safe_indexing(self.y, rows))

    def is_unchanged(self, X, rows) -> bool:
        """Whether a table is known to equal some rows of this one.

        Parameters
        ----------
        X : data frame or array
        rows : ndarray of int
            Indices in the encoded table.

        Returns
        -------
        is_unchanged : bool
            False if the tables differ, or if comparing them takes longer than encoding.
        """
        if type(X) is not type(self.X) or X.shape[0] != len(rows):
            return False
        if isinstance(X, np.ndarray):
            return X.dtype.kind in "biuf" and np.array_equal(
                X, self.take(rows), equal_nan=X.dtype.kind == "f"
            )
        return library_of(X) in ("pandas", "polars") and X.equals(self.take(rows))

    def encode(self, estimator, X):
        """Encode rows that a scorer passes to an estimator, see `RowEncoder`."""
        return self.row_encoder.encode(estimator, X)


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
    encoding : Encoding
        Description of the encoding.
    row_encoder : RowEncoder
        Encoder of new rows, which holds the fitted encoder of the table.
    given : GivenTable
        The input table, with the rows of `dataset`.
    n_copies : int
        Number of rows that are copies of others, other than by weights.
    n_given : int
        Number of rows that were given.
    kept : ndarray of int or None
        Indices in the given rows of those of `dataset`, without rows with weight zero;
        None if there are none.
    """

    dataset: Dataset
    rows: np.ndarray | None = field(repr=False)
    canonical: Dataset
    encoding: Encoding
    row_encoder: RowEncoder = field(repr=False)
    given: GivenTable = field(repr=False)
    n_copies: int
    n_given: int
    kept: np.ndarray | None = field(repr=False)

    def given_as(self, dataset) -> GivenTable:
        """Return the input table with the rows of `dataset` or of `canonical`.

        Parameters
        ----------
        dataset : Dataset
            One of the two.

        Returns
        -------
        given : GivenTable
        """
        if dataset is self.dataset:
            return self.given
        return replace(self.given, rows=self.rows)


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
    column_kinds=None,
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
    column_kinds : mapping, default=None
        Kinds of columns that the user has chosen, see `chosen_kinds`.

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
    given_y, y, metadata = y, read_target(y), metadata or {}
    check_consistent_length(X, y)
    if groups is not None:
        groups = read_groups(groups, _num_samples(X))
    n_given, kept = _num_samples(X), None
    if sample_weight is not None:
        sample_weight = _check_sample_weight(
            sample_weight, y, dtype=np.float64, ensure_non_negative=True
        )
        if not keeps_rows and not sample_weight.all():
            # Rows with weight zero must not affect the classes and the levels.
            kept = np.flatnonzero(sample_weight)
            metadata = _check_method_params(X, metadata, indices=kept)
            X, y, given_y, sample_weight, groups = (
                None if values is None else _safe_indexing(values, kept)
                for values in (X, y, given_y, sample_weight, groups)
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
    names = column_names(X)
    chosen = chosen_kinds(X, names, column_kinds)
    encoder, encoded, encoding = clip_huge(*encode_table(X, chosen))
    warn_of_left_out(encoding.columns, names)
    dataset = Dataset(
        X=encoded,
        y=task.encode(y),
        schema=encoding.schema,
        task=task,
        sample_weight=sample_weight,
        groups=groups,
        metadata=metadata,
    )
    ordered = canonical_rows(dataset, keeps_rows=keeps_rows)
    if ordered.order is not None:
        canonical = replace(take_rows(dataset, ordered.order), copy_of=ordered.copy_of)
    else:
        canonical = dataset = replace(dataset, copy_of=ordered.copy_of)
    row_encoder = RowEncoder(
        encoder,
        library_of(X),
        # Positions need not be kept, of which there may be millions.
        names if isinstance(names, list) else None,
        encoding.columns,
        Bounds.of(encoded),
    )
    feature_names = getattr(estimator, "feature_names_in_", None)
    given = GivenTable(X, row_encoder, feature_names, given_y)
    return Table(
        dataset,
        ordered.order,
        canonical,
        encoding,
        row_encoder,
        given,
        ordered.n_copies,
        n_given,
        kept,
    )


def column_names(X) -> list | range:
    """Return the names of the columns of a table.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix

    Returns
    -------
    names : list or range
        Positions if `X` is not a data frame.
    """
    if nw.dependencies.is_into_dataframe(X):
        return list(nw.from_native(X).columns)
    return range(X.shape[1])


def like_target(values, y):
    """Return the values of a target in the form in which the user gave it.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    y : array-like
        The target, in types that scikit-learn may not support.

    Returns
    -------
    y : ndarray, Series or DataFrame
        With the index of `y` if that is a target of pandas; else `values`.
    """
    is_series = nw.dependencies.is_pandas_series(y)
    if not (is_series or nw.dependencies.is_pandas_dataframe(y)):
        return values
    import pandas as pd

    if values.ndim == 1:
        name = y.name if is_series else y.columns[0]
        return pd.Series(values, index=y.index, name=name)
    return pd.DataFrame(values, index=y.index, columns=y.columns)
