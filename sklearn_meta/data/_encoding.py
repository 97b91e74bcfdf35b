"""Encode a table as a float64 matrix, on which pipelines are fitted.

The first columns of the encoded table are category codes, see `Schema`. The encoder is
a scikit-learn transformer, described by a `Spec`, so that fitted pipelines work without
this package. It does not use the target and depends on the rows only through the kinds
of columns, the levels of categories and the range of dates. Fitting it on all rows
before they are split into folds therefore does not leak the target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from sklearn_meta.data._column_encoders import column_transformer
from sklearn_meta.data._column_kinds import (
    CATEGORICAL,
    EMPTY,
    NUMERIC,
    TEXT,
    inspect_columns,
)
from sklearn_meta.data._transformer_specs import TO_FLOATS, function_spec
from sklearn_meta.data._validation import (
    check_frame,
    check_no_infinity,
    check_not_lazy,
)
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._spec import Spec, instantiate

# A numeric column with missing values and fewer other values than this number, or than
# this share of the rows, may be empty in a training fold, a bootstrap sample or a
# subsample of the rows.
NEARLY_EMPTY_COUNT = 30
NEARLY_EMPTY_SHARE = 0.05


@dataclass(frozen=True)
class Encoding:
    """Description of the encoding of a table.

    Parameters
    ----------
    encoder : Spec or None
        Transformer from the table to the encoded table. None if they are the same,
        because the table is a float64 matrix (dense or CSR).
    schema : Schema
        Layout of the encoded table.
    kinds : tuple of str
        Kind of each column of the table: ``"numeric"``, ``"categorical"``, ``"text"``,
        ``"datetime"`` or ``"duration"``. Columns of the kinds ``"constant"``,
        ``"empty"`` and ``"identifier"`` are dropped.
    feature_names : tuple of str
        Names of the columns of the encoded table.
    """

    encoder: Spec | None
    schema: Schema
    kinds: tuple[str, ...]
    feature_names: tuple[str, ...]


def encode_table(X):
    """Infer the encoding of a table and encode it.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    encoder : fitted transformer or None
        None if `X` is a float64 matrix.
    encoded : ndarray or CSR matrix of shape (n_samples, encoding.schema.n_features)
        Encoded table, float64.
    encoding : Encoding
        Description of the encoding.

    Raises
    ------
    TypeError
        If a column holds nested values, or `X` is a lazy frame.
    ValueError
        If a column holds infinite or complex values, or no column has any value.
    """
    if sparse.issparse(X):
        return _encode_sparse(X)
    is_frame = nw.dependencies.is_into_dataframe(X)
    if is_frame:
        check_frame(X)
    else:
        check_not_lazy(X)
        if not isinstance(X, np.ndarray):
            X = check_array(X, dtype=object, ensure_all_finite=False)
        if X.dtype.kind in "biuf":
            return _encode_matrix(X)
    columns = inspect_columns(X)
    kinds = tuple(column.reported for column in columns)
    if not is_frame and all(column.kind == NUMERIC for column in columns):
        # No column of an array of numbers is dropped, also with the dtype object.
        return _encode_matrix(X)
    columns = _kept(columns)
    spec = column_transformer(columns)
    # The encoded table is an array, whatever the output of transformers is set to.
    encoder = instantiate(spec).set_output(transform="default")
    encoded = _as_encoded(encoder.fit_transform(X))
    cardinalities = [len(c.levels) for c in columns if c.kind in (CATEGORICAL, TEXT)]
    schema = schema_of(encoded, len(cardinalities), cardinalities)
    names = tuple(map(str, encoder.get_feature_names_out()))
    return encoder, encoded, Encoding(spec, schema, kinds, names)


def apply_encoder(encoder, X):
    """Encode new rows with a fitted encoder.

    Parameters
    ----------
    encoder : fitted transformer or None
        Encoder returned by `encode_table`.
    X : data frame, ndarray or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    encoded : ndarray or CSR matrix, float64
    """
    if encoder is not None:
        return _as_encoded(encoder.transform(X))
    return check_array(
        X, accept_sparse="csr", dtype="float64", ensure_all_finite="allow-nan"
    )


def schema_of(
    encoded, n_categorical=0, cardinalities=None, n_words=0, n_characters=0
) -> Schema:
    """Return the schema of an encoded table.

    Parameters
    ----------
    encoded : ndarray or CSR matrix of shape (n_samples, n_features)
    n_categorical : int, default=0
        Number of columns with category codes, which come first.
    cardinalities : sequence of int, default=None
        Number of levels of each categorical column. None for the largest code plus one.
    n_words, n_characters : int, default=0
        Number of trailing columns with counts of word and of character n-grams.

    Returns
    -------
    schema : Schema
    """
    n_rows, n_features = encoded.shape
    if n_words + n_characters:
        n_leading = n_features - n_words - n_characters
        leading = encoded[:, :n_leading].toarray()
        return replace(
            schema_of(leading, n_categorical, cardinalities),
            n_features=n_features,
            n_words=n_words,
            n_characters=n_characters,
        )
    if sparse.issparse(encoded):
        nonnegative = encoded.nnz == 0 or encoded.data.min() >= 0
        return Schema(n_features, sparse=True, nonnegative=bool(nonnegative))
    with np.errstate(invalid="ignore", over="ignore"):
        # fmin and fmax ignore NaN, unlike min and max.
        low = np.fmin.reduce(encoded, axis=0, initial=np.inf)
        high = np.fmax.reduce(encoded, axis=0, initial=-1.0)
        # The sum is NaN if a value is NaN: only such columns need a mask.
        suspicious = np.flatnonzero(np.isnan(encoded.sum(axis=0)))
    missing, nearly_empty = [], []
    for j in suspicious.tolist():
        present = n_rows - int(np.count_nonzero(np.isnan(encoded[:, j])))
        if present < n_rows:
            missing.append(j)
            enough = max(NEARLY_EMPTY_COUNT, NEARLY_EMPTY_SHARE * n_rows)
            if j >= n_categorical and present < enough:
                nearly_empty.append(j)
    if cardinalities is None:
        cardinalities = [int(code) + 1 for code in high[:n_categorical]]
    return Schema(
        n_features,
        n_categorical=n_categorical,
        cardinalities=tuple(cardinalities),
        missing=tuple(missing),
        nearly_empty=tuple(nearly_empty),
        nonnegative=bool((low[n_categorical:] >= 0).all()),
    )


def _kept(columns):
    """Drop useless columns; keep the non-empty ones if none would remain."""
    kept = [c for c in columns if c.useless is None]
    kept = kept or [c for c in columns if c.useless != EMPTY]
    if not kept:
        raise ValueError(
            f"None of the {len(columns)} columns of X has any value. Pass a table with "
            "at least one column that is not empty."
        )
    return kept


def _encode_matrix(X):
    """Encode an array of numbers; constant and empty columns are kept."""
    kinds = (NUMERIC,) * X.shape[1]
    spec, encoder = None, None
    encoded = X
    if X.dtype != np.float64:
        spec = function_spec("sklearn.utils.check_array", **TO_FLOATS)
        encoder = instantiate(spec).set_output(transform="default")
        if X.dtype.kind == "f":
            # Its error messages name the column; those of the conversion do not.
            inspect_columns(X)
        encoded = encoder.fit_transform(X)
    else:
        check_no_infinity(X, [f"column {i}" for i in range(X.shape[1])])
    encoded = _as_encoded(encoded)
    encoding = Encoding(spec, schema_of(encoded), kinds, _positional(X.shape[1]))
    return encoder, encoded, encoding


def _encode_sparse(X):
    """Encode a sparse matrix of numbers without missing values."""
    spec, encoder = None, None
    if X.format != "csr" or X.dtype != np.float64:
        settings = {"accept_sparse": "csr", "dtype": "float64"}
        spec = function_spec("sklearn.utils.check_array", **settings)
        encoder = instantiate(spec).set_output(transform="default")
    try:
        encoded = check_array(X, accept_sparse="csr", dtype="float64")
    except ValueError as error:
        if not np.isfinite(X.data).all():
            raise ValueError(
                "Input X is sparse and contains NaN or infinity. Missing values are "
                "supported in dense tables only: pass X.toarray(), or impute them."
            ) from error
        raise
    if encoder is not None:
        encoder.fit(X)
    kinds = (NUMERIC,) * X.shape[1]
    encoding = Encoding(spec, schema_of(encoded), kinds, _positional(X.shape[1]))
    return encoder, encoded, encoding


def _positional(n):
    """Return the names of `n` columns without names."""
    return tuple(f"x{i}" for i in range(n))


def _as_encoded(X):
    """Return an encoded table as a CSR matrix or as a C-contiguous float64 array."""
    return X if sparse.issparse(X) else np.ascontiguousarray(X, dtype=np.float64)
