"""Evolutionary search: steady-state genetic programming with NSGA-II selection."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.search._crossover import crossover
from sklearn_meta.search._initial_pipelines import read_initial
from sklearn_meta.search._mutation import mutate
from sklearn_meta.search._nsga2 import crowding_distances, nondominated_ranks
from sklearn_meta.search._portfolio import Portfolio
from sklearn_meta.search._run import SearchRun
from sklearn_meta.search._tree_paths import family

# Maximum number of offspring that are drawn for one proposal. Offspring that were
# proposed before or are rejected for their cost are drawn again; if all are, a random
# pipeline is proposed.
MAX_TRIES = 40
# After half of the tries the cost is ignored, so that a search among expensive
# pipelines does not stall.
MAX_TRIES_WITH_COST = MAX_TRIES // 2

# Ratio of the probabilities of consecutive ranks in greedy selection.
GREEDY_DECAY = 0.5


class EvolutionarySearch(BaseEstimator):
    """Steady-state genetic programming on the score and the cost of pipelines.

    The pipelines of the prior's portfolio are proposed first, in the order of the
    portfolio or, if the prior has a reranker, in an order that is updated with each
    evaluation. Each later proposal is an offspring of evaluated pipelines, by mutation
    of one parent or by crossover of two [2]_. Most parents are selected by their score
    alone, after a family of learners has been drawn; the others by the binary
    tournament of NSGA-II [1]_ on the score and the predicted fit time, which keeps
    cheap pipelines in the population and prevents pipelines from growing without a gain
    in score.

    There are no generations: each proposal uses all evaluations that are available. A
    run depends on its seed and on the evaluations, not on measured times.

    Parameters
    ----------
    population_size : int, default=40
        Maximum number of evaluated pipelines that are kept as possible parents.
    look_ahead : int, default=8
        Number of proposals that are made before the first evaluation is required. It
        bounds the useful parallelism of runs with a fixed number of evaluations.
    crossover_rate : float, default=0.2
        Share of offspring that result from crossover; the others are mutations.
    random_rate : float, default=0.1
        Share of proposals that are random pipelines.
    greed : float, default=0.7
        Share of parents that are selected by their score alone. The default suits runs
        of some hundred evaluations.
    cost_aversion : float, default=0.5
        Exponent of the penalty for expensive offspring. If its predicted fit time is
        ``r > 1`` times the median of the population, an offspring is accepted with
        probability ``r ** -cost_aversion``. With 0, all offspring are accepted.
    initial_pipelines : sequence of (str or estimator), default=None
        Pipelines that are evaluated before the portfolio of the prior: pipeline texts,
        or scikit-learn estimators and pipelines that the search space can express; see
        `sklearn_meta.pipelines.read_estimator`. Their origin is ``"initial"``.

    See Also
    --------
    RandomSearch : Baseline that ignores the prior and the evaluations.

    References
    ----------
    .. [1] K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, "A fast and elitist
       multiobjective genetic algorithm: NSGA-II", IEEE Transactions on Evolutionary
       Computation 6(2), 2002.
    .. [2] R. S. Olson and J. H. Moore, "TPOT: A tree-based pipeline optimization tool
       for automating machine learning", AutoML Workshop at ICML, 2016.

    Examples
    --------
    >>> from sklearn_meta.search import EvolutionarySearch
    >>> EvolutionarySearch(population_size=20).look_ahead
    8
    """

    _parameter_constraints = {
        "population_size": [Interval(Integral, 2, None, closed="left")],
        "look_ahead": [Interval(Integral, 1, None, closed="left")],
        "crossover_rate": [Interval(Real, 0, 1, closed="both")],
        "random_rate": [Interval(Real, 0, 1, closed="both")],
        "greed": [Interval(Real, 0, 1, closed="both")],
        "cost_aversion": [Interval(Real, 0, None, closed="left")],
        "initial_pipelines": ["array-like", None],
    }

    def __init__(
        self,
        population_size=40,
        look_ahead=8,
        crossover_rate=0.2,
        random_rate=0.1,
        greed=0.7,
        cost_aversion=0.5,
        initial_pipelines=None,
    ):
        self.population_size = population_size
        self.look_ahead = look_ahead
        self.crossover_rate = crossover_rate
        self.random_rate = random_rate
        self.greed = greed
        self.cost_aversion = cost_aversion
        self.initial_pipelines = initial_pipelines

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

        Raises
        ------
        InvalidPipelineError
            If one of `initial_pipelines` is not in the search space.
        """
        validate_params(self)
        return _EvolutionaryRun(self, problem)


@dataclass(frozen=True)
class Individual:
    """An evaluated pipeline that may become a parent.

    Parameters
    ----------
    number : int
        Number of the evaluation.
    candidate : Candidate
        Pipeline that was evaluated.
    family : str
        Name of the last learner; see `family`.
    finished : bool
        Whether all folds were scored. False if the evaluation was stopped by racing.
    score : float
        Mean score over the scored folds; greater is better.
    log_cost : float
        Logarithm of the predicted time of one fit, in seconds.
    """

    number: int
    candidate: Candidate
    family: str
    finished: bool
    score: float
    log_cost: float


class Population:
    """The best individuals so far, ranked by NSGA-II; pruned ones rank last.

    Parameters
    ----------
    size : int
        Maximum number of individuals.
    """

    def __init__(self, size):
        self.size = size
        self._individuals: list[Individual] = []
        # Caches: ranked individuals (finished and pruned ones apart), individuals by
        # family, and the median cost.
        self._ranked: dict[bool, list[Individual]] = {}
        self._families: list[list[Individual]] | None = None
        self._median_log_cost: float | None = None

    def __len__(self):
        return len(self._individuals)

    def __iter__(self):
        return iter(self._individuals)

    def add(self, individual):
        """Add an individual; if there are too many, remove the worst one."""
        self._individuals.append(individual)
        self._clear_caches(individual)
        if len(self._individuals) > self.size:
            # The best score is kept even if cheap pipelines fill the first front.
            best = max(self._individuals, key=_by_score)
            worst = next(i for i in reversed(self._by_rank()) if i is not best)
            self._individuals = [i for i in self._individuals if i is not worst]
            self._clear_caches(worst)

    def median_log_cost(self):
        """Return the median of the logarithms of the predicted fit times."""
        if self._median_log_cost is None:
            costs = [individual.log_cost for individual in self._individuals]
            self._median_log_cost = float(np.median(costs))
        return self._median_log_cost

    def tournament(self, rng):
        """Draw two individuals; return the better one by rank and crowding distance."""
        first, second = rng.integers(len(self), size=2)
        return self._by_rank()[min(first, second)]

    def greedy(self, rng):
        """Draw a family of learners, then one of its individuals, by their scores.

        The probabilities decrease geometrically with the rank of the family's best
        score and with the rank within the family. Drawing the family first keeps
        several families in development, which increases the diversity of the ensemble
        and prevents premature convergence.
        """
        if self._families is None:
            families: dict[str, list[Individual]] = {}
            for individual in sorted(self._individuals, key=_by_score, reverse=True):
                families.setdefault(individual.family, []).append(individual)
            self._families = list(families.values())
        return _draw_decaying(_draw_decaying(self._families, rng), rng)

    def _clear_caches(self, individual):
        """Clear the caches that depend on an individual."""
        self._ranked.pop(individual.finished, None)
        self._families = self._median_log_cost = None

    def _by_rank(self):
        for finished in {True, False} - self._ranked.keys():
            group = [i for i in self._individuals if i.finished is finished]
            self._ranked[finished] = _rank(group)
        return self._ranked[True] + self._ranked[False]


def _by_score(individual):
    return individual.finished, individual.score


def _rank(individuals):
    """Sort individuals by front, within a front by decreasing crowding distance."""
    if not individuals:
        return []
    objectives = np.array([[-i.score, i.log_cost] for i in individuals])
    ranks = nondominated_ranks(objectives)
    # Ties are kept in the order in which they were told.
    order = np.lexsort((-crowding_distances(objectives, ranks), ranks))
    return [individuals[i] for i in order]


def _draw_decaying(items, rng):
    # Inverse transform sampling of a truncated geometric distribution.
    n = len(items)
    tail = 1.0 - rng.random() * (1.0 - GREEDY_DECAY**n)
    return items[min(int(math.log(tail) / math.log(GREEDY_DECAY)), n - 1)]


class _EvolutionaryRun(SearchRun):
    """State of one run of `EvolutionarySearch`."""

    def __init__(self, strategy, problem):
        super().__init__(problem)
        self._strategy = strategy
        self._initial = list(read_initial(strategy.initial_pipelines, self.vocabulary))
        self._portfolio = Portfolio(problem, self.vocabulary)
        self._population = Population(strategy.population_size)

    def observe(self, evaluation):
        candidate, status = evaluation.candidate, evaluation.status
        score = evaluation.score
        if status not in (Status.OK, Status.PRUNED) or not math.isfinite(score):
            return
        individual = Individual(
            number=evaluation.number,
            candidate=candidate,
            family=family(candidate.tree, self.vocabulary),
            finished=status is Status.OK,
            score=score,
            log_cost=self._log_cost(candidate.tree),
        )
        self._population.add(individual)

    def propose(self, rng):
        while self._initial:
            candidate = self._initial.pop(0)
            if candidate.text not in self.seen:
                return candidate
        candidate = self._portfolio.pop(self.seen, self.scores)
        if candidate is not None:
            return candidate
        if len(self._population) and rng.random() >= self._strategy.random_rate:
            candidate = self._offspring(rng)
            if candidate is not None:
                return candidate
        return self.draw_unseen(rng)

    def _offspring(self, rng):
        """Return a new offspring; None if `MAX_TRIES` draws gave none."""
        # Drawn once for all tries: similar parents often have no new offspring, so that
        # drawing it for each try would reduce the share of crossover.
        crosses = rng.random() < self._strategy.crossover_rate
        for i in range(MAX_TRIES):
            parent = self._parent(rng)
            result = self._vary(rng, parent, crosses and i < MAX_TRIES_WITH_COST)
            if result is None:
                continue
            tree, origin = result
            text = format_tree(tree)
            if text in self.seen:
                continue
            if i < MAX_TRIES_WITH_COST and not self._is_affordable(tree, rng):
                continue
            return Candidate(tree, text, origin)
        return None

    def _vary(self, rng, parent, crosses):
        """Return the tree of an offspring and its origin; None if there is none."""
        if crosses:
            other = self._parent(rng)
            tree = crossover(
                parent.candidate.tree, other.candidate.tree, rng, self.vocabulary
            )
            origin = f"crossover of {parent.number} and {other.number}"
            return None if tree is None else (tree, origin)
        result = mutate(parent.candidate.tree, rng, self.vocabulary)
        if result is None:
            return None
        tree, description = result
        return tree, f"mutation of {parent.number}: {description}"

    def _parent(self, rng):
        if rng.random() < self._strategy.greed:
            return self._population.greedy(rng)
        return self._population.tournament(rng)

    def _is_affordable(self, tree, rng):
        excess = self._log_cost(tree) - self._population.median_log_cost()
        return rng.random() < math.exp(-self._strategy.cost_aversion * max(excess, 0.0))

    def _log_cost(self, tree):
        return math.log(max(self.predicted_seconds(tree), 1e-9))
