"""Computation of the meta-features of a table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import type_of_target

from sklearn_meta._threads import one_thread
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import encode_table
from sklearn_meta.data._target_scale import TargetScale
from sklearn_meta.data._task import ClassificationTask, RegressionTask
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.data._validation import check_table
from sklearn_meta.metalearning.metafeatures._groups import (
    METAFEATURE_NAMES,
    run_groups,
)
from sklearn_meta.metalearning.metafeatures._sample import draw_sample
from sklearn_meta.metalearning.metafeatures._without_text import without_text

# Size of the sample. It estimates shares and moments to a few percent; more rows would
# take more time and not change which tables are similar.
MAX_ROWS = 2_000
MAX_COLUMNS = 128


@dataclass(frozen=True)
class MetaFeatures:
    """Named numbers that describe a table.

    Parameters
    ----------
    names : tuple of str of length n_metafeatures
        The same names in the same order for every table of a task.
    values : ndarray of shape (n_metafeatures,)
        Finite, or NaN where a meta-feature is undefined for the table or was beyond
        the time limit. Read-only.
    seconds : mapping of str to float, default={}
        Measured seconds of each group of meta-features, and as ``"landmarks.tree"`` of
        each of its steps that was run. ``"sample"`` is the drawing of the rows.

    Raises
    ------
    ValueError
        If `values` has another length than `names`, or is infinite.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta.metalearning.metafeatures import compute_metafeatures
    >>> X, y = load_iris(return_X_y=True)
    >>> metafeatures = compute_metafeatures(X, y)
    >>> metafeatures["n_classes"]
    3.0
    """

    names: tuple[str, ...]
    values: np.ndarray
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self):
        values = np.array(self.values, dtype=np.float64)
        if values.shape != (len(self.names),):
            raise ValueError(
                f"The 'values' must have one number for each of the {len(self.names)} "
                f"names. Got an array of shape {values.shape} instead."
            )
        infinite = [self.names[i] for i in np.flatnonzero(np.isinf(values))]
        if infinite:
            raise ValueError(
                f"The 'values' must be finite or NaN. Got infinity for {infinite}; "
                "use NaN for undefined ones."
            )
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    def __getitem__(self, name):
        """Return the value of one meta-feature as a float."""
        if name not in self.names:
            raise KeyError(
                f"There is no meta-feature {name!r}. The attribute 'names' lists all."
            )
        return float(self.values[self.names.index(name)])

    def __len__(self):
        """Return the number of meta-features."""
        return len(self.names)

    def __eq__(self, other):
        """Return whether names and values are equal; the seconds may differ."""
        if not isinstance(other, MetaFeatures):
            return NotImplemented
        return self.names == other.names and np.array_equal(
            self.values, other.values, equal_nan=True
        )

    __hash__ = None  # type: ignore[assignment]

    def as_dict(self):
        """Return the values as a dictionary.

        Returns
        -------
        values : dict of str to float
            NaN where a meta-feature is undefined.
        """
        return dict(zip(self.names, self.values.tolist(), strict=True))

    def __repr__(self):
        n_known = int(np.isfinite(self.values).sum())
        width = max(map(len, self.names), default=0)
        lines = [f"  {name:{width}s} {v:12.6g}" for name, v in self.as_dict().items()]
        head = f"MetaFeatures: {n_known} of {len(self)} known"
        return "\n".join([head, *lines])


def compute_metafeatures(
    X,
    y,
    *,
    task=None,
    time_limit=1.0,
    max_rows=MAX_ROWS,
    max_columns=MAX_COLUMNS,
    random_state=0,
):
    """Compute the meta-features of a table.

    They describe the size and the kinds of columns, the target, missing values, the
    distributions of numeric columns, information about the target, correlation,
    principal components, and the scores of simple models (landmarks) [1]_ [2]_ [3]_.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        Anything that the estimators accept.
    y : array-like of shape (n_samples,)
        Class labels, or finite numbers.
    task : {"classification", "regression"} or None, default=None
        None infers it from `y` as `sklearn.utils.multiclass.type_of_target` does:
        numbers with a fractional part are a regression target, all others are labels.
    time_limit : float, default=1.0
        Seconds for the meta-features on a usual machine, without the encoding of `X`.
        They are counted from the numbers of rows, columns and classes, not measured:
        the same meta-features are computed on a slow or busy machine. Those that do not
        fit are NaN; the values of the others do not depend on it. With the default
        numbers of rows and columns, all fit in the default limit.
    max_rows : int, default=2000
        Number of rows that are drawn from larger tables. Meta-features are comparable
        only if they were computed with the same value.
    max_columns : int, default=128
        As `max_rows`, for columns.
    random_state : int, RandomState instance or None, default=0
        Seed of the drawing of rows and columns, and of the trees.

    Returns
    -------
    metafeatures : MetaFeatures
        Values by name; NaN where undefined or beyond the time limit.

    Raises
    ------
    ValueError
        If `X` or `y` is invalid, see `MetaAutoClassifier.fit`, or a parameter is out of
        range.

    Notes
    -----
    It runs on one thread. The same table and seed give the same values; up to
    `max_rows` rows, also in another order of the rows.

    References
    ----------
    .. [1] P. Brazdil, J. N. van Rijn, C. Soares, J. Vanschoren, "Metalearning",
       2nd edition, Springer, 2022.
    .. [2] B. Pfahringer, H. Bensusan, C. Giraud-Carrier, "Meta-learning by landmarking
       various learning algorithms", ICML 2000.
    .. [3] A. Rivolli, L. P. F. Garcia, C. Soares, J. Vanschoren, A. C. P. L. F. de
       Carvalho, "Meta-features for meta-learning", Knowledge-Based Systems 240, 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_meta.metalearning.metafeatures import compute_metafeatures
    >>> X, y = load_diabetes(return_X_y=True)
    >>> metafeatures = compute_metafeatures(X, y, task="regression")
    >>> 0.4 < metafeatures["score_linear"] < 0.6
    True
    """
    _, dataset = encode_dataset(X, y, task)
    return describe(
        dataset,
        time_limit=time_limit,
        max_rows=max_rows,
        max_columns=max_columns,
        random_state=random_state,
    )


def encode_dataset(X, y, task=None):
    """Validate and encode a raw table.

    Parameters
    ----------
    X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        Anything that the estimators accept.
    y : array-like of shape (n_samples,)
        Class labels, or finite numbers.
    task : {"classification", "regression"} or None, default=None
        None infers it from `y`, as in `compute_metafeatures`.

    Returns
    -------
    encoding : Encoding
        How the columns were read.
    dataset : Dataset
        Encoded table, target and task.
    """
    X = check_table(BaseEstimator(), X, reset=True)
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    y, task = _read_target(y, task)
    _, encoded, encoding = encode_table(X)
    return encoding, Dataset(encoded, y, encoding.schema, task)


def describe(
    dataset,
    *,
    time_limit=1.0,
    max_rows=MAX_ROWS,
    max_columns=MAX_COLUMNS,
    random_state=0,
):
    """Compute the meta-features of an encoded table; see `compute_metafeatures`.

    Parameters
    ----------
    dataset : Dataset
        Weights and groups are ignored, and all targets but the first.
    time_limit : float, default=1.0
        Seconds for all meta-features, counted; those that do not fit are NaN.
    max_rows : int, default=2000
        Number of rows that are drawn from larger tables.
    max_columns : int, default=128
        Number of columns that are drawn from wider tables.
    random_state : int, RandomState instance or None, default=0
        Seed of the drawing of rows and columns, and of the trees.

    Returns
    -------
    metafeatures : MetaFeatures
        Values by name; NaN where undefined or beyond the time limit.
    """
    start = time.perf_counter()
    _check(time_limit, "time_limit", Real, "a number of seconds above 0")
    _check(max_rows, "max_rows", Integral, "an int above 0")
    _check(max_columns, "max_columns", Integral, "an int above 0")
    dataset = _first_output(dataset)
    names = METAFEATURE_NAMES[dataset.task.name]
    with (
        one_thread(),
        # Undefined values become NaN.
        np.errstate(all="ignore"),
    ):
        sample = draw_sample(
            without_text(dataset, max_rows=max_rows),
            max_rows=max_rows,
            max_columns=max_columns,
            random_state=check_random_state(random_state),
        )
        drawn = time.perf_counter() - start
        values, seconds = run_groups(sample, effort_limit=time_limit)
    return MetaFeatures(
        names,
        np.array([values.get(name, np.nan) for name in names], dtype=np.float64),
        {"sample": drawn, **seconds},
    )


def _first_output(dataset):
    """Return the dataset with its first target; a label has two classes."""
    if dataset.y.ndim == 1:
        return dataset
    task = RegressionTask()
    if dataset.task.is_classifier:
        task = ClassificationTask(np.arange(2))
    return replace(dataset, y=dataset.y[:, 0], task=task)


def _check(value, name, type_, expected):
    if isinstance(value, bool) or not isinstance(value, type_) or not value > 0:
        raise ValueError(
            f"The {name!r} parameter of compute_metafeatures must be {expected}. "
            f"Got {value!r} instead."
        )


def _read_target(y, task):
    """Return the encoded target and its task."""
    if task is None:
        task = _infer_task(y)
    if task == CLASSIFICATION:
        classes = np.unique(y)
        task = ClassificationTask(classes)
        return task.encode(y), task
    if task == REGRESSION:
        y = np.asarray(y, dtype=np.float64)
        if not np.isfinite(y).all():
            raise ValueError(
                "Input y contains NaN or infinity. Drop these rows: a table can only "
                "be described with its target."
            )
        return y, RegressionTask(scale=TargetScale.of(y))
    raise ValueError(
        f"The 'task' parameter of compute_metafeatures must be {CLASSIFICATION!r}, "
        f"{REGRESSION!r} or None. Got {task!r} instead."
    )


def _infer_task(y):
    kind = type_of_target(y, input_name="y")
    if kind == "continuous":
        return REGRESSION
    if kind in ("binary", "multiclass"):
        return CLASSIFICATION
    raise ValueError(
        f"y must hold class labels or numbers. Got a target of type {kind!r}; pass "
        f"labels of one type, or task={REGRESSION!r}."
    )
