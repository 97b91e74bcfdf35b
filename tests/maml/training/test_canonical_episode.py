"""Conversion of rows to episodes."""

import numpy as np

from sklearn_meta.maml.training._canonical_episode import (
    TARGET_LIMIT,
    canonical_episode,
)
from tests.maml.training.episodes import TASKS


def test_canonical_form_is_learned_from_the_support():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 3)), rng.integers(2, size=40)
    first = canonical_episode(x[:20], y[:20], x[20:], y[20:], task=TASKS[0])
    x[20:] += 5.0
    second = canonical_episode(x[:20], y[:20], x[20:], y[20:], task=TASKS[0])
    assert np.array_equal(first.x_support, second.x_support)
    assert (second.x_query > first.x_query).all()


def test_query_rows_of_unknown_classes_are_left_out():
    x = np.arange(12.0)[:, None]
    y = np.array([3, 3, 7, 7, 3, 7, 7, 9, 9, 3, 3, 1])
    episode = canonical_episode(x[:4], y[:4], x[4:], y[4:], task=TASKS[0])
    assert episode.y_support.tolist() == [0, 0, 1, 1]
    assert episode.y_query.tolist() == [0, 1, 1, 0, 0]
    assert len(episode.x_query) == 5


def test_targets_are_in_units_of_the_support():
    x = np.arange(6.0)[:, None]
    y = np.array([2.0, 4.0, 6.0, 4.0, 8.0, 1e9])
    episode = canonical_episode(x[:3], y[:3], x[3:], y[3:], task="regression")
    deviation = np.sqrt(8 / 3)
    assert np.allclose(episode.y_query, [0, 4 / deviation, TARGET_LIMIT])


def test_constant_targets():
    x, y = np.arange(6.0)[:, None], np.full(6, 0.1)
    episode = canonical_episode(x[:3], y[:3], x[3:], y[3:], task="regression")
    assert np.allclose(episode.y_support, 0)
    assert np.allclose(episode.y_query, 0)
