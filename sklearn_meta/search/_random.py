"""Random search, the baseline of the other strategies."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta.evaluation._records import Candidate
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.search._random_trees import random_tree
from sklearn_meta.search._vocabulary import make_vocabulary

# Number of draws without a new pipeline after which the search space is considered
# exhausted. Otherwise one of the first few draws is new.
MAX_DRAWS = 300


def draw_unseen(rng, vocabulary, seen):
    """Draw random pipelines until one has not been proposed before.

    Parameters
    ----------
    rng : numpy.random.Generator
    vocabulary : Vocabulary
    seen : set of str
        Canonical texts of the pipelines that were proposed before.

    Returns
    -------
    candidate : Candidate or None
        None if none of `MAX_DRAWS` draws is new.
    """
    for _ in range(MAX_DRAWS):
        tree = random_tree(rng, vocabulary)
        text = format_tree(tree)
        if text not in seen:
            return Candidate(tree, text, "random")
    return None


class RandomSearch(BaseEstimator):
    """Propose random pipelines of the search space, each at most once.

    Operators are drawn uniformly among those of the same kind; on sparse tables, those
    that would make the table dense are drawn less often. Each hyperparameter keeps its
    default with probability 0.5 and is otherwise drawn from its range, uniformly on a
    linear or logarithmic scale as declared. The prior and the evaluations of the run
    are ignored.

    Parameters
    ----------
    look_ahead : int, default=8
        Number of proposals that are made before the first evaluation is required. It
        bounds the useful parallelism of runs with a fixed number of evaluations.

    See Also
    --------
    EvolutionarySearch : Starts from the prior and varies the best pipelines.

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
        """Start a run of the search.

        Parameters
        ----------
        problem : SearchProblem
            Search space and properties of the table.

        Returns
        -------
        search : Search
            A new run, independent of all others.
        """
        validate_params(self)
        return _RandomRun(problem)


class _RandomRun:
    """State of one run of `RandomSearch`."""

    def __init__(self, problem):
        self._vocabulary = make_vocabulary(problem)
        self._seed = problem.seed
        self._seen = set()
        self._n_asked = 0

    def ask(self, n):
        """Propose up to `n` new candidates; fewer if the search space is exhausted."""
        candidates = []
        for _ in range(n):
            # One random stream per proposal, so that proposals do not depend on the
            # number that is asked for at a time.
            rng = np.random.default_rng([self._seed, self._n_asked])
            candidate = draw_unseen(rng, self._vocabulary, self._seen)
            if candidate is None:
                break
            self._n_asked += 1
            self._seen.add(candidate.text)
            candidates.append(candidate)
        return candidates

    def tell(self, evaluations):
        """Add finished evaluations; their candidates are not proposed again."""
        self._seen.update(e.candidate.text for e in evaluations)
