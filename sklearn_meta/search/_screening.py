"""Which of several offspring to evaluate: the one that is expected to gain the most.

A surrogate predicts the regret of each, with its uncertainty; the expected improvement
on their parent is weighed against the seconds that a fit is predicted to take [1]_.

References
----------
.. [1] Expected improvement per second: J. Snoek, H. Larochelle and R. P. Adams,
   "Practical Bayesian optimization of machine learning algorithms", NeurIPS 2012.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from sklearn_meta.evaluation._records import GIVEN_UP, Status
from sklearn_meta.metalearning._gaussian_process import (
    Surrogate,
    nothing_observed,
    without_memory,
)
from sklearn_meta.metalearning._tree_encoding import tree_encoder
from sklearn_meta.timing._known_datasets import family_factors

# Fewer evaluations than this say nothing of the others.
MIN_OBSERVED = 5

# The latest and the best of so many evaluations are looked at: their covariance is
# factorized in about a millisecond.
MAX_OBSERVED = 160
# The others are dropped so many at a time.
DROPPED_AT_ONCE = 40

# Beyond so many deviations, series and limits are exact to more digits than formulas.
FAR_BELOW = -30.0

# Statuses of which the scores of single folds tell something.
WITH_SCORES = (Status.OK, *GIVEN_UP)

# Statuses that say nothing of the pipeline.
WITHOUT_RESULT = (Status.SKIPPED,)


class Screening:
    """What a run has seen, and which candidates it makes look promising.

    Parameters
    ----------
    surrogate : Surrogate
    predict_seconds : callable
        ``predict_seconds(tree)``: seconds of one fit, from the operators.
    follows_clock : bool
        Whether measured seconds may correct those predicted: not in runs that are to
        be repeated.
    """

    def __init__(self, surrogate: Surrogate, predict_seconds, follows_clock):
        self._surrogate = surrogate
        self._predict_seconds = predict_seconds
        self._follows_clock = follows_clock
        self._observed = nothing_observed(surrogate)
        self._results: list[Result] = []
        self._trees = []
        self._scores: dict[str, float] = {}
        self._families, self._predicted, self._measured = [], [], []
        self._factors = surrogate.log_factors
        # Conditioned on what was told; None until it is asked for.
        self._expectation = None

    @property
    def ready(self):
        """Whether enough was told."""
        return len(self._results) >= MIN_OBSERVED

    def tell(self, evaluation):
        """Take note of an evaluation."""
        if evaluation.status in WITHOUT_RESULT:
            return
        self._results.append(Result(evaluation.status, evaluation.scores))
        self._trees.append(evaluation.candidate.tree)
        self._scores.setdefault(evaluation.candidate.text, evaluation.score)
        self._expectation = None
        if self._follows_clock and evaluation.folds:
            tree = evaluation.candidate.tree
            self._families.append(self._surrogate.encoder.family(tree))
            self._predicted.append(self._predict_seconds(tree))
            self._measured.append(evaluation.fit_seconds)

    def merits(self, trees, parent, cost_aversion):
        """Say how much is expected of evaluating each of some pipelines next.

        Parameters
        ----------
        trees : sequence of Node
        parent : Node
            What they are to improve upon. Its regret is predicted like theirs, so that
            a lucky score makes nothing look impossible.
        cost_aversion : float
            Exponent of the seconds, as far as they are above those of the parent.

        Returns
        -------
        merits : ndarray of shape (n_trees,)
            Logarithms; only their order has a meaning.
        """
        mean, deviation = self._expect().predict([*trees, parent])
        usual = self.seconds(parent)
        excess = [max(0.0, math.log(self.seconds(tree) / usual)) for tree in trees]
        gain = log_expected_improvement(mean[-1], mean[:-1], deviation[:-1])
        return gain - cost_aversion * np.array(excess)

    def seconds(self, tree):
        """Predict the seconds of one fit, corrected by what is known of the family."""
        factor = self._factors.get(self._surrogate.encoder.family(tree), 0.0)
        return self._predict_seconds(tree) * math.exp(factor)

    def _expect(self):
        if self._expectation is None:
            self._observe()
            scores, shares = comparable_scores(self._results)
            weights = self._surrogate.weights(self._scores)
            self._expectation = self._observed.expectation(scores, shares, weights)
            if self._follows_clock:
                self._factors = family_factors(
                    self._families,
                    self._predicted,
                    self._measured,
                    before=self._surrogate.log_factors,
                )
        return self._expectation

    def _observe(self):
        """Add what was told since, and leave out what says least of a long run."""
        self._observed = self._observed.with_trees(self._trees)
        self._trees = []
        n = len(self._results)
        if n <= MAX_OBSERVED + DROPPED_AT_ONCE:
            return
        scores, shares = comparable_scores(self._results)
        latest = MAX_OBSERVED // 2
        older = np.argsort(-scores[: n - latest], kind="stable")
        kept = np.sort(np.r_[older[: MAX_OBSERVED - latest], n - latest : n])
        self._observed = self._observed.take(kept)
        self._results = [self._results[i] for i in kept]


def screening_of(problem, vocabulary, predict_seconds) -> Screening:
    """Return the screening of a run on a problem.

    Parameters
    ----------
    problem : SearchProblem
    vocabulary : Vocabulary
    predict_seconds : callable
        See `Screening`.

    Returns
    -------
    screening : Screening
    """
    surrogate = problem.prior.surrogate
    if surrogate is None:
        encoder = tree_encoder(vocabulary.catalog)
        surrogate = without_memory(encoder)
    return Screening(surrogate, predict_seconds, problem.follows_clock)


@dataclass(frozen=True)
class Result:
    """What an evaluation gave: much of an `Evaluation` is not looked at again.

    Parameters
    ----------
    status : Status
    scores : tuple of float
        Of the finished folds.
    """

    status: Status
    scores: tuple[float, ...]


def comparable_scores(results):
    """Return scores as if all folds had been scored, and the share that was.

    A pruned candidate is as far from the mean of the finished ones as it was on its own
    folds; one that lost on a part of the rows is no better than the worst of them. What
    failed has a score of minus infinity.

    Parameters
    ----------
    results : sequence of Result or of Evaluation

    Returns
    -------
    scores, shares : ndarray of shape (n_results,)
    """
    n_folds = max((len(r.scores) for r in results if r.status is Status.OK), default=1)
    table = np.full((len(results), n_folds), np.nan)
    for i, result in enumerate(results):
        if result.scores and result.status in WITH_SCORES:
            table[i, : len(result.scores)] = result.scores[:n_folds]
    scored = np.isfinite(table)
    n_scored = scored.sum(axis=1)
    statuses = [r.status for r in results]
    finished = (n_scored == n_folds) & [s is Status.OK for s in statuses]
    pruned = np.array([s in GIVEN_UP for s in statuses], dtype=bool)
    fold_means = table[finished].mean(axis=0) if finished.any() else np.zeros(n_folds)
    excess = np.where(scored, table - fold_means, 0.0).sum(axis=1)
    scores = fold_means.mean() + excess / np.maximum(n_scored, 1)
    worst = scores[finished].min() if finished.any() else -np.inf
    scores = np.where(n_scored > 0, scores, np.where(pruned, worst, -np.inf))
    # Even with all of its folds, a pruned one is not among those to improve upon.
    shares = np.where(pruned, np.clip(n_scored, 0.5, n_folds - 0.5) / n_folds, 1.0)
    return scores, shares


def log_expected_improvement(best, mean, deviation):
    """Logarithm of the expected improvement of a normal variable below `best`.

    Parameters
    ----------
    best : float
    mean, deviation : ndarray of shape (n,)
        Deviations above zero.

    Returns
    -------
    log_improvement : ndarray of shape (n,)
        Of ``E[max(0, best - z)]`` for ``z ~ N(mean, deviation**2)``; finite also where
        the improvement itself is too small for a float.
    """
    u = (best - mean) / deviation
    log_density = -0.5 * u**2 - 0.5 * math.log(2 * math.pi)
    # phi(u) + u Phi(u) = phi(u) (1 + u Phi(u) / phi(u)). Far below zero the bracket
    # loses its digits, and is 1 / u**2 up to terms of u**-4; far above, the whole is u.
    near = np.clip(u, FAR_BELOW, -FAR_BELOW)
    near_density = -0.5 * near**2 - 0.5 * math.log(2 * math.pi)
    factor = 1.0 + near * np.exp(log_ndtr(near) - near_density)
    log_gain = np.where(
        u < FAR_BELOW,
        log_density - 2.0 * np.log(np.maximum(-u, 1.0)),
        near_density + np.log(np.maximum(factor, np.finfo(float).tiny)),
    )
    return np.log(deviation) + np.where(
        u > -FAR_BELOW, np.log(np.maximum(u, 1.0)), log_gain
    )
