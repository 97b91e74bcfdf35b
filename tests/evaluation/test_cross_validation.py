"""Splits are chosen by size and task, and never drop a row or a class."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.data._task import ClassificationTask, MultilabelTask, RegressionTask
from sklearn_meta.evaluation._cross_validation import (
    MAX_HOLDOUT_ROWS,
    MIN_RARE_ROWS,
    SCREENING_ROWS,
    default_splitter,
    follow_rows,
    has_holdout,
    make_folds,
    make_stages,
    predicts_later_rows,
    subsample,
)
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.timing._effort import Effort

PERIODS = np.repeat(np.arange(6), 10)
SHUFFLED = np.random.default_rng(0).permutation(60)


def splits(cv, rows=None):
    groups = PERIODS if isinstance(cv, LeaveOneGroupOut) else None
    folds = list(cv.split(np.zeros((60, 1)), np.zeros(60), groups))
    return folds if rows is None else [(rows[a], rows[b]) for a, b in folds]


IN_TIME = {
    "expanding": TimeSeriesSplit(5),
    "with a gap": TimeSeriesSplit(3, gap=4),
    "sliding": TimeSeriesSplit(4, max_train_size=10, test_size=5),
}


@pytest.mark.parametrize("name", IN_TIME)
@pytest.mark.parametrize("rows", [None, SHUFFLED])
def test_folds_in_time_are_recognized(name, rows):
    folds = splits(IN_TIME[name], rows)
    assert predicts_later_rows(folds)
    # From the last period to the first.
    assert predicts_later_rows(folds[::-1])


def test_a_single_split_is_in_time_if_its_validation_rows_are_the_last_ones():
    last = PredefinedSplit(np.where(PERIODS < 4, -1, 0))
    assert predicts_later_rows(splits(last))
    assert not predicts_later_rows(splits(last, SHUFFLED))


@pytest.mark.parametrize(
    "cv",
    [
        KFold(2),
        KFold(5, shuffle=True, random_state=0),
        RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
        ShuffleSplit(1, random_state=0),
        ShuffleSplit(2, random_state=0),
        LeaveOneGroupOut(),
        PredefinedSplit(PERIODS),
    ],
)
def test_other_folds_are_not_in_time(cv):
    assert not predicts_later_rows(splits(cv))


def dataset(y, groups=None, n_classes=None):
    y = np.asarray(y)
    task = (
        RegressionTask()
        if n_classes is None
        else ClassificationTask(np.arange(n_classes))
    )
    return Dataset(np.zeros((len(y), 1)), y, Schema(1), task, groups=groups)


def classes(n, n_classes=3):
    return dataset(np.arange(n) % n_classes, n_classes=n_classes)


@pytest.mark.parametrize(
    "n, kind, n_splits",
    [
        (50, RepeatedStratifiedKFold, 10),
        (5_000, StratifiedKFold, 5),
        (20_000, StratifiedKFold, 3),
        (100_000, StratifiedShuffleSplit, 1),
    ],
)
def test_splitter_follows_the_number_of_rows(n, kind, n_splits):
    splitter = default_splitter(classes(n), 0)
    assert isinstance(splitter, kind)
    assert len(make_folds(classes(n), None, 0)) == n_splits


@pytest.mark.parametrize("groups", [None, np.arange(100_000) // 10])
def test_rows_beside_a_holdout_are_bounded_where_that_is_asked_for(groups):
    data = dataset(np.arange(100_000) % 3, groups=groups, n_classes=3)
    (whole, _), *_ = make_folds(data, None, 0)
    (train, validation), *_ = make_folds(data, None, 0, Effort(max_train=30_000))
    assert len(whole) == 80_000
    assert len(train) == 30_000
    assert not set(train) & set(validation)
    assert np.bincount(data.y[train]).min() > 9_000


@pytest.mark.parametrize("groups", [None, np.arange(3_000) // 10])
def test_a_holdout_takes_the_place_of_folds_where_that_is_asked_for(groups):
    data = dataset(np.arange(3_000) % 3, groups=groups, n_classes=3)
    ((train, validation),) = make_folds(data, None, 0, Effort(max_folds=1))
    assert len(validation) == 600
    assert len(train) == 2_400
    assert len(make_folds(data, None, 0, Effort(max_folds=3))) == 3


@pytest.mark.parametrize(
    "labels", [np.arange(3_000) // 4, np.minimum(np.arange(3_000), 2_990)]
)
def test_a_holdout_of_more_classes_than_rows_and_of_single_ones(labels):
    data = dataset(labels, n_classes=labels.max() + 1)
    ((train, validation),) = make_folds(data, None, 0, Effort(max_folds=1))
    assert len(train) == 2_400 and len(validation) == 600


def test_rows_of_folds_are_never_bounded():
    for cv, n in [(None, 50_000), (3, 100_000)]:
        folds = make_folds(classes(n), cv, 0, Effort(max_train=1_000))
        assert [len(train) for train, _ in folds] == pytest.approx(
            [n * 2 / 3] * 3, 1e-3
        )


def test_holdout_of_a_large_table_is_bounded():
    data = dataset(np.arange(300_000) % 2, n_classes=2)
    (train, validation) = make_folds(data, None, 0)[0]
    assert len(validation) == MAX_HOLDOUT_ROWS
    assert len(train) + len(validation) == 300_000


@pytest.mark.parametrize("n", [3, 7, 20, 300, 1_200])
def test_folds_cover_every_row_and_are_disjoint_from_training(n):
    data = dataset(np.arange(n) * 1.0)
    seen = np.zeros(n, dtype=int)
    for train, validation in make_folds(data, None, 0):
        assert not set(train) & set(validation)
        assert len(train) + len(validation) == n
        seen[validation] += 1
    assert len(set(seen)) == 1 and seen[0] >= 1


def rare(n, n_rare):
    """Two classes, the second of `n_rare` rows."""
    return dataset((np.arange(n) < n_rare).astype(int), n_classes=2)


@pytest.mark.parametrize(
    "n, n_rare, effort, n_splits",
    [
        (20_000, 20, Effort(max_folds=1), 5),
        (20_000, 20, Effort(), 5),
        (5_000, 12, Effort(max_folds=1), 5),
        (5_000, 3, Effort(), 3),
        (5_000, 1, Effort(), 2),
        (90_000, 80, Effort(max_folds=1), 3),
        # As many as in any table.
        (20_000, 100, Effort(max_folds=1), 1),
        (20_000, 100, Effort(), 3),
        (90_000, 100, Effort(), 1),
    ],
)
def test_folds_validate_every_row_of_a_rare_class(n, n_rare, effort, n_splits):
    data = rare(n, n_rare)
    folds = make_folds(data, None, 0, effort)
    assert len(folds) == n_splits
    assert has_holdout(data, None, effort) == (n_splits == 1)
    assert all(data.y[train].any() or n_rare == 1 for train, _ in folds)
    if n_splits > 1:
        validated = sum(data.y[validation].sum() for _, validation in folds)
        assert validated == n_rare


def test_folds_of_groups_validate_every_row_of_a_rare_class():
    data = dataset((np.arange(5_000) < 30).astype(int), np.arange(5_000) // 5, 2)
    assert len(make_folds(data, None, 0, Effort(max_folds=1))) == 5


def test_both_parts_of_a_holdout_have_enough_rows_of_a_rare_class():
    effort = Effort(max_train=20_000)
    data = rare(400_000, 300)
    ((train, validation),) = make_folds(data, None, 0, effort)
    assert data.y[validation].sum() >= MIN_RARE_ROWS
    assert data.y[train].sum() >= 2 * MIN_RARE_ROWS
    ((train, validation),) = make_folds(rare(400_000, 40_000), None, 0, effort)
    assert len(train) == len(validation) == 20_000


def test_a_rare_class_among_several_does_not_change_the_folds():
    y = np.arange(20_000) % 3
    y[:12] = 3
    data = dataset(y, n_classes=4)
    assert len(make_folds(data, None, 0, Effort(max_folds=1))) == 1
    assert len(make_folds(data, None, 0)) == 3


def test_the_screening_keeps_a_rare_class():
    data = rare(100_000, 120)
    screening, fold = make_stages(data, make_folds(data, None, 0), 0)
    assert screening.screening
    for part, of_fold in [
        (screening.train, fold.train),
        (screening.validation, fold.validation),
    ]:
        assert data.y[part].sum() == data.y[of_fold].sum()
        assert len(part) < 8_200 and len(set(part)) == len(part)


def test_a_class_with_one_row_does_not_stop_the_split():
    y = np.array([0] * 30 + [1] * 29 + [2])
    folds = make_folds(dataset(y, n_classes=3), None, 0)
    assert sum(60 - 1 in validation for _, validation in folds) == 2  # two repeats


def test_groups_stay_together():
    groups = np.repeat(np.arange(20), 10)
    for data in (
        dataset(np.arange(200) * 1.0, groups),
        dataset(np.arange(200) % 2, groups, 2),
    ):
        assert isinstance(default_splitter(data, 0), GroupKFold | StratifiedGroupKFold)
        for train, validation in make_folds(data, None, 0):
            assert not set(groups[train]) & set(groups[validation])


@pytest.mark.parametrize(
    "cv, n_splits",
    [
        (4, 4),
        (TimeSeriesSplit(3), 3),
        (LeaveOneGroupOut(), 5),
        (PredefinedSplit(np.arange(100) % 2), 2),
        ([(np.arange(50), np.arange(50, 100))], 1),
    ],
)
def test_cv_is_understood_as_in_scikit_learn(cv, n_splits):
    data = dataset(np.arange(100) * 1.0, groups=np.arange(100) % 5)
    assert len(make_folds(data, cv, 0)) == n_splits


def test_more_folds_than_members_of_every_class_is_an_error():
    with pytest.raises(ValueError, match="n_splits=8"):
        make_folds(classes(12), 8, 0)


def test_empty_split_is_an_error():
    with pytest.raises(ValueError, match="'cv' parameter"):
        make_folds(dataset(np.arange(10.0)), [(np.arange(10), [])], 0)


@pytest.mark.parametrize("cv", [None, 3, LeaveOneGroupOut()], ids=str)
@pytest.mark.parametrize(
    "labels", [["b", "a", "c", "d"], [1, "a", (2, "b"), 0.5], [(1, 2), (0, 1)]], ids=str
)
def test_groups_of_any_type_stay_together(labels, cv):
    numbers = np.arange(40) % len(labels)
    groups = np.empty(40, dtype=object)
    groups[:] = [labels[i] for i in numbers]
    for data in (
        dataset(np.arange(40.0), groups),
        dataset(np.arange(40) % 2, groups, 2),
    ):
        if cv == 3 and len(labels) < 3:
            continue
        folds = make_folds(data, cv, 0)
        assert len(folds) == (3 if cv == 3 else len(labels))
        for train, validation in folds:
            assert not set(numbers[train]) & set(numbers[validation])


def test_large_tables_are_screened_on_a_subsample():
    stages = make_stages(classes(50_000), make_folds(classes(50_000), None, 0), 0)
    assert [s.screening for s in stages] == [True, False, False, False]
    assert len(stages[0].train) == SCREENING_ROWS
    assert set(stages[0].train) <= set(stages[1].train)
    assert set(stages[0].validation) <= set(stages[1].validation)
    small = make_stages(classes(500), make_folds(classes(500), None, 0), 0)
    assert not any(s.screening for s in small)


def test_subsample_keeps_every_class():
    y = np.zeros(10_000, dtype=int)
    y[:2], y[5] = 1, 2
    data = dataset(y, n_classes=3)
    rows = subsample(data, np.arange(10_000), 50, np.random.default_rng(0))
    assert set(y[rows]) == {0, 1, 2}
    assert len(np.unique(rows)) == len(rows) <= 53


def test_folds_follow_rows_that_move_and_repeat():
    rows = np.array([3, 0, 0, 2])  # row 1 has no weight, row 0 counts twice
    folds = follow_rows([(np.array([0, 1]), np.array([2, 3]))], rows)
    assert [part.tolist() for part in folds[0]] == [[1, 2], [0, 3]]


def test_rows_of_several_labels_or_targets_are_split_without_strata():
    Y = np.arange(80).reshape(40, 2) % 2
    for task in (MultilabelTask(2, Y.dtype), RegressionTask(2)):
        table = Dataset(np.zeros((40, 1)), Y, Schema(1), task)
        assert isinstance(default_splitter(table, 0), RepeatedKFold)
        for cv in (None, 4):
            folds = make_folds(table, cv, 0)
            counts = np.bincount(np.concatenate([valid for _, valid in folds]))
            assert (counts == counts[0]).all()
    rows = subsample(table, np.arange(40), 10, np.random.default_rng(0))
    assert len(rows) == 10


# Copies


def repeated(data, rows):
    """A dataset of some rows, of which equal ones are copies."""
    return replace(take_rows(data, rows), copy_of=rows)


def with_copies(n_distinct, n_classes=None):
    """A dataset with three copies of each row."""
    y = np.arange(n_distinct) % (n_classes or n_distinct)
    rows = np.random.default_rng(0).permutation(np.repeat(np.arange(n_distinct), 3))
    return repeated(dataset(y, n_classes=n_classes), rows)


@pytest.mark.parametrize("n_classes", [None, 3])
@pytest.mark.parametrize(
    ("n_distinct", "cv", "effort", "n_splits"),
    [
        (90, None, Effort(), 10),
        (90, None, Effort(max_folds=1), 1),
        (90, 4, Effort(), 4),
        (6_000, None, Effort(), 5),
        (60_000, None, Effort(), 1),
        (60_000, None, Effort(max_train=30_000), 1),
    ],
)
def test_copies_are_on_one_side_of_every_split(
    n_distinct, cv, effort, n_splits, n_classes
):
    data = with_copies(n_distinct, n_classes)
    folds = make_folds(data, cv, 0, effort)
    assert len(folds) == n_splits
    for stage in make_stages(data, folds, 0):
        train, validation = data.copy_of[stage.train], data.copy_of[stage.validation]
        assert len(train) and len(validation) and not set(train) & set(validation)
    if effort.max_train is not None:
        assert len(folds[0][0]) == effort.max_train


def test_folds_of_copies_are_those_of_the_rows_without_them():
    data = dataset(np.arange(90) % 3, n_classes=3)
    copied = with_copies(90, 3)
    for (train, _), (copies, _) in zip(
        make_folds(data, None, 0), make_folds(copied, None, 0), strict=True
    ):
        assert set(copied.copy_of[copies]) == set(train)
        assert len(copies) == 3 * len(train)


def test_numbers_of_copies_need_not_be_dense():
    data = with_copies(90, 3)
    some = take_rows(data, np.flatnonzero(data.copy_of >= 30))
    folds = make_folds(some, 5, 0)
    assert np.bincount(np.concatenate([v for _, v in folds])).tolist() == [1] * 180


def test_splits_of_the_user_may_separate_copies():
    data = with_copies(90, 3)
    half = np.arange(270) % 2
    folds = make_folds(data, PredefinedSplit(half), 0)
    np.testing.assert_array_equal(folds[0][1], np.flatnonzero(half == 0))


def test_classes_with_one_row_each():
    folds = make_folds(dataset(np.arange(4), n_classes=4), None, 0)
    assert sum(len(validation) for _, validation in folds) == 4
