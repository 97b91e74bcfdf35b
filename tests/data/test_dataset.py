"""Equal tables become equal datasets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sklearn_meta.data._canonical_order import MAX_CANONICAL_ROWS, canonical_rows
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
    return take_rows(data, canonical_rows(data))


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


@pytest.mark.parametrize(
    "data",
    [
        dataset([[2.0], [1.0]], [0, 1], np.array([0.5, 1.0])),
        dataset([[2.0], [1.0]], [0, 1], groups=np.array([0, 1])),
        dataset([[2.0], [1.0]], [0, 1], np.array([1.0, MAX_CANONICAL_ROWS])),
        dataset(
            np.zeros((MAX_CANONICAL_ROWS + 1, 1)), np.zeros(MAX_CANONICAL_ROWS + 1)
        ),
    ],
)
def test_other_tables_stay_as_they_are(data):
    assert canonical_rows(data) is None
