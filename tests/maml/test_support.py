"""Support rows: merging, order and sampling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sklearn_meta.maml._support import (
    DistinctRows,
    _quota,
    choose_rows,
    distinct_rows,
    rank_within_class,
)


def _table(n_rows=40, n_columns=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    X[rng.random(X.shape) < 0.2] = np.nan
    return X, rng.integers(0, 3, n_rows)


def _same(one, other):
    for name in ("X", "y", "weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_weights_are_repetitions():
    X, y = _table()
    weight = np.random.default_rng(1).integers(1, 4, len(y))
    weighted = distinct_rows(X, y, weight, 0)
    repeated = distinct_rows(X.repeat(weight, axis=0), y.repeat(weight), None, 0)
    _same(weighted, repeated)
    assert weighted.weight.sum() == weight.sum()


def test_the_order_of_the_rows_does_not_matter():
    X, y = _table()
    order = np.random.default_rng(1).permutation(len(y))
    _same(distinct_rows(X, y, None, 0), distinct_rows(X[order], y[order], None, 0))


def test_rows_that_look_alike_are_one_row():
    X = np.array([[0.0, np.nan], [-0.0, -np.nan], [0.0, 1.0], [1.0, 0.0]])
    rows = distinct_rows(X, np.zeros(4, int), None, 0)
    assert len(rows) == 3
    assert sorted(rows.weight) == [1, 1, 2]
    assert len(distinct_rows(X, np.arange(4), None, 0)) == 4


def test_the_seed_decides_on_the_order():
    X, y = _table()
    one, other = (distinct_rows(X, y, None, seed) for seed in (0, 1))
    assert not np.array_equal(one.y, other.y)
    np.testing.assert_array_equal(np.sort(one.X[:, 0]), np.sort(other.X[:, 0]))


def test_a_sample_of_a_sample_is_a_sample_of_all():
    # The first rows of what came so far and what comes now are those of everything.
    X, y = _table(200)
    every = distinct_rows(X, y, None, 0).take(slice(30))
    first = distinct_rows(X[:120], y[:120], None, 0).take(slice(30))
    both = distinct_rows(
        np.concatenate([first.X, X[120:]]), np.concatenate([first.y, y[120:]]), None, 0
    )
    _same(every, both.take(slice(30)))


def test_sparse_rows_are_the_same_rows():
    X, y = _table()
    X = np.nan_to_num(X)
    dense = distinct_rows(X, y, None, 0)
    rows = distinct_rows(sparse.csr_array(np.repeat(X, 2, 0)), y.repeat(2), None, 0)
    assert len(rows) == len(dense)
    assert set(rows.weight) == {2}
    np.testing.assert_array_equal(
        np.unique(rows.X.toarray(), axis=0), np.unique(dense.X, axis=0)
    )


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30), st.integers(1, 400))
def test_places_are_shared_among_the_classes(sizes, n_rows):
    sizes = np.array(sizes)
    n_rows = max(n_rows, int((sizes > 0).sum()))
    quota = _quota(sizes, n_rows)
    assert (quota <= sizes).all()
    assert (quota[sizes > 0] >= 1).all()
    assert quota.sum() <= n_rows
    # Nothing is left over, but for rounding.
    assert quota.sum() >= min(n_rows, sizes.sum()) - len(sizes)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_chosen_rows_stand_for_all(weighted):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [900, 90, 10])
    weight = rng.uniform(1, 3, len(y)) if weighted else np.ones(len(y))
    rows = DistinctRows(rng.normal(size=(len(y), 2)), y, weight)
    support = choose_rows(rows, 100, 50, 3)
    assert support.n_context <= 100
    assert len(support.rows) == support.n_context + 50
    inside = support.rows.y[: support.n_context]
    assert np.bincount(inside)[2] >= 5
    shares = np.bincount(y, weight) / weight.sum()
    np.testing.assert_allclose(support.mass / support.mass.sum(), shares)
    as_all = np.bincount(support.rows.y, support.weight_as(support.mass))
    np.testing.assert_allclose(as_all, shares * len(support.rows))
    here = np.bincount(inside, support.context_weight)
    np.testing.assert_allclose(support.context_mass, here)
    as_here = np.bincount(support.rows.y, support.weight_as(support.context_mass))
    np.testing.assert_allclose(as_here / as_here.sum(), here / here.sum())
    # Log-odds learned in the context become those of the table.
    np.testing.assert_allclose(np.exp(support.prior_shift) * here / here.sum(), shares)


def test_a_small_table_is_taken_whole():
    X, y = _table()
    rows = DistinctRows(X, y, np.ones(len(y)))
    support = choose_rows(rows, 40, 5, 3)
    assert support.n_context == len(support.rows) == 40
    _same(support.rows, rows)
    np.testing.assert_array_equal(support.prior_shift, 0)
    np.testing.assert_array_equal(support.weight_as(support.mass), rows.weight)


def test_numbers_are_sampled_uniformly():
    rows = DistinctRows(np.zeros((100, 1)), np.arange(100.0), np.full(100, 2.0))
    support = choose_rows(rows, 10, 20, 0)
    np.testing.assert_array_equal(support.rows.y, np.arange(30.0))
    np.testing.assert_allclose(support.context_weight, 2.0)
    np.testing.assert_array_equal(support.prior_shift, [0])


def test_ranks_count_the_earlier_rows_of_a_class():
    assert rank_within_class(np.array([2, 0, 2, 2, 0])).tolist() == [0, 0, 1, 2, 1]
