from dataclasses import replace

import numpy as np
import pytest

from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.pipelines._hyperparameters import Float
from sklearn_meta.pipelines._operators import Cost, Operator
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.search._evolution import EvolutionarySearch, Individual, Population
from sklearn_meta.search._random import RandomSearch
from sklearn_meta.testing import make_evaluation, run_search
from tests.search.problems import FixedSpace, SmallSpace, small_problem

CATALOG = SmallSpace().catalog("classification")


def read(text):
    return parse(text, catalog=CATALOG)


def candidate(text, origin="portfolio"):
    tree = read(text)
    return Candidate(tree, format_tree(tree), origin)


def prior(*texts):
    return Prior(portfolio=tuple(Proposal(read(t), origin=f"from {t}") for t in texts))


# -- the portfolio --------------------------------------------------------------------


def test_the_portfolio_comes_first_in_its_order_with_its_origins():
    texts = ["tree(X)", "logistic(X, C=3.0)", "naive_bayes(pca(X))"]
    search = EvolutionarySearch().start(small_problem(prior=prior(*texts)))
    candidates = search.ask(5)
    assert [c.text for c in candidates[:3]] == texts
    assert [c.origin for c in candidates[:3]] == [f"from {t}" for t in texts]
    assert [c.origin for c in candidates[3:]] == ["random", "random"]


def test_what_the_space_does_not_allow_is_left_out_of_the_portfolio():
    portfolio = (
        Proposal(Node("forest", (X,))),
        Proposal(Node("tree", (X,), (("max_depth", 1000),))),
        Proposal(read("tree(standard(pca(impute(X))))")),
        # Not in canonical form: one pipeline in two texts.
        Proposal(Node("logistic", (X,), (("C", 1),))),
        Proposal(read("logistic(X)")),
        Proposal(read("tree(X)")),
    )
    problem = small_problem(
        space=SmallSpace(max_size=3), prior=Prior(portfolio=portfolio)
    )
    texts = [c.text for c in EvolutionarySearch().start(problem).ask(3)]
    assert texts[:2] == ["logistic(X)", "tree(X)"]


def test_a_portfolio_pipeline_that_was_told_is_skipped():
    problem = small_problem(prior=prior("tree(X)", "naive_bayes(X)"))
    search = EvolutionarySearch().start(problem)
    search.tell([make_evaluation(0, candidate("tree(X)"))])
    assert search.ask(1)[0].text == "naive_bayes(X)"


# -- parents --------------------------------------------------------------------------


def _parents(search, n=60):
    """Numbers of the parents named in the origins of proposals."""
    numbers = set()
    for proposal in search.ask(n):
        words = proposal.origin.replace(":", "").split()
        if words[0] == "mutation":
            numbers.add(int(words[2]))
        elif words[0] == "crossover":
            numbers |= {int(words[2]), int(words[4])}
        else:
            assert proposal.origin == "random"
    return numbers


@pytest.mark.parametrize(
    "status", [Status.FAILED, Status.TIMEOUT, Status.MEMORY, Status.CRASHED]
)
def test_failed_candidates_are_never_parents(status):
    search = EvolutionarySearch().start(small_problem())
    search.tell(
        [
            make_evaluation(0, candidate("tree(X)"), status),
            make_evaluation(1, candidate("logistic(X)"), score=0.1),
            make_evaluation(2, candidate("naive_bayes(X)"), score=np.nan),
        ]
    )
    assert _parents(search) == {1}


def test_pruned_candidates_without_a_finished_fold_are_never_parents():
    search = EvolutionarySearch().start(small_problem())
    screened = make_evaluation(0, candidate("tree(X)"), Status.PRUNED)
    screened = replace(screened, folds=(), screening=screened.folds)
    search.tell([screened, make_evaluation(1, candidate("logistic(X)"))])
    assert _parents(search) == {1}


def test_pruned_candidates_are_parents_where_there_are_no_others():
    search = EvolutionarySearch().start(small_problem())
    search.tell([make_evaluation(0, candidate("tree(X)"), Status.PRUNED)])
    assert _parents(search) == {0}


def test_better_candidates_have_more_offspring():
    strategy = EvolutionarySearch(random_rate=0.0, crossover_rate=0.0)
    search = strategy.start(small_problem())
    texts = [f"tree(X, max_depth={d})" for d in range(2, 22)]
    search.tell(
        [make_evaluation(i, candidate(t), score=i) for i, t in enumerate(texts)]
    )
    proposals = search.ask(200)
    parents = [int(p.origin.replace(":", "").split()[2]) for p in proposals]
    assert np.mean(np.array(parents) >= 15) > 0.6
    assert len(set(parents)) > 5


def test_several_kinds_of_learners_stay_in_development():
    search = EvolutionarySearch(greed=1.0, random_rate=0.0, crossover_rate=0.0).start(
        small_problem()
    )
    texts = [f"tree(X, max_depth={d})" for d in range(2, 22)]
    texts += ["logistic(X)", "naive_bayes(X)"]
    scores = [*range(100, 120), 10, 5]
    search.tell(
        [
            make_evaluation(i, candidate(t), score=s)
            for i, (t, s) in enumerate(zip(texts, scores, strict=True))
        ]
    )
    parents = _parents(search, 100)
    assert {19, 20, 21} <= parents


def test_origins_name_the_parents_and_the_change():
    search = EvolutionarySearch(random_rate=0.3, crossover_rate=0.5).start(
        small_problem()
    )
    search.tell(
        [
            make_evaluation(12, candidate("tree(pca(X), max_depth=3)")),
            make_evaluation(15, candidate("logistic(X, C=3.0)")),
        ]
    )
    origins = [c.origin for c in search.ask(120)]
    assert "random" in origins
    assert any(
        o in origins for o in ("crossover of 12 and 15", "crossover of 15 and 12")
    )
    assert any(o.startswith("mutation of 12: max_depth 3 -> ") for o in origins)
    assert any(o.startswith("mutation of 15: C 3.0 -> ") for o in origins)
    assert any(o == "mutation of 12: tree -> naive_bayes" for o in origins)


def test_crossover_rate_and_random_rate_are_shares_of_proposals():
    search = EvolutionarySearch(random_rate=0.25, crossover_rate=0.4).start(
        small_problem()
    )
    texts = [f"tree(pca(X), max_depth={d}, min_samples_leaf={d})" for d in range(2, 20)]
    texts += [f"logistic(standard(X), C={d})" for d in range(2, 20)]
    search.tell([make_evaluation(i, candidate(t)) for i, t in enumerate(texts)])
    origins = [c.origin.split()[0] for c in search.ask(400)]
    assert origins.count("random") / 400 == pytest.approx(0.25, abs=0.07)
    assert origins.count("crossover") / 400 == pytest.approx(0.75 * 0.4, abs=0.09)


# -- cost -----------------------------------------------------------------------------

CHEAP = Operator(
    "cheap", "learner", "a.Cheap", hyperparameters=(Float("a", 0, 1, 0.5),)
)
DEAR = Operator(
    "dear",
    "learner",
    "a.Dear",
    hyperparameters=(Float("a", 0, 1, 0.5),),
    cost=Cost(10.0),
)


def _share_of_dear(cost_aversion):
    problem = small_problem(space=FixedSpace((CHEAP, DEAR), max_size=1))
    strategy = EvolutionarySearch(cost_aversion=cost_aversion, random_rate=0.0)
    search = strategy.start(problem)
    tree = Node("cheap", (X,))
    search.tell([make_evaluation(0, Candidate(tree, format_tree(tree), ""))])
    return np.mean([c.text.startswith("dear") for c in search.ask(300)])


def test_expensive_offspring_are_proposed_less_often():
    assert _share_of_dear(0.0) > 0.1
    assert 0 < _share_of_dear(0.3) < 0.6 * _share_of_dear(0.0)


def test_a_run_goes_on_where_all_offspring_are_expensive():
    problem = small_problem(space=FixedSpace((CHEAP, DEAR), max_size=1))
    strategy = EvolutionarySearch(cost_aversion=50.0, random_rate=0.0)
    search = strategy.start(problem)
    tree = Node("cheap", (X,))
    search.tell([make_evaluation(0, Candidate(tree, format_tree(tree), ""))])
    assert len(search.ask(50)) == 50


# -- the population -------------------------------------------------------------------


def individual(number, score, log_cost=0.0, finished=True):
    return Individual(number, candidate("tree(X)"), "tree", finished, score, log_cost)


def test_the_population_keeps_the_front_and_the_best_score():
    population = Population(size=4)
    rng = np.random.default_rng(0)
    best = -np.inf
    for number in range(100):
        score = rng.normal()
        best = max(best, score)
        population.add(individual(number, score, rng.normal()))
        assert len(population) <= 4
        assert max(i.score for i in population) == best


def test_dominated_individuals_are_dropped_first():
    population = Population(size=2)
    population.add(individual(0, score=1.0, log_cost=1.0))
    population.add(individual(1, score=0.5, log_cost=2.0))
    population.add(individual(2, score=0.4, log_cost=0.5))
    assert {i.number for i in population} == {0, 2}


def test_pruned_individuals_rank_below_all_finished_ones():
    population = Population(size=2)
    population.add(individual(0, score=5.0, log_cost=-5.0, finished=False))
    population.add(individual(1, score=-1.0, log_cost=3.0))
    population.add(individual(2, score=-2.0, log_cost=4.0))
    assert {i.number for i in population} == {1, 2}


def test_the_greedy_choice_prefers_a_finished_individual():
    population = Population(size=5)
    population.add(individual(0, score=5.0, finished=False))
    population.add(individual(1, score=-1.0))
    rng = np.random.default_rng(0)
    numbers = [population.greedy(rng).number for _ in range(200)]
    assert numbers.count(1) > numbers.count(0) > 0


# -- does it help? --------------------------------------------------------------------


def _hidden_optimum(number, proposed):
    """A smooth score with its optimum at a depth, a leaf size, and no PCA."""
    tree = proposed.tree
    score = 0.0
    if tree.operator == "tree":
        score += 5 - abs((tree.param("max_depth") or 30) - 12) / 10
        score -= abs(np.log(tree.param("min_samples_leaf", 1) / 20))
    score -= sum(node.operator == "pca" for _, node in tree.walk())
    return make_evaluation(number, proposed, score=score)


def test_evolution_finds_better_pipelines_than_random_search():
    gains = []
    for seed in range(12):
        best = []
        for strategy in (EvolutionarySearch(), RandomSearch()):
            search = strategy.start(small_problem(seed=seed))
            candidates = run_search(search, 100, evaluate=_hidden_optimum)
            best.append(max(_hidden_optimum(0, c).score for c in candidates))
        gains.append(best[0] - best[1])
    assert np.mean(gains) > 0
    assert np.median(gains) > 0
