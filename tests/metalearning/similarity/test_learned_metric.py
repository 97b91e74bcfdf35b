"""The learned metric of the meta-features."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import lsq_linear
from scipy.stats import rankdata

from sklearn_meta.metalearning.similarity._learned_metric import (
    EQUAL_SHARE,
    PENALTY,
    learned_weights,
)

N_DATASETS, N_METAFEATURES, N_PIPELINES = 40, 6, 12


@pytest.fixture
def datasets():
    """Datasets whose regrets follow the first two meta-features alone."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (N_DATASETS, N_METAFEATURES))
    directions = rng.normal(size=(2, N_PIPELINES))
    regrets = points[:, :2] @ directions
    regrets -= regrets.min(axis=1, keepdims=True)
    families = [f"family {i // 2}" for i in range(N_DATASETS)]
    return points, regrets, families


def test_what_tells_which_pipelines_are_good_gets_the_weight(datasets):
    weights = learned_weights(*datasets)
    assert_allclose(weights.sum(), 1.0)
    assert weights[:2].sum() > 0.6
    assert weights[2:].max() < weights[:2].min()


def test_the_same_as_bounded_least_squares_over_all_pairs(datasets):
    points, regrets, families = datasets
    ranks = rankdata(regrets, axis=1) / N_PIPELINES
    rows, target = [], []
    for i in range(N_DATASETS):
        for j in range(i):
            if families[i] != families[j]:
                rows.append((points[i] - points[j]) ** 2)
                target.append(np.mean((ranks[i] - ranks[j]) ** 2))
    rows, target = np.array(rows), np.array(target)
    penalty = np.sqrt(PENALTY * len(rows)) * np.eye(N_METAFEATURES)
    solution = lsq_linear(
        np.vstack([rows - rows.mean(axis=0), penalty]),
        np.concatenate([target - target.mean(), np.zeros(N_METAFEATURES)]),
        bounds=(0, np.inf),
    ).x
    expected = (1 - EQUAL_SHARE) * solution / solution.sum()
    expected += EQUAL_SHARE / N_METAFEATURES
    assert_allclose(learned_weights(points, regrets, families), expected, atol=1e-4)


def test_pairs_of_one_family_say_nothing(datasets):
    points, regrets, families = datasets
    twice = [np.concatenate([a, a]) for a in (points, regrets)]
    # The copies differ from their originals in nothing, which would speak for any
    # meta-feature; what remains are the pairs of different families, four times each.
    assert_allclose(
        learned_weights(*twice, families * 2), learned_weights(*datasets), atol=1e-8
    )


def test_equal_weights_where_nothing_can_be_learned(datasets):
    points, regrets, _ = datasets
    equal = np.full(N_METAFEATURES, 1 / N_METAFEATURES)
    one_family = ["one"] * N_DATASETS
    assert_allclose(learned_weights(points, regrets, one_family), equal)
    same_everywhere = np.tile(regrets[0], (N_DATASETS, 1))
    apart = [str(i) for i in range(N_DATASETS)]
    assert_allclose(learned_weights(points, same_everywhere, apart), equal)
    assert_allclose(learned_weights(points[:1], regrets[:1], ["one"]), equal)
