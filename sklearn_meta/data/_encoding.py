"""From the user's table to the encoded table that pipelines are fitted on.

The encoded table is a float64 matrix whose first columns are category codes, see
`Schema`. What encodes it is a plain scikit-learn transformer, described by a `Spec`, so
that a fitted pipeline works without this package. It learns nothing from the target:
only which columns there are, the levels of categories and the range of dates. Fitting
it on all rows before they are split therefore gives nothing away.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sklearn_meta.data._column_encoders import (
    TO_FLOATS,
    column_transformer,
    function_spec,
)
from sklearn_meta.data._column_kinds import (
    CATEGORICAL,
    EMPTY,
    NUMERIC,
    TEXT,
    check_no_infinity,
    inspect_columns,
)
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._spec import Spec, instantiate

# A numeric column with missing values and fewer present ones than this, or than this
# share of the rows, may have none in a training fold, a bag or a subsample of rows.
NEARLY_EMPTY_COUNT = 30
NEARLY_EMPTY_SHARE = 0.05


@dataclass(frozen=True)
class Encoding:
    """How a table is encoded.

    Parameters
    ----------
    encoder : Spec or None
        Transformer from the table to the encoded one; None where the table is one
        already (a float64 matrix, dense or CSR).
    schema : Schema
        Layout of the encoded table.
    kinds : tuple of str
        What each column of the table is: ``"numeric"``, ``"categorical"``, ``"text"``,
        ``"datetime"``, ``"duration"``; ``"constant"``, ``"empty"`` and ``"identifier"``
        columns are left out of the encoded table.
    feature_names : tuple of str
        Names of the columns of the encoded table.
    """

    encoder: Spec | None
    schema: Schema
    kinds: tuple[str, ...]
    feature_names: tuple[str, ...]


def check_table(estimator, X, *, reset):
    """Check the shape of a table and its agreement with the one seen in fit.

    Data frames stay as they are; everything else becomes an ndarray or a CSR matrix.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_`` if `reset`.
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
    reset : bool
        True in fit.

    Returns
    -------
    X : data frame, ndarray or CSR matrix

    Raises
    ------
    ValueError
        If the table has no rows or columns, twice the same column name, or not the
        columns seen in fit.
    TypeError
        If it is a lazy frame.
    """
    if nw.dependencies.is_into_dataframe(X):
        check_frame(X)
        return validate_data(estimator, X, skip_check_array=True, reset=reset)
    _refuse_lazy(X)
    is_list = isinstance(X, list | tuple)
    return validate_data(
        estimator,
        X,
        reset=reset,
        # numpy would make strings of the numbers in a list that has both.
        dtype=object if is_list else None,
        accept_sparse="csr",
        ensure_all_finite=False,
    )


def check_frame(X):
    """Raise ValueError for a frame without rows or columns or with ambiguous names.

    Parameters
    ----------
    X : data frame
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


def _refuse_lazy(X):
    if isinstance(nw.from_native(X, pass_through=True), nw.LazyFrame):
        raise TypeError(
            f"X is a lazy frame ({type(X).__name__}), whose rows are not there yet. "
            "Pass X.collect() instead."
        )


def infer_encoding(X) -> Encoding:
    """Find out how to encode a table.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    encoding : Encoding

    Raises
    ------
    TypeError
        If a column holds nested values.
    ValueError
        If a column holds infinite or complex values, or if no column has any value.
    """
    return _encode(X)[0]


def encode_table(X):
    """Find out how to encode a table, and do it.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    encoder : fitted transformer or None
        None where `X` is a float64 matrix already.
    encoded : ndarray or CSR matrix of shape (n_samples, encoding.schema.n_features)
    encoding : Encoding
    """
    encoding, encoder, encoded = _encode(X)
    return encoder, encoded, encoding


def apply_encoder(encoder, X):
    """Encode further rows.

    Parameters
    ----------
    encoder : fitted transformer or None
        From `encode_table`.
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


def schema_of(encoded, n_categorical=0, cardinalities=None) -> Schema:
    """Describe an encoded table.

    Parameters
    ----------
    encoded : ndarray or CSR matrix of shape (n_samples, n_features)
    n_categorical : int, default=0
        Number of leading columns that hold category codes.
    cardinalities : sequence of int or None, default=None
        Number of levels of each categorical column; None takes the largest code.

    Returns
    -------
    schema : Schema
    """
    n_rows, n_features = encoded.shape
    if sparse.issparse(encoded):
        nonnegative = encoded.nnz == 0 or encoded.data.min() >= 0
        return Schema(n_features, sparse=True, nonnegative=bool(nonnegative))
    with np.errstate(invalid="ignore", over="ignore"):
        # fmin and fmax pass over NaN, unlike min and max.
        low = np.fmin.reduce(encoded, axis=0, initial=np.inf)
        high = np.fmax.reduce(encoded, axis=0, initial=-1.0)
        # The sum is NaN where a value is: only those columns need a mask.
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


def _encode(X):
    """Return the encoding, the fitted encoder and the encoded table."""
    if sparse.issparse(X):
        return _encode_sparse(X)
    is_frame = nw.dependencies.is_into_dataframe(X)
    if is_frame:
        check_frame(X)
    else:
        _refuse_lazy(X)
        if not isinstance(X, np.ndarray):
            X = check_array(X, dtype=object, ensure_all_finite=False)
        if X.dtype.kind in "biuf":
            return _encode_matrix(X)
    columns = inspect_columns(X)
    kinds = tuple(column.reported for column in columns)
    if not is_frame and all(column.kind == NUMERIC for column in columns):
        # Numbers in an array of objects: nothing is left out, as of any matrix.
        return _encode_matrix(X)
    columns = _kept(columns)
    spec = column_transformer(columns)
    # Whatever the user has chosen for the output of transformers, this is a matrix.
    encoder = instantiate(spec).set_output(transform="default")
    encoded = _as_encoded(encoder.fit_transform(X))
    cardinalities = [len(c.levels) for c in columns if c.kind in (CATEGORICAL, TEXT)]
    schema = schema_of(encoded, len(cardinalities), cardinalities)
    names = tuple(map(str, encoder.get_feature_names_out()))
    return Encoding(spec, schema, kinds, names), encoder, encoded


def _kept(columns):
    """Leave out what says nothing, unless there is nothing else."""
    kept = [c for c in columns if c.useless is None]
    kept = kept or [c for c in columns if c.useless != EMPTY]
    if not kept:
        raise ValueError(
            f"None of the {len(columns)} columns of X has any value: there is nothing "
            "to learn from."
        )
    return kept


def _encode_matrix(X):
    """Encode an array of numbers, constant and empty columns included."""
    kinds = (NUMERIC,) * X.shape[1]
    spec, encoder = None, None
    encoded = X
    if X.dtype != np.float64:
        spec = function_spec("sklearn.utils.check_array", **TO_FLOATS)
        encoder = instantiate(spec).set_output(transform="default")
        if X.dtype.kind == "f":
            # Names the column, which the conversion below does not.
            inspect_columns(X)
        encoded = encoder.fit_transform(X)
    else:
        check_no_infinity(X, [f"column {i}" for i in range(X.shape[1])])
    encoded = _as_encoded(encoded)
    encoding = Encoding(spec, schema_of(encoded), kinds, _positional(X.shape[1]))
    return encoding, encoder, encoded


def _encode_sparse(X):
    """Encode a sparse matrix: numbers, none of them missing."""
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
                "supported in dense tables only: pass X.toarray(), or fill them in."
            ) from error
        raise
    if encoder is not None:
        encoder.fit(X)
    kinds = (NUMERIC,) * X.shape[1]
    encoding = Encoding(spec, schema_of(encoded), kinds, _positional(X.shape[1]))
    return encoding, encoder, encoded


def _positional(n):
    return tuple(f"x{i}" for i in range(n))


def _as_encoded(X):
    return X if sparse.issparse(X) else np.ascontiguousarray(X, dtype=np.float64)
