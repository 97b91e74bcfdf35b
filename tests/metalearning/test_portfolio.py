"""The selection criterion against its definition and brute force."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_meta.metalearning._portfolio import TIE_BREAK, PortfolioCriterion
from sklearn_meta.metalearning._regret import LARGEST_REGRET


def criterion_of(regrets, **changes):
    regrets = np.asarray(regrets, dtype=float)
    n_pipelines = regrets.shape[1]
    arguments = {
        "seconds": np.ones(n_pipelines),
        "learners": np.zeros(n_pipelines, dtype=int),
    }
    return PortfolioCriterion(regrets, **{**arguments, **changes})


def equal_weights(criterion):
    n_datasets = len(criterion.regrets)
    return np.full(n_datasets, 1 / n_datasets)


def select(criterion, n, **arguments):
    return criterion.select(n, equal_weights(criterion), **arguments)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_portfolio_is_close_to_the_best_of_its_length(seed):
    regret = np.random.default_rng(seed).uniform(0, 2, size=(12, 8))

    def value(pipelines):
        return regret[:, list(pipelines)].min(axis=1).mean()

    greedy = select(criterion_of(regret), 3)
    best = min(value(c) for c in combinations(range(8), 3))
    # Nemhauser, Wolsey and Fisher 1978: at least 1 - 1/e of the possible gain.
    assert 2 - value(greedy) >= (1 - 1 / np.e) * (2 - best)
    assert value(greedy[:1]) == min(value([j]) for j in range(8))


def plain_gains(criterion, weights, chosen):
    """The gains by their definition, pipeline by pipeline."""

    def regret(d, pipelines):
        best = dict.fromkeys(criterion.learners, LARGEST_REGRET)
        for p in pipelines:
            learner = criterion.learners[p]
            best[learner] = min(best[learner], criterion.regrets[d, p])
        ranked = sorted(best.values())[:3]
        return sum(r * criterion.diversity**rank for rank, r in enumerate(ranked))

    return [
        sum(
            w * (regret(d, chosen) - regret(d, [*chosen, p]))
            for d, w in enumerate(weights)
        )
        + TIE_BREAK * (LARGEST_REGRET - weights @ criterion.regrets[:, p])
        for p in range(criterion.regrets.shape[1])
    ]


@pytest.mark.parametrize("n_learners", [1, 2, 5])
@pytest.mark.parametrize("diversity", [0.0, 0.4, 1.0])
def test_gains_are_those_of_the_definition(n_learners, diversity):
    rng = np.random.default_rng(n_learners)
    criterion = criterion_of(
        rng.uniform(0, LARGEST_REGRET, size=(6, 9)),
        learners=np.arange(9) % n_learners,
        diversity=diversity,
    )
    weights = rng.dirichlet(np.ones(6))
    for chosen in ([], [4], [0, 3, 8, 5]):
        expected = plain_gains(criterion, weights, chosen)
        assert_allclose(criterion.gains(weights, chosen), expected)


def test_a_second_learner_comes_before_another_setting_of_the_first():
    regrets = np.array([[0.0, 0.2, 0.5], [0.2, 0.1, 0.5]])
    learners = np.array([0, 0, 1])
    assert sorted(select(criterion_of(regrets, learners=learners), 2)) == [0, 1]
    diverse = criterion_of(regrets, learners=learners, diversity=0.5)
    assert select(diverse, 2)[1] == 2
    # A learner that is as bad as possible reduces nothing.
    regrets[:, 2] = LARGEST_REGRET
    diverse = criterion_of(regrets, learners=learners, diversity=0.5)
    assert select(diverse, 2)[1] != 2


def test_each_pipeline_is_selected_once_and_only_if_allowed():
    criterion = criterion_of(np.random.default_rng(0).uniform(0, 2, size=(5, 7)))
    assert sorted(select(criterion, 99)) == list(range(7))
    assert set(select(criterion, 99, among=[1, 4, 6])) == {1, 4, 6}
    assert 4 not in select(criterion, 99, chosen=[4])


def test_gains_that_are_rounded_to_less_than_zero_are_ties():
    criterion = criterion_of(np.full((12, 5), LARGEST_REGRET))
    assert abs(criterion.gains(equal_weights(criterion)).max()) < 1e-12
    assert select(criterion, 9) == list(range(5))


def test_time_aversion_is_the_exponent_of_the_seconds():
    regrets = np.array([[0.0, 0.1], [0.0, 0.1]])
    seconds = np.array([100.0, 1.0])
    assert select(criterion_of(regrets, seconds=seconds), 1) == [0]
    averse = criterion_of(regrets, seconds=seconds, time_aversion=0.5)
    assert select(averse, 1) == [1]


def test_much_time_halves_the_gain():
    regrets = np.array([[0.0, 0.1], [0.0, 0.1]])
    plain = criterion_of(regrets, seconds=np.array([6.0, 0.0]))
    halved = replace(plain, much_time=6.0)
    weights = equal_weights(plain)
    assert_allclose(halved.gains(weights), plain.gains(weights) * [0.5, 1.0])
    assert select(plain, 1) == [0]
    assert select(halved, 1) == [1]
