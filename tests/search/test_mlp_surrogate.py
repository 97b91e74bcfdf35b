import numpy as np
from scipy.optimize import approx_fprime
from scipy.stats import spearmanr

from sklearn_meta.search._mlp_surrogate import (
    _initial,
    forward,
    loss_gradients,
    mlp_posterior,
)
from sklearn_meta.search._tree_encoding import TreeVectors


def made(rng, n=80):
    vectors = TreeVectors(rng.random((n, 2)), rng.random((n, 3)) - 0.5)
    return vectors, vectors.shapes[:, 0] + vectors.values[:, 1]


def test_gradients_of_the_loss_are_those_of_finite_differences(rng):
    X, targets = rng.normal(size=(7, 4)), rng.normal(size=7)
    weights = _initial(rng, 4)
    importance = rng.random((len(weights[0]), 7))

    def loss(flat):
        parts, at = [], 0
        for w in weights:
            parts.append(flat[at : at + w.size].reshape(w.shape))
            at += w.size
        return float((importance * (forward(parts, X)[-1] - targets) ** 2).sum())

    flat = np.concatenate([w.ravel() for w in weights])
    expected = approx_fprime(flat, loss, 1e-7)
    got = np.concatenate(
        [g.ravel() for g in loss_gradients(weights, X, targets, importance)]
    )
    np.testing.assert_allclose(got, expected, atol=2e-5)


def test_gradients_of_the_mean_are_those_of_finite_differences(rng):
    vectors, regrets = made(rng)
    posterior = mlp_posterior(vectors, regrets, np.ones(80), seed=0)
    shapes, values = vectors.shapes[:1], vectors.values[:1]

    def mean(x):
        return posterior.predict(TreeVectors(shapes, x[None]))[0].item()

    expected = approx_fprime(values[0], mean, 1e-6)
    np.testing.assert_allclose(
        posterior.gradient(vectors)[0], expected, rtol=1e-3, atol=1e-5
    )
    # The regret rises with the second value, and with nothing else.
    assert np.abs(expected).argmax() == 1 and expected[1] > 0.5


def test_it_learns_and_is_repeatable(rng):
    vectors, regrets = made(rng)
    fit = [mlp_posterior(vectors, regrets, np.ones(80), seed=s) for s in (0, 0, 1)]
    new, truth = made(rng)
    first, again, other = (f.predict(new)[0] for f in fit)
    assert spearmanr(first, truth).statistic > 0.95
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_it_is_less_certain_far_from_what_it_knows(rng):
    vectors, regrets = made(rng)
    posterior = mlp_posterior(vectors, regrets, np.ones(80), seed=0)
    _, near = posterior.predict(vectors)
    far = TreeVectors(vectors.shapes + 3, vectors.values + 3)
    assert posterior.predict(far)[1].mean() > 2 * near.mean()


def test_what_never_differs_has_no_slope(rng):
    vectors, regrets = made(rng)
    values = vectors.values.copy()
    values[:, 2] = 0.25
    posterior = mlp_posterior(
        TreeVectors(vectors.shapes, values), regrets, np.ones(80), seed=0
    )
    assert not posterior.gradient(vectors)[:, 2].any()
