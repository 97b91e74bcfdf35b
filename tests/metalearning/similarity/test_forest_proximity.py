"""The forest whose leaves group similar datasets."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.metalearning.knowledge_base._score_matrix import family_weights
from sklearn_meta.metalearning.similarity._forest_proximity import (
    N_COMPONENTS,
    grow_forest,
    proximity_share,
)

N_DATASETS, N_METAFEATURES, N_PIPELINES = 60, 20, 12
FAMILIES = [f"family {i // 3}" for i in range(N_DATASETS)]


@pytest.fixture
def datasets():
    """Meta-features, regrets that follow the first two of them, and family weights."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(N_DATASETS, N_METAFEATURES))
    regrets = np.where(values[:, :1] > 0, 0.0, 1.0) * rng.uniform(size=N_PIPELINES)
    regrets += np.where(values[:, 1:2] > 1, 0.5, 0.0) * rng.uniform(size=N_PIPELINES)
    weights = family_weights(FAMILIES)
    return values, regrets, weights / weights.sum()


def grown(datasets, min_datasets_leaf=3):
    values, regrets, weights = datasets
    names = [f"f{i}" for i in range(values.shape[1])]
    return grow_forest(names, values, regrets, FAMILIES, weights, min_datasets_leaf)


def test_weighted_regrets_are_what_the_forest_predicts(datasets):
    # With as few pipelines as components, these lose nothing.
    values, regrets, weights = datasets
    regrets = regrets[:, :N_COMPONENTS]
    proximity = grown((values, regrets, weights))
    centered = regrets - weights @ regrets
    components = np.linalg.svd(centered * np.sqrt(weights)[:, None])[2]
    for new in np.random.default_rng(1).normal(size=(5, N_METAFEATURES)):
        point = proximity.scale.map(new)
        predicted = proximity.forest.predict(point[None, :])[0] @ components
        assert_allclose(proximity.proximities(new) @ centered, predicted, atol=1e-10)


def test_weights_go_to_datasets_on_which_pipelines_do_alike(datasets):
    values = datasets[0]
    new = np.zeros(N_METAFEATURES)
    new[0] = 1.0
    weights = grown(datasets).proximities(new)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[values[:, 0] > 0].sum() > 0.7


def test_what_tells_something_is_important(datasets):
    importances = grown(datasets).importances
    assert importances[0] > 0.5
    assert importances[:2].sum() > importances[2:].sum()


def test_equal_metafeatures_are_at_no_distance(datasets):
    proximity = grown(datasets)
    for i in (0, 17):
        distances = proximity.leaf_distances(datasets[0][i])
        assert distances[i] == 0
        assert ((distances >= 0) & (distances <= 1)).all()


def test_a_leaf_for_all_is_the_portfolio_for_all(datasets):
    proximity = grown(datasets, min_datasets_leaf=N_DATASETS)
    assert_allclose(proximity.proximities(datasets[0][3]), datasets[2])
    assert_array_equal(proximity.leaf_distances(datasets[0][3]), np.zeros(N_DATASETS))


def test_the_same_forest_each_time(datasets):
    new = np.full(N_METAFEATURES, np.nan)
    assert_array_equal(
        grown(datasets).proximities(new), grown(datasets).proximities(new)
    )


def test_shrinkage_goes_from_neighbors_to_the_portfolio_for_all():
    shares = [proximity_share(1.0, 1.0, s) for s in (0.0, 0.5, 1.0, np.inf)]
    assert shares[0] == 1 and shares[2] == pytest.approx(0.5) and shares[3] == 0
    assert shares == sorted(shares, reverse=True)
    far = proximity_share(10.0, 1.0, 1.0)
    assert far < 1e-6  # nothing is near: the portfolio for all


def test_weights_are_mixed_with_those_of_the_families(datasets):
    proximity = grown(datasets)
    new = datasets[0][3]
    near = proximity.proximities(new)
    assert_allclose(proximity.weights(new, 0.0), near)
    assert_allclose(proximity.weights(new, np.inf), datasets[2])
    # It is one of the known datasets, at a distance of 0: exp(1) against 1.
    share = np.e / (np.e + 1)
    mixed = share * near + (1 - share) * datasets[2]
    assert_allclose(proximity.weights(new, 1.0), mixed)


def test_metafeatures_that_do_not_vary_have_no_importance(datasets):
    values, regrets, weights = datasets
    values = np.column_stack([values, np.ones(N_DATASETS)])
    importances = grown((values, regrets, weights)).importances
    assert importances[-1] == 0 and importances.sum() == pytest.approx(1)


def test_importances_are_equal_where_the_forest_has_no_split(datasets):
    values, regrets, weights = datasets
    values = np.column_stack([values[:, :2], np.ones(N_DATASETS)])
    proximity = grown((values, regrets, weights), min_datasets_leaf=N_DATASETS)
    assert_array_equal(proximity.importances, [0.5, 0.5, 0.0])
