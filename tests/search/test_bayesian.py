from itertools import chain

import numpy as np
import pytest

from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning._portfolio import PortfolioCriterion
from sklearn_meta.metalearning._posterior import DatasetPosterior
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.metalearning._reranking import FirstThen, PortfolioReranker
from sklearn_meta.pipelines import SearchSpace, parse
from sklearn_meta.search import (
    BayesianSearch,
    RandomSearch,
    _bayesian,
    _forest_surrogate,
    _mlp_surrogate,
)
from sklearn_meta.testing import (
    make_evaluation,
    make_problem,
    parametrize_with_checks,
    run_search,
    strategy_checks,
)

STRATEGIES = (
    BayesianSearch(),
    BayesianSearch(surrogate="forest", acquisition="ei", n_initial=0),
    BayesianSearch(surrogate="mlp", acquisition="ucb", cost_aversion=0),
)
SPACE = SearchSpace(include=["ridge", "lasso", "standard_scaler"])


@pytest.fixture
def small(monkeypatch):
    """Small pools and surrogates, where only the protocol is tested."""
    for name, n in {"N_MUTATIONS": 8, "N_LOCAL": 2, "N_RANDOM": 4}.items():
        monkeypatch.setattr(_bayesian, name, n)
    monkeypatch.setattr(_forest_surrogate, "N_TREES", 2)
    monkeypatch.setattr(_mlp_surrogate, "N_STEPS", 4)


@parametrize_with_checks(chain.from_iterable(map(strategy_checks, STRATEGIES)))
def test_common_checks(plugin, check, small):
    check(plugin)


def problem(**changes):
    """A problem of numbers, in which ridge regression has one hyperparameter."""
    plain = {"has_categories": False, "has_missing": False}
    return make_problem("regression", space=SPACE, **{**plain, **changes})


# Logarithms of the best alpha.
BEST = {"ridge": 2.5, "lasso": -3.7}
DEFAULT = {"ridge": 1.0, "lasso": 0.001}


def rate(number, candidate):
    """Evaluate a pipeline by its last alpha; ridge regression is the better learner."""
    name = candidate.tree.operator
    alpha = dict(candidate.tree.params).get("alpha", DEFAULT[name])
    score = -abs(np.log10(alpha) - BEST[name]) - 0.2 * (name == "lasso")
    return make_evaluation(number, candidate, score=score - 0.05 * candidate.tree.size)


def best_of(strategy, seed, n=30):
    candidates = run_search(strategy.start(problem(seed=seed)), n, evaluate=rate)
    return max(rate(i, c).score for i, c in enumerate(candidates))


@pytest.mark.parametrize("surrogate", ["gp", "forest", "mlp"])
def test_it_finds_what_random_search_does_not(surrogate):
    seeds = range(5)
    found = [best_of(BayesianSearch(surrogate=surrogate), seed) for seed in seeds]
    drawn = [best_of(RandomSearch(), seed) for seed in seeds]
    assert np.mean(found) > np.mean(drawn)
    assert np.mean(found) > -0.3


def portfolio(*texts):
    catalog = SPACE.catalog("regression")
    return [Proposal(parse(text, catalog=catalog)) for text in texts]


TEXTS = ("ridge(X, alpha=10.0)", "lasso(X)", "ridge(standard_scaler(X))", "ridge(X)")


def test_the_portfolio_comes_first_and_its_rest_are_candidates(small):
    prior = Prior(portfolio=tuple(portfolio(*TEXTS)))
    search = BayesianSearch(n_initial=2).start(problem(prior=prior))
    assert [c.text for c in search.ask(2)] == list(TEXTS[:2])
    assert {*TEXTS[2:]} <= {c.text for c in search._portfolio.waiting(search.seen)}


def test_the_rest_of_the_portfolio_may_be_chosen(monkeypatch):
    for name in ("N_MUTATIONS", "N_LOCAL", "N_RANDOM", "RANDOM_SHARE"):
        monkeypatch.setattr(_bayesian, name, 0)
    prior = Prior(portfolio=tuple(portfolio(*TEXTS)))
    search = BayesianSearch(n_initial=1).start(problem(prior=prior))
    (first,) = search.ask(1)
    search.tell([rate(0, first)])
    assert {c.text for c in search.ask(3)} == set(TEXTS[1:])


def prior_with_knowledge(first=frozenset()):
    """On all known datasets, lasso is better than ridge regression."""
    regrets = np.tile([1.0, 0.1, 1.1, 1.2], (12, 1))
    reranker = PortfolioReranker(
        PortfolioCriterion(regrets, np.ones(4), np.array([0, 1, 0, 0])),
        DatasetPosterior(regrets, np.full(12, 1 / 12), 1.0),
        {text: i for i, text in enumerate(TEXTS)},
    )
    if first:
        reranker = FirstThen(first, reranker)
    return Prior(portfolio=tuple(portfolio(*TEXTS)), reranker=reranker)


@pytest.mark.parametrize("first", [frozenset(), frozenset({"ridge(X)"})])
def test_known_datasets_are_the_prior_of_the_gaussian_process(first):
    search = BayesianSearch().start(problem(prior=prior_with_knowledge(first)))
    search.tell([rate(0, c) for c in search.ask(1)])
    posterior, _ = search._surrogate.posterior()
    catalog = SPACE.catalog("regression")
    asked = [parse(t, catalog=catalog) for t in ("lasso(X, alpha=0.5)", "ridge(X)")]
    mean, _ = posterior.predict(search._encoder.encode(asked))
    assert mean[0] < mean[1] - 0.3


@pytest.mark.parametrize("surrogate", ["gp", "forest", "mlp"])
def test_what_is_being_evaluated_counts_as_the_median(surrogate):
    search = BayesianSearch(surrogate=surrogate).start(problem(seed=1))
    candidates = search.ask(6)
    search.tell([rate(i, c) for i, c in enumerate(candidates[:4])])
    _, scores, shares = search.observations()
    assert len(scores) == 6
    told = [rate(i, c).score for i, c in enumerate(candidates[:4])]
    np.testing.assert_allclose(scores[:4], told)
    np.testing.assert_allclose(scores[4:], np.median(told))
    # Later ones are not the same as those that are running.
    assert len({c.text for c in candidates + search.ask(6)}) == 12


def test_fewer_folds_count_less_and_failures_are_certain():
    search = BayesianSearch().start(problem())
    first, second, third = search.ask(3)
    search.tell(
        [
            make_evaluation(0, first, n_folds=4),
            make_evaluation(1, second, Status.PRUNED),
            make_evaluation(2, third, Status.FAILED),
        ]
    )
    _, scores, shares = search.observations()
    assert shares.tolist() == [1.0, 0.25, 1.0]
    assert np.isfinite(scores).tolist() == [True, True, False]


def test_networks_step_along_the_gradient():
    search = BayesianSearch(surrogate="mlp").start(problem(seed=3))
    catalog = SPACE.catalog("regression")
    alphas = [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 3.0, 30.0]
    for i, alpha in enumerate(alphas):
        tree = parse(f"ridge(X, alpha={alpha})", catalog=catalog)
        # The larger, the better.
        (candidate,) = search.ask(1)
        candidate = type(candidate)(tree, f"ridge(X, alpha={alpha})", "told")
        score = float(np.log10(alpha))
        search.tell([make_evaluation(i, candidate, score=score)])
    start = parse("ridge(X, alpha=3.0)", catalog=catalog)
    steps = [dict(t.params)["alpha"] for t in search._surrogate.steps(start)]
    assert len(steps) == len(_bayesian.STEP_LENGTHS)
    assert steps == sorted(steps) and steps[0] > 3.0


def test_expensive_candidates_are_thinned_out():
    def n_expensive(cost_aversion):
        strategy = BayesianSearch(n_initial=0, cost_aversion=cost_aversion)
        space = SearchSpace(include=["ridge", "random_forest"])
        search = strategy.start(make_problem("regression", space=space))
        candidates = search.ask(1)
        while candidates[0].tree.operator != "ridge":
            candidates = search.ask(1)
        search.tell([make_evaluation(0, candidates[0], score=0.0)])
        pool = search._pool(np.random.default_rng(0))
        return sum("random_forest" in text for text in pool)

    assert n_expensive(2.0) < n_expensive(0.0) / 2
