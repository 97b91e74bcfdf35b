"""Random search, the baseline of the other strategies."""

from __future__ import annotations

from numbers import Integral

from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta.search._run import SearchRun


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


class _RandomRun(SearchRun):
    """State of one run of `RandomSearch`."""

    def propose(self, rng):
        return self.draw_unseen(rng)
