"""Greedy portfolios against brute force over all subsets."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_meta.metalearning._portfolio import family_weights, greedy_portfolio

REGRETS = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.integers(0, 8).map(lambda n: n / 4),
)


def mean_regret(regrets, subset, weights):
    return np.average(regrets[:, list(subset)].min(axis=1), weights=weights)


def brute_force(regrets, length, weights):
    """Return the lowest mean regret that `length` pipelines can have."""
    return min(
        mean_regret(regrets, subset, weights)
        for subset in combinations(range(regrets.shape[1]), length)
    )


@given(REGRETS)
@settings(deadline=None)
def test_first_pipeline_is_the_best_single_one(regrets):
    weights = np.arange(1, len(regrets) + 1)
    portfolio = greedy_portfolio(regrets, weights, length=1)
    assert portfolio.mean_regret[0] == pytest.approx(brute_force(regrets, 1, weights))


@given(REGRETS, st.integers(1, 6))
@settings(deadline=None)
def test_saves_what_submodularity_promises(regrets, length):
    length = min(length, regrets.shape[1])
    weights = np.ones(len(regrets))
    portfolio = greedy_portfolio(regrets, length=length)
    nothing = regrets.max(axis=1).mean()
    best_saving = nothing - brute_force(regrets, length, weights)
    saving = nothing - portfolio.mean_regret[-1]
    assert saving >= (1 - 1 / np.e) * best_saving - 1e-12


@given(REGRETS)
@settings(deadline=None)
def test_path_is_the_mean_regret_of_the_first_ones_and_falls(regrets):
    portfolio = greedy_portfolio(regrets)
    expected = [
        mean_regret(regrets, portfolio.indices[: k + 1], None)
        for k in range(len(portfolio.indices))
    ]
    np.testing.assert_allclose(portfolio.mean_regret, expected, atol=1e-12)
    assert (np.diff(portfolio.mean_regret) < 0).all()
    assert len(set(portfolio.indices)) == len(portfolio.indices)


@given(REGRETS)
@settings(deadline=None)
def test_all_that_help_come_as_near_as_all_pipelines(regrets):
    portfolio = greedy_portfolio(regrets)
    everything = regrets.min(axis=1).mean()
    assert portfolio.mean_regret[-1] == pytest.approx(everything, abs=1e-12)


def test_pipeline_that_never_wins_is_left_out():
    regrets = [[0.0, 0.1, 1.0], [1.0, 0.9, 0.0], [0.0, 0.5, 1.0]]
    assert greedy_portfolio(regrets).indices.tolist() == [0, 2]


def test_second_choice_complements_the_first():
    # The second best single pipeline is good where the best one is.
    regrets = np.array([[0.0, 0.1, 1.0]] * 3 + [[1.0, 1.0, 0.0]])
    assert greedy_portfolio(regrets, length=2).indices.tolist() == [0, 2]


def test_gain_per_second_with_costs():
    regrets = [[0.0, 0.2, 1.0], [0.0, 0.2, 1.0]]
    assert greedy_portfolio(regrets, length=1).indices.tolist() == [0]
    cheap = greedy_portfolio(regrets, costs=[10.0, 1.0, 1.0])
    assert cheap.indices.tolist() == [1, 0]


def test_weights_decide_between_datasets():
    regrets = [[0.0, 1.0], [1.0, 0.0]]
    for weights, first in (([1.0, 3.0], 1), ([3.0, 1.0], 0), (None, 0)):
        assert greedy_portfolio(regrets, weights).indices[0] == first


def test_unknown_counts_as_the_worst_of_the_dataset():
    regrets = [[np.nan, 0.4, 2.0], [0.0, 0.1, 1.0], [np.nan] * 3]
    portfolio = greedy_portfolio(regrets)
    assert portfolio.indices.tolist() == [1, 0]
    np.testing.assert_allclose(portfolio.mean_regret, [0.5 / 3, 0.4 / 3])


def test_small_gains_end_the_portfolio():
    regrets = [[0.0, 0.05], [0.05, 0.0]]
    assert len(greedy_portfolio(regrets, min_gain=0.03).indices) == 1
    assert len(greedy_portfolio(regrets, min_gain=0.02).indices) == 2


def test_nothing_to_choose_from():
    assert len(greedy_portfolio(np.empty((3, 0))).indices) == 0
    assert len(greedy_portfolio([[0.0, 1.0]], length=0).indices) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"regrets": [0.0, 1.0]}, "'regrets' must be of shape"),
        ({"regrets": [[0.0]], "weights": [-1.0]}, "'weights' must be 1 numbers"),
        ({"regrets": [[0.0]], "weights": [0.0]}, "'weights' must be 1 numbers"),
        ({"regrets": [[0.0]], "weights": [1.0, 1.0]}, "'weights' must be 1 numbers"),
        ({"regrets": [[0.0]], "costs": [0.0]}, "'costs' must be 1 numbers"),
    ],
)
def test_errors_name_the_parameter(arguments, message):
    with pytest.raises(ValueError, match=message):
        greedy_portfolio(**arguments)


def test_families_count_alike():
    weights = family_weights(["a", "b", "a", "c", "a"])
    np.testing.assert_allclose(weights, [1 / 3, 1, 1 / 3, 1, 1 / 3])
