from sklearn_meta.evaluation._records import Candidate
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.search import PortfolioSearch
from sklearn_meta.search._portfolio import Portfolio
from sklearn_meta.search._vocabulary import make_vocabulary
from sklearn_meta.testing import make_evaluation, run_search
from tests.search.problems import small_problem


def tree(depth):
    return Node("tree", (X,), (("max_depth", depth),))


class Backwards:
    """A reranker that takes the last pipeline, unless a score is told."""

    def best_next(self, texts, scores, pending=()):
        return texts[0] if scores else texts[-1]


def prior(*depths, reranker=None):
    unknown = Proposal(Node("not_in_the_space", (X,)))
    return Prior(
        portfolio=(*(Proposal(tree(d)) for d in depths), unknown), reranker=reranker
    )


def depths(candidates):
    return [dict(c.tree.params)["max_depth"] for c in candidates]


def test_the_portfolio_in_its_order_and_then_random_pipelines():
    problem = small_problem(prior=prior(4, 9, 6))
    candidates = run_search(PortfolioSearch().start(problem), 8)
    assert depths(candidates[:3]) == [4, 9, 6]
    assert [c.origin for c in candidates] == ["portfolio"] * 3 + ["random"] * 5


def test_the_order_follows_the_scores():
    problem = small_problem(prior=prior(4, 9, 6, reranker=Backwards()))
    search = PortfolioSearch().start(problem)
    first = search.ask(1)
    assert depths(first) == [6]
    search.tell([make_evaluation(0, first[0])])
    assert depths(search.ask(2)) == [4, 9]


def test_what_was_proposed_elsewhere_leaves_the_portfolio():
    problem = small_problem(prior=prior(4, 9))
    portfolio = Portfolio(problem, make_vocabulary(problem))
    first, second = portfolio.waiting(set())
    assert isinstance(first, Candidate)
    assert portfolio.waiting({first.text}) == [second]
    assert portfolio.pop({first.text}, {}) == second
    assert portfolio.pop({first.text, second.text}, {}) is None
