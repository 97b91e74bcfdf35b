"""Encode the columns of a table by their kinds: categories, numbers and dates."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from sklearn_meta.data._column_kinds import (
    CATEGORICAL,
    CHECKED,
    CONVERTED,
    DATETIME,
    DURATION,
    NUMERIC,
    TEXT,
    WITH_NA,
    Column,
)
from sklearn_meta.data._date_encoders import date_encoder, duration_encoder
from sklearn_meta.data._transformer_specs import (
    TO_FLOATS,
    function_spec,
    pipeline_spec,
    transformer_spec,
)
from sklearn_meta.pipelines._spec import Spec


def column_transformer(columns: Sequence[Column]) -> Spec:
    """Return the spec of an encoder of several columns.

    Parameters
    ----------
    columns : sequence of Column

    Returns
    -------
    spec : Spec
        Spec of a ``ColumnTransformer``. Encoded categories come first, then texts,
        numbers, durations and dates. All other columns of the table are dropped.
    """
    groups = (
        ("categories", _categories, CATEGORICAL, CHECKED),
        ("texts", _texts, TEXT, CHECKED),
        ("numbers", _numbers, NUMERIC, CHECKED),
        ("sparse", functools.partial(_numbers, how=CONVERTED), NUMERIC, CONVERTED),
        ("objects", functools.partial(_numbers, how=WITH_NA), NUMERIC, WITH_NA),
        ("durations", lambda columns: duration_encoder(), DURATION, CHECKED),
    )
    transformers = []
    for name, make, kind, how in groups:
        chosen = [c for c in columns if c.kind == kind and c.how == how]
        if chosen:
            transformers.append((name, make(chosen), [c.label for c in chosen]))
    dates = [c for c in columns if c.kind == DATETIME]
    for i, column in enumerate(dates):
        transformers.append((f"date{i}", date_encoder(column), [column.label]))
    return transformer_spec(
        "sklearn.compose.ColumnTransformer",
        transformers=transformers,
        verbose_feature_names_out=False,
    )


def _categories(columns):
    """Encode categories as the positions of their levels."""
    objects = function_spec("numpy.asarray", dtype="object")
    return pipeline_spec(("objects", objects), ("codes", _codes(columns)))


def _texts(columns):
    """Encode values of mixed types by their printed form, like categories."""
    objects = function_spec("numpy.asarray", dtype="object")
    texts = function_spec("numpy.ndarray.astype", dtype="str")
    return pipeline_spec(
        ("objects", objects), ("texts", texts), ("codes", _codes(columns))
    )


def _codes(columns):
    """Encode levels as integers; unknown levels and missing values are NaN."""
    return transformer_spec(
        "sklearn.preprocessing.OrdinalEncoder",
        categories=[list(column.levels) for column in columns],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
    )


def _numbers(columns, how=CHECKED):
    """Convert numbers to float64; see `Column` for the ways of conversion."""
    if how == CONVERTED:
        return function_spec("numpy.asarray", dtype="float64")
    numbers = function_spec("sklearn.utils.check_array", **TO_FLOATS)
    if how == WITH_NA:
        nullable = function_spec("pandas.DataFrame.astype", dtype="Float64")
        return pipeline_spec(("nullable", nullable), ("numbers", numbers))
    return numbers
