"""Common checks of search strategies."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from sklearn.base import clone

from sklearn_meta.data._task_names import CLASSIFICATION, TASKS
from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines._typing_rules import check_tree
from sklearn_meta.testing._check import (
    Check,
    failing_means,
    global_seeds,
    global_state,
    require,
)
from sklearn_meta.testing._search_runs import (
    PLAIN,
    SOME_OPERATORS,
    make_evaluation,
    make_problem,
    run_search,
)

PORTFOLIO_TEXTS = (
    "logistic_regression(X, C=3.0)",
    "decision_tree(X)",
    "logistic_regression(X, C=3.0)",
    "gaussian_nb(pca(X))",
)


def check_strategy(strategy):
    """Check that a strategy implements the protocols `Strategy` and `Search`.

    Parameters
    ----------
    strategy : object
        With `start`, `look_ahead` and scikit-learn's `get_params`.

    Raises
    ------
    AssertionError
        At the first check that fails. The message says what to change.

    See Also
    --------
    strategy_checks : The checks one by one.

    Examples
    --------
    >>> from sklearn_meta.search import RandomSearch
    >>> from sklearn_meta.testing import check_strategy
    >>> check_strategy(RandomSearch())
    """
    for plugin, check in strategy_checks(strategy):
        check(plugin)


def strategy_checks(strategy) -> Iterator[tuple[object, Check]]:
    """Yield the checks of a search strategy.

    Parameters
    ----------
    strategy : object
        With `start`, `look_ahead` and scikit-learn's `get_params`.

    Yields
    ------
    strategy : object
    check : Check
        ``check(strategy)`` raises AssertionError if the strategy fails it.

    Examples
    --------
    >>> from sklearn_meta.search import RandomSearch
    >>> from sklearn_meta.testing import strategy_checks
    >>> [check.name for _, check in strategy_checks(RandomSearch())][:2]
    ['check_parameters', 'check_start_changes_nothing']
    """
    for function in CHECKS:
        yield strategy, Check(function)


def _name(strategy):
    return type(strategy).__name__


def _problem(**changes):
    """Return a problem whose portfolio has a repetition and an unknown operator."""
    space = SearchSpace(include=SOME_OPERATORS)
    catalog = space.catalog(CLASSIFICATION)
    trees = [parse(text, catalog=catalog) for text in PORTFOLIO_TEXTS]
    portfolio = (*map(Proposal, trees), Proposal(Node("not_in_the_space", (X,))))
    return make_problem(prior=Prior(portfolio=portfolio), space=space, **changes)


def _run(strategy, problem, n, *, told="", **kwargs):
    """Run a search; a failure is one of the strategy."""
    told = f", told of {told}" if told else ""
    with failing_means(f"{_name(strategy)}: the search fails{told}"):
        return run_search(strategy.start(problem), n, **kwargs)


def _texts(candidates):
    return [candidate.text for candidate in candidates]


# The checks


def check_parameters(strategy):
    """Check that parameters go in and out as those of a scikit-learn estimator."""
    name = _name(strategy)
    with failing_means(f"{name}: parameters cannot be read; derive from BaseEstimator"):
        params = strategy.get_params()
    expected = sorted(inspect.signature(type(strategy)).parameters)
    require(
        sorted(params) == expected,
        f"{name}: get_params must give the parameters of __init__, {expected}. "
        f"Got {sorted(params)}.",
    )
    for how, copy in {
        "clone": clone,
        "a new object of the same parameters": lambda s: type(s)(**params),
        "pickle": lambda s: pickle.loads(pickle.dumps(s)),
    }.items():
        with failing_means(f"{name}: it cannot be copied by {how}"):
            copied = copy(strategy).get_params()
        require(
            repr(copied) == repr(params),
            f"{name}: {how} changes parameters from {params} to {copied}. __init__ "
            "must only store its arguments.",
        )
    require(name in repr(strategy), f"{name}: its repr does not name it: {strategy!r}.")


def check_start_changes_nothing(strategy):
    """Check that a run keeps its state in the `Search`, not in the strategy."""
    before = repr(vars(strategy))
    _run(strategy, _problem(), 30)
    after = repr(vars(strategy))
    require(
        after == before,
        f"{_name(strategy)}: a run changes the strategy from {before} to {after}. Keep "
        "the state of a run in the object that `start` returns.",
    )


def check_look_ahead(strategy):
    """Check that the look-ahead is a positive int."""
    value = getattr(strategy, "look_ahead", None)
    require(
        isinstance(value, int) and not isinstance(value, bool) and value >= 1,
        f"{_name(strategy)}: look_ahead must be an int of at least 1. Got {value!r}.",
    )


def check_candidates_are_legal(strategy):
    """Check trees, sizes, texts and origins in spaces of several sizes."""
    name = _name(strategy)
    for task in TASKS:
        for max_size in (1, 2, 4, 6):
            space = SearchSpace(include=SOME_OPERATORS, max_size=max_size)
            problem = make_problem(task, space=space, seed=3)
            catalog = space.catalog(task)
            for candidate in _run(strategy, problem, 60):
                require(
                    isinstance(candidate, Candidate),
                    f"{name}: `ask` must return Candidates. Got {candidate!r}.",
                )
                text = candidate.text
                try:
                    check_tree(candidate.tree, catalog=catalog)
                except InvalidPipelineError as error:
                    raise AssertionError(
                        f"{name}: it proposes an illegal pipeline, {text}: {error}"
                    ) from error
                require(
                    candidate.tree.size <= max_size,
                    f"{name}: with max_size={max_size} it proposes {text}, of size "
                    f"{candidate.tree.size}.",
                )
                canonical = format_tree(
                    parse(
                        format_tree(candidate.tree), catalog=catalog
                    )
                )  # fmt: skip
                require(
                    text == format_tree(candidate.tree) == canonical,
                    f"{name}: the text of a candidate must be the canonical text of "
                    f"its tree, {canonical}. Got {text}.",
                )
                require(
                    candidate.origin,
                    f"{name}: {text} has no origin. Say where it comes from.",
                )


def check_nothing_is_proposed_twice(strategy):
    """Check that proposals differ, also where the portfolio repeats itself."""
    texts = _texts(_run(strategy, _problem(), 300))
    require(
        len(texts) == 300,
        f"{_name(strategy)}: it stops after {len(texts)} proposals of a space of "
        "thousands of pipelines.",
    )
    twice = sorted({text for text in texts if texts.count(text) > 1})
    require(
        not twice,
        f"{_name(strategy)}: it proposes {len(twice)} pipelines twice, such as "
        f"{twice[:1]}. Remember the texts that were proposed.",
    )


def check_what_was_told_is_not_proposed(strategy):
    """Check that evaluations from elsewhere are not asked for again."""
    elsewhere = _run(strategy, _problem(), 20)
    search = strategy.start(_problem())
    with failing_means(f"{_name(strategy)}: it cannot be told what it did not propose"):
        search.tell([make_evaluation(i, c) for i, c in enumerate(elsewhere)])
    again = set(_texts(search.ask(30))) & set(_texts(elsewhere))
    require(
        not again,
        f"{_name(strategy)}: it proposes {sorted(again)[:1]} after it was told of it. "
        "`tell` must remember the texts that it sees.",
    )


def check_ask_before_tell(strategy):
    """Check that proposals do not need an evaluation."""
    with failing_means(f"{_name(strategy)}: it cannot be asked before it is told"):
        candidates = strategy.start(make_problem()).ask(50)
    require(
        len(set(_texts(candidates))) == 50,
        f"{_name(strategy)}: asked for 50 candidates before any evaluation, it gives "
        f"{len(set(_texts(candidates)))} different ones.",
    )


def check_ask_for_nothing(strategy):
    """Check that asking for nothing and telling nothing have no effect."""
    search = strategy.start(_problem())
    with failing_means(f"{_name(strategy)}: ask(0) or tell([]) fails"):
        nothing = search.ask(0)
        search.tell([])
    require(
        list(nothing) == [], f"{_name(strategy)}: ask(0) must give []. Got {nothing!r}."
    )
    require(
        _texts(search.ask(1)) == _texts(strategy.start(_problem()).ask(1)),
        f"{_name(strategy)}: ask(0) or tell([]) changes what is proposed next.",
    )


def check_repeatable(strategy):
    """Check that the seed of the problem decides, and the global ones do not."""
    name = _name(strategy)
    runs = []
    for seed in (0, 1):
        with global_seeds(seed):
            before = global_state()
            runs.append(_texts(_run(strategy, _problem(seed=5), 80)))
            require(
                global_state() == before,
                f"{name}: a run changes the global random state. Make a generator of "
                "problem.seed.",
            )
    require(
        runs[0] == runs[1],
        f"{name}: two runs with the same seed differ. All randomness must come from "
        "problem.seed.",
    )
    require(
        _texts(_run(strategy, _problem(seed=6), 80)) != runs[0],
        f"{name}: runs with different seeds are the same. Use problem.seed.",
    )


def check_batches_do_not_matter(strategy):
    """Check that asking and telling one by one or several at a time is the same."""
    one_by_one, batches = strategy.start(_problem()), strategy.start(_problem())
    for start in range(0, 60, 6):
        single = [one_by_one.ask(1)[0] for _ in range(6)]
        require(
            _texts(batches.ask(6)) == _texts(single),
            f"{_name(strategy)}: ask(6) proposes something else than six times ask(1). "
            "Draw each proposal from a stream of its own number.",
        )
        evaluations = [make_evaluation(start + i, c) for i, c in enumerate(single)]
        for evaluation in evaluations:
            one_by_one.tell([evaluation])
        batches.tell(evaluations)


def check_measured_times_do_not_matter(strategy):
    """Check that the proposals do not depend on how busy the machine is."""

    def slow(number, candidate):
        evaluation = make_evaluation(number, candidate)
        folds = tuple(replace(f, fit_seconds=7.0 * number) for f in evaluation.folds)
        return replace(evaluation, folds=folds, seconds=100.0 / (number + 1))

    first = _texts(_run(strategy, _problem(), 60))
    require(
        _texts(_run(strategy, _problem(), 60, evaluate=slow)) == first,
        f"{_name(strategy)}: the proposals depend on measured seconds. A run of "
        "max_evaluations would not be repeatable; use predicted ones.",
    )


def check_all_statuses_are_tolerated(strategy):
    """Check that evaluations may end in any way, also all of them in the same."""
    statuses = list(Status)
    outcomes = {
        "evaluations of every status": lambda i, c: make_evaluation(
            i, c, statuses[i % len(statuses)]
        )
    }
    for status in statuses:
        outcomes[f"evaluations that are all {status}"] = lambda i, c, status=status: (
            make_evaluation(i, c, status)
        )
    for what, evaluate in outcomes.items():
        texts = _texts(_run(strategy, _problem(), 40, told=what, evaluate=evaluate))
        require(
            len(set(texts)) == 40,
            f"{_name(strategy)}: told of {what}, it gives "
            f"{len(set(texts))} of 40 different proposals.",
        )


def check_scores_that_are_not_finite_are_tolerated(strategy):
    """Check that scores may be NaN and infinite."""
    for score in (np.nan, np.inf, -np.inf):

        def evaluate(number, candidate, score=score):
            return make_evaluation(number, candidate, score=score)

        told = f"scores of {score}"
        n = len(_run(strategy, _problem(), 40, told=told, evaluate=evaluate))
        require(
            n == 40,
            f"{_name(strategy)}: told of {told}, it stops after {n} proposals.",
        )


def check_a_finite_space_is_exhausted(strategy):
    """Check that a small space is searched to its end, and that there is an end."""
    space = SearchSpace(include=["standard_scaler"], operators=(PLAIN,), max_size=2)
    problem = make_problem(space=space, has_categories=False, has_missing=False)
    search = strategy.start(problem)
    with failing_means(f"{_name(strategy)}: in a space of a few pipelines it fails"):
        texts = set(_texts(run_search(search, 30, look_ahead=1)))
        after = [search.ask(5), search.ask(1)]
    expected = {"plain(X)", "plain(standard_scaler(X))"}
    require(
        expected <= texts,
        f"{_name(strategy)}: it never proposes {sorted(expected - texts)} of a space "
        "of a few pipelines.",
    )
    require(
        after == [[], []],
        f"{_name(strategy)}: when nothing new is left, `ask` must return []. Got "
        f"{after}.",
    )


def check_a_space_of_one_pipeline(strategy):
    """Check that the smallest space is exhausted after one proposal."""
    space = SearchSpace(include=[], operators=(PLAIN,), max_size=1)
    search = strategy.start(make_problem(space=space))
    with failing_means(f"{_name(strategy)}: in a space of one pipeline it fails"):
        first = search.ask(3)
        search.tell([make_evaluation(i, c) for i, c in enumerate(first)])
        after = search.ask(3)
    require(
        _texts(first) == ["plain(X)"] and after == [],
        f"{_name(strategy)}: in a space of the one pipeline plain(X), it proposes "
        f"{_texts(first)} and then {_texts(after)}.",
    )


def check_runs_are_independent(strategy):
    """Check that two runs of one strategy share no state."""
    expected = _texts(_run(strategy, _problem(), 30))
    first, second = strategy.start(_problem()), strategy.start(_problem())
    run_search(first, 30)
    require(
        _texts(run_search(second, 30)) == expected,
        f"{_name(strategy)}: a run depends on another one of the same strategy. "
        "`start` must return a new object.",
    )


def check_useless_preparations_are_not_proposed(strategy):
    """Check that the search looks at what the table holds."""
    for has_categories in (False, True):
        for has_missing in (False, True):
            problem = make_problem(
                has_categories=has_categories, has_missing=has_missing
            )
            text = " ".join(_texts(_run(strategy, problem, 150)))
            for name, useful in {
                "one_hot": has_categories, "impute": has_missing,
            }.items():  # fmt: skip
                require(
                    (name in text) is useful,
                    f"{_name(strategy)}: with has_categories={has_categories} and "
                    f"has_missing={has_missing}, {name} is "
                    f"{'never' if useful else 'still'} among 150 proposals.",
                )


def check_sparse_tables(strategy):
    """Check that there is a search on sparse tables."""
    problem = make_problem(is_sparse=True, has_categories=False, has_missing=False)
    n = len(_run(strategy, problem, 50))
    require(n == 50, f"{_name(strategy)}: on a sparse table it stops after {n}.")


CHECKS = (
    check_parameters,
    check_start_changes_nothing,
    check_look_ahead,
    check_candidates_are_legal,
    check_nothing_is_proposed_twice,
    check_what_was_told_is_not_proposed,
    check_ask_before_tell,
    check_ask_for_nothing,
    check_repeatable,
    check_batches_do_not_matter,
    check_measured_times_do_not_matter,
    check_all_statuses_are_tolerated,
    check_scores_that_are_not_finite_are_tolerated,
    check_a_finite_space_is_exhausted,
    check_a_space_of_one_pipeline,
    check_runs_are_independent,
    check_useless_preparations_are_not_proposed,
    check_sparse_tables,
)
