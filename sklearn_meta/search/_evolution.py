"""Evolution of pipelines: genetic programming that begins with what worked before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, validate_params
from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.pipelines._text import canonical, format_tree
from sklearn_meta.search._initial_pipelines import read_initial
from sklearn_meta.search._nsga2 import (
    crowding_distances,
    nondominated_ranks,
)
from sklearn_meta.search._random import draw_unseen
from sklearn_meta.search._variation import crossover, family, make_vocabulary, mutate
from sklearn_meta.timing._operators import predicted_seconds

# Offspring that were proposed before, or are turned down for their cost, are drawn
# anew this often before a random pipeline is proposed instead.
MAX_TRIES = 40
# After half of the tries the cost is no longer looked at, so that a run among expensive
# pipelines goes on.
MAX_TRIES_WITH_COST = MAX_TRIES // 2

# The next best is drawn this much less often than the best.
GREEDY_DECAY = 0.5


class EvolutionarySearch(BaseEstimator):
    """Steady-state genetic programming on the score and the cost of pipelines.

    First the portfolio of the prior is proposed, in its order, or in that of the
    prior's reranker, which looks at the evaluations so far. From then on each
    proposal is an offspring of pipelines that did well: one thing in one of them is
    changed, or parts of two are combined. Most parents are chosen by their score alone,
    one kind of learner beside the other; the rest by a binary tournament of NSGA-II on
    the score and the predicted seconds of a fit, which keeps cheap pipelines alive and
    pipelines from growing without a gain.

    There are no generations: each proposal looks at all evaluations that were told by
    then. A run depends on the seed and on what it was told, not on measured times.

    Parameters
    ----------
    population_size : int, default=40
        Number of evaluated pipelines that are kept as possible parents.
    look_ahead : int, default=8
        Proposals that are made before the first evaluation is needed. It bounds the
        useful parallelism of runs with a fixed number of evaluations.
    crossover_rate : float, default=0.2
        Share of offspring with two parents; the others have one.
    random_rate : float, default=0.1
        Share of proposals that are random pipelines.
    greed : float, default=0.7
        Share of parents that are chosen by their score alone. Runs of some hundred
        evaluations gain from a high one.
    cost_aversion : float, default=0.5
        An offspring that is predicted to cost ``r`` times as much as the median of the
        population is kept with the probability ``r ** -cost_aversion``. Zero keeps all.
    initial_pipelines : sequence or None, default=None
        Pipelines that are evaluated first, before the portfolio of the prior: texts, or
        scikit-learn estimators and pipelines that the search space can express; see
        `pipelines.read_estimator`. Their origin is ``"initial"``.

    See Also
    --------
    RandomSearch : The yardstick.

    References
    ----------
    The selection is that of Deb et al., "A fast and elitist multiobjective genetic
    algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation 6(2), 2002;
    evolving pipelines with it that of Olson and Moore, "TPOT: A Tree-based Pipeline
    Optimization Tool for Automating Machine Learning", 2016.

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
        """Begin a run.

        Parameters
        ----------
        problem : SearchProblem
            What is known before the first evaluation.

        Returns
        -------
        search : Search
            State of one run, with ``ask`` and ``tell``.

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
        Number of its evaluation.
    candidate : Candidate
    family : str
        Name of the last learner; ``"stack"`` if it learns from other estimators.
    finished : bool
        Whether all folds were scored; otherwise it lost the race on the way.
    score : float
        Mean over the scored folds; greater is better.
    log_cost : float
        Logarithm of the predicted seconds of one fit.
    """

    number: int
    candidate: Candidate
    family: str
    finished: bool
    score: float
    log_cost: float


class Population:
    """The best individuals so far, as NSGA-II ranks them; pruned ones rank last.

    Parameters
    ----------
    size : int
        Largest number of individuals.
    """

    def __init__(self, size):
        self.size = size
        self._individuals: list[Individual] = []
        # Sorted individuals, the finished and the pruned ones by themselves, also by
        # family, and median cost; made when they are asked for.
        self._ranked: dict[bool, list[Individual]] = {}
        self._families: list[list[Individual]] | None = None
        self._median_log_cost: float | None = None

    def __len__(self):
        return len(self._individuals)

    def __iter__(self):
        return iter(self._individuals)

    def add(self, individual):
        """Add one, and drop the worst if there are too many."""
        self._individuals.append(individual)
        self._has_changed(individual)
        if len(self._individuals) > self.size:
            # The best score survives even where cheap pipelines crowd the front.
            best = max(self._individuals, key=_by_score)
            worst = next(i for i in reversed(self._by_rank()) if i is not best)
            self._individuals = [i for i in self._individuals if i is not worst]
            self._has_changed(worst)

    def median_log_cost(self):
        """Median of the logarithm of the predicted seconds."""
        if self._median_log_cost is None:
            costs = [individual.log_cost for individual in self._individuals]
            self._median_log_cost = float(np.median(costs))
        return self._median_log_cost

    def tournament(self, rng):
        """Draw two and return the one with the better rank, or the less crowded."""
        first, second = rng.integers(len(self), size=2)
        return self._by_rank()[min(first, second)]

    def greedy(self, rng):
        """Draw a kind of learner, the one with the best score most often, and then one
        of its individuals, the best most often.

        Choosing the learner first keeps several of them in development: that helps the
        ensemble, and against being stuck with an early favorite.
        """
        if self._families is None:
            families: dict[str, list[Individual]] = {}
            for individual in sorted(self._individuals, key=_by_score, reverse=True):
                families.setdefault(individual.family, []).append(individual)
            self._families = list(families.values())
        return _draw_decaying(_draw_decaying(self._families, rng), rng)

    def _has_changed(self, individual):
        """Forget what is no longer true after it came, or has left."""
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
    """Sort by rank, within a rank the least crowded first."""
    if not individuals:
        return []
    objectives = np.array([[-i.score, i.log_cost] for i in individuals])
    ranks = nondominated_ranks(objectives)
    # Ties stay in the order in which they were told.
    order = np.lexsort((-crowding_distances(objectives, ranks), ranks))
    return [individuals[i] for i in order]


def _draw_decaying(items, rng):
    # The geometric distribution, cut off behind the last item, by inversion.
    n = len(items)
    tail = 1.0 - rng.random() * (1.0 - GREEDY_DECAY**n)
    return items[min(int(math.log(tail) / math.log(GREEDY_DECAY)), n - 1)]


class _EvolutionaryRun:
    """The state of one evolutionary search."""

    def __init__(self, strategy, problem):
        self._strategy = strategy
        self._problem = problem
        self._vocabulary = make_vocabulary(problem)
        self._initial = list(read_initial(strategy.initial_pipelines, self._vocabulary))
        self._portfolio = {c.text: c for c in self._usable_portfolio()}
        self._scores: dict[str, float] = {}
        self._population = Population(strategy.population_size)
        self._seen = set()
        self._n_asked = 0

    def ask(self, n):
        """Propose up to `n` new candidates; fewer if the space is exhausted."""
        candidates = []
        for _ in range(n):
            candidate = self._propose()
            if candidate is None:
                break
            self._n_asked += 1
            self._seen.add(candidate.text)
            candidates.append(candidate)
        return candidates

    def tell(self, evaluations):
        """Take note of finished evaluations, also of candidates from elsewhere."""
        for evaluation in evaluations:
            candidate = evaluation.candidate
            self._seen.add(candidate.text)
            status = evaluation.status
            score = evaluation.score
            if status is not Status.SKIPPED:
                self._scores.setdefault(candidate.text, score)
            if status not in (Status.OK, Status.PRUNED) or not math.isfinite(score):
                continue
            individual = Individual(
                number=evaluation.number,
                candidate=candidate,
                family=family(candidate.tree, self._vocabulary),
                finished=status is Status.OK,
                score=score,
                log_cost=self._log_cost(candidate.tree),
            )
            self._population.add(individual)

    def _usable_portfolio(self):
        """Pipelines of the prior that the search space allows."""
        vocabulary = self._vocabulary
        for proposal in self._problem.prior.portfolio:
            try:
                tree = canonical(proposal.tree, catalog=vocabulary.catalog)
            except InvalidPipelineError:
                continue  # it uses operators that the user has excluded
            if tree.size <= vocabulary.max_size:
                yield Candidate(
                    tree, format_tree(tree), proposal.origin, proposal.expected_seconds
                )

    def _propose(self):
        while self._initial:
            candidate = self._initial.pop(0)
            if candidate.text not in self._seen:
                return candidate
        candidate = self._next_of_portfolio()
        if candidate is not None:
            return candidate
        # One stream for each proposal: how many are asked at a time changes none.
        rng = np.random.default_rng([self._problem.seed, self._n_asked])
        if len(self._population) and rng.random() >= self._strategy.random_rate:
            candidate = self._offspring(rng)
            if candidate is not None:
                return candidate
        return draw_unseen(rng, self._vocabulary, self._seen)

    def _next_of_portfolio(self):
        """Return the next pipeline of the portfolio; None if nothing is left."""
        for text in self._seen & self._portfolio.keys():
            del self._portfolio[text]
        if not self._portfolio:
            return None
        reranker = self._problem.prior.reranker
        texts = list(self._portfolio)
        if reranker is None:
            return self._portfolio.pop(texts[0])
        pending = sorted(self._seen - self._scores.keys())
        return self._portfolio.pop(reranker.best_next(texts, self._scores, pending))

    def _offspring(self, rng):
        """Return a new candidate; None if there seems to be none."""
        # Drawn once: two similar parents often have no new child, and crossover would
        # get less than its share if each try were free to mutate instead.
        crosses = rng.random() < self._strategy.crossover_rate
        for i in range(MAX_TRIES):
            parent = self._parent(rng)
            result = self._vary(rng, parent, crosses and i < MAX_TRIES_WITH_COST)
            if result is None:
                continue
            tree, origin = result
            text = format_tree(tree)
            if text in self._seen:
                continue
            if i < MAX_TRIES_WITH_COST and not self._is_affordable(tree, rng):
                continue
            return Candidate(tree, text, origin)
        return None

    def _vary(self, rng, parent, crosses):
        if crosses:
            other = self._parent(rng)
            tree = crossover(
                parent.candidate.tree, other.candidate.tree, rng, self._vocabulary
            )
            origin = f"crossover of {parent.number} and {other.number}"
            return None if tree is None else (tree, origin)
        result = mutate(parent.candidate.tree, rng, self._vocabulary)
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
        return math.log(max(self._predict_seconds(tree), 1e-9))

    def _predict_seconds(self, tree):
        problem = self._problem
        return predicted_seconds(
            tree,
            catalog=self._vocabulary.catalog,
            n_samples=problem.n_samples,
            n_features=problem.n_features,
            n_classes=problem.n_classes,
            n_outputs=problem.n_outputs,
        )
