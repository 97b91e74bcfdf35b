"""The surrogate against closed forms, and on datasets with a known structure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Kernel

from sklearn_meta.metalearning._portfolio import PortfolioCriterion
from sklearn_meta.metalearning._posterior import DatasetPosterior
from sklearn_meta.metalearning._regret import LARGEST_REGRET
from sklearn_meta.metalearning._reranking import PortfolioReranker
from sklearn_meta.pipelines import Float, Integer, default_catalog, parse
from sklearn_meta.search._gaussian_process import (
    PRIOR_MEAN,
    as_regrets,
    fit_kernel,
    no_observations,
    surrogate_from_datasets,
    surrogate_without_datasets,
)
from sklearn_meta.search._tree_encoding import tree_encoder, unit
from sklearn_meta.search._tree_kernel import DEFAULT_KERNEL, NOISE, TreeKernel

CATALOGS = {task: default_catalog(task) for task in ("classification", "regression")}
ENCODER = tree_encoder(CATALOGS["regression"])

LINEAR = [f"ridge(standard_scaler(X), alpha={a})" for a in (0.1, 0.5, 2.0, 10.0, 40.0)]
TREES = [f"extra_trees(X, min_samples_leaf={n})" for n in (1, 2, 4, 8, 16)]
KNOWN = (*LINEAR, *TREES)


def trees(texts):
    return [parse(text, catalog=CATALOGS["regression"]) for text in texts]


def vectors_of(texts):
    return ENCODER.encode(trees(texts))


def surrogate_of(regrets, weights=None, evidence=0.0):
    """A surrogate of the pipelines in KNOWN, with the reranker's own reweighting."""
    regrets = np.asarray(regrets, dtype=float)
    n, n_pipelines = regrets.shape
    weights = np.full(n, 1 / n) if weights is None else np.asarray(weights)
    learners = np.zeros(n_pipelines, dtype=int)
    reranker = PortfolioReranker(
        PortfolioCriterion(regrets, np.ones(n_pipelines), learners),
        DatasetPosterior(regrets, weights, evidence),
        {text: i for i, text in enumerate(KNOWN)},
    )
    return surrogate_from_datasets(ENCODER, dict(enumerate(trees(KNOWN))), reranker)


def two_kinds():
    """Datasets for linear models, and datasets for trees."""
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1], 10)[:, None]
    is_tree = np.repeat([0, 1], 5)[None, :]
    return np.abs(kind != is_tree) * 1.0 + 0.1 * rng.random((20, 10))


def expect(surrogate, texts, scores, shares=None):
    observations = no_observations(surrogate).with_trees(vectors_of(texts))
    shares = np.ones(len(texts)) if shares is None else np.asarray(shares)
    weights = surrogate.weights(dict(zip(texts, scores, strict=True)))
    return observations.posterior(np.asarray(scores, dtype=float), shares, weights)


def test_known_pipelines_have_the_mean_of_their_datasets():
    regrets = two_kinds()
    surrogate = surrogate_of(regrets)
    coefficients = surrogate.coefficients(surrogate.known)
    np.testing.assert_allclose(coefficients, np.eye(len(KNOWN)), atol=1e-4)


def test_prediction_agrees_with_the_conditional_of_the_joint_normal():
    regrets = two_kinds()
    surrogate = surrogate_of(regrets)
    texts = ["ridge(standard_scaler(X), alpha=1.0)", TREES[1], "lasso(X)"]
    asked = ["ridge(X)", "extra_trees(X, min_samples_leaf=3)"]
    posterior = expect(surrogate, texts, [0.5, 0.9, 0.1], [1.0, 0.5, 1.0])

    # All of it again, in one block for what was observed and what is asked.
    joint = vectors_of([*texts, *asked])
    kernel = surrogate.kernel
    coefficients = kernel(joint, surrogate.known) @ np.linalg.inv(
        kernel(surrogate.known, surrogate.known) + 1e-6 * np.eye(len(KNOWN))
    )
    on_datasets = PRIOR_MEAN + (regrets - PRIOR_MEAN) @ coefficients.T
    mean = on_datasets.mean(axis=0)
    covariance = np.cov(on_datasets.T, bias=True)
    covariance += kernel(joint, joint) - coefficients @ kernel(surrogate.known, joint)
    noisy = covariance[:3, :3] + np.diag(NOISE / np.array([1.0, 0.5, 1.0]))
    losses = posterior.observations._as_regrets(
        np.array([0.5, 0.9, 0.1]), np.full(20, 0.05)
    )
    gain = covariance[3:, :3] @ np.linalg.inv(noisy)
    expected = mean[3:] + gain @ (losses - mean[:3])
    variance = np.diag(covariance[3:, 3:] - gain @ covariance[:3, 3:])

    predicted, deviation = posterior.predict(vectors_of(asked))
    np.testing.assert_allclose(predicted, expected, atol=1e-6)
    np.testing.assert_allclose(deviation**2, variance, atol=1e-6)


def test_evaluations_say_which_kind_of_dataset_it_is():
    surrogate = surrogate_of(two_kinds())
    asked = vectors_of(["ridge(X, alpha=3.0)", "random_forest(X)", "extra_trees(X)"])
    tried = [LINEAR[0], LINEAR[2], TREES[0], TREES[2]]
    linear, _ = expect(surrogate, tried, [0.9, 0.88, 0.2, 0.25]).predict(asked)
    stepped, _ = expect(surrogate, tried, [0.2, 0.25, 0.9, 0.88]).predict(asked)
    assert linear[0] < linear[2]
    assert stepped[2] < stepped[0]
    # Nothing is known of forests, but they are more like trees than ridge is.
    assert stepped[1] < linear[1] + 0.2


def test_the_run_alone_is_learned_from():
    surrogate = surrogate_without_datasets(ENCODER)
    alphas = np.array([0.01, 0.1, 1.0, 10.0, 100.0, 1000.0])
    tried = [f"ridge(X, alpha={a})" for a in alphas]
    truth = -np.abs(np.log10(alphas) - 1.0)
    posterior = expect(surrogate, tried, truth)
    asked = np.array([0.03, 0.3, 3.0, 30.0, 300.0])
    mean, deviation = posterior.predict(
        vectors_of([f"ridge(X, alpha={a})" for a in asked])
    )
    assert spearmanr(mean, np.abs(np.log10(asked) - 1.0)).statistic > 0.6
    _, far = posterior.predict(vectors_of(["extra_trees(splines(X))"]))
    assert far[0] > deviation.max()


def test_what_failed_is_as_bad_as_can_be():
    tried = [LINEAR[0], LINEAR[1], TREES[0]]
    posterior = expect(surrogate_of(two_kinds()), tried, [0.5, 0.4, -np.inf])
    losses = posterior.observations._as_regrets(
        np.array([0.5, 0.4, -np.inf]), np.full(20, 0.05)
    )
    assert losses[2] == LARGEST_REGRET
    assert losses[0] < losses[1] < LARGEST_REGRET


def test_less_of_the_folds_is_less_certain():
    surrogate = surrogate_of(two_kinds())
    tried = [LINEAR[0], TREES[0]]
    _, sure = expect(surrogate, tried, [0.5, 0.4]).predict(vectors_of(LINEAR[1:2]))
    _, unsure = expect(surrogate, tried, [0.5, 0.4], [0.2, 0.2]).predict(
        vectors_of(LINEAR[1:2])
    )
    assert sure[0] < unsure[0]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_of_the_score_do_not_matter(scale):
    surrogate = surrogate_of(two_kinds(), evidence=1.0)
    tried = [*LINEAR[:3], TREES[0]]
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    plain, _ = expect(surrogate, tried, scores).predict(vectors_of(TREES[1:]))
    other, _ = expect(surrogate, tried, scale * scores - 3 * scale).predict(
        vectors_of(TREES[1:])
    )
    np.testing.assert_allclose(other, plain, rtol=1e-6)


def test_equal_scores_and_nothing_but_failures_are_tolerated():
    surrogate = surrogate_of(two_kinds())
    for scores in ([0.5] * 3, [-np.inf] * 3):
        mean, deviation = expect(surrogate, KNOWN[:3], scores).predict(
            vectors_of(KNOWN)
        )
        assert np.isfinite(mean).all() and (deviation > 0).all()


def test_rows_can_come_one_by_one_and_leave():
    surrogate = surrogate_of(two_kinds())
    texts = ["ridge(X)", "lasso(X)", "extra_trees(pca(X))", "dummy(X)"]
    together = no_observations(surrogate).with_trees(vectors_of(texts))
    single = no_observations(surrogate)
    for text in texts:
        single = single.with_trees(vectors_of([text]))
    np.testing.assert_allclose(single.residual, together.residual, atol=1e-10)
    np.testing.assert_allclose(single.coefficients, together.coefficients, atol=1e-10)
    fewer = together.take([0, 2])
    again = no_observations(surrogate).with_trees(vectors_of([texts[0], texts[2]]))
    np.testing.assert_allclose(fewer.residual, again.residual, atol=1e-10)
    assert len(fewer) == 2


@given(
    st.lists(
        st.sampled_from(
            [
                *KNOWN,
                "ridge(X)",
                "lasso(pca(X, n_components=0.5))",
                "transformed_target(svr(X))",
                "ridge(stack(svr(X), extra_trees(X)))",
                "ridge(union(splines(X), X))",
                "lightgbm(X, num_leaves=7)",
            ]
        ),
        min_size=2,
        max_size=8,
        unique=True,
    )
)
def test_the_kernel_is_positive_definite_and_largest_at_the_same_tree(texts):
    vectors = vectors_of(texts)
    covariance = DEFAULT_KERNEL(vectors, vectors)
    assert np.linalg.eigvalsh(covariance).min() > 0
    np.testing.assert_allclose(covariance, covariance.T)
    diagonal = np.diag(covariance)
    np.testing.assert_allclose(diagonal, diagonal[0])
    off = covariance - np.diag(diagonal)
    assert (off < diagonal[0]).all()


def test_what_is_alike_is_near():
    near, far, other = (
        DEFAULT_KERNEL(vectors_of(["ridge(X, alpha=1.0)"]), vectors_of([t])).item()
        for t in ("ridge(X, alpha=2.0)", "ridge(X, alpha=5000.0)", "extra_trees(X)")
    )
    assert near > far > other


def test_every_operator_and_value_has_a_vector():
    rng = np.random.default_rng(0)
    for task in ("classification", "regression"):
        encoder = tree_encoder(CATALOGS[task])
        names = [*encoder.learners.values(), *encoder.others.values()]
        assert sorted(names) == list(range(len(names)))
        for operator in CATALOGS[task].select("learner"):
            params = ", ".join(
                f"{h.name}={h.sample(rng)!r}" for h in operator.hyperparameters
            )
            text = f"{operator.name}(X, {params})" if params else f"{operator.name}(X)"
            tree = parse(text, catalog=CATALOGS[task])
            vectors = encoder.encode([tree])
            assert np.isfinite(vectors.values).all()
            assert vectors.shapes[0].any()


def test_unit_is_the_scale_of_the_search():
    log = Float("alpha", 1e-4, 1e4, 1.0, log=True)
    assert unit(log, 1.0) == pytest.approx(0.5)
    assert unit(log, 0.0) == 0.0
    assert unit(Integer("n", 1, 5, 3), 3) == pytest.approx(0.5)
    assert unit(Integer("n", 2, 2, 2), 2) == 0.5


@pytest.mark.parametrize("kernel", [TreeKernel("matern", 1.5), TreeKernel("rbf")])
def test_without_datasets_it_is_the_process_of_scikit_learn(kernel):
    class Given(Kernel):
        """A `TreeKernel` on numbers of trees."""

        def __init__(self):
            pass

        def __call__(self, X, Y=None, eval_gradient=False):
            a = vectors_of([ALL[i] for i in X.ravel().astype(int)])
            b = a if Y is None else vectors_of([ALL[i] for i in Y.ravel().astype(int)])
            return kernel(a, b)

        def diag(self, X):
            return np.full(len(X), kernel.variance)

        def is_stationary(self):
            return False

    ALL = [*KNOWN, "lasso(X)", "ridge(X, alpha=7.0)"]
    scores = np.random.default_rng(0).normal(size=len(KNOWN))
    surrogate = surrogate_without_datasets(ENCODER, kernel)
    posterior = expect(surrogate, KNOWN, scores)
    y = as_regrets(scores) - PRIOR_MEAN
    reference = GaussianProcessRegressor(Given(), alpha=kernel.noise, optimizer=None)
    reference.fit(np.arange(len(KNOWN))[:, None], y)
    asked = np.arange(len(KNOWN), len(ALL))[:, None]
    mean, deviation = reference.predict(asked, return_std=True)
    got_mean, got_deviation = posterior.predict(vectors_of(ALL[len(KNOWN) :]))
    np.testing.assert_allclose(got_mean, PRIOR_MEAN + mean, atol=1e-8)
    np.testing.assert_allclose(got_deviation, deviation, atol=1e-8)
    assert posterior.log_marginal_likelihood == pytest.approx(
        reference.log_marginal_likelihood_value_
    )


def test_the_kernel_is_fitted_by_the_likelihood():
    rng = np.random.default_rng(0)
    texts = [f"ridge(X, alpha={a:.4g})" for a in 10 ** rng.uniform(-2, 3, size=40)]
    texts += [f"lasso(X, alpha={a:.4g})" for a in 10 ** rng.uniform(-3, 0, size=40)]
    vectors = vectors_of(texts)
    truth = TreeKernel("matern", 2.5, value_scale=4.0, noise=0.03, amplitude=2.0)
    covariance = truth(vectors, vectors) + truth.noise * np.eye(80)
    regrets = PRIOR_MEAN + np.linalg.cholesky(covariance) @ rng.normal(size=80)
    surrogate = surrogate_without_datasets(ENCODER, TreeKernel("matern", 2.5))
    observations = no_observations(surrogate).with_trees(vectors)
    given = -regrets, np.ones(80), np.empty(0)
    before = observations.posterior(*given).log_marginal_likelihood
    fitted, refitted = fit_kernel(observations, *given)
    after = refitted.posterior(*given).log_marginal_likelihood
    assert after > before + 3
    assert fitted.kernel.noise < NOISE
    assert refitted.surrogate is fitted
    # The same observations, with the other kernel.
    again = no_observations(fitted).with_trees(vectors).posterior(*given)
    assert again.log_marginal_likelihood == pytest.approx(after)
