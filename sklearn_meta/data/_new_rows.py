"""Check and encode new rows like the table seen in fit."""

from __future__ import annotations

from dataclasses import dataclass, field

import narwhals.stable.v2 as nw
from scipy.sparse import issparse

from sklearn_meta.data._alignment import align_columns
from sklearn_meta.data._bounds import Bounds
from sklearn_meta.data._column_kinds import Column
from sklearn_meta.data._encoding import apply_encoder
from sklearn_meta.data._validation import check_table


@dataclass(frozen=True)
class RowEncoder:
    """Encoder of new rows.

    Parameters
    ----------
    encoder : transformer or None
        Fitted transformer from the table to the encoded table; None if they are the
        same.
    library : str or None
        Library of the data frame seen in `fit`; None for other tables.
    names : list or None
        Names of the columns seen in `fit`; None for other tables than data frames.
    columns : tuple of Column
        Columns of the table seen in `fit`.
    bounds : Bounds
        Bounds of the encoded values.
    """

    encoder: object = field(repr=False)
    library: str | None
    names: list | None = field(repr=False)
    columns: tuple[Column, ...] = field(repr=False)
    bounds: Bounds = field(repr=False)

    def encode(self, estimator, X):
        """Check rows against the table seen in `fit`, and encode them.

        Parameters
        ----------
        estimator : estimator
            With ``n_features_in_``, and ``feature_names_in_`` if the columns have
            names; other tools may have removed these.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)

        Returns
        -------
        encoded : ndarray or CSR matrix
        """
        X = check_table(estimator, X, reset=False)
        # Encoders select columns by name if all names are strings, else by position.
        by_name = self.library is not None and isinstance(self.columns[0].label, str)
        if by_name and library_of(X) is None:
            X = as_frame(X, self.names, self.library)
        X = align_columns(X, self.columns)
        return self.bounds.clip(apply_encoder(self.encoder, X))


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
