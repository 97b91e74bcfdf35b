"""Names of the meta-features, and their time limit."""

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


class Clock:
    """Time that goes on by the same amount with every look at it."""

    def __init__(self, tick):
        self.now, self.tick = 0.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


@pytest.mark.parametrize("task", TASKS)
def test_less_time_gives_fewer_but_the_same_values(task):
    dataset = ordinary_table(task)

    def run(time_limit):
        sample = draw_sample(
            dataset,
            max_rows=1000,
            max_columns=100,
            random_state=np.random.RandomState(0),
        )
        with np.errstate(all="ignore"):
            return run_groups(sample, time_limit=time_limit, clock=Clock(1e-3))

    full, seconds = run(AMPLE)
    counts = []
    for time_limit in (1e-9, 0.03, 0.06, 0.09):
        values, _ = run(time_limit)
        counts.append(len(values))
        assert values.items() <= full.items()
    assert 0 < counts[0] < counts[1] < counts[2] < counts[3] < len(full)
    assert {group.name for group in GROUPS} <= set(seconds)
    assert "landmarks.forest" in seconds


def test_no_step_begins_without_the_time_it_is_expected_to_take():
    sample = draw_sample(
        ordinary_table("classification"),
        max_rows=1000,
        max_columns=100,
        random_state=np.random.RandomState(0),
    )
    kernel = next(s for g in GROUPS for s in g.steps if s.name == "kernel")
    needed = 2 * kernel.cost.seconds(sample)
    # A clock that stands still: only what a step is expected to take counts.
    for time_limit, there in ((needed * 1.01, True), (needed * 0.99, False)):
        values, _ = run_groups(sample, time_limit=time_limit, clock=lambda: 0.0)
        assert ("score_kernel" in values) is there


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


def test_a_large_table_takes_no_longer_than_the_limit(large_dataset):
    seconds = []
    # The smallest of several times: other work on the machine only adds to it.
    for _ in range(3):
        start = time.perf_counter()
        describe(large_dataset, time_limit=1.0)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0


def test_one_second_of_work_is_enough_for_a_large_table(large_dataset):
    start = time.process_time()
    sample = draw_sample(
        large_dataset,
        max_rows=2000,
        max_columns=128,
        random_state=np.random.RandomState(0),
    )
    with np.errstate(all="ignore"):
        values, _ = run_groups(sample, time_limit=1.0, clock=time.process_time)
    assert time.process_time() - start < 1.0
    unknown = set(METAFEATURE_NAMES["classification"]) - set(values)
    assert unknown == {"log_levels_mean", "log_levels_max", "log_levels_sd"}
