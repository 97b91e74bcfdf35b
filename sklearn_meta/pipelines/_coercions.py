"""Implicit preparation: steps that the compiler inserts before an operator.

`coerce` compares what reaches an operator with what it accepts; the other functions
return the calls of scikit-learn's classes that close the gap.
"""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._many_levels import (
    SingleTarget,
    columns_of_many_levels,
    target_encoder,
)
from sklearn_meta.pipelines._operators import Operator
from sklearn_meta.pipelines._spec import Spec
from sklearn_meta.pipelines._token_weights import (
    BOTH,
    pipeline,
    text_components,
    tfidf,
    token_blocks,
)

# Levels with fewer rows, and levels beyond the most frequent ones, share a column.
# A level seen once or twice cannot be told from noise, and 40 columns keep a single
# identifier-like column from outweighing the rest of the table.
ONE_HOT_MIN_FREQUENCY = 3
ONE_HOT_MAX_CATEGORIES = 40

# From this many one-hot columns on, a sparse matrix is smaller and faster.
SPARSE_COLUMNS = 400

# A sparse table of more columns is not made dense as it is: 20 000 rows would take
# more than 300 MB. Its leading singular vectors take their place.
MAX_DENSE_COLUMNS = 2000
SVD_COMPONENTS = 100

NAN = float("nan")

Steps = list[tuple[str, Spec]]
Params = tuple[tuple[str, object], ...]


def coerce(
    layout: Layout, operator: Operator, target: SingleTarget | None = None
) -> tuple[Steps, Layout]:
    """Return the steps that turn a table into valid input of an operator.

    Parameters
    ----------
    layout : Layout
        Columns before the operator.
    operator : Operator
        Its `accepts_missing`, `accepts_categories`, `accepts_sparse`,
        `needs_nonnegative` and `text_as` decide.
    target : SingleTarget or None, default=None
        None for several outputs: categories of many levels are then grouped.

    Returns
    -------
    steps : list of (str, Spec)
        Named steps to insert before the operator; often none.
    layout : Layout
        Columns after these steps.
    """
    steps: Steps = []

    def add(name, spec, **changes):
        nonlocal layout
        steps.append((name, spec))
        layout = replace(layout, **changes)

    if layout.has_text and operator.text_as != "counts":
        name, spec, layout = _prepared_text(layout, operator, target)
        steps.append((name, spec))
    many = columns_of_many_levels(layout, target)
    if many and target is not None and not _takes_all_levels(operator):
        few = _except(layout.cardinalities, many)
        add(
            "target_encode", encode_many_levels(layout, many, target),
            n_features=_plus(len(many) * (target.n_columns - 1), layout.n_features),
            n_categorical=len(few), cardinalities=few,
            nonnegative=layout.nonnegative and target.n_classes > 1,
            nearly_empty=tuple(i - len(many) for i in layout.nearly_empty),
        )  # fmt: skip
    to_scale = operator.needs_nonnegative and not layout.nonnegative
    if layout.sparse and (to_scale or not operator.accepts_sparse):
        if (layout.n_features or 0) > MAX_DENSE_COLUMNS:
            add(
                "reduce", truncated_svd(), sparse=False, nonnegative=False,
                n_features=SVD_COMPONENTS,
            )  # fmt: skip
            to_scale = operator.needs_nonnegative
        else:
            add("densify", densify(), sparse=False)
    if layout.nearly_empty and operator.accepts_missing and not _is_lightgbm(operator):
        # scikit-learn 1.9.1's HistGradientBoosting and PowerTransformer raise where a
        # column has no present value in the rows that they are fitted on.
        add("fill_nearly_empty", fill_nearly_empty(layout), nearly_empty=())
    if layout.n_categorical and not operator.accepts_categories:
        width = one_hot_width(layout.cardinalities, ONE_HOT_MAX_CATEGORIES)
        sparse = operator.accepts_sparse and not to_scale and width > SPARSE_COLUMNS
        impute = layout.missing and (sparse or not operator.accepts_missing)
        add(
            "one_hot",
            by_kind(
                layout,
                one_hot(sparse=sparse),
                median_imputer() if impute else "passthrough",
            ),
            n_features=_plus(width, layout.n_numeric), n_categorical=0,
            cardinalities=(), missing=layout.missing and not impute, sparse=sparse,
        )  # fmt: skip
    if layout.n_categorical and not operator.accepts_missing:
        add(
            "impute",
            by_kind(
                layout,
                missing_as_level(),
                median_imputer() if layout.missing else "passthrough",
            ),
            missing=False, nearly_empty=(),
        )  # fmt: skip
    if layout.missing and not operator.accepts_missing:
        add("impute", median_imputer(), missing=False, nearly_empty=())
    if to_scale:
        # Values below the minimum of the training rows are clipped: the operator does
        # not accept negative ones.
        add("min_max", min_max(), nonnegative=True)
    return steps, layout


def by_kind(layout, categories, numbers) -> Spec:
    """Apply one transformer to the categorical and one to the numeric columns.

    Parameters
    ----------
    layout : Layout
    categories, numbers : Spec or {"passthrough", "drop"}

    Returns
    -------
    spec : Spec
        The categorical columns stay the leading ones. The output is sparse if one of
        the two parts is.
    """
    k = layout.n_categorical
    transformers: list[tuple] = [("categories", categories, slice(0, k))]
    if layout.n_numeric != 0:
        transformers.append(("numbers", numbers, slice(k, None)))
    is_call = isinstance(categories, Spec)
    sparse = is_call and categories.param("sparse_output", False)
    return _column_transformer(transformers, sparse=sparse)


def one_hot(
    *,
    min_frequency=ONE_HOT_MIN_FREQUENCY,
    max_categories=ONE_HOT_MAX_CATEGORIES,
    sparse=False,
) -> Spec:
    """One column for each level; unseen and rare levels share one."""
    return Spec(
        "sklearn.preprocessing.OneHotEncoder",
        (
            ("handle_unknown", "infrequent_if_exist"),
            ("min_frequency", min_frequency),
            ("max_categories", max_categories),
            ("sparse_output", sparse),
        ),
    )


def encode_many_levels(layout, many, target) -> Spec:
    """Means of the target for categories of many levels, after all other columns.

    Parameters
    ----------
    layout : Layout
    many : list of int
        Categorical columns to replace.
    target : SingleTarget

    Returns
    -------
    spec : Spec
        The other categories stay the leading columns.
    """
    k = layout.n_categorical
    transformers: list[tuple] = []
    if len(many) < k:
        few = [i for i in range(k) if i not in many]
        transformers.append(("categories", "passthrough", few))
    if layout.n_numeric != 0:
        transformers.append(("numbers", "passthrough", slice(k, None)))
    encoder = target_encoder(target.n_classes, target.random_state)
    transformers.append(("many_levels", encoder, many))
    return _column_transformer(transformers)


def weighted_text(
    layout: Layout, target: SingleTarget | None, *, tokens=BOTH, sublinear_tf=True
) -> tuple[Spec, Layout]:
    """TF-IDF weights of text beside all other columns, sparse, complete and scaled.

    Parameters
    ----------
    layout : Layout
        It has counts of tokens.
    target : SingleTarget or None
        As in `coerce`.
    tokens : {"words", "characters", "both"}, default="both"
        Which n-grams are used.
    sublinear_tf : bool, default=True
        Whether 1 + log of the counts is weighted.

    Returns
    -------
    spec : Spec
        One-hot columns of the categories, numbers between 0 and 1 without missing
        values, and weights.
    layout : Layout
    """
    k, n_numeric = layout.n_categorical, layout.n_numeric
    many = columns_of_many_levels(layout, target)
    few = [i for i in range(k) if i not in many]
    width = one_hot_width(_except(layout.cardinalities, many), ONE_HOT_MAX_CATEGORIES)
    # A slice of a sparse matrix is sparse, which encoders do not accept.
    dense = ("densify", densify())
    transformers: list[tuple] = []
    if few:
        categories = pipeline(dense, ("one_hot", one_hot(sparse=True)))
        columns = few if many else slice(0, k)
        transformers.append(("categories", categories, columns))
    if many and target is not None:
        encoder = target_encoder(target.n_classes, target.random_state)
        means = pipeline(dense, ("target_encode", encoder), ("min_max", min_max()))
        transformers.append(("many_levels", means, many))
        width += len(many) * target.n_columns
    if n_numeric:
        numbers = pipeline(dense, ("impute", median_imputer()), ("min_max", min_max()))
        transformers.append(("numbers", numbers, slice(k, k + n_numeric)))
        width += n_numeric
    for name, block in token_blocks(layout, tokens):
        transformers.append((name, tfidf(sublinear_tf=sublinear_tf), block))
        width += block.stop - block.start
    after = Layout(n_features=width, sparse=True, nonnegative=True)
    return _column_transformer(transformers, sparse=True), after


def one_hot_width(cardinalities, max_categories) -> int:
    """Bound of the number of one-hot columns; missing values count as a level."""
    return sum(min(c + 1, max_categories) for c in cardinalities)


def median_imputer() -> Spec:
    """Fill numeric columns; one without any present value becomes zero."""
    return imputer("median")


def imputer(strategy, *, indicator=False) -> Spec:
    """Fill numeric columns and keep those without any present value."""
    params: Params = (("strategy", strategy), ("keep_empty_features", True))
    if indicator:
        params += (("add_indicator", True),)
    return Spec("sklearn.impute.SimpleImputer", params)


def fill_nearly_empty(layout) -> Spec:
    """Fill the columns that may have no present value and leave the others alone."""
    transformers: list[tuple] = [
        ("nearly_empty", median_imputer(), list(layout.nearly_empty))
    ]
    if layout.n_categorical:
        # ColumnTransformer puts what it names first, and categories have to lead.
        leading = ("categories", "passthrough", slice(0, layout.n_categorical))
        transformers.insert(0, leading)
    return Spec(
        "sklearn.compose.ColumnTransformer",
        (("transformers", transformers), ("remainder", "passthrough")),
    )


def group_levels(layout, max_categories) -> Spec:
    """Codes of at most `max_categories` levels; rare levels share the last one."""
    encoder = Spec(
        "sklearn.preprocessing.OrdinalEncoder",
        (
            ("handle_unknown", "use_encoded_value"),
            ("unknown_value", NAN),
            ("encoded_missing_value", NAN),
            ("max_categories", max_categories),
        ),
    )
    return by_kind(layout, encoder, "passthrough")


def missing_as_level(*, max_categories=None) -> Spec:
    """Codes in which a missing or unseen level is -1."""
    params: Params = (
        ("handle_unknown", "use_encoded_value"),
        ("unknown_value", -1),
        ("encoded_missing_value", -1),
    )
    if max_categories is not None:
        params += (("max_categories", max_categories),)
    return Spec("sklearn.preprocessing.OrdinalEncoder", params)


def densify() -> Spec:
    """Make a sparse matrix dense and leave a dense one as it is."""
    # ColumnTransformer is the one class of scikit-learn that gives a dense result for
    # both, without a function of this package.
    everything = [("all", "passthrough", slice(0, None))]
    return Spec(
        "sklearn.compose.ColumnTransformer",
        (("transformers", everything), ("sparse_threshold", 0)),
    )


def truncated_svd() -> Spec:
    """Leading singular vectors of a wide sparse table."""
    return Spec(
        "sklearn.decomposition.TruncatedSVD",
        (("n_components", SVD_COMPONENTS), ("random_state", 0)),
    )


def min_max() -> Spec:
    """Scale numbers to between 0 and 1, also those of new rows."""
    return Spec("sklearn.preprocessing.MinMaxScaler", (("clip", True),))


def _prepared_text(layout, operator, target):
    """Name, call and layout of the text as an operator gets it."""
    if operator.text_as == "tfidf":
        return "tfidf", *weighted_text(layout, target)
    return "text_svd", *text_components(layout)


def _column_transformer(transformers, *, sparse=False) -> Spec:
    """Call of `ColumnTransformer`."""
    params: Params = (("transformers", transformers),)
    if sparse:
        # Sparse whatever the share of zeros in the training rows.
        params += (("sparse_threshold", 1.0),)
    return Spec("sklearn.compose.ColumnTransformer", params)


def _takes_all_levels(operator):
    """Whether a category of many levels is passed on as it is."""
    # Learners split codes of many levels at random, or merge all but the frequent ones.
    # A constant prediction takes any table, and what is no learner passes codes on.
    return operator.accepts_categories and (
        operator.kind != "learner" or operator.text_as == "counts"
    )


def _except(values, places):
    """Values that are not at some places."""
    return tuple(value for i, value in enumerate(values) if i not in places)


def _is_lightgbm(operator):
    return operator.path.startswith("lightgbm.")


def _plus(a, b):
    return None if b is None else a + b
