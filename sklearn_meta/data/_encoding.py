"""Encode a table as a float64 matrix, on which pipelines are fitted.

The first columns of the encoded table are category codes, see `Schema`. The encoder is
a scikit-learn transformer, described by a `Spec`, so that fitted pipelines need nothing
of this package but, for some columns, its parsing functions. It does not use the target
and depends on the rows only through the kinds of columns, the levels of categories, the
range of dates and the n-grams of texts. Fitting it on all rows before they are split
into folds therefore does not leak the target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from sklearn.base import TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion
from sklearn.utils import check_array

from sklearn_meta.data._column_encoders import (
    CHARACTERS,
    WORDS,
    column_transformer,
)
from sklearn_meta.data._column_kinds import (
    BOOLEAN,
    CATEGORY,
    CHECKED,
    DROP,
    EMPTY,
    IDENTIFIER,
    NUMBER,
    PRINTED,
    SHORT_TEXTS,
    TEXT,
    Column,
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
    columns : tuple of Column
        How each column of the table was read; empty for sparse matrices, all of whose
        columns are numbers.
    """

    encoder: Spec | None
    schema: Schema
    columns: tuple[Column, ...]


def encode_table(X, chosen=None):
    """Infer the encoding of a table and encode it.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix of shape (n_samples, n_features)
    chosen : mapping of int to str, default=None
        Kinds that the user has chosen, by position of the column.

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
        If a column holds infinite or complex values, cannot be read as the kind that
        was chosen for it, or no column has any value.
    """
    if sparse.issparse(X):
        if chosen:
            raise ValueError(
                "The 'column_kinds' parameter must be None for a sparse matrix, all of "
                f"whose columns are numbers. Got kinds of {len(chosen)} columns. Pass "
                "a data frame or an array, or leave out columns beforehand."
            )
        return _encode_sparse(X)
    is_frame = nw.dependencies.is_into_dataframe(X)
    if is_frame:
        check_frame(X)
    else:
        check_not_lazy(X)
        if not isinstance(X, np.ndarray):
            X = check_array(X, dtype=object, ensure_all_finite=False)
        if X.dtype.kind in "biuf" and not chosen:
            return _encode_matrix(X)
    columns = inspect_columns(X, chosen)
    if not is_frame and all(
        column.kind in (NUMBER, BOOLEAN)
        and column.how == CHECKED
        and column.left_out != DROP
        for column in columns
    ):
        # No column of an array of numbers is dropped, also with the dtype object.
        return _encode_matrix(X)
    columns = _some_kept(columns)
    kept = [column for column in columns if column.left_out is None]
    spec = column_transformer(kept)
    encoder = _with_arrays(instantiate(spec))
    encoded = _as_encoded(encoder.fit_transform(X))
    cardinalities = [len(c.levels) for c in kept if c.kind == CATEGORY]
    schema = schema_of(
        encoded,
        len(cardinalities),
        cardinalities,
        n_words=_width(encoder, WORDS),
        n_characters=_width(encoder, CHARACTERS),
    )
    return encoder, encoded, Encoding(spec, schema, columns)


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


def _with_arrays(encoder):
    """Set the output to arrays, whatever the output of transformers is set to."""
    for part in (encoder, *encoder.get_params(deep=True).values()):
        # `set_output` of a composition fails if one of its parts has none, such as
        # CountVectorizer: here each part is set for itself.
        if isinstance(part, TransformerMixin) and hasattr(part, "set_output"):
            if isinstance(part, ColumnTransformer | FeatureUnion):
                TransformerMixin.set_output(part, transform="default")
            else:
                part.set_output(transform="default")
    return encoder


def _width(encoder, tokens):
    """Return the number of columns that hold counts of words or characters."""
    return sum(
        columns.stop - columns.start
        for name, columns in encoder.output_indices_.items()
        if name.startswith(tokens)
    )


def _some_kept(columns):
    """Keep the constant columns and identifiers if no other ones remain."""
    if any(c.left_out is None for c in columns):
        return columns
    left = [c for c in columns if c.left_out not in (EMPTY, DROP)]
    if not left:
        raise ValueError(
            f"None of the {len(columns)} columns of X has any value. Pass a table with "
            "at least one column that is not empty, and that 'column_kinds' does not "
            "drop."
        )
    note = "no other column is left"
    return tuple(
        c
        if c not in left
        else _text_of_codes(c, note)
        if c.left_out == IDENTIFIER
        else replace(c, left_out=None, note=note)
        for c in columns
    )


def _text_of_codes(column, note):
    """Return a column of identifiers as one of texts."""
    how = PRINTED if column.n_missing else column.how
    return replace(
        column, kind=TEXT, left_out=None, how=how, settings=SHORT_TEXTS, note=note
    )


def _encode_matrix(X):
    """Encode an array of numbers; constant and empty columns are kept."""
    spec, encoder = None, None
    encoded = X
    if X.dtype != np.float64:
        spec = function_spec("sklearn.utils.check_array", **TO_FLOATS)
        encoder = _with_arrays(instantiate(spec))
        if X.dtype.kind == "f":
            # Its error messages name the column; those of the conversion do not.
            inspect_columns(X)
        encoded = encoder.fit_transform(X)
    else:
        check_no_infinity(X, [f"column {i}" for i in range(X.shape[1])])
    encoded = _as_encoded(encoded)
    kind, note = NUMBER if X.dtype.kind != "b" else BOOLEAN, "type of the table"
    n_missing = np.isnan(encoded).sum(axis=0).tolist()
    columns = tuple(
        Column(i, kind, note=note, n_missing=n) for i, n in enumerate(n_missing)
    )
    return encoder, encoded, Encoding(spec, schema_of(encoded), columns)


def _encode_sparse(X):
    """Encode a sparse matrix of numbers without missing values."""
    spec, encoder = None, None
    if X.format != "csr" or X.dtype != np.float64:
        settings = {"accept_sparse": "csr", "dtype": "float64"}
        spec = function_spec("sklearn.utils.check_array", **settings)
        encoder = _with_arrays(instantiate(spec))
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
    return encoder, encoded, Encoding(spec, schema_of(encoded), ())


def _as_encoded(X):
    """Return an encoded table as a CSR matrix or as a C-contiguous float64 array."""
    if sparse.issparse(X):
        return X.astype(np.float64, copy=False).tocsr()
    return np.ascontiguousarray(X, dtype=np.float64)
