"""Canonical form: monotone scaling, relevance, target encoding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from scipy.stats import norm
from sklearn.base import clone

from sklearn_meta.maml._canonical_form import CLIP, CanonicalInput

CLASSES = {"task": "classification"}
NUMBERS = {"task": "regression"}

tables = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12),
    # Differences of subnormal numbers are rounded to nothing.
    elements=st.floats(allow_subnormal=False),
)


def _table(n_rows, n_columns, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns)) * 10.0 ** rng.integers(-3, 4, n_columns)
    X[rng.random(X.shape) < missing] = np.nan
    return X, rng.integers(0, 3, n_rows)


@settings(max_examples=60, deadline=None)
@given(tables, st.sampled_from(["classification", "regression"]))
def test_every_table_gets_finite_cells_within_bounds(X, task):
    y = np.arange(len(X)) % 2
    canon = CanonicalInput()
    cells, missing = canon.fit_transform(X, y, task=task)
    assert cells.dtype == np.float32 and missing.dtype == bool
    assert cells.shape == missing.shape == (len(X), len(canon.columns_))
    assert np.isfinite(cells).all() and np.abs(cells).max() <= CLIP
    np.testing.assert_array_equal(missing, ~np.isfinite(X[:, canon.columns_]))
    assert (cells[missing] == 0).all()


@settings(max_examples=60, deadline=None)
@given(tables)
def test_each_column_is_mapped_monotonically(X):
    y = np.arange(len(X)) % 2
    canon = CanonicalInput().fit(X, y, **CLASSES)
    grid = np.sort(np.linspace(-2e6, 2e6, 101))[:, None].repeat(X.shape[1], axis=1)
    cells, _ = canon.transform(grid)
    assert (np.diff(cells, axis=0) >= 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_many_values_of_any_distribution_become_nearly_normal(seed):
    rng = np.random.default_rng(seed)
    X = np.exp(3 * rng.normal(size=(500, 2)))
    X[:, 1] = -(X[:, 1] ** 2)
    cells, _ = CanonicalInput().fit_transform(X, X[:, 0], **NUMBERS)
    expected = norm.ppf((np.arange(500) + 0.5) / 500)
    for column in cells.T:
        assert np.abs(np.sort(column) - expected)[25:-25].max() < 0.25


@pytest.mark.parametrize("n_rows", [4, 15, 40, 300])
def test_cells_are_standardized_over_the_fitted_rows(n_rows):
    X, y = _table(n_rows, 5, missing=0)
    cells, _ = CanonicalInput().fit_transform(X, y, **CLASSES)
    np.testing.assert_allclose(cells.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(cells.std(axis=0), 1, atol=0.12)


def test_scale_and_shift_of_a_column_do_not_matter():
    X, y = _table(50, 4)
    expected, _ = CanonicalInput().fit_transform(X, y, **CLASSES)
    cells, _ = CanonicalInput().fit_transform(
        X * [1e-4, 3.0, 1e5, 1.0] + 7.0, y, **CLASSES
    )
    np.testing.assert_allclose(cells, expected, atol=1e-4)


def test_an_outlier_leaves_the_other_rows_where_they_were():
    X, y = _table(40, 1, missing=0)
    before, _ = CanonicalInput().fit_transform(X, y, **CLASSES)
    X[np.argmax(X)] *= 1e6
    after, _ = CanonicalInput().fit_transform(X, y, **CLASSES)
    others = np.arange(40) != np.argmax(X)
    assert np.abs(after - before)[others].max() < 0.3


@pytest.mark.parametrize("max_features", [3, 64])
def test_permuting_columns_permutes_the_result(max_features):
    X, y = _table(60, 8)
    order = np.random.default_rng(1).permutation(8)
    kw = {"max_features": max_features}
    one = CanonicalInput(**kw).fit(X, y, **CLASSES)
    other = CanonicalInput(**kw).fit(X[:, order], y, **CLASSES)
    assert set(order[other.columns_]) == set(one.columns_)
    cells, _ = one.transform(X)
    moved, _ = other.transform(X[:, order])
    place = [list(one.columns_).index(j) for j in order[other.columns_]]
    np.testing.assert_allclose(moved, cells[:, place], atol=1e-6)


def test_permuting_rows_permutes_the_result():
    X, y = _table(60, 4)
    order = np.random.default_rng(1).permutation(60)
    cells, _ = CanonicalInput().fit_transform(X, y, **CLASSES)
    moved, _ = CanonicalInput().fit_transform(X[order], y[order], **CLASSES)
    np.testing.assert_allclose(moved, cells[order], atol=1e-6)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_weights_count_like_repetitions(task):
    X, y = _table(30, 3)
    weight = np.random.default_rng(2).integers(0, 4, 30)
    one = CanonicalInput().fit(X, y, task=task, sample_weight=weight)
    other = CanonicalInput().fit(X.repeat(weight, axis=0), y.repeat(weight), task=task)
    np.testing.assert_allclose(one.transform(X)[0], other.transform(X)[0], atol=0.15)


@pytest.mark.parametrize("to_sparse", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_the_columns_that_tell_about_the_target_are_kept(to_sparse):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 40)) * (rng.random((200, 40)) < 0.5)
    y = (X[:, 31] + X[:, 4] > 0).astype(int)
    canon = CanonicalInput(max_features=5).fit(to_sparse(X), y, **CLASSES)
    assert {4, 31} <= set(canon.columns_)
    assert set(np.argsort(canon.relevance_)[-2:]) == {4, 31}
    cells, missing = canon.transform(to_sparse(X))
    assert cells.shape == missing.shape == (200, 5)
    assert not missing.any()


@pytest.mark.parametrize("shape", ["linear", "even", "mask"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_relevance_sees_effects_of_value_size_and_absence(shape, task):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 20))
    effect = {"linear": X[:, 3], "even": np.abs(X[:, 3]), "mask": rng.random(300)}
    y = effect[shape] > 0.6
    if shape == "mask":
        X[y, 3] = np.nan
    y = y.astype(float if task == "regression" else int)
    canon = CanonicalInput(max_features=2).fit(X, y, task=task)
    assert np.argmax(canon.relevance_) == 3


def test_relevance_of_one_informative_column_is_its_correlation_ratio():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = X[:, 0] + rng.normal(size=100)
    canon = CanonicalInput(max_features=1).fit(X, y, **NUMBERS)
    cells, _ = CanonicalInput().fit_transform(X, y, **NUMBERS)
    expected = np.corrcoef(cells[:, 0], y)[0, 1] ** 2
    assert canon.relevance_[0] == pytest.approx(expected, rel=1e-4)


def test_columns_without_information_are_left_out():
    X, y = _table(20, 3, missing=0)
    X[:, 1] = 5.0
    X[:, 2] = np.nan
    assert CanonicalInput().fit(X, y, **CLASSES).columns_.tolist() == [0]
    # One value, but not everywhere: the mask tells something.
    X[:5, 1] = np.nan
    assert CanonicalInput().fit(X, y, **CLASSES).columns_.tolist() == [0, 1]


def test_a_table_without_information_is_one_column_of_zeros():
    cells, missing = CanonicalInput().fit_transform(
        np.ones((5, 3)), [0, 1, 0, 1, 0], **CLASSES
    )
    assert cells.tolist() == [[0.0]] * 5 and not missing.any()


class TestCategories:
    def test_a_number_target_gives_smoothed_averages(self):
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 4, 2000)
        y = np.array([3.0, -1.0, 0.5, 1.0])[codes] + 0.1 * rng.normal(size=2000)
        canon = CanonicalInput(categorical=[True]).fit(
            codes[:, None] * 1.0, y, **NUMBERS
        )
        cells, _ = canon.transform(np.arange(4.0)[:, None])
        assert np.argsort(cells[:, 0]).tolist() == [1, 2, 3, 0]

    def test_numbering_of_the_levels_does_not_matter(self):
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 6, 200)
        y = (rng.random(200) < codes / 6).astype(int)
        names = rng.permutation(6)
        kw = {"categorical": [True]}
        one, _ = CanonicalInput(**kw).fit_transform(codes[:, None] * 1.0, y, **CLASSES)
        other, _ = CanonicalInput(**kw).fit_transform(
            names[codes][:, None] * 1.0, y, **CLASSES
        )
        np.testing.assert_allclose(one, other, atol=1e-5)

    def test_many_classes_are_told_apart_along_one_direction(self):
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 6, 600)
        # Levels 0 to 2 belong to the classes 0 to 2, the others to the classes 3 to 5.
        y = codes // 3 * 3 + rng.integers(0, 3, 600)
        canon = CanonicalInput(categorical=[True]).fit(
            codes[:, None] * 1.0, y, **CLASSES
        )
        cells = canon.transform(np.arange(6.0)[:, None])[0][:, 0]
        assert abs(cells[:3].mean() - cells[3:].mean()) > 1.5
        assert max(np.ptp(cells[:3]), np.ptp(cells[3:])) < 0.5

    @pytest.mark.parametrize("n_classes", [2, 5])
    def test_codes_of_the_fitted_rows_do_not_know_their_own_target(self, n_classes):
        # Noise levels, one for every two rows.
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 100, 200)
        y = rng.integers(0, n_classes, 200)
        canon = CanonicalInput(categorical=[True])
        honest = canon.fit_transform(codes[:, None] * 1.0, y, **CLASSES)[0][:, 0]
        naive = canon.transform(codes[:, None] * 1.0)[0][:, 0]

        def separation(cells):
            means = [cells[y == c].mean() for c in range(n_classes)]
            return np.ptp(means) / cells.std()

        assert separation(naive) > 0.8
        assert separation(honest) < 0.4 + 0.1 * n_classes

    def test_levels_that_were_not_seen_have_the_average_of_all(self):
        rng = np.random.default_rng(0)
        X = rng.integers(0, 5, 100)[:, None] * 1.0
        y = rng.normal(size=100)
        canon = CanonicalInput(categorical=[True]).fit(X, y, **NUMBERS)
        cells, missing = canon.transform(np.array([[99.0], [np.nan]]))
        assert missing.ravel().tolist() == [False, True]
        low, high = canon.transform(np.unique(X)[:, None])[0][[0, -1], 0]
        everything = canon.transform(np.unique(X)[:, None])[0]
        assert everything.min() < cells[0, 0] < everything.max()
        assert low != high

    def test_two_levels_are_used_as_they_are(self):
        X = np.array([[0.0], [1.0], [0.0], [1.0], [1.0]])
        y = [0, 1, 0, 1, 0]
        marked, _ = CanonicalInput(categorical=[True]).fit_transform(X, y, **CLASSES)
        plain, _ = CanonicalInput().fit_transform(X, y, **CLASSES)
        np.testing.assert_array_equal(marked, plain)


def test_input_is_not_changed_and_results_repeat():
    X, y = _table(30, 4)
    X[:, 2] = np.random.default_rng(0).integers(0, 5, 30)
    before = X.copy()
    canon = CanonicalInput(categorical=[False, False, True, False])
    first = canon.fit_transform(X, y, **CLASSES)
    np.testing.assert_array_equal(X, before)
    second = clone(canon).fit_transform(X, y, **CLASSES)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    again = canon.transform(X)
    for a, b in zip(again, canon.transform(X), strict=True):
        np.testing.assert_array_equal(a, b)
