"""Landmarks on tables whose scores are known."""

import numpy as np
import pytest

from sklearn_meta.metalearning.metafeatures import (
    describe,
)
from tests.metalearning.metafeatures.tables import (
    TASKS,
    make_dataset,
    make_target,
    odd_dataset,
)


def test_a_target_learned_by_heart_scores_one():
    metafeatures = describe(odd_dataset("learned by heart", "numbers"))
    assert metafeatures["score_linear"] > 0.999
    assert metafeatures["adjusted_r2"] == pytest.approx(1)


@pytest.mark.parametrize("task", TASKS)
def test_nothing_to_learn_scores_about_zero(task):
    rng = np.random.default_rng(0)
    y = make_target(rng.normal(size=400), task)
    metafeatures = describe(make_dataset(rng.normal(size=(400, 4)), y))
    for name in ("score_linear", "score_additive", "score_kernel", "score_stump"):
        assert -0.2 < metafeatures[name] < 0.1, name


def test_gains_tell_which_family_wins():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(500, 4))
    linear = describe(make_dataset(X, X @ [1.0, 2.0, -1.0, 0.5]))
    bent = describe(make_dataset(X, X[:, 0] ** 2 + np.abs(X[:, 1])))
    checkers = describe(make_dataset(X, np.sign(X[:, 0]) * np.sign(X[:, 1])))
    assert linear["score_linear"] > 0.99 > linear["score_forest"]
    assert bent["additive_gain"] > 0.8
    assert checkers["interaction_gain"] > 0.5
    assert checkers["forest_gain"] > 0.5 > checkers["score_additive"] + 0.4
