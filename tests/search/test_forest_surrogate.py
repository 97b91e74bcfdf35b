import numpy as np
from scipy.stats import spearmanr

from sklearn_meta.search._forest_surrogate import forest_posterior
from sklearn_meta.search._tree_encoding import TreeVectors


def made(rng, n=80):
    vectors = TreeVectors(rng.random((n, 2)), rng.random((n, 3)))
    return vectors, vectors.shapes[:, 0] + np.abs(vectors.values[:, 1] - 0.5)


def test_mean_and_variance_follow_the_law_of_total_variance(rng):
    vectors, regrets = made(rng)
    posterior = forest_posterior(vectors, regrets, np.ones(80), seed=0)
    X = vectors.joined()[:, posterior.used].astype(np.float32)
    mean, deviation = posterior.predict(vectors)
    np.testing.assert_allclose(mean, posterior.forest.predict(X), atol=1e-6)
    # From the rows of the bootstrap samples in each leaf, one tree after the other.
    means, variances = [], []
    forest = posterior.forest
    for tree, draws in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        drawn, leaves = tree.apply(X[draws]), tree.apply(X)
        of_leaf = {leaf: regrets[draws][drawn == leaf] for leaf in set(drawn)}
        means.append([of_leaf[leaf].mean() for leaf in leaves])
        variances.append([of_leaf[leaf].var() for leaf in leaves])
    expected = np.var(means, axis=0) + np.mean(variances, axis=0)
    np.testing.assert_allclose(
        deviation, np.sqrt(np.maximum(expected, 1e-4)), rtol=1e-4
    )


def test_it_learns_and_is_repeatable(rng):
    vectors, regrets = made(rng)
    fit = [forest_posterior(vectors, regrets, np.ones(80), seed=s) for s in (0, 0, 1)]
    new, truth = made(rng)
    first, again, other = (f.predict(new)[0] for f in fit)
    assert spearmanr(first, truth).statistic > 0.7
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_equal_pipelines_are_tolerated():
    vectors = TreeVectors(np.ones((3, 2)), np.ones((3, 2)))
    mean, deviation = forest_posterior(
        vectors, np.array([0.0, 1.0, 2.0]), np.ones(3), seed=0
    ).predict(vectors)
    assert np.isfinite(mean).all() and (deviation > 0).all()
