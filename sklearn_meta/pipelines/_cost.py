"""Predicted seconds of a pipeline: the price that a search weighs a score against."""

from __future__ import annotations

from math import log2

from sklearn_meta.pipelines._operators import Catalogue, Operator
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node

# Every step has a price even on an empty table: checks, copies, imports that are done.
STEP_SECONDS = 0.0005

# A stacked estimator is fitted on five folds for its out-of-fold predictions and once
# on all rows.
STACK_FITS = 6

# Calibration of a single model: three folds and all rows; see `_catalogue_parts`.
CALIBRATION_FITS = 4

# Early stopping ends boosting after about this many rounds times the learning rate
# (those until the best round, and the patience behind it).
EARLY_STOPPING_ROUNDS = 15.0

# No transformer is taken to give more columns than this: wide results are sparse or
# cut, and a prediction should not overflow.
MAX_COLUMNS = 20_000.0


def predicted_seconds(
    tree: Node, *, catalogue: Catalogue, task, n_samples, n_features, n_classes=1
):
    """Predict how long one fit of a pipeline takes on one thread.

    The sum over the operators of the tree of their `Cost`, which was measured once. It
    tells cheap pipelines from dear ones, to a factor of about three; what it does not
    know is the machine, the values, and the number of levels of categories.

    Parameters
    ----------
    tree : Node
        A legal tree, see `check_tree`.
    catalogue : Catalogue
    task : {"classification", "regression"}
    n_samples, n_features : int
        Size of the table.
    n_classes : int, default=1
        One for regression.

    Returns
    -------
    seconds : float
        Above zero; never less for more rows, columns or classes.
    """
    size = _Size(catalogue, task, max(n_samples, 1), max(n_classes, 2) / 2)
    return float(size.estimator(tree, max(float(n_features), 1.0)))


class _Size:
    """What stays the same while the seconds of one tree are added up."""

    def __init__(self, catalogue, task, n_samples, half_classes):
        self.catalogue = catalogue
        self.task = task
        self.n_samples = n_samples
        self.half_classes = half_classes

    def estimator(self, node, width):
        operator = self.catalogue.find(node.operator, self.task)
        if operator.kind == "wrapper":
            inner = self.estimator(node.inputs[0], width)
            fits = _inner_fits(operator, node, self.half_classes)
            return fits * inner + self._own(operator, node, width)
        if node.inputs[0].operator == STACK:
            inner = [self.estimator(e, width) for e in node.inputs[0].inputs]
            n_predictions = len(inner) * 2 * self.half_classes
            return STACK_FITS * sum(inner) + self._own(operator, node, n_predictions)
        seconds, width = self.features(node.inputs[0], width)
        return seconds + self._own(operator, node, width)

    def features(self, node, width):
        """Return seconds and number of columns."""
        if node.operator == INPUT:
            return 0.0, width
        parts = [self.features(child, width) for child in node.inputs]
        seconds = sum(s for s, _ in parts)
        width = sum(w for _, w in parts)
        if node.operator == UNION:
            return seconds, min(width, MAX_COLUMNS)
        operator = self.catalogue.find(node.operator, self.task)
        own = self._own(operator, node, width)
        return seconds + own, _columns_after(operator, node, width)

    def _own(self, operator, node, width):
        cost = operator.cost
        seconds = (
            cost.seconds
            * (self.n_samples / 1000) ** cost.rows
            * (width / 20) ** cost.columns
            * self.half_classes**cost.classes
        )
        params = {**operator.defaults(), **dict(node.params)}
        for name, exponent in cost.params.items():
            value = _number(name, params[name], width)
            default = _number(name, operator.hyperparameter(name).default, width)
            if name == "n_estimators" and params.get("early_stopping", False):
                value = min(value, EARLY_STOPPING_ROUNDS / params["learning_rate"])
            # Without a default there is no ratio: the seconds are those of "any".
            if value and default:
                seconds *= (value / default) ** exponent
        return STEP_SECONDS + seconds


def _number(name, value, width):
    """Value of a hyperparameter as a number; None where it has none."""
    if name == "max_features":
        # As a share of the columns, whatever way it is written.
        shares = {None: 1.0, "sqrt": width**0.5 / width, "log2": log2(width) / width}
        return max(shares.get(value, value), 1 / width)
    return value


def _inner_fits(operator: Operator, node, half_classes):
    """How often a wrapper fits the estimator inside, in fits on all rows."""
    if operator.name == "calibrated":
        return CALIBRATION_FITS
    if operator.name == "bagging":
        params = {**operator.defaults(), **dict(node.params)}
        return params["n_estimators"] * params["max_samples"]
    if operator.name == "one_vs_rest":
        return max(2 * half_classes, 1)
    return 1


def _columns_after(operator: Operator, node, width):
    """About how many columns a transformer makes of `width`."""
    params = {**operator.defaults(), **dict(node.params)}
    match operator.name:
        case "k_bins" if params["encode"] != "ordinal":
            after = width * params["n_bins"]
        case "splines":
            after = width * (params["n_knots"] + params["degree"] - 2)
        case "polynomial":
            after = min(width * (width + 3) / 2, 1500)
        case "random_trees_embedding":
            after = params["n_estimators"] * 2 ** params["max_depth"]
        case "kmeans":
            after = params["n_clusters"]
        case "nystroem" | "rbf_sampler" | "polynomial_sketch":
            after = params["n_components"]
        case "truncated_svd":
            after = min(params["n_components"], max(width / 2, 1))
        case "select_percentile":
            after = width * params["percentile"] / 100
        case "select_by_trees" | "select_by_l1" | "feature_agglomeration":
            after = width / 2
        case _:
            after = width
    return min(max(after, 1.0), MAX_COLUMNS)
