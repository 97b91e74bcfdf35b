"""Equal tables become equal datasets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sklearn_meta.data._canonical_order import (
    MAX_CANONICAL_ROWS,
    MAX_SORTED_COLUMNS,
    MIN_COPIES_SHARE,
    canonical_rows,
    order_of_rows,
)
from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.testing import make_table


def dataset(X, y, weight=None, groups=None):
    X = np.asarray(X, dtype=float)
    return Dataset(
        X, np.asarray(y, float), schema_of(X), RegressionTask(), weight, groups
    )


def canonical(data):
    return take_rows(data, canonical_rows(data).order)


def same(a, b):
    np.testing.assert_array_equal(a.X, b.X)
    np.testing.assert_array_equal(a.y, b.y)
    assert a.schema == b.schema
    assert a.sample_weight is None and b.sample_weight is None


@given(
    st.lists(
        st.tuples(
            st.integers(-2, 2), st.sampled_from([np.nan, 0.0, 1.5]), st.integers(0, 1),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_weights_are_repetitions_in_any_order(rows, random):
    rows = [*rows, (9, 9.0, 1, 1)]
    X = np.array([r[:2] for r in rows], dtype=float)
    y, w = np.array([r[2] for r in rows]), np.array([r[3] for r in rows], dtype=float)
    order = list(range(len(rows)))
    random.shuffle(order)
    weighted = canonical(dataset(X[order], y[order], w[order]))
    counts = w.astype(int)
    repeated = canonical(dataset(X.repeat(counts, axis=0), y.repeat(counts)))
    same(weighted, repeated)
    assert len(weighted.y) == counts.sum()


def test_rows_of_a_table_with_text_keep_its_tokens():
    table, schema = make_table("text")
    data = Dataset(table, np.arange(120.0), schema, RegressionTask())
    some = take_rows(data, np.arange(60))
    assert (some.schema.n_words, some.schema.n_characters) == (
        schema.n_words,
        schema.n_characters,
    )
    assert some.schema.cardinalities == schema.cardinalities
    assert canonical(data).X.shape == table.shape


def test_sparse_tables_too():
    rng = np.random.default_rng(0)
    X = rng.poisson(0.3, size=(30, 5)).astype(float)
    y = rng.normal(size=30)
    order = rng.permutation(30)
    base = dataset(X, y)
    matrix = sparse.csr_matrix(X)
    a = canonical(Dataset(matrix, y, schema_of(matrix), base.task))
    b = canonical(Dataset(matrix[order], y[order], schema_of(matrix), base.task))
    np.testing.assert_array_equal(a.X.toarray(), b.X.toarray())
    np.testing.assert_array_equal(a.y, b.y)


WIDE = MAX_SORTED_COLUMNS + 1


def wide_table(rng):
    """Rows some of which are equal, or differ by the target only."""
    X = np.round(rng.normal(size=(30, WIDE)), 1)
    X[rng.random(X.shape) < 0.9] = 0.0
    X[10:20] = X[:10]
    y = np.where(np.arange(30) < 15, 1.0, 0.0)
    return X, y


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_wide_tables_have_an_order_that_depends_on_their_values_only(container, rng):
    X, y = wide_table(rng)
    first = order_of_rows(container(X), y)
    assert sorted(first) == list(range(30))
    shuffled = rng.permutation(30)
    second = shuffled[order_of_rows(container(X[shuffled]), y[shuffled])]
    np.testing.assert_array_equal(X[first], X[second])
    np.testing.assert_array_equal(y[first], y[second])


def test_equal_rows_of_wide_tables_are_equal_however_they_are_written(rng):
    X, y = wide_table(rng)
    X[3, 5], X[4, 6] = np.nan, 0.0
    expected = order_of_rows(X, y)
    other = X.copy()
    other[X == 0] = -0.0
    other[3, 5] = -np.nan
    np.testing.assert_array_equal(order_of_rows(other, y), expected)
    X[3, 5] = 1.0
    matrix = sparse.csr_array(X)
    expected = order_of_rows(matrix, y)
    # Stored zeros, columns in reverse order, and values in two parts.
    rows, columns = np.indices(X.shape).reshape(2, -1)[:, ::-1]
    halves = sparse.csr_array(
        (
            np.repeat(X[rows, columns] / 2, 2),
            np.repeat(columns, 2),
            np.arange(31) * 2 * WIDE,
        ),
        shape=X.shape,
    )
    values = X[rows[::WIDE]][::1]
    assert values.shape == X.shape
    reverse = order_of_rows(halves, y[::-1])
    np.testing.assert_array_equal(X[::-1][reverse], X[expected])


def test_narrow_tables_are_sorted_by_their_values(rng):
    X, y = rng.integers(0, 3, size=(30, 4)).astype(float), rng.normal(size=30)
    expected = np.lexsort((y, *X.T))
    np.testing.assert_array_equal(order_of_rows(X, y), expected)
    np.testing.assert_array_equal(order_of_rows(sparse.csr_array(X), y), expected)


@pytest.mark.parametrize(
    "data",
    [
        dataset([[2.0], [1.0]], [0, 1], np.array([0.3141, 1.0])),
        dataset([[2.0], [1.0]], [0, 1], groups=np.array([0, 1])),
        dataset([[2.0], [1.0]], [0, 1], np.array([1.0, MAX_CANONICAL_ROWS])),
        dataset(
            np.zeros((MAX_CANONICAL_ROWS + 1, 1)), np.zeros(MAX_CANONICAL_ROWS + 1)
        ),
    ],
)
def test_other_tables_stay_as_they_are(data):
    rows = canonical_rows(data)
    assert rows.order is None and rows.copy_of is None


# Copies


def noise(n=60):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), rng.normal(size=n)


def sets_of(rows, data):
    """The rows of each set of copies, as sorted tuples of what they are."""
    of_row = [tuple(row) for row in np.c_[data.X, data.y][rows.order].tolist()]
    found: dict = {}
    for number, row in zip(rows.copy_of, of_row, strict=True):
        found.setdefault(int(number), []).append(row)
    return sorted(found.values())


@pytest.mark.parametrize("factor", [1, 5, 0.37, 1e-6, 1e6])
def test_weights_are_sets_of_copies_whatever_their_unit(factor):
    X, y = noise()
    counts = np.arange(60) % 4
    weighted = dataset(X, y, factor * counts)
    repeated = dataset(X.repeat(counts, axis=0), y.repeat(counts))
    rows, of_repeated = canonical_rows(weighted), canonical_rows(repeated)
    same(canonical(weighted), canonical(repeated))
    np.testing.assert_array_equal(rows.copy_of, of_repeated.copy_of)
    sizes = [len(members) for members in sets_of(rows, weighted)]
    assert sorted(sizes) == sorted(counts[counts > 0])
    assert all(len(set(members)) == 1 for members in sets_of(rows, weighted))
    # What a user is told of.
    assert rows.n_copies == 0
    assert of_repeated.n_copies == (counts[counts > 0] - 1).sum()


@pytest.mark.parametrize("factor", [2, 5])
def test_a_table_that_is_repeated_as_a_whole_is_used_once(factor):
    X, y = noise()
    once = canonical(dataset(X, y))
    for data in (
        dataset(X, y, np.full(60, float(factor))),
        dataset(np.tile(X, (factor, 1)), np.tile(y, factor)),
    ):
        same(canonical(data), once)
        assert canonical_rows(data).copy_of is None
    # Three and six times are once and twice.
    rows = np.r_[np.tile(np.arange(60), factor), np.tile(np.arange(20), factor)]
    counts = 1 + (np.arange(60) < 20)
    same(canonical(dataset(X[rows], y[rows])), canonical(dataset(X, y, counts * 1.0)))


def test_copies_that_differ_in_metadata_are_all_used():
    X, y = noise()
    rows = np.tile(np.arange(60), 2)
    data = replace(dataset(X[rows], y[rows]), metadata={"cost": np.arange(120)})
    chosen = canonical_rows(data)
    assert sorted(chosen.order) == list(range(120))
    assert [len(members) for members in sets_of(chosen, data)] == [2] * 60


def test_repetitions_by_weights_stay_together_where_rows_are_equal_by_chance():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, size=(80, 3)), rng.integers(0, 2, size=80)
    weight = np.arange(80) % 3 + 1.0
    sizes = []
    for order in (np.arange(80), rng.permutation(80)):
        data = dataset(X[order], y[order], weight[order])
        rows = canonical_rows(data)
        assert sorted(np.bincount(rows.copy_of)) == sorted(weight)
        for number in range(80):
            assert len(np.unique(rows.order[rows.copy_of == number])) == 1
        sizes.append(np.bincount(rows.copy_of).tolist())
    # Whichever of the equal rows has which weight.
    assert sizes[0] == sizes[1]
    assert canonical_rows(dataset(X, y)).copy_of is None


def test_splits_of_the_user_are_obeyed():
    X, y = noise()
    rows = np.tile(np.arange(60), 2)
    chosen = canonical_rows(dataset(X[rows], y[rows]), keeps_rows=True)
    assert sorted(chosen.order) == list(range(120)) and chosen.copy_of is None
    weight = np.full(60, 2.0)
    chosen = canonical_rows(dataset(X, y, weight), keeps_rows=True)
    assert sorted(chosen.order) == list(range(60)) and chosen.copy_of is None


@pytest.mark.parametrize("share", [0.03, 0.2])
def test_copies_in_large_tables_count_where_they_are_many(share):
    n = MAX_CANONICAL_ROWS + 1
    X, y = noise(n)
    rows = np.r_[np.arange(n), np.arange(int(share * n))]
    chosen = canonical_rows(dataset(X[rows], y[rows]))
    assert chosen.order is None
    if share < MIN_COPIES_SHARE:
        assert chosen.copy_of is None and chosen.n_copies == 0
    else:
        np.testing.assert_array_equal(chosen.copy_of, rows)
        assert chosen.n_copies == len(rows) - n


def test_rows_of_other_weights_may_be_copies_too():
    X, y = noise()
    rows = np.tile(np.arange(60), 2)
    weight = np.random.default_rng(0).uniform(size=120)
    chosen = canonical_rows(dataset(X[rows], y[rows], weight))
    assert chosen.order is None
    np.testing.assert_array_equal(chosen.copy_of, rows)
