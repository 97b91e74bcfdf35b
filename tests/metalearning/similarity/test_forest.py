"""The forest in whose leaves datasets lie together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.metalearning._portfolio import family_weights
from sklearn_meta.metalearning.similarity._forest import (
    LARGEST_TARGET,
    N_COMPONENTS,
    grow_proximity,
)
from sklearn_meta.metalearning.similarity._neighbors import meta_space

N_DATASETS, N_METAFEATURES, N_PIPELINES = 60, 20, 12


@pytest.fixture
def datasets():
    """Meta-features, regrets that follow the first two of them, and family weights."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(N_DATASETS, N_METAFEATURES))
    regrets = np.where(values[:, :1] > 0, 0.0, 1.0) * rng.uniform(size=N_PIPELINES)
    regrets += np.where(values[:, 1:2] > 1, 0.5, 0.0) * rng.uniform(size=N_PIPELINES)
    prior = family_weights([f"family {i // 3}" for i in range(N_DATASETS)])
    return values, regrets, prior / prior.sum()


def grown(datasets, n_neighbors=3):
    values, regrets, prior = datasets
    names = [f"f{i}" for i in range(values.shape[1])]
    return grow_proximity(meta_space(names, values), regrets, prior, n_neighbors)


def test_weighted_regrets_are_what_the_forest_predicts(datasets):
    # With as few pipelines as components, nothing is lost by these.
    values, regrets, prior = datasets
    regrets = np.minimum(regrets[:, :N_COMPONENTS], LARGEST_TARGET)
    proximity = grown((values, regrets, prior))
    centered = regrets - prior @ regrets
    components = np.linalg.svd(centered * np.sqrt(prior)[:, None])[2]
    for new in np.random.default_rng(1).normal(size=(5, N_METAFEATURES)):
        point = proximity.space.map(new)
        predicted = proximity.forest.predict(point[None, :])[0] @ components
        assert_allclose(proximity.weights(new) @ centered, predicted, atol=1e-10)


def test_weights_go_to_datasets_on_which_pipelines_do_alike(datasets):
    values = datasets[0]
    new = np.zeros(N_METAFEATURES)
    new[0] = 1.0
    weights = grown(datasets).weights(new)
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
        distances = proximity.distances(datasets[0][i])
        assert distances[i] == 0
        assert ((distances >= 0) & (distances <= 1)).all()


def test_a_leaf_for_all_is_the_portfolio_for_all(datasets):
    proximity = grown(datasets, n_neighbors=N_DATASETS)
    assert_allclose(proximity.weights(datasets[0][3]), datasets[2])
    assert_array_equal(proximity.distances(datasets[0][3]), np.zeros(N_DATASETS))


def test_the_same_forest_each_time(datasets):
    new = np.full(N_METAFEATURES, np.nan)
    assert_array_equal(grown(datasets).weights(new), grown(datasets).weights(new))
