"""Which rows a candidate is fitted and scored on, one stage after the other.

The stages of a race are the same for all candidates, so that scores can be compared
in pairs. Big tables begin with one screening stage on a subsample of rows (successive
halving over rows); then come the folds of the cross-validation. The largest tables have
a holdout part in place of folds, beside as many training rows as the budget allows for.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
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

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.timing._effort import FULL_EFFORT

# Below: 5 folds, twice, since one 5-fold split of so few rows is too noisy to choose by
# (Bergman et al. 2024 and the AutoML Benchmark use 10 folds throughout).
N_SAMPLES_REPEATED = 1_000
# Below: 5 folds; up to the next: 3 folds; above: one holdout.
N_SAMPLES_FIVE_FOLDS = 15_000
N_SAMPLES_THREE_FOLDS = 60_000
HOLDOUT_SHARE = 0.2
# A holdout of this many rows has a standard error that no longer matters.
MAX_HOLDOUT_ROWS = 40_000

# Tables with more training rows than this are screened on this many first.
SCREENING_ROWS = 8_000
SCREENING_FACTOR = 3


@dataclass(frozen=True)
class Stage:
    """One fit and one score of a race.

    Parameters
    ----------
    train, validation : ndarray of int
        Row indices.
    screening : bool
        Whether `train` is a subsample, so that the score only decides who goes on.
    """

    train: np.ndarray = field(repr=False)
    validation: np.ndarray = field(repr=False)
    screening: bool = False


def default_splitter(dataset, random_state, effort=FULL_EFFORT):
    """Choose a cross-validation by size, task and groups.

    Parameters
    ----------
    dataset : Dataset
    random_state : int
    effort : Effort, default=Effort()

    Returns
    -------
    splitter : scikit-learn splitter
        Stratified by the classes where each row has one (not by several labels), by
        groups where groups are given; five folds twice below 1 000 rows, five folds
        below 15 000, three below 60 000, one holdout above, or where no more may be.
    """
    n = dataset.n_samples
    max_train = n if effort.max_train is None else effort.max_train
    stratified = dataset.task.stratifies
    if dataset.groups is not None:
        n_folds = min(5, len(np.unique(dataset.groups)))
        if has_holdout(dataset, None, effort):
            return GroupShuffleSplit(
                1,
                test_size=HOLDOUT_SHARE,
                train_size=min(max_train / n, 1 - HOLDOUT_SHARE),
                random_state=random_state,
            )
        return k_fold(min(n_folds, effort.max_folds), dataset, random_state)
    if has_holdout(dataset, None, effort):
        test_size = min(int(HOLDOUT_SHARE * n), MAX_HOLDOUT_ROWS, max_train)
        train_size = min(max_train, n - test_size)
        # Stratification needs two members of each class, and room for one in each part.
        stratified = (
            stratified
            and np.bincount(dataset.y).min() >= 2
            and dataset.task.n_classes <= min(test_size, train_size)
        )
        return (StratifiedShuffleSplit if stratified else ShuffleSplit)(
            1, test_size=test_size, train_size=train_size, random_state=random_state
        )
    n_folds = 5 if n < N_SAMPLES_FIVE_FOLDS else 3
    n_folds = min(n_folds, effort.max_folds, n)
    if stratified:
        # Stratification needs one class with a member for every fold.
        n_folds = max(2, min(n_folds, int(np.bincount(dataset.y).max())))
    if n < N_SAMPLES_REPEATED and effort.max_repeats > 1:
        splitter = RepeatedStratifiedKFold if stratified else RepeatedKFold
        return splitter(
            n_splits=n_folds, n_repeats=effort.max_repeats, random_state=random_state
        )
    return k_fold(n_folds, dataset, random_state)


def k_fold(n_folds, dataset, random_state):
    """Return shuffled folds: stratified for classes, grouped where groups are given."""
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
        As in scikit-learn; None chooses by size, see `default_splitter`.
    random_state : int
    effort : Effort, default=Effort()
        See `default_splitter`.
    split_params : dict of str to object, default=None
        What a splitter that was given gets besides `y`; None for the groups.

    Returns
    -------
    folds : list of (ndarray, ndarray)

    Raises
    ------
    ValueError
        If `cv` asks for more folds than the largest class has members, or a fold has
        no rows.
    """
    y = dataset.task.decode(dataset.y)
    if split_params is None or not refers_to_rows(cv):
        split_params = {"groups": dataset.groups}
    if cv is None:
        splitter = default_splitter(dataset, random_state, effort)
    elif isinstance(cv, Integral):
        splitter = k_fold(int(cv), dataset, random_state)
    else:
        splitter = check_cv(cv, y, classifier=dataset.task.is_classifier)
    with warnings.catch_warnings():
        # Classes with fewer members than folds stay: predictions are aligned.
        warnings.filterwarnings("ignore", message="The least populated class")
        # A splitter of the user's choice need not look at the groups.
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        folds = list(
            splitter.split(np.empty((dataset.n_samples, 0)), y, **split_params)
        )
    folds = [(as_indices(train), as_indices(valid)) for train, valid in folds]
    if not folds or any(not len(t) or not len(v) for t, v in folds):
        raise ValueError(
            f"The 'cv' parameter must give at least one split with training and "
            f"validation rows. Got {cv!r}, which gives {len(folds)} splits, one of "
            "them without rows."
        )
    return folds


def has_holdout(dataset, cv, effort) -> bool:
    """Whether a holdout part takes the place of folds."""
    return cv is None and (
        effort.max_folds == 1 or dataset.n_samples >= N_SAMPLES_THREE_FOLDS
    )


def refers_to_rows(cv) -> bool:
    """Whether splits may depend on which row stands where."""
    return not (cv is None or isinstance(cv, Integral))


def follow_rows(folds, rows):
    """Return folds of the rows ``rows[0], rows[1], ...`` instead of ``0, 1, ...``.

    Parameters
    ----------
    folds : list of (ndarray, ndarray)
    rows : ndarray of int
        Original indices; one may occur several times or not at all.

    Returns
    -------
    folds : list of (ndarray, ndarray)
    """

    def positions(part):
        return np.flatnonzero(np.isin(rows, part))

    return [(positions(train), positions(validation)) for train, validation in folds]


def make_stages(dataset, folds, random_state):
    """Return the stages of the race: a screening stage for big tables, the folds.

    Parameters
    ----------
    dataset : Dataset
    folds : list of (ndarray, ndarray)
    random_state : int

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
                subsample(dataset, train, SCREENING_ROWS, rng),
                subsample(dataset, validation, SCREENING_ROWS, rng),
                screening=True,
            ),
        )
    return tuple(stages)


def subsample(dataset: Dataset, rows, n, rng):
    """Draw `n` of `rows` without replacement, every class keeping a member or more."""
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
    """Return row indices from indices or a boolean mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)
