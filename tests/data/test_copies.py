"""Copies of rows are found; rows that are equal by chance are not."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris

from sklearn_meta.data._copies import find_copies, hash_columns

RNG = np.random.default_rng(0)
N = 200
# Some rows once, others up to four times; all of them at least once.
SOME = np.concatenate([np.arange(N), RNG.integers(0, N, size=N)])
NOISE = RNG.normal(size=(N, 5))
LABELS = (NOISE[:, 0] + RNG.normal(size=N) > 0).astype(int)
CODES = RNG.integers(0, 3, size=(N, 4)).astype(float)


def with_missing(X):
    return np.where(RNG.uniform(size=X.shape) < 0.2, np.nan, X)


# Table, target, number of columns of categories.
OF_OWN_VALUES = {
    "numbers": (NOISE, LABELS, 0),
    "numbers with missing ones": (with_missing(NOISE), LABELS, 0),
    "numbers and a numeric target": (NOISE, NOISE[:, 0] + 1, 0),
    "several targets": (NOISE, NOISE[:, :2] + 1, 0),
    "one column": (NOISE[:, :1], LABELS, 0),
    "one column among categories": (np.c_[CODES, NOISE[:, 0]], LABELS, 4),
    "two decimals": (np.round(NOISE, 2), LABELS, 0),
    "counts of many people": (np.floor(np.exp(8 + 2 * NOISE)), LABELS, 0),
    "categories and a noisy target": (CODES, CODES[:, 0] + NOISE[:, 0], 4),
    "many categories": (RNG.integers(0, 3, size=(N, 40)).astype(float), LABELS, 40),
    "sparse": (sparse.random(N, 500, 0.05, format="csr", random_state=0), LABELS, 0),
}


@pytest.mark.parametrize("name", OF_OWN_VALUES)
def test_copies_are_found(name):
    X, y, n_categorical = OF_OWN_VALUES[name]
    assert find_copies(X, y, n_categorical) is None
    copy_of = find_copies(X[SOME], y[SOME], n_categorical)
    assert_array_equal(copy_of, SOME)


@pytest.mark.parametrize("name", OF_OWN_VALUES)
def test_the_order_of_rows_does_not_matter(name):
    X, y, n_categorical = OF_OWN_VALUES[name]
    order = np.random.default_rng(1).permutation(2 * N)
    copy_of = find_copies(X[SOME[order]], y[SOME[order]], n_categorical)
    _, expected = np.unique(SOME[order], return_inverse=True)
    assert len(np.unique(np.c_[copy_of, expected], axis=0)) == N


def cells(n, *levels):
    """Independent columns of numbers of levels."""
    return RNG.integers(0, levels, size=(n, len(levels))).astype(float)


PASSENGERS = cells(2201, 4, 2, 2)
TEMPERATURE = np.round(RNG.normal(20, 8, size=(3000, 1)), 1)
DOSE = RNG.choice([0.1, 0.2, 0.5, 1, 2, 5, 10], size=(500, 1))
PLACES = np.round(RNG.uniform(0, 5, size=(2000, 2)), 1)
AGES = cells(3000, 70, 90)
QUIET = np.where(RNG.uniform(size=(1000, 8)) < 0.8, 0, RNG.normal(size=(1000, 8)))
BY_CHANCE = {
    "passengers": (PASSENGERS, (PASSENGERS[:, 0] > 1).astype(int), 3),
    "passengers as numbers": (PASSENGERS, (PASSENGERS[:, 0] > 1).astype(int), 0),
    "passengers of whom some survive": (PASSENGERS, RNG.integers(2, size=2201), 3),
    "binary columns": (cells(2000, *[2] * 10), RNG.integers(2, size=2000), 0),
    "few categories": (cells(800, 3, 4), RNG.integers(3, size=800), 2),
    "a city decides": ((c := cells(900, 100)), (c[:, 0] % 2).astype(int), 1),
    "two ages": (AGES, (AGES[:, 0] > 30).astype(int), 0),
    "rounded numbers": (TEMPERATURE, (TEMPERATURE[:, 0] > 20).astype(int), 0),
    "doses": (DOSE, np.log(DOSE[:, 0]), 0),
    "doses twice": (np.c_[DOSE, np.log(DOSE)], DOSE[:, 0] ** 2, 0),
    "rounded places": (PLACES, (PLACES[:, 0] > 3).astype(int), 0),
    "quiet days": (QUIET, (QUIET.sum(axis=1) > 0).astype(int), 0),
    "stars": (cells(600, 5), RNG.integers(1, 6, size=600).astype(float), 0),
}


@pytest.mark.parametrize("name", BY_CHANCE)
def test_rows_that_are_equal_by_chance_are_not_copies(name):
    X, y, n_categorical = BY_CHANCE[name]
    assert len(np.unique(np.c_[X, y], axis=0)) < len(y)
    assert find_copies(X, y, n_categorical) is None


@pytest.mark.parametrize("name", ["passengers of whom some survive", "rounded places"])
def test_a_table_that_is_repeated_as_a_whole(name):
    X, y, n_categorical = BY_CHANCE[name]
    rows = np.repeat(np.arange(len(y)), 3)
    copy_of = find_copies(X[rows], y[rows], n_categorical)
    assert_array_equal(np.bincount(copy_of), np.full(len(y), 3))
    assert all(
        len(np.unique(np.c_[X[rows], y[rows]][copy_of == number], axis=0)) == 1
        for number in range(50)
    )


def test_measured_values_with_a_few_equal_rows():
    # Flowers share widths and lengths: a few equal ones mean nothing.
    assert find_copies(*load_iris(return_X_y=True)) is None


def test_few_distinct_rows_may_be_a_design():
    rows = np.arange(60) % 15
    assert find_copies(NOISE[rows], LABELS[rows]) is None


def test_equal_columns_with_other_targets_are_no_copies():
    X, y = np.r_[NOISE, NOISE], np.r_[NOISE[:, 0], NOISE[:, 1]]
    assert find_copies(X, y) is None


def test_a_few_copies_may_be_ignored():
    rows = np.r_[np.arange(N), np.arange(9)]
    assert find_copies(NOISE[rows], LABELS[rows]).max() == N - 1
    assert find_copies(NOISE[rows], LABELS[rows], min_share=0.05) is None
    rows = np.r_[np.arange(N), np.arange(20)]
    assert find_copies(NOISE[rows], LABELS[rows], min_share=0.05).max() == N - 1


def test_hashes_are_of_values():
    X = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0], [np.nan, 1.0], [-np.nan, 1.0]])
    hashes = hash_columns(X, range(2))
    assert hashes[0] == hashes[1] and hashes[3] == hashes[4]
    assert len(np.unique(hashes)) == 3
    # Sparse and dense zeros are alike.
    dense = np.where(RNG.uniform(size=(50, 9)) < 0.5, 0, RNG.normal(size=(50, 9)))
    explicit = sparse.csr_array(dense)
    explicit.data[::2] = 0
    implicit = explicit.copy()
    implicit.eliminate_zeros()
    both = sparse.vstack([explicit, implicit], format="csr")
    assert find_copies(both, np.tile(np.arange(50.0), 2)).max() == 49
