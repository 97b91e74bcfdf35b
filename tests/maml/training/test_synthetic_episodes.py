"""Synthetic episodes."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from sklearn_meta.maml.training import SyntheticEpisodes
from sklearn_meta.maml.training import _synthetic_episodes as _synthetic
from sklearn_meta.maml.training._random_functions import PRIORS


@pytest.mark.parametrize("prior", PRIORS)
def test_classes_can_be_learned(prior, monkeypatch):
    monkeypatch.setattr(_synthetic, "PRIORS", {prior: PRIORS[prior]})
    source = SyntheticEpisodes("classification", 100, 100, 6, 2, random_state=0)
    gains = []
    for i in range(20):
        episode = source[i]
        share = np.bincount(episode.y_query).max() / len(episode.y_query)
        best = max(
            model.fit(episode.x_support, episode.y_support).score(
                episode.x_query, episode.y_query
            )
            for model in (
                LogisticRegression(),
                DecisionTreeClassifier(max_depth=4, random_state=0),
            )
        )
        gains.append(best - share)
    assert np.mean(gains) > 0.05


def test_targets_can_be_learned(monkeypatch):
    prior = {"sparse_linear": PRIORS["sparse_linear"]}
    monkeypatch.setattr(_synthetic, "PRIORS", prior)
    source = SyntheticEpisodes("regression", 100, 100, 6, random_state=0)
    errors = []
    for i in range(20):
        e = source[i]
        predicted = Ridge().fit(e.x_support, e.y_support).predict(e.x_query)
        errors.append(np.mean((predicted - e.y_query) ** 2) / np.var(e.y_query))
    assert np.median(errors) < 0.7


@pytest.mark.parametrize("n_support", [2, (30, 20), (1, 20), (8, 9, 10)])
def test_sizes_are_checked(n_support):
    with pytest.raises(ValueError, match="'n_support' must be a whole number"):
        SyntheticEpisodes("regression", n_support)


def test_task_is_checked():
    with pytest.raises(ValueError, match="'task' must be one of .* Got 'ranking'"):
        SyntheticEpisodes("ranking")
