from collections import Counter

from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._preparation import FOR_TEXT
from sklearn_meta.search._random import RandomSearch
from sklearn_meta.testing import make_problem, run_search
from sklearn_meta.timing._text_size import TextSize
from tests.search.problems import small_problem


def test_all_proposals_are_random():
    candidates = run_search(RandomSearch().start(small_problem()), 50)
    assert {c.origin for c in candidates} == {"random"}


def test_the_prior_is_not_looked_at():
    tree = Node("tree", (X,), (("max_depth", 17),))
    prior = Prior(
        portfolio=(Proposal(tree),),
    )
    with_prior = run_search(RandomSearch().start(small_problem(prior=prior)), 100)
    assert with_prior == run_search(RandomSearch().start(small_problem()), 100)


def test_learners_are_drawn_uniformly():
    candidates = RandomSearch().start(small_problem()).ask(600)
    # A learner with many settings comes as often as one with few.
    learners = Counter(c.tree.operator for c in candidates)
    assert learners["tree"] / 600 > 0.25
    assert learners["logistic"] / 600 > 0.25


def test_operators_for_text_need_text():
    def operators(**changes):
        search = RandomSearch().start(make_problem(space=SearchSpace(), **changes))
        trees = [c.tree for c in search.ask(300)]
        return {node.operator for tree in trees for _, node in tree.walk()}

    assert not operators() & FOR_TEXT
    assert operators(text=TextSize(50, 90, 3.0, 9.0)) >= FOR_TEXT
    plain = {"has_categories": False, "has_missing": False}
    found = operators(text=TextSize(50, 0, 3.0, 0.0), **plain)
    assert found >= FOR_TEXT
    assert not found & {"impute", "one_hot", "ordinal"}
