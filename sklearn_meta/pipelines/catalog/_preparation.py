"""Preparations: missing values, categories, and text.

They map tables to tables. On a table without missing values, without categories or
without text, those that have no effect compile to no step.
"""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.pipelines._coercions import (
    ONE_HOT_MAX_CATEGORIES,
    ONE_HOT_MIN_FREQUENCY,
    SPARSE_COLUMNS,
    by_kind,
    imputer,
    median_imputer,
    missing_as_level,
    one_hot,
    one_hot_width,
    weighted_text,
)
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._many_levels import single_target, target_encoder
from sklearn_meta.pipelines._operators import Cost, Operator
from sklearn_meta.pipelines._spec import BuildContext, Prepared
from sklearn_meta.pipelines._token_weights import (
    BOTH,
    CHARACTERS,
    N_COMPONENTS,
    WORDS,
    text_components,
)


def _impute(params, context: BuildContext):
    """Fill the numeric columns; categories keep their missing values."""
    layout = context.layout
    if not layout.missing:
        return Prepared(None, layout)
    fill = imputer(params["strategy"], indicator=params["indicator"])
    after = replace(layout, missing=False, nearly_empty=())
    if params["indicator"]:
        after = replace(
            after, n_features=_sum(layout.n_features, layout.n_numeric)
        )  # fmt: skip
    if layout.n_categorical:
        fill = by_kind(layout, "passthrough", fill)
    return Prepared(fill, after)


def _one_hot(params, context: BuildContext):
    """One column for each level; sparse where they are many."""
    layout = context.layout
    if not layout.n_categorical:
        return Prepared(None, layout)
    width = one_hot_width(layout.cardinalities, params["max_categories"])
    sparse = width > SPARSE_COLUMNS
    encoder = one_hot(
        min_frequency=params["min_frequency"],
        max_categories=params["max_categories"],
        sparse=sparse,
    )
    # Few operators take missing values in a sparse matrix.
    fill = sparse and layout.missing
    spec = by_kind(layout, encoder, median_imputer() if fill else "passthrough")
    return Prepared(
        spec, _as_numbers(layout, width, missing=layout.missing and not fill,
                          sparse=sparse)
    )  # fmt: skip


def _ordinal(params, context: BuildContext):
    """Category codes as numbers, missing ones as -1."""
    layout = context.layout
    if not layout.n_categorical:
        return Prepared(None, layout)
    encoder = missing_as_level(max_categories=params["max_categories"])
    spec = by_kind(layout, encoder, "passthrough")
    return Prepared(spec, _as_numbers(layout, layout.n_categorical, nonnegative=False))


def _target_encode(params, context: BuildContext):
    """Cross-fitted means of the target for each level."""
    layout = context.layout
    if not layout.n_categorical:
        return Prepared(None, layout)
    is_regression = not context.is_classifier
    smooth = "auto" if params["smooth"] is None else params["smooth"]
    encoder = target_encoder(context.n_classes, context.random_state, smooth=smooth)
    n_outputs = context.n_classes if context.n_classes > 2 else 1
    nonnegative = layout.nonnegative and not is_regression
    spec = by_kind(layout, encoder, "passthrough")
    width = n_outputs * layout.n_categorical
    return Prepared(spec, _as_numbers(layout, width, nonnegative=nonnegative))


def _drop_categories(params, context: BuildContext):
    """Numeric columns alone, if there are any."""
    layout = context.layout
    if not layout.n_categorical or layout.n_numeric == 0:
        # A table of nothing but categories is left as it is.
        return Prepared(None, layout)
    return Prepared(by_kind(layout, "drop", "passthrough"), _as_numbers(layout, 0))


def _tfidf(params, context: BuildContext):
    """Sparse weights of n-grams beside the other columns."""
    if not context.layout.has_text:
        return Prepared(None, context.layout)
    target = single_target(context.n_classes, context.n_outputs, context.random_state)
    return Prepared(*weighted_text(context.layout, target, **params))


def _text_svd(params, context: BuildContext):
    """Leading singular vectors of the weights; categories stay the leading columns."""
    if not context.layout.has_text:
        return Prepared(None, context.layout)
    seed = context.random_state
    return Prepared(*text_components(context.layout, **params, random_state=seed))


def _as_numbers(layout, width, **changes):
    """Layout with `width` numeric columns in place of the categorical ones."""
    return replace(
        layout, n_features=_sum(layout.n_numeric, width), n_categorical=0,
        cardinalities=(), **changes,
    )  # fmt: skip


def _sum(a, b):
    return None if a is None or b is None else a + b


def _preparation(
    name,
    path,
    build,
    hyperparameters=(),
    seconds=0.005,
    multi_output=True,
    text_as="components",
):
    return Operator(
        name=name,
        kind="preparation",
        path=path,
        hyperparameters=hyperparameters,
        accepts_missing=True,
        accepts_categories=True,
        accepts_sparse=True,
        text_as=text_as,
        multi_output=multi_output,
        cost=Cost(seconds),
        build=build,
    )


_TOKENS = Choice("tokens", (WORDS, CHARACTERS, BOTH), BOTH)
_SUBLINEAR = Choice("sublinear_tf", (False, True), True)

PREPARATIONS = (
    _preparation(
        "impute",
        "sklearn.impute.SimpleImputer",
        _impute,
        (
            # Median without indicator is what the compiler inserts by itself.
            Choice("strategy", ("mean", "median", "most_frequent"), "median"),
            Choice("indicator", (False, True), True),
        ),
    ),
    _preparation(
        "one_hot",
        "sklearn.preprocessing.OneHotEncoder",
        _one_hot,
        (
            Integer("min_frequency", 1, 50, ONE_HOT_MIN_FREQUENCY, log=True),
            Integer("max_categories", 5, 200, ONE_HOT_MAX_CATEGORIES, log=True),
        ),
    ),
    _preparation(
        "ordinal",
        "sklearn.preprocessing.OrdinalEncoder",
        _ordinal,
        (Integer("max_categories", 5, 250, None, log=True),),
    ),
    _preparation(
        "target_encode",
        "sklearn.preprocessing.TargetEncoder",
        _target_encode,
        (Float("smooth", 0.1, 100.0, None, log=True),),
        # It would take several labels for classes, and refuses several numbers.
        multi_output=False,
    ),
    _preparation(
        "drop_categories", "sklearn.compose.ColumnTransformer", _drop_categories
    ),
    _preparation(
        "tfidf",
        "sklearn.compose.ColumnTransformer",
        _tfidf,
        (_TOKENS, _SUBLINEAR),
        text_as="counts",
    ),
    _preparation(
        "text_svd",
        "sklearn.compose.ColumnTransformer",
        _text_svd,
        (
            _TOKENS,
            Integer("n_components", 10, 300, N_COMPONENTS, log=True),
            _SUBLINEAR,
        ),
        text_as="counts",
    ),
)

# Operators without effect on tables without categories, without missing values, or
# without text.
FOR_CATEGORIES = frozenset({"one_hot", "ordinal", "target_encode", "drop_categories"})
FOR_MISSING = frozenset({"impute"})
FOR_TEXT = frozenset({"tfidf", "text_svd"})
