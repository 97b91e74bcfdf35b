"""Grid search: a grid over the hyperparameters of each learner, the cheapest first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product, zip_longest
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta.evaluation._records import Candidate
from sklearn_meta.pipelines._hyperparameters import Choice
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.pipelines._tree import X
from sklearn_meta.search._run import SearchRun

# Transformer on which learners are tried beside the table itself, where the search
# space has it: half of the learners measure distances or penalize coefficients.
SCALER = "standard_scaler"


class GridSearch(BaseEstimator):
    """Propose the points of a grid over the hyperparameters of each learner.

    Each learner has a grid of its first hyperparameters in the catalog, which are the
    main ones: `resolution` values of each number, equally spaced on its linear or
    logarithmic scale, and all values of a choice; on the table, and on the standardized
    table. First come the defaults of each learner, the learner that is predicted to be
    the cheapest first; then a point of the grid of each learner in turn, in random
    order within a grid, so that all hyperparameters vary from the beginning [1]_. After
    the grids, random pipelines are proposed. The prior and the evaluations of the run
    are ignored.

    Parameters
    ----------
    resolution : int, default=3
        Number of values of each number. The first and the last one are half a step
        inside of the range, whose ends are rarely good.
    n_hyperparameters : int, default=3
        Maximum number of hyperparameters in the grid of a learner; the others keep
        their defaults. A grid has ``resolution ** n_hyperparameters`` points for
        numbers.
    look_ahead : int, default=8
        Number of proposals that are made before the first evaluation is required. It
        bounds the useful parallelism of runs with a fixed number of evaluations.

    See Also
    --------
    RandomSearch : Random pipelines of the whole search space.

    References
    ----------
    .. [1] J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization",
       Journal of Machine Learning Research 13, 2012.

    Examples
    --------
    >>> from sklearn_meta.search import GridSearch
    >>> from sklearn_meta.testing import make_problem
    >>> search = GridSearch(resolution=2).start(make_problem())
    >>> [candidate.text for candidate in search.ask(3)]
    ['gaussian_nb(X)', 'logistic_regression(X)', 'decision_tree(X)']
    """

    _parameter_constraints = {
        "resolution": [Interval(Integral, 1, None, closed="left")],
        "n_hyperparameters": [Interval(Integral, 1, None, closed="left")],
        "look_ahead": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, resolution=3, n_hyperparameters=3, look_ahead=8):
        self.resolution = resolution
        self.n_hyperparameters = n_hyperparameters
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
        return _GridRun(self, problem)


class _GridRun(SearchRun):
    """State of one run of `GridSearch`."""

    def __init__(self, strategy, problem):
        super().__init__(problem)
        self._waiting = self._in_turn(strategy)

    def propose(self, rng):
        for tree in self._waiting:
            text = format_tree(tree)
            if text not in self.seen:
                return Candidate(tree, text, "grid")
        return self.draw_unseen(rng)

    def _in_turn(self, strategy):
        """Yield the defaults of all learners, then the points of their grids."""
        defaults = [
            (self.vocabulary.node(operator.name, [X]), operator)
            for operator in self.vocabulary.learners.operators
        ]
        defaults.sort(key=lambda pair: self.predicted_seconds(pair[0]))
        yield from (tree for tree, _ in defaults)
        grids = [self._shuffled(operator, strategy) for _, operator in defaults]
        for turn in zip_longest(*grids):
            yield from (tree for tree in turn if tree is not None)

    def _shuffled(self, operator, strategy) -> Iterator:
        """Yield the trees of a learner's grid in random order."""
        tables = [X]
        if self.vocabulary.catalog.find(SCALER) and self.vocabulary.max_size > 1:
            tables.append(self.vocabulary.node(SCALER, [X]))
        chosen = list(islice(operator.hyperparameters, strategy.n_hyperparameters))
        axes = [grid_values(h, strategy.resolution) for h in chosen]
        names = [h.name for h in chosen]
        sizes = (len(tables), *map(len, axes))
        seed = [self.problem.seed, sum(operator.name.encode())]
        order = np.random.default_rng(seed).permutation(int(np.prod(sizes)))
        points = list(product(tables, *axes)) if len(order) else []
        for i in order:
            table, *values = points[i]
            params = list(zip(names, values, strict=True))
            yield self.vocabulary.node(operator.name, [table], params)


def grid_values(hyperparameter, resolution) -> list:
    """Return the values of a hyperparameter in a grid.

    Parameters
    ----------
    hyperparameter : Float, Integer or Choice
    resolution : int
        Number of values of a number.

    Returns
    -------
    values : list
        Of a choice, all values. Of a number, those in the middle of `resolution` equal
        parts of its scale, without repetitions of integers.
    """
    if isinstance(hyperparameter, Choice):
        return list(hyperparameter.values)
    units = (np.arange(resolution) + 0.5) / resolution
    return list(dict.fromkeys(hyperparameter.from_unit(float(u)) for u in units))
