"""What every search strategy must do, whatever it proposes.

A new strategy joins by an entry in `STRATEGIES` of ``test_strategies.py``.
"""

import inspect
import pickle
from dataclasses import replace

import numpy as np
from sklearn.base import clone

from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.pipelines._check import check_tree
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines._tree import Node, X
from tests.pipelines.small_catalogue import NAIVE_BAYES, STANDARD
from tests.search.problems import FixedSpace, SmallSpace, evaluation, run, small_problem

PORTFOLIO_TEXTS = (
    "logistic(X, C=3.0)",
    "tree(X)",
    "logistic(X, C=3.0)",
    "naive_bayes(pca(X))",
)


def _problem(**changes):
    space = SmallSpace()
    trees = [
        parse(t, catalogue=space.catalogue("classification"), task="classification")
        for t in PORTFOLIO_TEXTS
    ]
    # The last one uses an operator that the space does not have.
    portfolio = (*map(Proposal, trees), Proposal(Node("forest", (X,))))
    return small_problem(prior=Prior(portfolio=portfolio), **changes)


def check_parameters_round_trip(strategy):
    params = strategy.get_params()
    assert list(params) == sorted(inspect.signature(type(strategy)).parameters)
    assert clone(strategy).get_params() == params
    assert type(strategy)(**params).get_params() == params
    assert type(strategy).__name__ in repr(strategy)
    assert pickle.loads(pickle.dumps(strategy)).get_params() == params


def check_starting_leaves_the_strategy_alone(strategy):
    before = vars(strategy).copy()
    run(strategy.start(_problem()), 30)
    assert vars(strategy) == before


def check_look_ahead_is_positive(strategy):
    assert isinstance(strategy.look_ahead, int)
    assert strategy.look_ahead >= 1


def check_candidates_are_legal(strategy):
    for task in ("classification", "regression"):
        for max_size in (1, 2, 4, 6):
            problem = small_problem(task, space=SmallSpace(max_size=max_size), seed=3)
            catalogue = problem.space.catalogue(task)
            for candidate in run(strategy.start(problem), 60):
                assert isinstance(candidate, Candidate)
                check_tree(candidate.tree, catalogue=catalogue, task=task)
                assert candidate.tree.size <= max_size
                assert candidate.text == format_tree(candidate.tree)
                assert candidate.tree == parse(
                    candidate.text, catalogue=catalogue, task=task
                )
                assert candidate.origin


def check_nothing_is_proposed_twice(strategy):
    texts = [c.text for c in run(strategy.start(_problem()), 300)]
    assert len(texts) == 300
    assert len(set(texts)) == 300


def check_what_was_told_is_not_proposed(strategy):
    elsewhere = run(strategy.start(_problem()), 20)
    search = strategy.start(_problem())
    search.tell([evaluation(i, c) for i, c in enumerate(elsewhere)])
    new = {c.text for c in search.ask(30)}
    assert not new & {c.text for c in elsewhere}


def check_ask_before_tell(strategy):
    candidates = strategy.start(small_problem()).ask(50)
    assert len({c.text for c in candidates}) == 50


def check_ask_for_nothing(strategy):
    search = strategy.start(_problem())
    assert search.ask(0) == []
    search.tell([])
    assert search.ask(1) == strategy.start(_problem()).ask(1)


def check_deterministic(strategy):
    first = run(strategy.start(_problem(seed=5)), 80)
    assert run(strategy.start(_problem(seed=5)), 80) == first
    assert run(strategy.start(_problem(seed=6)), 80) != first


def check_batches_do_not_matter(strategy):
    """Asking and telling one by one or several at a time is the same."""
    one_by_one, batches = strategy.start(_problem()), strategy.start(_problem())
    for start in range(0, 60, 6):
        single = [one_by_one.ask(1)[0] for _ in range(6)]
        assert batches.ask(6) == single
        evaluations = [evaluation(start + i, c) for i, c in enumerate(single)]
        for e in evaluations:
            one_by_one.tell([e])
        batches.tell(evaluations)


def check_global_random_state_is_left_alone(strategy):
    before = np.random.get_state()[1].copy()
    first = run(strategy.start(_problem()), 30)
    assert (np.random.get_state()[1] == before).all()
    np.random.seed(0)
    np.random.random(3)
    assert run(strategy.start(_problem()), 30) == first


def check_measured_times_do_not_matter(strategy):
    """The result may not depend on how busy the machine is."""

    def slow(number, candidate):
        e = evaluation(number, candidate)
        folds = tuple(replace(f, fit_seconds=7.0 * number) for f in e.folds)
        return replace(e, folds=folds, seconds=100.0 / (number + 1))

    first = run(strategy.start(_problem()), 60)
    assert run(strategy.start(_problem()), 60, evaluate=slow) == first


def check_all_statuses_are_tolerated(strategy):
    statuses = list(Status)

    def mixed(number, candidate):
        return evaluation(number, candidate, statuses[number % len(statuses)])

    assert len(run(strategy.start(_problem()), 100, evaluate=mixed)) == 100
    for status in Status:
        candidates = run(
            strategy.start(_problem()),
            40,
            evaluate=lambda i, c, status=status: evaluation(i, c, status),
        )
        assert len({c.text for c in candidates}) == 40


def check_scores_that_are_not_finite_are_tolerated(strategy):
    for score in (np.nan, np.inf, -np.inf):
        candidates = run(
            strategy.start(_problem()),
            40,
            evaluate=lambda i, c, score=score: evaluation(i, c, score=score),
        )
        assert len(candidates) == 40


def check_a_finite_space_is_exhausted(strategy):
    problem = small_problem(
        space=FixedSpace((NAIVE_BAYES, STANDARD), max_size=2),
        has_categories=False,
        has_missing=False,
    )
    search = strategy.start(problem)
    texts = {c.text for c in run(search, 100, look_ahead=1)}
    assert {"naive_bayes(X)", "naive_bayes(standard(X))"} <= texts
    assert len(texts) < 10
    assert search.ask(5) == []
    assert search.ask(1) == []


def check_a_space_of_one_pipeline(strategy):
    search = strategy.start(small_problem(space=FixedSpace((NAIVE_BAYES,), max_size=1)))
    assert [c.text for c in search.ask(3)] == ["naive_bayes(X)"]
    search.tell(
        [evaluation(0, Candidate(Node("naive_bayes", (X,)), "naive_bayes(X)", ""))]
    )
    assert search.ask(3) == []


def check_runs_are_independent(strategy):
    """Two runs of one strategy share no state."""
    expected = run(strategy.start(_problem()), 30)
    first, second = strategy.start(_problem()), strategy.start(_problem())
    run(first, 30)
    assert run(second, 30) == expected


def check_sparse_and_plain_tables(strategy):
    for has_categories in (False, True):
        for has_missing in (False, True):
            problem = small_problem(
                has_categories=has_categories, has_missing=has_missing
            )
            text = " ".join(c.text for c in run(strategy.start(problem), 150))
            assert ("one_hot" in text) is has_categories
            assert ("impute" in text) is has_missing
    problem = small_problem(is_sparse=True, has_categories=False, has_missing=False)
    assert len(run(strategy.start(problem), 50)) == 50


CHECKS = tuple(
    function
    for name, function in sorted(globals().items())
    if name.startswith("check_") and name != "check_tree"
)
