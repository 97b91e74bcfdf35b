"""Offspring are screened: by whom, for what price, and reproducibly."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.metalearning import Prior
from sklearn_meta.metalearning._gaussian_process import without_memory
from sklearn_meta.metalearning._tree_encoding import tree_encoder
from sklearn_meta.pipelines import SearchSpace, default_catalog, format_tree, parse
from sklearn_meta.search import EvolutionarySearch
from sklearn_meta.search._screening import (
    DROPPED_AT_ONCE,
    MAX_OBSERVED,
    MIN_OBSERVED,
    Result,
    Screening,
    comparable_scores,
    log_expected_improvement,
)
from sklearn_meta.testing import make_evaluation, make_problem, run_search

CATALOG = default_catalog("classification")
ENCODER = tree_encoder(CATALOG)


def tree(text):
    return parse(text, catalog=CATALOG)


def evaluation(number, text, score, status=Status.OK, fit_seconds=0.0, n_folds=3):
    node = tree(text)
    folds = tuple(
        FoldResult(i, score, np.empty(0), fit_seconds=fit_seconds)
        for i in range(n_folds)
    )
    candidate = Candidate(node, format_tree(node), "random")
    return Evaluation(number, candidate, status, folds)


def screening(told=(), follows_clock=False, seconds=lambda tree: 1.0):
    result = Screening(without_memory(ENCODER), seconds, follows_clock)
    for number, (text, score, *rest) in enumerate(told):
        result.tell(evaluation(number, text, score, *rest))
    return result


PENALTIES = [(f"logistic_regression(X, C={c})", -abs(c - 1)) for c in (0.1, 0.3, 3, 10)]
TREES = [("decision_tree(X)", -20.0), ("decision_tree(X, max_depth=3)", -19.0)]
PARENT = tree("logistic_regression(X, C=3.0)")


# Expected improvement


@pytest.mark.parametrize("mean", [-2.0, 0.0, 0.4, 3.0])
@pytest.mark.parametrize("deviation", [0.1, 1.0])
def test_expected_improvement_agrees_with_its_integral(mean, deviation):
    best = 0.3
    density = norm(mean, deviation).pdf
    low = mean - 12 * deviation
    expected, _ = quad(lambda z: (best - z) * density(z), min(low, best), best)
    got = log_expected_improvement(best, np.array([mean]), np.array([deviation]))
    if expected > 1e-30:
        assert math.exp(got[0]) == pytest.approx(expected, rel=1e-4)


@given(st.floats(-2000, 2000), st.floats(1e-3, 10))
def test_expected_improvement_is_finite_and_falls_with_the_mean(mean, deviation):
    means = np.array([mean, mean + 0.1])
    got = log_expected_improvement(0.0, means, np.full(2, deviation))
    assert np.isfinite(got).all()
    assert got[0] >= got[1]


@pytest.mark.parametrize("u", [-30.0, 30.0])
def test_the_formulas_meet_where_they_change(u):
    near = log_expected_improvement(0.0, -np.array([u - 1e-6, u + 1e-6]), np.ones(2))
    assert near[0] == pytest.approx(near[1], rel=1e-4)


# What was told


def test_pruned_results_are_compared_on_their_own_folds():
    # The first fold is easy. 0.9 on it is worse than average, not better.
    results = [
        Result(Status.OK, (1.0, 0.4, 0.4)),
        Result(Status.OK, (1.2, 0.6, 0.6)),
        Result(Status.PRUNED, (0.9,)),
        Result(Status.PRUNED, ()),
        Result(Status.FAILED, ()),
        Result(Status.TIMEOUT, (1.1,)),
    ]
    scores, shares = comparable_scores(results)
    np.testing.assert_allclose(scores[:3], [0.6, 0.8, 0.7 - 0.2])
    assert scores[3] == pytest.approx(0.6)
    assert np.isneginf(scores[4:]).all()
    np.testing.assert_allclose(shares, [1, 1, 1 / 3, 1 / 6, 1, 1])


def test_a_candidate_pruned_at_the_last_fold_is_not_complete():
    results = [Result(Status.OK, (1.0, 1.0)), Result(Status.PRUNED, (0.5, 0.5))]
    scores, shares = comparable_scores(results)
    np.testing.assert_allclose(scores, [1.0, 0.5])
    assert shares[1] < 1.0


@pytest.mark.parametrize("status", [Status.PRUNED, Status.FAILED])
def test_results_without_any_finished_one_are_comparable(status):
    scores, shares = comparable_scores([Result(status, ())] * 3)
    assert np.isneginf(scores).all()
    assert (shares > 0).all()


def test_screening_waits_until_enough_was_told():
    told = [*PENALTIES, *TREES][: MIN_OBSERVED - 1]
    waiting = screening(told)
    assert not waiting.ready
    waiting.tell(evaluation(9, "gaussian_nb(X)", -3.0))
    assert waiting.ready
    skipped = screening(told)
    skipped.tell(evaluation(9, "gaussian_nb(X)", -3.0, Status.SKIPPED, n_folds=0))
    assert not skipped.ready


def test_what_is_like_the_good_ones_has_more_merit():
    trees = [
        tree("logistic_regression(X, C=1.1)"),
        tree("decision_tree(X, max_depth=4)"),
    ]
    merits = screening([*PENALTIES, *TREES]).merits(trees, PARENT, 0.5)
    assert merits[0] > merits[1]
    # The same, told the other way round.
    swapped = [(text, -score) for text, score in [*PENALTIES, *TREES]]
    merits = screening(swapped).merits(trees, PARENT, 0.5)
    assert merits[0] < merits[1]


def test_dear_pipelines_have_less_merit_and_cheap_ones_no_bonus():
    same = tree("logistic_regression(X, C=1.1)")
    told = [*PENALTIES, *TREES]

    def merit(seconds, aversion=0.5):
        run = screening(told, seconds=lambda tree: seconds if tree == same else 1.0)
        return run.merits([same], PARENT, aversion)[0]

    assert merit(1.0) - merit(100.0) == pytest.approx(0.5 * math.log(100.0))
    assert merit(0.01) == merit(1.0)
    assert merit(100.0, aversion=0.0) == merit(1.0)


def test_measured_seconds_count_only_in_runs_that_follow_the_clock():
    told = [
        *((text, score, Status.OK, 0.1) for text, score in PENALTIES),
        *((text, score, Status.OK, 10.0) for text, score in TREES),
    ]
    trees = [tree("logistic_regression(X)"), tree("decision_tree(X)")]
    for follows_clock, expected in ((False, 1.0), (True, 10.0)):
        told_of = screening(told, follows_clock)
        told_of.merits(trees, PARENT, 0.5)
        linear, other = map(told_of.seconds, trees)
        assert (other / linear > 3.0) is (expected > 1.0)
        if not follows_clock:
            assert linear == other == 1.0


def test_long_runs_forget_the_middle():
    run = screening()
    rng = np.random.default_rng(0)
    best = "logistic_regression(X, C=0.77)"
    run.tell(evaluation(0, best, 5.0))
    for number in range(1, MAX_OBSERVED + DROPPED_AT_ONCE + 5):
        text = f"logistic_regression(X, C={float(f'{rng.uniform(0.001, 900):.4g}')})"
        run.tell(evaluation(number, text, rng.random()))
    run.merits([tree(best)], PARENT, 0.5)
    assert len(run._observed) == len(run._results) == MAX_OBSERVED
    assert run._results[0].scores == (5.0, 5.0, 5.0)


# In the search


GOOD = {"gradient_boosting": 0.9, "lightgbm": 1.0, "hist_gradient_boosting": 0.9}


def smooth(number, candidate):
    """Boosting is good, the better the smaller its steps and the fewer its parts."""
    learner = candidate.tree
    rate = learner.param("learning_rate", 0.1)
    score = GOOD.get(learner.operator, 0.3) - 0.05 * candidate.tree.size
    return make_evaluation(
        number, candidate, score=score - 0.2 * abs(math.log10(rate) + 1.7)
    )


def mean_of_run(n_offspring, seed, n=60):
    problem = make_problem(seed=seed, space=SearchSpace())
    search = EvolutionarySearch(n_offspring=n_offspring).start(problem)
    candidates = run_search(search, n, evaluate=smooth)
    return np.mean([smooth(i, c).score for i, c in enumerate(candidates)])


def test_screening_wastes_fewer_evaluations_without_any_knowledge():
    screened = np.mean([mean_of_run(8, seed) for seed in range(4)])
    plain = np.mean([mean_of_run(1, seed) for seed in range(4)])
    assert screened > plain


def test_the_surrogate_chooses_among_children_of_one_parent(monkeypatch):
    search = EvolutionarySearch(random_rate=0.0).start(
        make_problem(space=SearchSpace())
    )
    told = run_search(search, 20, evaluate=smooth)
    asked = {}

    def last_is_best(trees, parent, cost_aversion):
        asked[format_tree(trees[-1])] = parent
        return np.arange(len(trees), dtype=float)

    monkeypatch.setattr(search._screening, "merits", last_is_best)
    proposals = {c.text: c for c in search.ask(40)}
    assert len(asked) > 20 and asked.keys() <= proposals.keys()
    for text, parent in asked.items():
        number = int(proposals[text].origin.replace(":", "").split()[2])
        assert parent == told[number].tree


def test_one_offspring_is_a_run_without_screening():
    search = EvolutionarySearch(n_offspring=1).start(make_problem())
    run_search(search, 30)
    assert search._screening is None


def test_the_surrogate_of_the_prior_is_asked():
    surrogate = without_memory(ENCODER)
    problem = make_problem(prior=Prior(surrogate=surrogate), space=SearchSpace())
    search = EvolutionarySearch().start(problem)
    assert search._screening._surrogate is surrogate


def test_seconds_change_proposals_only_where_the_run_follows_the_clock():
    def texts(follows_clock, slow):
        problem = make_problem(space=SearchSpace(), follows_clock=follows_clock)

        def evaluate(number, candidate):
            told = make_evaluation(number, candidate)
            # Half of the learners, by their names.
            is_slow = slow and candidate.text < "l"
            seconds = 50.0 if is_slow else 0.1
            folds = tuple(replace(f, fit_seconds=seconds) for f in told.folds)
            return replace(told, folds=folds)

        search = EvolutionarySearch(cost_aversion=3.0).start(problem)
        return [c.text for c in run_search(search, 60, evaluate=evaluate)]

    assert texts(False, slow=True) == texts(False, slow=False)
    assert texts(True, slow=True) != texts(True, slow=False)
