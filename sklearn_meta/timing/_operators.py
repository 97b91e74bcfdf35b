"""Cost model of fit times: the sum of the costs of a pipeline's operators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log2

from sklearn_meta.pipelines._coercions import MAX_DENSE_COLUMNS, SVD_COMPONENTS
from sklearn_meta.pipelines._compile import EXPECTED_ROUNDS
from sklearn_meta.pipelines._multi_output import shared_features, takes_all_outputs
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._token_weights import BOTH, N_COMPONENTS
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node
from sklearn_meta.pipelines.catalog._preparation import FOR_TEXT
from sklearn_meta.timing._text_size import TextSize, text_size

# Overhead of a pipeline step on any table, for validation and copies.
STEP_SECONDS = 0.0005

# A stacked estimator is fitted on five folds for its out-of-fold predictions and once
# on all rows.
STACK_FITS = 6

# Calibration fits its inner estimator on three folds (`CALIBRATION_FOLDS`) and all
# rows.
CALIBRATION_FITS = 4

# The polynomial operator replaces more products than about this number by a sketch.
MAX_PRODUCTS = 1_000.0

# Seconds of a column of a sparse matrix of weights, relative to those of a nonzero in
# each row. With it, linear models on 800 rows of 350 nonzeros in 15 000 columns are
# predicted within a factor of four.
COEFFICIENT = 0.1

# Upper bound of the number of columns after a transformer: wider results are sparse or
# truncated, and predicted seconds must not overflow.
MAX_COLUMNS = 20_000.0


def predicted_seconds(
    tree: Node,
    *,
    catalog: Catalog,
    n_samples,
    n_features,
    n_classes=1,
    n_outputs=1,
    text: TextSize | None = None,
):
    """Predict how long one fit of a pipeline takes on one thread.

    The prediction is the sum of the `Cost` of each operator, as measured once on one
    machine. It is accurate to a factor of about three, which suffices to tell cheap
    pipelines from expensive ones. It does not depend on the machine, the values in the
    table and the number of levels of categories.

    Parameters
    ----------
    tree : Node
        A valid tree, see `check_tree`.
    catalog : Catalog
        Operators of the tree.
    n_samples, n_features : int
        Size of the table.
    n_classes : int, default=1
        Number of classes; 1 for regression.
    n_outputs : int, default=1
        Number of columns of the target. Learners for a single output are fitted once
        for each; learners for several outputs are assumed to cost as much as for one.
    text : TextSize, default=None
        Of the table, whose counts of tokens are among `n_features`; None without text.

    Returns
    -------
    seconds : float
        Positive, and non-decreasing in the numbers of rows, columns and classes.
    """
    half_classes = max(n_classes, 2) / 2
    costs = _CostSum(catalog, max(n_samples, 1), half_classes, n_outputs > 1)
    n_tokens = 0 if text is None else text.n_words + text.n_characters
    table = _Columns(max(float(n_features - n_tokens), 1.0), text)
    seconds = costs.estimator(tree, table, early_stopping=True)
    if n_outputs > 1 and not takes_all_outputs(tree, catalog=catalog):
        shared, _ = costs.features(shared_features(tree, catalog=catalog), table)
        seconds = shared + n_outputs * (seconds - shared)
    return float(seconds)


def predicted_seconds_on(dataset, tree, *, catalog, n_samples=None):
    """Predict how long one fit of a pipeline takes on a dataset.

    Parameters
    ----------
    dataset : Dataset
        Gives size and task for `predicted_seconds`.
    tree : Node
    catalog : Catalog
    n_samples : int, default=None
        Number of rows of the fit; None for all of the dataset.

    Returns
    -------
    seconds : float
    """
    task = dataset.task
    return predicted_seconds(
        tree,
        catalog=catalog,
        n_samples=dataset.n_samples if n_samples is None else n_samples,
        n_features=dataset.n_features,
        n_classes=task.n_classes,
        n_outputs=task.n_outputs,
        text=text_size(dataset),
    )


@dataclass(frozen=True)
class _Columns:
    """Columns at one place in a pipeline: their number, and what there is of text."""

    width: float
    # Of a table with counts of tokens, which are not among the columns.
    text: TextSize | None = None
    # Nonzeros of a row of a sparse matrix of weights.
    nonzeros: float | None = None

    def of(self, operator):
        """Number of columns that the seconds of an operator depend on."""
        # Trees look at each column; others touch what is not zero, and their
        # coefficients.
        if self.nonzeros is None or operator.accepts_categories:
            return self.width
        return min(self.nonzeros + COEFFICIENT * self.width, self.width)


class _CostSum:
    """Sum of the costs of one tree, on a table of a given size."""

    def __init__(self, catalog, n_samples, half_classes, always_bounded):
        self.catalog = catalog
        self.n_samples = n_samples
        self.half_classes = half_classes
        # Whether rounds are bounded where boosting cannot be stopped early.
        self.always_bounded = always_bounded

    def estimator(self, node, columns, *, early_stopping):
        """Seconds of an estimator; `early_stopping` bounds its boosting rounds."""
        operator = self.catalog.find(node.operator)
        if operator.kind == "wrapper":
            inner = self.estimator(node.inputs[0], columns, early_stopping=False)
            fits = _inner_fits(operator, node, self.half_classes)
            return fits * inner + self._own(operator, node, columns.width)
        if node.inputs[0].operator == STACK:
            inner = [
                self.estimator(child, columns, early_stopping=False)
                for child in node.inputs[0].inputs
            ]
            n_predictions = len(inner) * 2 * self.half_classes
            return STACK_FITS * sum(inner) + self._own(operator, node, n_predictions)
        seconds, columns = self.features(node.inputs[0], columns)
        prepared, columns = self._prepared(operator, columns)
        rounds = inf
        params = _params(operator, node)
        bounded = early_stopping or self.always_bounded
        if bounded and params.get("early_stopping", False):
            rounds = EXPECTED_ROUNDS / params.get("learning_rate", 0.1)
        own = self._own(operator, node, columns.of(operator), rounds)
        return seconds + prepared + own

    def features(self, node, columns):
        """Seconds and columns of features."""
        if node.operator == INPUT:
            return 0.0, columns
        if node.operator == UNION:
            return self._union(node, columns)
        seconds, columns = self.features(node.inputs[0], columns)
        operator = self.catalog.find(node.operator)
        if operator.name in FOR_TEXT:
            prepared, columns = self._text(columns, **_params(operator, node))
            return seconds + prepared, columns
        prepared, columns = self._prepared(operator, columns)
        own = self._own(operator, node, columns.of(operator))
        after = replace(columns, width=_columns_after(operator, node, columns.width))
        return seconds + prepared + own, after

    def _union(self, node, columns):
        """Seconds and columns of features side by side."""
        seconds, width, nonzeros, is_sparse = 0.0, 0.0, 0.0, False
        for child in node.inputs:
            own, branch = self.features(child, columns)
            prepared, branch = self._text(branch, n_components=N_COMPONENTS)
            seconds += own + prepared
            width += branch.width
            is_sparse |= branch.nonzeros is not None
            nonzeros += branch.width if branch.nonzeros is None else branch.nonzeros
        width = min(width, MAX_COLUMNS)
        return seconds, _Columns(width, nonzeros=nonzeros if is_sparse else None)

    def _prepared(self, operator, columns):
        """Seconds and columns of what the compiler inserts for text."""
        if operator.text_as == "counts":
            return 0.0, columns
        if columns.text is not None:
            is_sparse = operator.text_as == "tfidf"
            n_components = None if is_sparse else N_COMPONENTS
            return self._text(columns, n_components=n_components)
        if columns.nonzeros is None or operator.accepts_sparse:
            return 0.0, columns
        if columns.width <= MAX_DENSE_COLUMNS:
            return 0.0, _Columns(columns.width)
        size = TextSize(int(columns.width), 0, columns.nonzeros, 0.0)
        seconds = size.svd_seconds(self.n_samples, SVD_COMPONENTS)
        return seconds, _Columns(SVD_COMPONENTS)

    def _text(self, columns, *, tokens=BOTH, n_components=None, **_):
        """Seconds and columns of weights of text, or of their singular vectors."""
        text = columns.text
        if text is None:
            return 0.0, columns
        seconds = STEP_SECONDS + text.weighting_seconds(self.n_samples, tokens)
        sizes = text.blocks(tokens)
        if n_components is None:
            width = columns.width + sum(n for n, _ in sizes)
            nonzeros = columns.width + sum(nonzeros for _, nonzeros in sizes)
            return seconds, _Columns(width, nonzeros=nonzeros)
        seconds += text.svd_seconds(self.n_samples, n_components, tokens)
        width = columns.width + sum(min(n, n_components) for n, _ in sizes)
        return seconds, _Columns(width)

    def _own(self, operator, node, width, rounds=inf):
        """Seconds of one operator, non-decreasing in the number of columns."""
        # A split uses at least one column. With few columns, the ratio of shares of
        # columns in `_at_width` decreases with the width.
        narrowest = self._at_width(operator, node, 1.0, rounds)
        return max(narrowest, self._at_width(operator, node, width, rounds))

    def _at_width(self, operator, node, width, rounds):
        """Seconds of one operator by the formula of `Cost`."""
        cost = operator.cost
        seconds = cost.least + (
            cost.seconds
            * (self.n_samples / 1000) ** cost.rows
            * (width / 20) ** cost.columns
            * self.half_classes**cost.classes
        )
        params, defaults = _params(operator, node), operator.defaults()
        for name, exponent in cost.params.items():
            value = _number(name, params.get(name), width)
            default = _number(name, defaults.get(name), width)
            # There is no ratio without a default.
            if value is None or not default:
                continue
            if name == "n_estimators":
                value = min(value, rounds)
            seconds *= (value / default) ** exponent
        return STEP_SECONDS + seconds


def _params(operator: Operator, node):
    """All arguments of a node: constant ones and hyperparameters."""
    return {**operator.fixed, **operator.defaults(), **dict(node.params)}


def _number(name, value, width):
    """Value of a hyperparameter as a number; None if it is not one."""
    if name == "max_features":
        # Its variants, as shares of the columns.
        shares = {None: 1.0, "sqrt": width**0.5 / width, "log2": log2(width) / width}
        value = max(shares.get(value, value), 1 / width)
    return value if isinstance(value, int | float) else None


def _inner_fits(operator: Operator, node, half_classes):
    """Number of fits of the inner estimator of a wrapper, in fits on all rows."""
    match _class_name(operator):
        case "CalibratedClassifierCV":
            return CALIBRATION_FITS
        case "OneVsRestClassifier":
            return 2 * half_classes
        case "BaggingClassifier" | "BaggingRegressor":
            params = _params(operator, node)
            return params.get("n_estimators", 10) * params.get("max_samples", 1.0)
    return 1


def _columns_after(operator: Operator, node, width):
    """Approximate number of columns that a transformer makes of `width`."""
    params = _params(operator, node)
    match _class_name(operator):
        case "KBinsDiscretizer" if params.get("encode") != "ordinal":
            after = width * params.get("n_bins", 5)
        case "SplineTransformer":
            after = width * (params.get("n_knots", 5) + params.get("degree", 3) - 1)
        case "PolynomialFeatures":
            after = min(width * (width + 3) / 2, MAX_PRODUCTS)
        case "RandomTreesEmbedding":
            after = params.get("n_estimators", 100) * 2 ** params.get("max_depth", 5)
        case "KMeans":
            after = params.get("n_clusters", 8)
        case "Nystroem" | "RBFSampler" | "PolynomialCountSketch":
            after = params.get("n_components", 100)
        case "TruncatedSVD":
            after = min(params.get("n_components", 2), width)
        case "SelectPercentile":
            after = width * params.get("percentile", 10) / 100
        case "SelectFromModel" | "FeatureAgglomeration":
            after = width / 2
        case _:
            after = width
    return min(max(after, 1.0), MAX_COLUMNS)


def _class_name(operator: Operator):
    """Name of the class, without its module."""
    return operator.path.rpartition(".")[2]
