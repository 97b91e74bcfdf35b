"""Random draws: row splits, classes, sizes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_meta.maml.training._draws import (
    MIN_ROWS_PER_CLASS,
    as_range,
    discretize,
    draw_n_classes,
    log_integer,
    merge_rare,
    split_rows,
)
from tests.maml.training.episodes import TASKS


@given(
    y=st.lists(st.integers(0, 6), min_size=4, max_size=60).map(np.array),
    seed=st.integers(0, 100),
    balanced=st.booleans(),
)
@settings(deadline=None)
def test_split_is_a_partition_with_every_class(y, seed, balanced):
    y, n_classes = merge_rare(y)
    rng = np.random.default_rng(seed)
    n_support = max(2 * len(y) // 3, MIN_ROWS_PER_CLASS * n_classes)
    support, query = split_rows(rng, y, n_support, TASKS[0], balanced=balanced)
    assert sorted([*support, *query]) == list(range(len(y)))
    assert len(support) == n_support
    counts = np.bincount(y[support], minlength=n_classes)
    assert counts.min() >= MIN_ROWS_PER_CLASS
    if balanced:
        # A class has fewer rows than another one only if it has no more.
        few = counts < counts.max() - 1
        assert np.array_equal(counts[few], np.bincount(y)[few])


@given(y=st.lists(st.integers(0, 9), min_size=2, max_size=40).map(np.array))
def test_merged_classes_are_frequent_and_numbered(y):
    merged, n_classes = merge_rare(y)
    counts = np.bincount(merged)
    assert len(counts) == n_classes
    assert counts.min() >= min(MIN_ROWS_PER_CLASS, len(y))
    # Rows that were together stay together.
    for label in np.unique(y):
        assert len(np.unique(merged[y == label])) == 1


def test_discretize_is_monotone_up_to_names():
    values = np.random.default_rng(0).standard_normal(200)
    codes = discretize(np.random.default_rng(1), values, 4)
    changes = np.count_nonzero(np.diff(codes[np.argsort(values)]))
    assert changes == 3
    assert set(codes) == {0, 1, 2, 3}


def test_sizes_are_even_on_the_logarithmic_scale():
    rng = np.random.default_rng(0)
    drawn = np.array([log_integer(rng, 4, 255) for _ in range(4000)])
    assert drawn.min() == 4
    assert drawn.max() == 255
    halves = np.mean(drawn < 32), np.mean(drawn >= 32)
    assert np.allclose(halves, 0.5, atol=0.04)


def test_number_of_classes():
    rng = np.random.default_rng(0)
    drawn = [draw_n_classes(rng, 2, 10) for _ in range(4000)]
    assert set(drawn) == set(range(2, 11))
    # 1 / (2 * 3) over the sum, which telescopes to 1/2 - 1/11.
    assert np.isclose(np.mean(np.array(drawn) == 2), (1 / 6) / (9 / 22), atol=0.04)


def test_a_number_is_a_range():
    assert as_range("n", 5, 1) == (5, 5)
    assert as_range("n", (2, 5), 1) == (2, 5)
