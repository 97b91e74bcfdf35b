"""Posterior weights follow the evaluations."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.metalearning._posterior import DatasetPosterior


def posterior_of(regrets, **changes):
    regrets = np.asarray(regrets, dtype=float)
    n_datasets = len(regrets)
    return DatasetPosterior(regrets, np.full(n_datasets, 1 / n_datasets), **changes)


def after(posterior, scores):
    """The posterior after the scores of the first pipelines."""
    for pipeline, score in enumerate(scores):
        posterior = posterior.updated(pipeline, score)
    return posterior


def test_evidence_moves_the_weights_to_datasets_that_compare_alike():
    regrets = np.array([[0.0, 1.0, 2.0, 0.0], [2.0, 1.0, 0.0, 2.0]])
    posterior = posterior_of(regrets, evidence=2.0)
    assert_array_equal(after(posterior, [0.9, 0.5]).weights, [0.5, 0.5])
    assert after(posterior, [0.9, 0.5, 0.1]).weights[0] > 0.95
    assert after(posterior_of(regrets), [9, 5, 1]).weights[0] == 0.5


def test_a_pipeline_is_counted_once():
    posterior = posterior_of([[0.0, 1.0], [1.0, 0.0]])
    once = posterior.updated(1, 0.5)
    assert (once.tried, once.scores) == ((1,), (0.5,))
    assert once.updated(1, 0.9) is once


def test_weights_do_not_depend_on_the_unit_of_the_score():
    rng = np.random.default_rng(0)
    posterior = posterior_of(rng.uniform(0, 2, size=(6, 5)), evidence=1.0)
    scores = rng.normal(size=4)
    expected = after(posterior, scores).weights
    assert_allclose(after(posterior, 1000 * scores - 3).weights, expected)
    assert np.isfinite(after(posterior, [*scores[:3], -np.inf]).weights).all()
    assert np.isfinite(after(posterior, [-np.inf] * 4).weights).all()
