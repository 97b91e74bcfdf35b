"""Implicit preparation: steps that the compiler inserts before an operator.

`coerce` compares what reaches an operator with what it accepts; the other functions
return the calls of scikit-learn's classes that close the gap.
"""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._operators import Operator
from sklearn_meta.pipelines._spec import Spec

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


def coerce(layout: Layout, operator: Operator) -> tuple[Steps, Layout]:
    """Return the steps that turn a table into valid input of an operator.

    Parameters
    ----------
    layout : Layout
        Columns before the operator.
    operator : Operator
        Its `accepts_missing`, `accepts_categories`, `accepts_sparse` and
        `needs_nonnegative` decide.

    Returns
    -------
    steps : list of (str, Spec)
        Named steps to insert before the operator; often none.
    layout : Layout
        Columns after these steps.
    """
    steps = []

    def add(name, spec, **changes):
        nonlocal layout
        steps.append((name, spec))
        layout = replace(layout, **changes)

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
        scale = Spec("sklearn.preprocessing.MinMaxScaler", (("clip", True),))
        add("min_max", scale, nonnegative=True)
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
    params: Params = (("transformers", transformers),)
    if isinstance(categories, Spec) and categories.param("sparse_output", False):
        # Sparse whatever the share of zeros in the training rows.
        params += (("sparse_threshold", 1.0),)
    return Spec("sklearn.compose.ColumnTransformer", params)


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


def _is_lightgbm(operator):
    return operator.path.startswith("lightgbm.")


def _plus(a, b):
    return None if b is None else a + b
