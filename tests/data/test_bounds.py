"""Huge cells are clipped, and nothing else is changed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.data._bounds import DISTANCE, LARGEST, Bounds, clip_huge
from sklearn_meta.data._encoding import encode_table
from sklearn_meta.search import EvolutionarySearch

X = np.array([[0.0, 5.0, -3.0], [2.0, 5.0, np.nan], [1.0, 5.0, 1.0]])


def test_new_values_may_be_far_from_those_of_fit_but_not_anywhere():
    bounds = Bounds.of(X)
    new = np.array([[1e39, -3e45, np.nan], [-1e39, 5.0, 40.0]])
    expected = [
        [2 + 2 * DISTANCE, 5 - 5 * DISTANCE, np.nan],
        [-2 * DISTANCE, 5.0, 40.0],
    ]
    assert_allclose(bounds.clip(new), expected)
    assert new[0, 0] == 1e39


def test_other_tables_are_not_copied():
    for table in (X, 100 * X, sparse.csr_array(np.nan_to_num(X))):
        assert Bounds.of(np.nan_to_num(X)).clip(table) is table


def test_sparse_tables_have_one_range():
    matrix = sparse.csr_array(np.nan_to_num(X))
    bounds = Bounds.of(matrix)
    new = sparse.csr_array(np.array([[0.0, 1e39, 0.0], [-1e39, 0.0, 7.0]]))
    expected = [[0, 5 + 8 * DISTANCE, 0], [-3 - 8 * DISTANCE, 0, 7]]
    clipped = bounds.clip(new)
    assert sparse.issparse(clipped) and clipped.nnz == new.nnz
    assert_allclose(clipped.toarray(), expected)
    assert new[0, 1] == 1e39


def test_columns_without_values_have_bounds():
    empty = np.full((3, 1), np.nan)
    assert_array_equal(Bounds.of(empty).clip(np.array([[1e39]])), [[DISTANCE]])
    assert_array_equal(Bounds.of(X[:, :1]).clip(empty), empty)


@pytest.mark.parametrize("dtype", ["float64", "object"])
def test_huge_values_of_fit_are_clipped_by_the_encoder(dtype):
    table = np.array([[1e80, 1.0], [-1e80, np.nan], [2.0, 3.0]]).astype(dtype)
    encoder, encoded, encoding = clip_huge(*encode_table(table))
    expected = [[LARGEST, 1.0], [-LARGEST, np.nan], [2.0, 3.0]]
    assert_array_equal(encoded, expected)
    assert_array_equal(encoder.transform(table), expected)
    assert encoding.encoder.path == "sklearn.pipeline.Pipeline"


def test_usual_tables_have_the_encoder_that_they_had():
    given = encode_table(X)
    assert all(a is b for a, b in zip(clip_huge(*given), given, strict=True))


TEXTS = ["decision_tree(X)", "bagged_mlp(X)", "ridge(X)"]


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("Estimator", [MetaAutoClassifier, MetaAutoRegressor])
def test_one_huge_cell_does_not_change_the_other_rows(Estimator, container):
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, size=(120, 3))
    y = (values[:, 0] > 0.2).astype(int)
    model = Estimator(
        search=EvolutionarySearch(initial_pipelines=TEXTS),
        max_evaluations=len(TEXTS),
        cv=2,
        random_state=0,
    ).fit(container(values[:80]), y[:80])
    method = "predict_proba" if Estimator is MetaAutoClassifier else "predict"
    expected = getattr(model, method)(container(values[80:]))
    odd = values[80:].copy()
    odd[0, 0], odd[1, 2] = 1e39, -3e45
    predictions = getattr(model, method)(container(odd))
    assert np.isfinite(predictions).all()
    assert_allclose(predictions[2:], expected[2:], rtol=1e-9)


def test_a_column_of_huge_values_does_not_spoil_the_others():
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, size=(150, 2))
    y = np.where(values[:, 0] > 0, 1.0, -1.0)
    table = np.column_stack([values, np.exp(rng.normal(0, 60, 150))])
    model = MetaAutoRegressor(
        search=EvolutionarySearch(initial_pipelines=["extra_trees(X)"]),
        max_evaluations=1,
        cv=2,
        random_state=0,
    ).fit(table[:100], y[:100])
    assert model.score(table[100:], y[100:]) > 0.6
    # What is exported takes the table as it came.
    assert np.isfinite(model.best_estimator_.predict(table[100:])).all()
    module = {}
    exec(model.to_source(), module)
    refitted = module["pipeline"].fit(table[:100], y[:100])
    assert_allclose(
        refitted.predict(table[100:]), model.best_estimator_.predict(table[100:])
    )
