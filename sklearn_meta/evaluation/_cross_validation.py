"""Cross-validation splits, preceded by screening on a subsample.

All candidates are scored on the same splits in the same order, so that their scores can
be compared in pairs. Large tables begin with a screening stage on a subsample of rows
(successive halving over rows); the folds of the cross-validation follow. The largest
tables have a single holdout split instead of folds, with as many training rows as the
budget allows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from numbers import Integral

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    check_cv,
)

from sklearn_meta._warnings import ThreadFilter
from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.data._groups import group_numbers, groups_for_splitter
from sklearn_meta.timing._effort import FULL_EFFORT

# Below this number of rows: 5 folds, repeated twice, because one 5-fold split of so few
# rows is too noisy for model selection (Bergman et al. 2024 and the AutoML Benchmark
# use 10 folds throughout).
N_SAMPLES_REPEATED = 1_000
# Below the first number of rows: 5 folds; below the second: 3 folds; above: a holdout.
N_SAMPLES_FIVE_FOLDS = 15_000
N_SAMPLES_THREE_FOLDS = 60_000
HOLDOUT_SHARE = 0.2
# With more validation rows than this, the standard error of a score is negligible.
MAX_HOLDOUT_ROWS = 40_000

# A holdout part and a screening part have at least this number of rows outside of the
# largest class, and the training rows beside them twice as many; with too few for that,
# folds take the place of the holdout, so that each of these rows is validated. The
# average precision of four positives is a lottery: of 159 candidates on 20 000 rows
# with 20 positives, the best one on a holdout part ranked no better than chance.
MIN_RARE_ROWS = 20
# Share of the rows below which those outside of the largest class are rare.
RARE_SHARE = 0.05

# Number of rows of the subsample, and the ratio of training rows to it above which
# there is a screening stage.
SCREENING_ROWS = 8_000
SCREENING_FACTOR = 3

# Predictions of a fold that lacks a class are aligned with all classes. A splitter that
# the user has chosen may ignore the groups.
ignored_warnings_of_splits = ThreadFilter(
    "ignore", "The least populated class|The groups parameter is ignored"
)


@dataclass(frozen=True)
class Stage:
    """Rows of one fit of a candidate and of its score.

    Parameters
    ----------
    train, validation : ndarray of int
        Row indices.
    screening : bool, default=False
        Whether the rows are a subsample, whose score only decides whether the candidate
        is scored on the folds.
    """

    train: np.ndarray = field(repr=False)
    validation: np.ndarray = field(repr=False)
    screening: bool = False


def default_splitter(dataset, random_state, effort=FULL_EFFORT):
    """Choose a cross-validation splitter by size, task and groups.

    Parameters
    ----------
    dataset : Dataset
    random_state : int
    effort : Effort, default=Effort()
        Maximum numbers of folds, repetitions and training rows.

    Returns
    -------
    splitter : scikit-learn splitter
        Stratified for a single target of classes, grouped if groups are given. Five
        folds twice below 1 000 rows, five folds below 15 000, three below 60 000; a
        holdout above, or if `effort` allows one fold only. Where less than
        `RARE_SHARE` of the rows are outside of the largest class, and a holdout part
        would have less than `MIN_RARE_ROWS` of them, five folds below 60 000 rows and
        three above.
    """
    n = dataset.n_samples
    stratified = dataset.task.stratifies
    is_rare = lacks_rare_rows(dataset)
    max_folds = FULL_EFFORT.max_folds if is_rare else effort.max_folds
    if dataset.groups is not None:
        n_folds = min(5, int(group_numbers(dataset.groups).max()) + 1)
        max_train = n if effort.max_train is None else effort.max_train
        if has_holdout(dataset, None, effort):
            return GroupShuffleSplit(
                1,
                test_size=HOLDOUT_SHARE,
                train_size=min(max_train / n, 1 - HOLDOUT_SHARE),
                random_state=random_state,
            )
        return k_fold(min(n_folds, max_folds), dataset, random_state)
    if has_holdout(dataset, None, effort):
        train_size, test_size = _holdout_sizes(dataset, effort)
        # Stratification needs two members of each class, and a row of each class in
        # both parts.
        stratified = (
            stratified
            and np.bincount(dataset.y).min() >= 2
            and dataset.task.n_classes <= min(test_size, train_size)
        )
        return (StratifiedShuffleSplit if stratified else ShuffleSplit)(
            1, test_size=test_size, train_size=train_size, random_state=random_state
        )
    five_below = N_SAMPLES_THREE_FOLDS if is_rare else N_SAMPLES_FIVE_FOLDS
    n_folds = min(5 if n < five_below else 3, max_folds, n)
    if is_rare:
        # A row of the rare class in each fold, where there are two.
        n_folds = max(2, min(n_folds, n_rare_rows(dataset)))
    if stratified:
        largest_class = int(np.bincount(dataset.y).max())
        if largest_class < 2:
            return KFold(n_folds, shuffle=True, random_state=random_state)
        # StratifiedKFold requires that the largest class has a member for each fold.
        n_folds = max(2, min(n_folds, largest_class))
    if n < N_SAMPLES_REPEATED and effort.max_repeats > 1:
        splitter = RepeatedStratifiedKFold if stratified else RepeatedKFold
        return splitter(
            n_splits=n_folds, n_repeats=effort.max_repeats, random_state=random_state
        )
    return k_fold(n_folds, dataset, random_state)


def n_rare_rows(dataset) -> int:
    """Return the number of rows outside of the largest class.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    n : int
        All rows if the target is not one of classes.
    """
    if not dataset.task.stratifies:
        return dataset.n_samples
    return dataset.n_samples - int(np.bincount(dataset.y).max())


def lacks_rare_rows(dataset) -> bool:
    """Whether nearly all rows are of one class, and a holdout part has too few others.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    lacks : bool
        False for tables that are too small for such a part anyway.
    """
    is_large = dataset.n_samples * HOLDOUT_SHARE >= MIN_RARE_ROWS
    most = min(MIN_RARE_ROWS / HOLDOUT_SHARE, RARE_SHARE * dataset.n_samples)
    return is_large and n_rare_rows(dataset) < most


def _holdout_sizes(dataset, effort):
    """Return the numbers of training and validation rows of a holdout."""
    n, n_rare = dataset.n_samples, n_rare_rows(dataset)
    max_train = n if effort.max_train is None else effort.max_train
    most = int(HOLDOUT_SHARE * n)
    for_rare = int(np.ceil(MIN_RARE_ROWS * n / n_rare))
    test_size = min(most, max(min(MAX_HOLDOUT_ROWS, max_train), for_rare))
    return min(max(max_train, 2 * for_rare), n - test_size), test_size


def k_fold(n_folds, dataset, random_state):
    """Return a splitter into shuffled folds.

    Parameters
    ----------
    n_folds : int
    dataset : Dataset
    random_state : int

    Returns
    -------
    splitter : scikit-learn splitter
        Stratified for a single target of classes, grouped if groups are given.
    """
    stratified = dataset.task.stratifies
    if dataset.groups is not None:
        kind = StratifiedGroupKFold if stratified else GroupKFold
    else:
        kind = StratifiedKFold if stratified else KFold
    return kind(n_folds, shuffle=True, random_state=random_state)


def make_folds(dataset, cv, random_state, effort=FULL_EFFORT, split_params=None):
    """Return the (train, validation) row indices of the cross-validation.

    Parameters
    ----------
    dataset : Dataset
    cv : None, int, splitter or iterable
        As in scikit-learn; None for `default_splitter`.
    random_state : int
    effort : Effort, default=Effort()
        Of the default splitter.
    split_params : dict of str to object, default=None
        Arguments of ``cv.split`` besides `X` and `y`; None for the groups.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Copies of a row are in the same part, except for splits of `cv` that refer to
        rows.

    Raises
    ------
    ValueError
        If `cv` has more folds than the largest class has members, gives no split, or
        gives a split without training or validation rows.
    """
    if dataset.copy_of is not None and not refers_to_rows(cv):
        distinct, copy_of = distinct_rows(dataset)
        share = distinct.n_samples / dataset.n_samples
        folds = make_folds(distinct, cv, random_state, _share_of(effort, share))
        return follow_rows(folds, copy_of)
    y = dataset.task.decode(dataset.y)
    if split_params is None or not refers_to_rows(cv):
        split_params = {"groups": groups_for_splitter(dataset.groups)}
    if cv is None:
        splitter = default_splitter(dataset, random_state, effort)
    elif isinstance(cv, Integral):
        splitter = k_fold(int(cv), dataset, random_state)
    else:
        splitter = check_cv(cv, y, classifier=dataset.task.is_classifier)
    with ignored_warnings_of_splits():
        folds = list(
            splitter.split(np.empty((dataset.n_samples, 0)), y, **split_params)
        )
    folds = [(as_indices(train), as_indices(valid)) for train, valid in folds]
    if not folds or any(not len(t) or not len(v) for t, v in folds):
        raise ValueError(
            f"The 'cv' parameter must give at least one split, each with training and "
            f"validation rows. Got {cv!r}, which gives {len(folds)} splits, "
            f"{sum(not len(t) or not len(v) for t, v in folds)} of them without rows. "
            "Pass None or a number of folds for the default splits."
        )
    return folds


def distinct_rows(dataset):
    """Return the dataset of one row of each set of copies.

    Parameters
    ----------
    dataset : Dataset
        With copies.

    Returns
    -------
    distinct : Dataset
    copy_of : ndarray of int of shape (n_samples,)
        Index in it of each row of `dataset`.
    """
    _, first, copy_of = np.unique(
        dataset.copy_of, return_index=True, return_inverse=True
    )
    return replace(take_rows(dataset, first), copy_of=None), copy_of


def _share_of(effort, share):
    """Return an effort with a share of the training rows."""
    if effort.max_train is None:
        return effort
    return replace(effort, max_train=max(1, int(share * effort.max_train)))


def has_holdout(dataset, cv, effort) -> bool:
    """Whether a single holdout split replaces the folds.

    Parameters
    ----------
    dataset : Dataset
    cv : None, int, splitter or iterable
    effort : Effort

    Returns
    -------
    is_holdout : bool
        False if the user has chosen `cv`, or with too few rows outside of the largest
        class.
    """
    n_distinct = dataset.n_samples
    if dataset.copy_of is not None:
        n_distinct = int(dataset.copy_of.max()) + 1
    is_expensive = effort.max_folds == 1 or n_distinct >= N_SAMPLES_THREE_FOLDS
    return cv is None and is_expensive and not lacks_rare_rows(dataset)


def refers_to_rows(cv) -> bool:
    """Whether the splits of `cv` may depend on the order of the rows."""
    return not (cv is None or isinstance(cv, Integral))


def follow_rows(folds, rows):
    """Return the folds of a table whose rows were selected or reordered.

    Parameters
    ----------
    folds : list of (ndarray, ndarray)
        Row indices of the original table.
    rows : ndarray of int
        Index in the original table of each row of the new one; an index may occur
        several times or not at all.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Row indices of the new table.
    """

    def positions(part):
        return np.flatnonzero(np.isin(rows, part))

    return [(positions(train), positions(validation)) for train, validation in folds]


def predicts_later_rows(folds) -> bool:
    """Whether folds are ordered in time: validation rows come after training rows.

    This is true of ``TimeSeriesSplit`` with every gap and window, and of splits by
    period that a user has made of rows in any order: with several folds, from the first
    to the last or the other way round, each row is validated before it is trained on.
    In random folds, rows of one fold train for another and are validated in it in turn.
    The rows of a single split have to come later in the table, because any single split
    would be in order otherwise.

    Parameters
    ----------
    folds : list of (ndarray, ndarray)
        Row indices of training and validation.

    Returns
    -------
    is_ordered : bool
    """
    if len(folds) == 1:
        ((train, validation),) = folds
        return bool(train.max() < validation.min())
    return _validates_first(folds) or _validates_first(folds[::-1])


def _validates_first(folds):
    """Whether each row is validated in earlier folds than it is trained on in."""
    n = 1 + max(max(train.max(), validation.max()) for train, validation in folds)
    first_trained = np.full(n, len(folds))
    for i, (train, _) in reversed(list(enumerate(folds))):
        first_trained[train] = i
    return all(
        (first_trained[validation] > i).all() for i, (_, validation) in enumerate(folds)
    )


def make_stages(dataset, folds, random_state):
    """Return the stages of an evaluation: screening on large tables, then the folds.

    Parameters
    ----------
    dataset : Dataset
    folds : list of (ndarray, ndarray)
        Row indices of training and validation.
    random_state : int
        Seed of the subsample.

    Returns
    -------
    stages : tuple of Stage
    """
    stages = [Stage(train, validation) for train, validation in folds]
    train, validation = folds[0]
    if len(train) > SCREENING_FACTOR * SCREENING_ROWS:
        rng = np.random.default_rng(random_state)
        stages.insert(
            0,
            Stage(
                _screening_rows(dataset, train, 2 * MIN_RARE_ROWS, rng),
                _screening_rows(dataset, validation, MIN_RARE_ROWS, rng),
                screening=True,
            ),
        )
    return tuple(stages)


def _screening_rows(dataset, rows, n_rare, rng):
    """Draw rows for the screening, with all rare ones if there would be too few."""
    chosen = subsample(dataset, rows, SCREENING_ROWS, rng)
    if not dataset.task.stratifies:
        return chosen
    largest = np.argmax(np.bincount(dataset.y))
    if np.count_nonzero(dataset.y[chosen] != largest) >= n_rare:
        return chosen
    return np.union1d(chosen, rows[dataset.y[rows] != largest])


def subsample(dataset: Dataset, rows, n, rng):
    """Draw rows without replacement so that no class is lost.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of int
        Row indices to draw from.
    n : int
        Number of rows to draw; up to two of each class that was not drawn are added.
    rng : numpy.random.Generator

    Returns
    -------
    rows : ndarray of int
        Sorted, unless all of `rows` are returned.
    """
    if len(rows) <= n:
        return rows
    chosen = rng.choice(rows, size=n, replace=False)
    if dataset.task.stratifies:
        present = np.bincount(dataset.y[chosen], minlength=dataset.task.n_classes)
        missing = np.flatnonzero(present == 0)
        labels = dataset.y[rows]
        extra = [rows[labels == c][:2] for c in missing]
        chosen = np.concatenate([chosen, *extra])
    return np.sort(chosen)


def as_indices(rows):
    """Return row indices, from row indices or a boolean mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)
