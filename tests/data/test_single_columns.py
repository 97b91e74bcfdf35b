"""Columns that determine the target alone are found, and no others."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes

from sklearn_meta.data import _single_columns
from sklearn_meta.data._encoding import encode_table
from sklearn_meta.data._single_columns import owners_of, single_columns


def find(X, y, is_classifier=True, owners=None):
    dataset = SimpleNamespace(
        X=X, y=y, n_samples=len(y), task=SimpleNamespace(is_classifier=is_classifier)
    )
    return single_columns(dataset, np.arange(X.shape[1]) if owners is None else owners)


def test_a_threshold_of_a_column(rng):
    X = rng.normal(size=(400, 20))
    (found,) = find(X, (X[:, 3] > 0.5).astype(int))
    assert found.position == 3 and found.output == 0
    assert 0.95 < found.share <= 1


def test_a_code_of_the_classes(rng):
    y = rng.integers(0, 5, size=300)
    X = np.column_stack([rng.normal(size=300), (y * 7) % 5])
    (found,) = find(X, y)
    assert found.position == 1
    assert found.share == 1.0


def test_missing_values_that_tell_the_class(rng):
    y = rng.integers(0, 2, size=300)
    X = np.column_stack([np.where(y == 1, np.nan, rng.normal(size=300))])
    (found,) = find(X, y)
    assert found.share == 1.0


def test_any_monotone_function_of_a_column(rng):
    X = rng.normal(size=(500, 6))
    (found,) = find(X, np.exp(-5 * X[:, 2]), is_classifier=False)
    assert found.position == 2
    assert found.share > 0.99


def test_rare_classes_count_as_much_as_others(rng):
    X = rng.normal(size=(2000, 3))
    y = (np.arange(2000) < 40).astype(int)
    assert find(X, y) == ()
    # Right for 98 % of the rows, but for no row of the rare class.
    X[:, 0] = 0
    assert find(X, y) == ()
    X[:, 1] = y
    (found,) = find(X, y)
    assert found.position == 1


@pytest.mark.parametrize("n", [30, 50, 100])
@pytest.mark.parametrize("is_classifier", [True, False])
def test_nothing_is_found_by_chance(rng, n, is_classifier):
    X = rng.normal(size=(n, 300))
    y = rng.integers(0, 2, size=n) if is_classifier else rng.normal(size=n)
    assert find(X, y, is_classifier) == ()


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes])
def test_columns_of_usual_tables_do_not_suffice(load):
    assert find(*load(return_X_y=True), load is load_breast_cancer) == ()


def test_a_noisy_copy_does_not_suffice(rng):
    y = rng.integers(0, 2, size=1000)
    wrong = rng.uniform(size=1000) < 0.15
    assert find(np.where(wrong, 1 - y, y)[:, None], y) == ()


def test_several_targets_are_looked_at_one_by_one(rng):
    X = rng.normal(size=(300, 4))
    y = np.column_stack([rng.normal(size=300), X[:, 1] ** 3])
    (found,) = find(X, y, is_classifier=False)
    assert (found.position, found.output) == (1, 1)


def test_the_result_does_not_depend_on_the_global_generator(rng):
    X = rng.normal(size=(300, 4))
    y = (X[:, 1] > 0).astype(int)
    np.random.seed(1)
    first = find(X, y)
    np.random.seed(2)
    assert find(X, y) == first != ()


def test_sparse_tables(rng):
    X = rng.normal(size=(300, 4))
    y = (X[:, 1] > 0).astype(int)
    assert find(sparse.csr_matrix(X), y) == find(X, y)


def test_wide_and_tiny_tables_are_not_looked_at(rng):
    X = rng.normal(size=(100, _single_columns.MAX_COLUMNS + 1))
    y = (X[:, 0] > 0).astype(int)
    assert find(X, y) == ()
    assert find(X[:20, :2], y[:20]) == ()
    assert find(X[:, :2], np.zeros(100, dtype=int)) == ()
    assert find(X[:, :2], np.ones(100), is_classifier=False) == ()


def test_columns_are_named_by_their_place_in_the_users_table(rng):
    n = 200
    city = rng.choice(["Oslo", "Rome", "Lima"], size=n)
    frame = pd.DataFrame(
        {
            "text": [" ".join(rng.choice(list("abcdefgh") * 2, 9)) for _ in range(n)],
            "x": rng.normal(size=n),
            "when": pd.date_range("2020-01-01", periods=n),
            "city": city,
            "same": 1.0,
            "z": rng.normal(size=n),
        }
    )
    encoder, encoded, encoding = encode_table(frame)
    labels = [column.label for column in encoding.columns]
    owners = owners_of(encoder, labels, encoded.shape[1])
    assert owners[0] == 3
    assert {1, 2, 3, 5} <= set(owners.tolist()) <= {-1, 1, 2, 3, 5}
    y = (frame["z"] > 0).to_numpy().astype(int)
    (found,) = find(encoded, y, owners=owners)
    assert found.position == 5
    y = np.unique(city, return_inverse=True)[1]
    (found,) = find(encoded, y, owners=owners)
    assert found.position == 3


def test_matrices_are_encoded_column_by_column():
    np.testing.assert_array_equal(owners_of(None, range(3), 3), [0, 1, 2])
