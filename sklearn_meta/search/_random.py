"""Random search: the yardstick of every other strategy."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta.evaluation._records import Candidate
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.search._variation import make_vocabulary, random_tree

# Draws without a new pipeline after which the space counts as exhausted. A space that
# is not nearly exhausted gives a new one in the first few.
MAX_DRAWS = 300


def draw_unseen(rng, vocabulary, seen):
    """Draw random trees until one is new.

    Parameters
    ----------
    rng : numpy.random.Generator
    vocabulary : Vocabulary
    seen : set of str
        Canonical texts that are not to be proposed again.

    Returns
    -------
    candidate : Candidate or None
        None if `MAX_DRAWS` draws gave nothing new.
    """
    for _ in range(MAX_DRAWS):
        tree = random_tree(rng, vocabulary)
        text = format_tree(tree)
        if text not in seen:
            return Candidate(tree, text, "random")
    return None


class RandomSearch(BaseEstimator):
    """Propose random pipelines of the search space, each at most once.

    Operators are drawn uniformly within their kind, hyperparameters over their whole
    range on their own scale. Neither what earlier datasets suggest nor the evaluations
    of this run are looked at.

    Parameters
    ----------
    look_ahead : int, default=8
        Proposals that are made before the first evaluation is needed. It bounds the
        useful parallelism of runs with a fixed number of evaluations.

    Examples
    --------
    >>> from sklearn_meta.search import RandomSearch
    >>> RandomSearch(look_ahead=4).get_params()
    {'look_ahead': 4}
    """

    _parameter_constraints = {
        "look_ahead": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, look_ahead=8):
        self.look_ahead = look_ahead

    def start(self, problem):
        """Begin a run.

        Parameters
        ----------
        problem : SearchProblem
            What is known before the first evaluation.

        Returns
        -------
        search : Search
            State of one run, with ``ask`` and ``tell``.
        """
        validate_params(self)
        return _RandomRun(problem)


class _RandomRun:
    """The state of one random search."""

    def __init__(self, problem):
        self._vocabulary = make_vocabulary(problem)
        self._seed = problem.seed
        self._seen = set()
        self._n_asked = 0

    def ask(self, n):
        """Propose up to `n` new candidates; fewer if the space is exhausted."""
        candidates = []
        for _ in range(n):
            # One stream for each proposal: how many are asked at a time changes none.
            rng = np.random.default_rng([self._seed, self._n_asked])
            candidate = draw_unseen(rng, self._vocabulary, self._seen)
            if candidate is None:
                break
            self._n_asked += 1
            self._seen.add(candidate.text)
            candidates.append(candidate)
        return candidates

    def tell(self, evaluations):
        """Note candidates that came from elsewhere, so as not to propose them."""
        self._seen.update(e.candidate.text for e in evaluations)
