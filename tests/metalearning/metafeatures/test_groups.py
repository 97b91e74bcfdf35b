"""Names of the meta-features, and the limit of their effort."""

import time

import numpy as np
import pytest

from sklearn_meta.metalearning.metafeatures import (
    METAFEATURE_NAMES,
    describe,
    metafeature_names,
)
from sklearn_meta.metalearning.metafeatures._groups import GROUPS, run_groups
from sklearn_meta.metalearning.metafeatures._sample import draw_sample
from tests.metalearning.metafeatures.tables import (
    AMPLE,
    TASKS,
    make_dataset,
    ordinary_table,
)


def test_enough_of_them_and_names_are_unique():
    for task in TASKS:
        names = metafeature_names(task)
        assert names == METAFEATURE_NAMES[task]
        assert len(names) == len(set(names)) >= 50


def test_unknown_task():
    with pytest.raises(ValueError, match="'classification', 'regression'.*'ranking'"):
        metafeature_names("ranking")


def sample_of(dataset):
    return draw_sample(
        dataset,
        max_rows=1000,
        max_columns=100,
        random_state=np.random.RandomState(0),
    )


def run(dataset, effort_limit, **kwargs):
    with np.errstate(all="ignore"):
        return run_groups(sample_of(dataset), effort_limit=effort_limit, **kwargs)


@pytest.mark.parametrize("task", TASKS)
def test_a_lower_limit_gives_fewer_but_the_same_values(task):
    dataset = ordinary_table(task)
    full, seconds = run(dataset, AMPLE)
    counts = []
    for effort_limit in (1e-9, 0.004, 0.008, 0.012):
        values, _ = run(dataset, effort_limit)
        counts.append(len(values))
        assert values.items() <= full.items()
    assert 0 < counts[0] < counts[1] < counts[2] < counts[3] < len(full)
    assert {group.name for group in GROUPS} <= set(seconds)
    assert "landmarks.forest" in seconds


@pytest.mark.parametrize("effort_limit", [0.008, AMPLE])
def test_the_clock_does_not_matter(effort_limit):
    dataset = ordinary_table("classification")
    expected, _ = run(dataset, effort_limit)
    for pace in (0.0, 10.0, 1e9):
        values, _ = run(
            dataset, effort_limit, clock=lambda pace=pace: pace * time.perf_counter()
        )
        assert values == expected


def test_no_step_begins_without_room_for_its_effort():
    dataset = ordinary_table("classification")
    sample = sample_of(dataset)
    # The last step of all: what it and those before need is exactly enough.
    needed = sum(
        step.cost.seconds(sample)
        for group in GROUPS
        for step in group.steps
        if "classification" in step.tasks
    )
    for effort_limit, there in ((needed * 1.001, True), (needed * 0.999, False)):
        values, _ = run(dataset, effort_limit)
        assert ("score_kernel" in values) is there


def test_the_effort_grows_with_rows_columns_and_classes():
    def effort(n_rows, n_columns, n_classes):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(n_rows, n_columns))
        sample = sample_of(make_dataset(X, np.arange(n_rows) % n_classes))
        return np.array(
            [step.cost.seconds(sample) for group in GROUPS for step in group.steps]
        )

    least = effort(50, 3, 2)
    for more in (effort(100, 3, 2), effort(50, 6, 2), effort(50, 3, 5)):
        assert (more >= least).all() and more.sum() > least.sum()


def test_a_tiny_limit_leaves_what_costs_nothing():
    metafeatures = describe(ordinary_table("classification"), time_limit=1e-9)
    assert metafeatures["n_classes"] == 3
    assert metafeatures["log_rows"] == np.log10(150)
    assert np.isnan(metafeatures["score_linear"])


@pytest.fixture(scope="module")
def large_dataset():
    rng = np.random.default_rng(0)
    # Each column is the one before, moved on by a row: a view without any copy.
    X = np.lib.stride_tricks.sliding_window_view(rng.normal(size=100_199), 200)
    return make_dataset(X, rng.integers(10, size=len(X)))


@pytest.mark.parametrize("n_classes", [2, 10, 500])
def test_the_default_limit_is_enough_for_a_large_table(large_dataset, n_classes):
    X = large_dataset.X[:5000]
    dataset = make_dataset(X, np.arange(len(X)) % n_classes)
    metafeatures = describe(dataset)
    unknown = [n for n, v in metafeatures.as_dict().items() if np.isnan(v)]
    assert unknown == ["log_levels_mean", "log_levels_max", "log_levels_sd"]


def test_one_second_of_work_is_enough_for_a_large_table(large_dataset):
    start = time.process_time()
    describe(large_dataset)
    assert time.process_time() - start < 1.0
