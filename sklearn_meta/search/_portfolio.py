"""Portfolio search: pipelines that recall recommends, re-ranked after each score."""

from __future__ import annotations

from numbers import Integral

from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta.evaluation._records import Candidate
from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.pipelines._text import canonical, format_tree
from sklearn_meta.search._run import SearchRun


class PortfolioSearch(BaseEstimator):
    """Propose the pipelines that the meta-learner recommends, then random ones.

    The order is that of the portfolio or, if the prior has a reranker, one that is
    updated with each evaluation: pipelines that did well on datasets where the
    evaluated ones have similar scores come first. No pipeline is varied. It is the
    baseline of strategies that begin with recall: what they gain over it, they gain by
    searching.

    Parameters
    ----------
    look_ahead : int, default=8
        Number of proposals that are made before the first evaluation is required. It
        bounds the useful parallelism of runs with a fixed number of evaluations.

    See Also
    --------
    EvolutionarySearch : Varies the best pipelines after those of the portfolio.
    RandomSearch : Baseline that ignores the prior.

    Examples
    --------
    >>> from sklearn_meta.search import PortfolioSearch
    >>> PortfolioSearch(look_ahead=4).get_params()
    {'look_ahead': 4}
    """

    _parameter_constraints = {
        "look_ahead": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, look_ahead=8):
        self.look_ahead = look_ahead

    def start(self, problem):
        """Start a run of the search.

        Parameters
        ----------
        problem : SearchProblem
            Search space, prior and properties of the table.

        Returns
        -------
        search : Search
            A new run, independent of all others.
        """
        validate_params(self)
        return _PortfolioRun(problem)


class _PortfolioRun(SearchRun):
    """State of one run of `PortfolioSearch`."""

    def __init__(self, problem):
        super().__init__(problem)
        self._portfolio = Portfolio(problem, self.vocabulary)

    def propose(self, rng):
        candidate = self._portfolio.pop(self.seen, self.scores)
        return self.draw_unseen(rng) if candidate is None else candidate


class Portfolio:
    """The pipelines of a prior that are in the search space and still to be proposed.

    Parameters
    ----------
    problem : SearchProblem
    vocabulary : Vocabulary
    """

    def __init__(self, problem, vocabulary):
        self._reranker = problem.prior.reranker
        self._waiting = {c.text: c for c in _usable(problem, vocabulary)}

    def waiting(self, seen) -> list[Candidate]:
        """Return the candidates that are left, in their order."""
        return [c for text, c in self._waiting.items() if text not in seen]

    def pop(self, seen, scores) -> Candidate | None:
        """Remove and return the candidate to evaluate next.

        Parameters
        ----------
        seen : set of str
            Texts of the pipelines that were proposed before.
        scores : dict of str to float
            Scores so far, in the order in which they were told.

        Returns
        -------
        candidate : Candidate or None
            None if none is left.
        """
        for text in seen & self._waiting.keys():
            del self._waiting[text]
        if not self._waiting:
            return None
        texts = list(self._waiting)
        if self._reranker is None:
            return self._waiting.pop(texts[0])
        pending = sorted(seen - scores.keys())
        return self._waiting.pop(self._reranker.best_next(texts, scores, pending))


def _usable(problem, vocabulary):
    """Yield the pipelines of the portfolio that are in the search space."""
    for proposal in problem.prior.portfolio:
        try:
            tree = canonical(proposal.tree, catalog=vocabulary.catalog)
        except InvalidPipelineError:
            continue  # It uses operators that are not in the search space.
        if tree.size <= vocabulary.max_size:
            yield Candidate(
                tree, format_tree(tree), proposal.origin, proposal.expected_seconds
            )
