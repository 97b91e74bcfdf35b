"""Landmarking: scores of simple models, and differences between them.

The score is one minus the squared error of a model out of sample over that of a
constant (for classes, of the Brier score), at least -1. It is computed on up to 512
rows, evenly spaced in the sorted sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.metalearning.metafeatures._column_statistics import average_ranks
from sklearn_meta.metalearning.metafeatures._declarations import (
    CLASSES,
    COLUMNS,
    ROWS,
    SCALE,
    Group,
    MetaFeature,
    Step,
    StepCost,
)
from sklearn_meta.metalearning.metafeatures._landmark_models import (
    bayes_predictions,
    constant_errors,
    kernel_errors,
    neighbor_errors,
    ridge_errors,
    squared_distances,
    tree_errors,
)

# The time of some models grows with the cube of the number of rows.
MAX_ROWS = 512

# Relative to the variance of the columns, see `ridge_errors`.
PENALTIES = tuple(10.0**i for i in range(-4, 2))
KERNEL_PENALTIES = (0.1, 1.0)
NEIGHBORS = (1, 5, 20)
N_FOLDS = 3
N_TREES = 8

# Rounding errors of a target that is constant on some rows.
NOISE = 1e-14

# Minimum number of rows.
MIN_ROWS = 6

# The folds depend on the order of the sample, and thus on the values.
_FOLDS = frozenset({ROWS})
_FREE = frozenset({ROWS, COLUMNS, CLASSES, SCALE})


def _landmark(name, meaning, invariances=_FREE, **kwargs):
    return MetaFeature(name, meaning, invariances, **kwargs)


def _ranked(name, meaning):
    return _landmark(f"{name}_rank", f"{meaning}, of ranks of y", tasks=(REGRESSION,))


FEATURES = (
    _landmark("score_linear", "ridge regression, best of six penalties"),
    _ranked("score_linear", "ridge regression, best of six penalties"),
    _landmark("linear_penalty", "log10 of the best penalty of ridge regression"),
    _landmark("linear_penalty_gain", "best penalty less the smallest one"),
    _landmark("score_additive", "ridge regression on splines: additive effects"),
    _landmark("additive_gain", "additive effects less linear ones"),
    _landmark("score_1nn", "nearest neighbor"),
    _landmark("score_5nn", "5 nearest neighbors"),
    _ranked("score_5nn", "5 nearest neighbors"),
    _landmark("score_20nn", "20 nearest neighbors"),
    _landmark("smoothing_gain", "20 neighbors less one: noise"),
    MetaFeature(
        "more_rows_gain",
        "5 nearest neighbors on all rows less on half of them",
        _FOLDS,
    ),
    _landmark("score_kernel", "Gaussian kernel ridge regression"),
    _ranked("score_kernel", "Gaussian kernel ridge regression"),
    _landmark("kernel_gain", "kernel less linear: smooth curvature"),
    _landmark(
        "score_bayes",
        "naive Bayes on bins; share of the majority class's errors avoided",
        tasks=(CLASSIFICATION,),
    ),
    _landmark("score_stump", "tree of one split", _FOLDS),
    _landmark("score_tree", "tree of depth 5", _FOLDS),
    _landmark("score_forest", f"{N_TREES} extremely randomized trees", _FOLDS),
    _landmark("tree_gain", "tree of depth 5 less linear: steps, interactions", _FOLDS),
    _landmark("stump_gap", "tree of depth 5 less stump: more than one split", _FOLDS),
    _landmark("forest_gain", "randomized trees less linear", _FOLDS),
    _landmark("interaction_gain", "randomized trees less additive effects", _FOLDS),
    _landmark("smoothness_gain", "kernel less randomized trees", _FOLDS),
    _landmark("score_best", "best of the families of models", _FOLDS),
    _landmark("score_sd", "standard deviation over the families of models", _FOLDS),
)


@dataclass(frozen=True)
class _Rows:
    """Rows of the sample that landmarks are computed on."""

    sample: object

    @cached_property
    def index(self):
        """Evenly spaced rows of the sample, which is sorted by the target."""
        n_samples = self.sample.n_samples
        if n_samples <= MAX_ROWS:
            return np.arange(n_samples)
        return np.linspace(0, n_samples - 1, MAX_ROWS).round().astype(np.intp)

    @cached_property
    def target(self):
        """Centered target, (n, k)."""
        target = _centered(self.sample.target[self.index])
        return np.where(np.abs(target) < NOISE, 0.0, target)

    @cached_property
    def targets(self):
        """`target`, and for regression its centered ranks beside it, (n, k or 2)."""
        if self.sample.is_classification:
            return self.target
        ranks = average_ranks(self.sample.y[self.index, None]) - 0.5
        return np.hstack([self.target, ranks])

    @cached_property
    def design(self):
        """`Sample.design`, centered on these rows."""
        return _centered(self.sample.design[self.index])

    @cached_property
    def distances(self):
        """Squared distances of `design`, infinite from a row to itself."""
        distances = squared_distances(self.design)
        np.fill_diagonal(distances, np.inf)
        return distances

    @cached_property
    def tree_columns(self):
        """Ranks of numbers and frequency order of levels, missing values below."""
        ranks = np.nan_to_num(self.sample.ranks[self.index], nan=-0.1)
        return np.hstack([ranks, self.sample.levels[self.index]])

    @property
    def n_samples(self):
        """Number of these rows."""
        return len(self.index)

    @property
    def n_cells(self):
        """Number of values of these rows."""
        return len(self.index) * self.tree_columns.shape[1]

    @property
    def n_outputs(self):
        """Number of columns of `target`."""
        return self.sample.n_outputs

    @property
    def usable(self):
        """Whether there are enough rows, columns, and a target that varies."""
        return (
            len(self.index) >= MIN_ROWS
            and self.design.shape[1] > 0
            and bool(self.target.any())
        )


def _centered(matrix):
    return matrix - matrix.mean(axis=0)


def _score(errors, constant):
    """Return one minus the squared error over that of a constant, at least -1."""
    return max(1 - float((errors**2).sum() / (constant**2).sum()), -1.0)


def _scores(rows, errors):
    """Score the errors of each setting on the target (and on its ranks)."""
    constant = constant_errors(rows.targets)
    columns = [slice(None)] if rows.sample.is_classification else [0, 1]
    scores = [[_score(e[:, c], constant[:, c]) for c in columns] for e in errors]
    # The best setting must not depend on rounding errors.
    return np.round(scores, 9)


def _best(name, scores):
    """Return the best of the settings on each target."""
    return dict(zip((name, f"{name}_rank"), scores.max(axis=0), strict=False))


def _linear(rows):
    scores = _scores(rows, ridge_errors(rows.design, rows.targets, PENALTIES))
    best = int(np.argmax(scores[:, 0]))
    return _best("score_linear", scores) | {
        "linear_penalty": np.log10(PENALTIES[best]),
        "linear_penalty_gain": scores[best, 0] - scores[0, 0],
    }


def _additive(rows):
    ranks = np.nan_to_num(rows.sample.ranks[rows.index] - 0.5)
    n_numeric = ranks.shape[1]
    bends = [ranks - ranks.mean(axis=0)]
    if n_numeric:
        # Up to three knots at quantiles; fewer in wide tables.
        n_bends = min(max(MAX_ROWS // 2 // n_numeric - 1, 1), 3)
        knots = {1: (0.0,), 2: (-0.17, 0.17), 3: (-0.25, 0.0, 0.25)}[n_bends]
        bends += [np.maximum(ranks - knot, 0.0) for knot in knots]
    # The variance of uniform ranks is 1 / 12; the other columns are level indicators.
    levels = rows.design[:, n_numeric:]
    basis = _centered(np.hstack([np.sqrt(12) * np.hstack(bends), levels]))
    scores = _scores(rows, ridge_errors(basis, rows.targets, PENALTIES))
    return {"score_additive": scores[:, 0].max()}


def _neighbors(rows):
    numbers = [k for k in NEIGHBORS if k < len(rows.index)]
    scores = _scores(rows, neighbor_errors(rows.distances, rows.targets, numbers))
    found = {f"score_{k}nn": s[0] for k, s in zip(numbers, scores, strict=True)}
    if len(numbers) == len(NEIGHBORS):
        found["smoothing_gain"] = scores[-1, 0] - scores[0, 0]
    return found | _best("score_5nn", scores[[NEIGHBORS.index(5)]])


def _more_rows(rows):
    """Compare 5 neighbors among all rows with 5 among every second row."""
    scores = []
    for part in (slice(None), slice(None, None, 2)):
        target = _centered(rows.target[part])
        if len(target) <= 5 or np.abs(target).max() < NOISE:
            return {}
        distances = rows.distances[part, part]
        (errors,) = neighbor_errors(distances, target, (5,))
        scores.append(_score(errors, constant_errors(target)))
    return {"more_rows_gain": scores[0] - scores[1]}


def _kernel(rows):
    errors = kernel_errors(rows.distances, rows.targets, KERNEL_PENALTIES)
    return _best("score_kernel", _scores(rows, errors))


def _bayes(rows):
    bins, classes = rows.sample.bins[rows.index], rows.sample.classes[rows.index]
    classes = np.unique(classes, return_inverse=True)[1]
    wrong = np.mean(bayes_predictions(bins, classes) != classes)
    majority = np.bincount(classes).max() / len(classes)
    return {"score_bayes": max(1 - wrong / (1 - majority), -1.0)}


def _stump(rows):
    from sklearn.tree import DecisionTreeRegressor

    model = DecisionTreeRegressor(max_depth=1, random_state=rows.sample.seed)
    return {"score_stump": _tree_score(rows, [model])}


def _tree(rows):
    from sklearn.tree import DecisionTreeRegressor

    seed = rows.sample.seed
    model = DecisionTreeRegressor(max_depth=5, min_samples_leaf=3, random_state=seed)
    return {"score_tree": _tree_score(rows, [model])}


def _forest(rows):
    from sklearn.tree import ExtraTreeRegressor

    models = [
        ExtraTreeRegressor(
            max_features=0.5, min_samples_leaf=2, random_state=rows.sample.seed + i
        )
        for i in range(N_TREES)
    ]
    return {"score_forest": _tree_score(rows, models)}


def _tree_score(rows, models):
    return _score(*tree_errors(rows.tree_columns, rows.target, models, N_FOLDS))


# Differences between two scores: minuend and subtrahend.
DIFFERENCES = {
    "additive_gain": ("score_additive", "score_linear"),
    "kernel_gain": ("score_kernel", "score_linear"),
    "tree_gain": ("score_tree", "score_linear"),
    "stump_gap": ("score_tree", "score_stump"),
    "forest_gain": ("score_forest", "score_linear"),
    "interaction_gain": ("score_forest", "score_additive"),
    "smoothness_gain": ("score_kernel", "score_forest"),
}

# One score of each family of models.
FAMILIES = (
    "score_linear",
    "score_additive",
    "score_5nn",
    "score_kernel",
    "score_tree",
    "score_forest",
)


def _prepare(sample):
    # Imported here, so that its seconds are not those of a step.
    import sklearn.tree  # noqa: F401

    rows = _Rows(sample)
    return rows if rows.usable else None


def _compare(values):
    """Return meta-features that depend on several landmarks."""
    derived = {
        name: values[more] - values[less]
        for name, (more, less) in DIFFERENCES.items()
        if more in values and less in values
    }
    if all(name in values for name in FAMILIES):
        scores = [values[name] for name in FAMILIES]
        derived |= {"score_sd": np.std(scores), "score_best": max(scores)}
    return derived


GROUP = Group(
    "landmarks",
    FEATURES,
    (
        Step(_linear, StepCost(2e-4, 1.2e-7)),
        Step(_stump, StepCost(7e-4, 1e-7, per_output=2e-9)),
        Step(_bayes, StepCost(2e-4, 5e-8), tasks=(CLASSIFICATION,)),
        Step(_neighbors, StepCost(2e-4, per_output=5e-10, per_pair=1.6e-8)),
        Step(_more_rows, StepCost(2e-4, per_pair=6e-9)),
        Step(_forest, StepCost(4e-3, 4.5e-7, per_output=1.6e-8)),
        Step(_tree, StepCost(7e-4, 3.3e-7, per_output=9e-9)),
        Step(_additive, StepCost(3e-4, 1.5e-7, per_output=4e-9)),
        Step(_kernel, StepCost(5e-4, per_pair=5.5e-8)),
    ),
    effort_share=1.0,
    prepare=_prepare,
    derive=_compare,
)
