"""Bayesian optimization over pipeline trees.

A surrogate predicts the regret of pipelines from those that were evaluated, and an
acquisition function says what a candidate promises (`_acquisition`). Each proposal is
the best of a pool of candidates by that function: variations of the best pipelines,
random pipelines, and the rest of the portfolio. The surrogates are a Gaussian process
with a prior from the knowledge base (`_gaussian_process`), a random forest
(`_forest_surrogate`) and an ensemble of small networks (`_mlp_surrogate`).

Pipelines that are being evaluated count as if they had the median score so far
(constant liar [1]_), so that parallel workers do not repeat each other.

References
----------
.. [1] D. Ginsbourger, R. Le Riche and L. Carraro, "Kriging is well-suited to
   parallelize optimization", Computational Intelligence in Expensive Optimization
   Problems, Springer, 2010.
"""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_meta._sklearn_compat import Interval, Options, StrOptions, validate_params
from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.metalearning._reranking import PortfolioReranker
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.search._acquisition import ACQUISITIONS
from sklearn_meta.search._forest_surrogate import forest_posterior
from sklearn_meta.search._gaussian_process import (
    as_regrets,
    fit_kernel,
    no_observations,
    surrogate_from_datasets,
    surrogate_without_datasets,
)
from sklearn_meta.search._mlp_surrogate import mlp_posterior
from sklearn_meta.search._mutation import mutate, perturb_estimator
from sklearn_meta.search._portfolio import Portfolio
from sklearn_meta.search._random_trees import random_tree
from sklearn_meta.search._run import SearchRun
from sklearn_meta.search._simplification import simplify
from sklearn_meta.search._tree_encoding import TreeVectors, tree_encoder
from sklearn_meta.search._tree_kernel import TreeKernel

# Number of the best pipelines that are varied, and the ratio of the probabilities of
# consecutive ones.
N_PARENTS, PARENT_DECAY = 10, 0.8

# Pool of a proposal: variations of all kinds, variations of the hyperparameters of the
# last learner, and random pipelines.
N_MUTATIONS, N_LOCAL, N_RANDOM = 30, 30, 10

# Share of proposals that are random pipelines, which no surrogate can exclude.
RANDOM_SHARE = 0.05

# Number of pipelines from which steps along the gradient begin, and their lengths, as
# the largest change of a hyperparameter relative to its range.
N_UPHILL, STEP_LENGTHS = 5, (0.05, 0.15, 0.3)

# Numbers of evaluations after which the hyperparameters of the kernel are fitted anew:
# this one, and each double of it.
FIRST_FIT = 8


class BayesianSearch(BaseEstimator):
    """Propose the pipelines that promise most by a surrogate of their regret.

    First come pipelines of the prior's portfolio. Each later proposal is the best of
    some hundred candidates by the acquisition function: mutations of the best
    pipelines, small changes of their hyperparameters, random pipelines, and what is
    left of the portfolio.

    Parameters
    ----------
    surrogate : {"gp", "forest", "mlp"}, default="gp"
        Model of the regret of pipelines. ``"gp"`` is a Gaussian process whose prior
        mean and covariance are those of the known pipelines on the datasets of the
        knowledge base, weighted for the table [1]_. ``"forest"`` is a random forest,
        as in SMAC [2]_. ``"mlp"`` is an ensemble of five small networks; steps along
        the gradient of their mean are candidates as well.
    kernel : {"matern", "rbf"}, default="matern"
        Kernel of the Gaussian process. Ignored by other surrogates.
    nu : {0.5, 1.5, 2.5}, default=2.5
        Smoothness of the Matern kernel.
    acquisition : {"log_ei", "ei", "ucb"}, default="log_ei"
        Logarithm of the expected improvement, which orders candidates also where the
        improvement underflows [3]_; expected improvement; confidence bound.
    n_initial : int, default=15
        Number of pipelines of the portfolio that are proposed before the surrogate is
        used. The rest of it are candidates.
    cost_aversion : float, default=0.5
        Exponent of the penalty for expensive candidates: if the predicted fit time is
        ``r > 1`` times the median of the evaluated pipelines, a candidate enters the
        pool with probability ``r ** -cost_aversion``. With 0, all enter.
    look_ahead : int, default=8
        Number of proposals that are made before the first evaluation is required. It
        bounds the useful parallelism of runs with a fixed number of evaluations.

    See Also
    --------
    EvolutionarySearch : Varies the best pipelines without a surrogate.

    References
    ----------
    .. [1] Z. Wang, B. Kim and L. P. Kaelbling, "Regret bounds for meta Bayesian
       optimization with an unknown Gaussian process prior", NeurIPS 2018.
    .. [2] F. Hutter, H. H. Hoos and K. Leyton-Brown, "Sequential model-based
       optimization for general algorithm configuration", LION 5, 2011.
    .. [3] S. Ament, S. Daulton, D. Eriksson, M. Balandat and E. Bakshy, "Unexpected
       improvements to expected improvement for Bayesian optimization", NeurIPS 2023.

    Examples
    --------
    >>> from sklearn_meta import MetaAutoRegressor
    >>> from sklearn_meta.search import BayesianSearch
    >>> reg = MetaAutoRegressor(search=BayesianSearch(surrogate="forest"))
    """

    _parameter_constraints = {
        "surrogate": [StrOptions({"gp", "forest", "mlp"})],
        "kernel": [StrOptions({"matern", "rbf"})],
        "nu": [Options(Real, {0.5, 1.5, 2.5})],
        "acquisition": [StrOptions(set(ACQUISITIONS))],
        "n_initial": [Interval(Integral, 0, None, closed="left")],
        "cost_aversion": [Interval(Real, 0, None, closed="left")],
        "look_ahead": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        surrogate="gp",
        kernel="matern",
        nu=2.5,
        acquisition="log_ei",
        n_initial=15,
        cost_aversion=0.5,
        look_ahead=8,
    ):
        self.surrogate = surrogate
        self.kernel = kernel
        self.nu = nu
        self.acquisition = acquisition
        self.n_initial = n_initial
        self.cost_aversion = cost_aversion
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
        return _BayesianRun(self, problem)


class _BayesianRun(SearchRun):
    """State of one run of `BayesianSearch`."""

    def __init__(self, strategy, problem):
        super().__init__(problem)
        self._strategy = strategy
        self._encoder = tree_encoder(self.vocabulary.catalog)
        self._portfolio = Portfolio(problem, self.vocabulary)
        self._proposed: dict[str, object] = {}
        # Of what was told: trees, shares of the folds, and those that can be parents.
        self._trees: dict[str, object] = {}
        self._shares: dict[str, float] = {}
        self._parents: list[tuple[bool, float, int, object]] = []
        self._log_costs: list[float] = []
        self._rows: dict[str, TreeVectors] = {}
        make = {
            "gp": _GaussianProcess,
            "forest": _Forest,
            "mlp": _Networks,
        }[strategy.surrogate]
        self._surrogate = make(self)

    def observe(self, evaluation):
        candidate, score = evaluation.candidate, evaluation.score
        if candidate.text in self._trees:
            return
        self._trees[candidate.text] = candidate.tree
        finished = evaluation.status is Status.OK
        # A share of those that were scored at all; failures are certain.
        most = max([*self._shares.values(), 1.0])
        self._shares[candidate.text] = float(len(evaluation.folds) or most)
        self._log_costs.append(self._log_cost(candidate.tree))
        if evaluation.status in (Status.OK, Status.PRUNED) and np.isfinite(score):
            entry = (finished, score, -evaluation.number, candidate.tree)
            self._parents.append(entry)
            self._parents.sort(key=lambda e: e[:3], reverse=True)
            del self._parents[N_PARENTS:]

    def propose(self, rng):
        candidate = self._next(rng)
        if candidate is not None:
            self._proposed[candidate.text] = candidate.tree
        return candidate

    def _next(self, rng):
        n_proposed = len(self._proposed)
        if n_proposed < self._strategy.n_initial or not self._parents:
            candidate = self._portfolio.pop(self.seen, self.scores)
            if candidate is not None:
                return candidate
        if not self._parents or rng.random() < RANDOM_SHARE:
            return self.draw_unseen(rng) or self._leftover()
        pool = self._pool(rng)
        if not pool:
            return self.draw_unseen(rng) or self._leftover()
        posterior, best = self._surrogate.posterior()
        mean, deviation = posterior.predict(self._vectors(pool))
        promise = ACQUISITIONS[self._strategy.acquisition](best, mean, deviation)
        return list(pool.values())[int(np.argmax(promise))]

    def _leftover(self):
        """Return a pipeline of the portfolio; None if none is left."""
        return self._portfolio.pop(self.seen, self.scores)

    # Pool of candidates

    def _pool(self, rng):
        """Return new candidates by text."""
        pool: dict[str, Candidate] = {}
        for tree, origin in self._variations(rng):
            text = format_tree(tree)
            if text in self.seen or text in pool:
                continue
            if self._is_affordable(tree, rng):
                pool[text] = Candidate(tree, text, origin)
        for candidate in self._portfolio.waiting(self.seen):
            pool.setdefault(candidate.text, candidate)
        return pool

    def _variations(self, rng):
        """Yield trees and their origins."""
        shares = PARENT_DECAY ** np.arange(len(self._parents))
        shares /= shares.sum()
        for count, change in ((N_MUTATIONS, mutate), (N_LOCAL, perturb_estimator)):
            for parent in rng.choice(len(self._parents), size=count, p=shares):
                *_, number, tree = self._parents[parent]
                result = change(tree, rng, self.vocabulary)
                if result is not None:
                    new, description = result
                    new = simplify(new, self.vocabulary)
                    yield new, f"mutation of {-number}: {description}"
        for _ in range(N_RANDOM):
            yield random_tree(rng, self.vocabulary), "random"
        for *_, number, tree in self._parents[:N_UPHILL]:
            for new in self._surrogate.steps(tree):
                yield new, f"gradient step from {-number}"

    def _is_affordable(self, tree, rng):
        excess = self._log_cost(tree) - float(np.median(self._log_costs))
        return rng.random() < np.exp(-self._strategy.cost_aversion * max(excess, 0.0))

    def _log_cost(self, tree):
        return float(np.log(max(self.predicted_seconds(tree), 1e-9)))

    # What the surrogates are fitted to

    def _vectors(self, pool):
        return self._encoder.encode([c.tree for c in pool.values()])

    def observations(self):
        """Return what the surrogate is fitted to, constant lies included.

        Returns
        -------
        vectors : TreeVectors
        scores : ndarray of shape (n,)
            Not finite for a failure.
        shares : ndarray of shape (n,)
            Shares of the folds that were scored.
        """
        pending = {t: n for t, n in self._proposed.items() if t not in self._trees}
        trees = {**self._trees, **pending}
        for text, tree in trees.items():
            if text not in self._rows:
                self._rows[text] = self._encoder.encode([tree])
        vectors = TreeVectors(
            np.concatenate([self._rows[text].shapes for text in trees]),
            np.concatenate([self._rows[text].values for text in trees]),
        )
        told = np.array([self.scores[text] for text in self._trees])
        finite = told[np.isfinite(told)]
        lie = float(np.median(finite)) if len(finite) else 0.0
        shares = np.array([self._shares[text] for text in self._trees])
        scores = np.concatenate([told, np.full(len(pending), lie)])
        shares = np.concatenate([shares / shares.max(), np.ones(len(pending))])
        return vectors, scores, shares


class _Surrogate:
    """A surrogate of a run."""

    def with_best(self, posterior, vectors):
        """Return a posterior, and the smallest expected regret of what was told."""
        told = vectors.take(np.arange(len(self._run._trees)))
        mean, _ = posterior.predict(told)
        return posterior, float(mean.min())

    def steps(self, tree):
        """Return no trees: there are no gradients."""
        return ()


class _GaussianProcess(_Surrogate):
    """The Gaussian process of a run, with the prior of the knowledge base."""

    def __init__(self, run):
        self._run, self._fitted_at = run, 0
        strategy, encoder = run._strategy, run._encoder
        kernel = TreeKernel(strategy.kernel, strategy.nu)
        reranker = run.problem.prior.reranker
        while reranker is not None and not isinstance(reranker, PortfolioReranker):
            reranker = reranker.then
        known = {} if reranker is None else _known(run, reranker)
        self._surrogate = (
            surrogate_from_datasets(encoder, known, reranker, kernel)
            if known
            else surrogate_without_datasets(encoder, kernel)
        )

    def posterior(self):
        """Return the posterior, and the smallest expected regret so far."""
        vectors, scores, shares = self._run.observations()
        told = np.arange(len(self._run._trees))
        weights = self._surrogate.weights(self._run.scores)
        if len(told) >= max(FIRST_FIT, 2 * self._fitted_at):
            observed = no_observations(self._surrogate).with_trees(vectors.take(told))
            self._surrogate, _ = fit_kernel(
                observed, scores[told], shares[told], weights
            )
            self._fitted_at = len(told)
        observed = no_observations(self._surrogate).with_trees(vectors)
        posterior = observed.posterior(scores, shares, weights)
        return self.with_best(posterior, vectors)


def _known(run, reranker):
    """Return the trees of the known pipelines of the portfolio, by their columns."""
    texts = {
        candidate.text: candidate.tree for candidate in run._portfolio.waiting(set())
    }
    return {
        column: texts[text]
        for text, column in reranker.pipelines.items()
        if text in texts
    }


class _Regression(_Surrogate):
    """A surrogate that is fitted to regrets, without a prior."""

    def __init__(self, run):
        self._run, self._key, self._fitted = run, None, None

    def posterior(self):
        """Return the fitted surrogate, and the smallest expected regret so far."""
        key = len(self._run._trees), len(self._run._proposed)
        if self._key != key:
            self._key, self._fitted = key, self._fit()
        return self._fitted

    def _fit(self):
        vectors, scores, shares = self._run.observations()
        seed = [self._run.problem.seed, len(vectors)]
        posterior = self.fit(vectors, as_regrets(scores), shares, seed)
        return self.with_best(posterior, vectors)


class _Forest(_Regression):
    """The random forest of a run."""

    def fit(self, vectors, regrets, shares, seed):
        """Return the fitted forest."""
        seed = int(np.random.default_rng(seed).integers(2**31))
        return forest_posterior(vectors, regrets, shares, seed)


class _Networks(_Regression):
    """The networks of a run."""

    def fit(self, vectors, regrets, shares, seed):
        """Return the fitted networks."""
        return mlp_posterior(vectors, regrets, shares, seed)

    def steps(self, tree):
        """Yield trees whose numbers are moved to where the mean falls."""
        run = self._run
        numbers = run._encoder.numbers(tree)
        if not numbers:
            return
        posterior, _ = self.posterior()
        (slope,) = posterior.gradient(run._encoder.encode([tree]))
        slopes = np.array([slope[coordinate] for _, _, coordinate, _ in numbers])
        steepest = np.abs(slopes).max()
        if steepest < 1e-9:
            return
        for length in STEP_LENGTHS:
            new = tree
            for (path, h, _, unit), s in zip(numbers, slopes, strict=True):
                node = new.at(path)
                value = h.from_unit(unit - length * float(s) / steepest)
                params = {**dict(node.params), h.name: value}
                changed = run.vocabulary.node(
                    node.operator, node.inputs, params.items()
                )
                new = new.replace_at(path, changed)
            if new != tree:
                yield new
