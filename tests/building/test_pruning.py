"""Greedy portfolios, and the pruned knowledge base."""

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_meta.building import _command as build
from sklearn_meta.building import _pruning
from sklearn_meta.building._pruning import greedy_portfolio
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from tests.building.builds import CLASSIFICATION, PIPELINES, run
from tests.metalearning.knowledge import dataset, evaluation

REGRETS = arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.integers(0, 8).map(lambda n: n / 4),
)


def greedy(regrets, **parameters):
    """The portfolio for equal weights."""
    return greedy_portfolio(regrets, np.ones(len(regrets)), **parameters)


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
    portfolio = greedy_portfolio(regrets, weights)
    assert portfolio.mean_regret[0] == pytest.approx(brute_force(regrets, 1, weights))


@given(REGRETS, st.integers(1, 6))
@settings(deadline=None)
def test_saves_what_submodularity_promises(regrets, length):
    length = min(length, regrets.shape[1])
    weights = np.ones(len(regrets))
    portfolio = greedy(regrets)
    nothing = regrets.max(axis=1).mean()
    best_saving = nothing - brute_force(regrets, length, weights)
    saving = nothing - portfolio.mean_regret[:length][-1]
    assert saving >= (1 - 1 / np.e) * best_saving - 1e-12


@given(REGRETS)
@settings(deadline=None)
def test_path_is_the_mean_regret_of_the_first_ones_and_falls(regrets):
    portfolio = greedy(regrets)
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
    portfolio = greedy(regrets)
    everything = regrets.min(axis=1).mean()
    assert portfolio.mean_regret[-1] == pytest.approx(everything, abs=1e-12)


def test_pipeline_that_never_wins_is_left_out():
    regrets = [[0.0, 0.1, 1.0], [1.0, 0.9, 0.0], [0.0, 0.5, 1.0]]
    assert greedy(regrets).indices.tolist() == [0, 2]


def test_second_choice_complements_the_first():
    # The second best single pipeline is good where the best one is.
    regrets = np.array([[0.0, 0.1, 1.0]] * 3 + [[1.0, 1.0, 0.0]])
    assert greedy(regrets).indices.tolist()[:2] == [0, 2]


def test_weights_decide_between_datasets():
    regrets = [[0.0, 1.0], [1.0, 0.0]]
    for weights, first in (([1.0, 3.0], 1), ([3.0, 1.0], 0), ([1.0, 1.0], 0)):
        assert greedy_portfolio(regrets, weights).indices[0] == first


def test_unknown_counts_as_the_worst_of_the_dataset():
    regrets = [[np.nan, 0.4, 2.0], [0.0, 0.1, 1.0], [np.nan] * 3]
    portfolio = greedy(regrets)
    assert portfolio.indices.tolist() == [1, 0]
    np.testing.assert_allclose(portfolio.mean_regret, [0.5 / 3, 0.4 / 3])


def test_small_gains_end_the_portfolio():
    regrets = [[0.0, 0.05], [0.05, 0.0]]
    assert len(greedy(regrets, min_gain=0.03).indices) == 1
    assert len(greedy(regrets, min_gain=0.02).indices) == 2


def test_nothing_to_choose_from():
    assert len(greedy(np.empty((3, 0))).indices) == 0


def test_pruned_file_keeps_what_wins(folder, tmp_path, capsys):
    full = tmp_path / "kb.sqlite"
    run(folder, KnowledgeBase(full), (*PIPELINES, "extra_tree(X)"), tmp_path)
    small = tmp_path / "small.sqlite"
    command = ["prune", "--in", str(full), "--out", str(small), "--max-pipelines", "2"]
    assert build.main(command) == 0
    report = json.loads(capsys.readouterr().out)
    # Metrics may disagree on the best one of the only table; more are of no use.
    assert report[CLASSIFICATION]["n_pipelines"]["before"] == 5
    assert report[CLASSIFICATION]["n_pipelines"]["after"] <= 2
    assert report[CLASSIFICATION]["mean_regret"]["neg_log_loss"] == {"1": 0.0}
    before = KnowledgeBase(full).matrix(CLASSIFICATION)
    after = KnowledgeBase(small).matrix(CLASSIFICATION)
    best = before.pipelines[int(before.mean[0].argmax())]
    assert {best, "dummy(X)"} <= set(after.pipelines)
    assert "extra_tree(X)" not in after.pipelines
    assert after.mean.max() == before.mean.max()
    assert KnowledgeBase(small).provenance()["pruned"] == report
    assert build.main(command) == 1
    assert "exists already" in capsys.readouterr().err


def test_what_was_tried_on_few_tables_is_pruned(tmp_path):
    full = KnowledgeBase(tmp_path / "full.sqlite")
    for i in range(10):
        tried = ["lda(X)", "gaussian_nb(X)"] if i else ["lda(X)", "extra_tree(X)"]
        score = {"extra_tree(X)": -0.1, "gaussian_nb(X)": -0.3}
        evaluations = [
            evaluation(t, scores={"neg_log_loss": (score.get(t, -0.4), 0.01)})
            for t in tried
        ]
        full.add(dataset(f"table{i}"), evaluations)
    kept = {}
    for share in (0.0, 0.9, 1.0):
        path = tmp_path / f"{share}.sqlite"
        _pruning.prune(full, path, max_pipelines=9, min_share=share)
        kept[share] = set(KnowledgeBase(path).matrix(CLASSIFICATION).pipelines)
    assert "extra_tree(X)" in kept[0.0]
    assert kept[0.9] == {"gaussian_nb(X)"}
    assert kept[1.0] == {"lda(X)"}


def test_orders_take_turns():
    orders = (["a", "b", "c"], ["b", "d"], [])
    assert _pruning.take_turns(orders, 10) == ["a", "b", "d", "c"]
    assert _pruning.take_turns(orders, 2) == ["a", "b"]
    assert _pruning.take_turns((), 2) == []
