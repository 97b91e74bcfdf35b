"""Encode the columns of a table by their kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sklearn_meta.data._column_kinds import (
    BOOLEAN,
    CATEGORY,
    CHECKED,
    CONVERTED,
    DATE,
    DURATION,
    NUMBER,
    PARSED,
    PRINTED,
    SET,
    TEXT,
    Column,
)
from sklearn_meta.data._date_encoders import date_encoder, duration_encoder
from sklearn_meta.data._string_formats import option_pattern
from sklearn_meta.data._transformer_specs import (
    TO_FLOATS,
    function_spec,
    pipeline_spec,
    transformer_spec,
)
from sklearn_meta.pipelines._spec import Spec

# Maximum number of n-grams of one column: the most frequent ones are kept.
MAX_NGRAMS = 20_000

# From these numbers of columns and of levels on, OrdinalEncoder takes seconds.
MANY_COLUMNS, MANY_LEVELS = 200, 1_000

# Names of the encoders of texts begin with these.
WORDS, CHARACTERS = "words", "characters"


def column_transformer(columns: Sequence[Column]) -> Spec:
    """Return the spec of an encoder of several columns.

    Parameters
    ----------
    columns : sequence of Column

    Returns
    -------
    spec : Spec
        Spec of a ``ColumnTransformer``. Encoded categories come first, then numbers,
        durations, sets and dates, the counts of words and those of n-grams of
        characters last. All other columns of the table are dropped. The output is
        sparse if there are texts.
    """
    grouped = (
        ("categories", _categories, (CATEGORY,), CHECKED),
        ("printed", _printed_categories, (CATEGORY,), PRINTED),
        ("numbers", _numbers, (NUMBER, BOOLEAN), CHECKED),
        ("sparse", _converted_numbers, (NUMBER,), CONVERTED),
    )
    transformers: list[tuple] = []
    for name, make, kinds, how in grouped:
        chosen = [c for c in columns if c.kind in kinds and c.how == how]
        if chosen:
            transformers.append((name, make(chosen), [c.label for c in chosen]))
    transformers += _parsed_numbers(columns)
    # Of durations and dates, columns of several types cannot be converted at once.
    for name, make, kind in (
        ("duration", duration_encoder, DURATION),
        ("set", _set, SET),
        ("date", date_encoder, DATE),
    ):
        chosen = [c for c in columns if c.kind == kind]
        transformers += [
            (f"{name}{i}", make(column), [column.label])
            for i, column in enumerate(chosen)
        ]
    texts = [c for c in columns if c.kind == TEXT]
    for tokens in (WORDS, CHARACTERS):
        transformers += [
            (f"{tokens}{i}", _ngrams(column, tokens), [column.label])
            for i, column in enumerate(texts)
            if tokens in dict(column.settings)
        ]
    return transformer_spec(
        "sklearn.compose.ColumnTransformer",
        transformers=transformers,
        # The counts of words are nearly all zero; without them, the table is dense.
        sparse_threshold=1.0 if texts else 0.0,
    )


def _categories(columns):
    """Encode categories as the positions of their levels."""
    objects = function_spec("numpy.asarray", dtype="object")
    return pipeline_spec(("objects", objects), ("codes", _codes(columns)))


def _printed_categories(columns):
    """Encode values of several types by their printed form, like categories."""
    return pipeline_spec(("texts", _as_text()), ("codes", _codes(columns)))


def _codes(columns):
    """Encode levels as integers; unknown levels and missing values are NaN."""
    levels = [list(column.levels) for column in columns]
    if len(levels) > MANY_COLUMNS or max(map(len, levels)) > MANY_LEVELS:
        path = "sklearn_meta.data.level_encoder.LevelEncoder"
        return transformer_spec(path, levels=levels)
    return transformer_spec(
        "sklearn.preprocessing.OrdinalEncoder",
        categories=levels,
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
    )


def _numbers(columns):
    """Convert numbers to float64."""
    return function_spec("sklearn.utils.check_array", **TO_FLOATS)


def _converted_numbers(columns):
    """Convert sparse columns of pandas to float64."""
    return function_spec("numpy.asarray", dtype="float64")


def _parsed_numbers(columns):
    """Return the encoders of strings of numbers, one for each way to write them."""
    chosen = [c for c in columns if c.kind in (NUMBER, BOOLEAN) and c.how == PARSED]
    transformers = []
    for i, settings in enumerate(dict.fromkeys(c.settings for c in chosen)):
        parse = function_spec(
            "sklearn_meta.data.parsing.parse_numbers", **dict(settings)
        )
        labels = [c.label for c in chosen if c.settings == settings]
        transformers.append((f"amounts{i}", parse, labels))
    return transformers


def _set(column):
    """Encode a set of options by one column of 0 and 1 for each option."""
    separator = dict(column.settings)["separator"]
    vectorizer = transformer_spec(
        "sklearn.feature_extraction.text.CountVectorizer",
        lowercase=False,
        token_pattern=option_pattern(separator),
        vocabulary=list(column.levels),
        binary=True,
    )
    return pipeline_spec(*_documents(column.how), ("options", vectorizer))


def _ngrams(column, tokens):
    """Count the n-grams of words, or of characters inside of words."""
    settings = dict(column.settings)
    vectorizer = transformer_spec(
        "sklearn.feature_extraction.text.CountVectorizer",
        analyzer="word" if tokens == WORDS else "char_wb",
        ngram_range=settings[tokens],
        min_df=settings["min_df"],
        max_features=MAX_NGRAMS,
    )
    return pipeline_spec(*_documents(column.how), ("counts", vectorizer))


def _documents(how):
    """Return the steps from a column to a list of strings; missing ones are empty."""
    texts = (
        _as_text() if how == PRINTED else function_spec("numpy.asarray", dtype="object")
    )
    empty = {"strategy": "constant", "fill_value": "", "keep_empty_features": True}
    nan, none = (
        transformer_spec("sklearn.impute.SimpleImputer", missing_values=value, **empty)
        for value in (np.nan, None)
    )
    return (
        ("texts", texts), ("nan", nan), ("none", none),
        ("flat", function_spec("numpy.ravel")),
    )  # fmt: skip


def _as_text():
    """Return the printed form of each value."""
    return function_spec("sklearn_meta.data.parsing.as_text")
