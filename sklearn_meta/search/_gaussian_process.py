"""A surrogate of the regret of any pipeline, from other datasets and from this run.

======  ================  ===========================================================
symbol  shape             meaning
======  ================  ===========================================================
R       (D, P)            regrets of known pipelines on known datasets
w       (D,)              posterior weights of the datasets
k       tree x tree       covariance of the regrets of two pipelines on one dataset
A       (n, P)            what pipelines are made up of: ``k(t, P) k(P, P)^-1``
B       (n, D)            its deviation on each dataset, times ``sqrt(w)``
======  ================  ===========================================================

Each dataset is a hypothesis of what the new one is like, as in `_posterior`: on it, a
pipeline that is known has the regret R, and any other one what a Gaussian process with
kernel ``k`` makes of the known ones. The mixture of all hypotheses is replaced by the
Gaussian process of the same mean and covariance [1]_,

    m(t) = mu + A(t) (w' R - mu),
    c(s, t) = B(s) B(t)' + k(s, t) - A(s) k(P, t),

which is then conditioned on the evaluations of this run. The first part of the
covariance says which pipelines do well together on datasets, the second one which are
alike. Without any known dataset, only the kernel and a constant mean are left.

References
----------
.. [1] The empirical mean and covariance over earlier tasks as the prior of a Gaussian
   process: Wang, Kim and Kaelbling, "Regret bounds for meta Bayesian optimization with
   an unknown Gaussian process prior", NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from sklearn_meta.metalearning._regret import LARGEST_REGRET
from sklearn_meta.metalearning._reranking import PortfolioReranker
from sklearn_meta.pipelines._tree import Node
from sklearn_meta.search._tree_encoding import TreeEncoder, TreeVectors

# Variances of the regret over pipelines of one dataset, and the inverse of squared
# length scales. Near those of the greatest likelihood on a matrix of 75 classification
# and 56 regression datasets, and the best of a dozen on left-out families (see
# ``benchmarks/HISTORY.md``).
CONSTANT, BY_SHAPE, BY_VALUES, OWN = 0.1, 0.17, 0.24, 0.08
SHAPE_SCALE, VALUE_SCALE = 0.5, 1.0

# What is expected of a pipeline of which nothing is known: a median one.
UNKNOWN_REGRET = 1.0

# Variance of a mean over all folds as a measure of the regret; grows as folds lack.
NOISE = 0.15

# The best and the median of the evaluations are at least this far apart in regret.
LEAST_SPREAD = 0.1

# Known pipelines that are looked at: a matrix of so many rows is inverted once.
MAX_KNOWN = 250


def kernel(a: TreeVectors, b: TreeVectors):
    """Covariance of the regrets of pipelines on one dataset, shape (len(a), len(b))."""
    shape = squared_distances(a.shapes, b.shapes)
    values = squared_distances(a.values, b.values)
    return (
        CONSTANT
        + BY_SHAPE * np.exp(-0.5 * SHAPE_SCALE * shape)
        + BY_VALUES * np.exp(-0.5 * (SHAPE_SCALE * shape + VALUE_SCALE * values))
        + OWN * (shape + values < 1e-9)
    )


def squared_distances(a, b):
    """Squared Euclidean distances between the rows of `a` and of `b`."""
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * a @ b.T
    return np.maximum(squared, 0.0)


@dataclass(frozen=True)
class Surrogate:
    """What is expected of any pipeline; see `learn_surrogate` and `without_memory`.

    Parameters
    ----------
    encoder : TreeEncoder
    known : TreeVectors
        Of P pipelines.
    regrets : ndarray of shape (D, P)
    inverse : ndarray of shape (P, P)
        Of the covariance of the known pipelines.
    reranker : PortfolioReranker or None
        Whose posterior weighs the datasets. None without datasets.
    """

    encoder: TreeEncoder = field(repr=False)
    known: TreeVectors = field(repr=False)
    regrets: np.ndarray = field(repr=False)
    inverse: np.ndarray = field(repr=False)
    reranker: PortfolioReranker | None = field(default=None, repr=False)

    def mixture(self, vectors):
        """Return what pipelines are made up of: A, of shape (n, P)."""
        return kernel(vectors, self.known) @ self.inverse

    def weights(self, scores: Mapping[str, float]):
        """Return the weights of the datasets after some evaluations.

        Parameters
        ----------
        scores : mapping of str to float
            By canonical text, in the order in which they were told.

        Returns
        -------
        weights : ndarray of shape (D,)
        """
        if self.reranker is None:
            return np.empty(0)
        return self.reranker.posterior_after(scores).weights


@dataclass(frozen=True)
class Observed:
    """Pipelines of this run, and what of their covariance does not change.

    Parameters
    ----------
    surrogate : Surrogate
    vectors : TreeVectors
        Of n pipelines.
    to_known, mixture : ndarray of shape (n, P)
        Covariance with the known pipelines, and what they are made up of.
    rest : ndarray of shape (n, n)
        Covariance that the known pipelines leave unexplained.
    """

    surrogate: Surrogate = field(repr=False)
    vectors: TreeVectors = field(repr=False)
    to_known: np.ndarray = field(repr=False)
    mixture: np.ndarray = field(repr=False)
    rest: np.ndarray = field(repr=False)

    def __len__(self):
        return len(self.vectors)

    def with_trees(self, trees: Sequence[Node]) -> Observed:
        """Return these pipelines and some more."""
        vectors = self.surrogate.encoder.encode(trees)
        to_known = kernel(vectors, self.surrogate.known)
        mixture = to_known @ self.surrogate.inverse
        cross = self.rest_of(vectors, mixture)
        own = kernel(vectors, vectors) - mixture @ to_known.T
        return Observed(
            self.surrogate,
            self.vectors.followed_by(vectors),
            np.concatenate([self.to_known, to_known]),
            np.concatenate([self.mixture, mixture]),
            np.block([[self.rest, cross.T], [cross, own]]),
        )

    def take(self, rows) -> Observed:
        """Return some of these pipelines."""
        return Observed(
            self.surrogate,
            self.vectors.take(rows),
            self.to_known[rows],
            self.mixture[rows],
            self.rest[np.ix_(rows, rows)],
        )

    def rest_of(self, vectors, mixture):
        """Unexplained covariance of other pipelines with these."""
        return kernel(vectors, self.vectors) - mixture @ self.to_known.T

    def expectation(self, scores, shares, weights) -> Expectation:
        """Return what is expected after the evaluations of these pipelines.

        Parameters
        ----------
        scores : ndarray of shape (n,)
            Greater is better; minus infinity where a pipeline failed.
        shares : ndarray of shape (n,)
            Shares of the folds that were scored, above zero.
        weights : ndarray of shape (D,)
            Of the datasets.

        Returns
        -------
        expectation : Expectation
        """
        regrets = self.surrogate.regrets
        mean = weights @ regrets - UNKNOWN_REGRET
        deviations = regrets - weights @ regrets
        shared = (weights[:, None] * deviations).T @ deviations
        to_observed = shared @ self.mixture.T
        covariance = self.mixture @ to_observed + self.rest
        covariance[np.diag_indices_from(covariance)] += NOISE / shares
        factor = cho_factor(covariance, lower=True)
        losses = self._as_regrets(scores, weights)
        surprise = losses - UNKNOWN_REGRET - self.mixture @ mean
        return Expectation(
            observed=self,
            mean=mean,
            shared=shared,
            to_observed=to_observed,
            factor=factor[0],
            solution=cho_solve(factor, surprise),
        )

    def _as_regrets(self, scores, weights):
        """Put the scores of this run on the scale of the regrets.

        The best and the median of them get the regrets that the best and the median of
        the same pipelines are expected to have on the datasets.
        """
        finite = np.isfinite(scores)
        if not finite.any():
            return np.full(len(scores), LARGEST_REGRET)
        losses = scores[finite].max() - scores
        best, median = 0.0, UNKNOWN_REGRET
        if len(weights):
            regrets = self.surrogate.regrets - UNKNOWN_REGRET
            there = UNKNOWN_REGRET + self.mixture[finite] @ regrets.T
            best = float(weights @ there.min(axis=0))
            median = float(weights @ np.median(there, axis=0))
        middle = np.median(losses[finite])
        if middle <= 1e-12:
            middle = losses[finite].mean()
        scale = max(median - best, LEAST_SPREAD) / middle if middle > 1e-12 else 0.0
        regrets = best + scale * np.where(finite, losses, 0.0)
        return np.where(finite, np.minimum(regrets, LARGEST_REGRET), LARGEST_REGRET)


@dataclass(frozen=True)
class Expectation:
    """A surrogate conditioned on the evaluations of a run.

    Parameters
    ----------
    observed : Observed
        n evaluated pipelines.
    mean : ndarray of shape (P,)
        Expected regrets of the known pipelines, less that of an unknown one.
    shared : ndarray of shape (P, P)
        Covariance of the known pipelines over the weighted datasets.
    to_observed : ndarray of shape (P, n)
        The same with what the evaluated pipelines are made up of.
    factor : ndarray of shape (n, n)
        Cholesky factor, lower, of the covariance of the evaluations.
    solution : ndarray of shape (n,)
    """

    observed: Observed = field(repr=False)
    mean: np.ndarray = field(repr=False)
    shared: np.ndarray = field(repr=False)
    to_observed: np.ndarray = field(repr=False)
    factor: np.ndarray = field(repr=False)
    solution: np.ndarray = field(repr=False)

    def predict(self, trees: Sequence[Node]):
        """Predict the regrets of pipelines.

        Parameters
        ----------
        trees : sequence of Node

        Returns
        -------
        mean, deviation : ndarray of shape (n_trees,)
            Expected regret and its standard deviation.
        """
        surrogate = self.observed.surrogate
        vectors = surrogate.encoder.encode(trees)
        to_known = kernel(vectors, surrogate.known)
        mixture = to_known @ surrogate.inverse
        cross = mixture @ self.to_observed
        cross += self.observed.rest_of(vectors, mixture)
        explained = solve_triangular(self.factor, cross.T, lower=True)
        variance = CONSTANT + BY_SHAPE + BY_VALUES + OWN
        variance = variance - (mixture * to_known).sum(axis=1)
        variance += (mixture * (mixture @ self.shared)).sum(axis=1)
        variance -= (explained**2).sum(axis=0)
        mean = UNKNOWN_REGRET + mixture @ self.mean + cross @ self.solution
        return mean, np.sqrt(np.maximum(variance, 1e-9))


def nothing_observed(surrogate: Surrogate) -> Observed:
    """Return the start of a run."""
    vectors = surrogate.encoder.encode([])
    none_known = np.empty((0, len(surrogate.known)))
    return Observed(surrogate, vectors, none_known, none_known, np.empty((0, 0)))


def without_memory(encoder: TreeEncoder) -> Surrogate:
    """Return a surrogate that learns from the run alone."""
    nothing = np.empty((0, 0))
    return Surrogate(encoder, encoder.encode([]), nothing, nothing)


def learn_surrogate(encoder, trees, reranker) -> Surrogate:
    """Return a surrogate that begins with what is known of other datasets.

    Parameters
    ----------
    encoder : TreeEncoder
    trees : mapping of int to Node
        Known pipelines, by their column in the regrets; the first `MAX_KNOWN` of them
        are looked at.
    reranker : PortfolioReranker
        With the regrets and the posterior of the datasets.

    Returns
    -------
    surrogate : Surrogate
    """
    numbers = list(trees)[:MAX_KNOWN]
    known = encoder.encode([trees[i] for i in numbers])
    covariance = kernel(known, known) + 1e-6 * np.eye(len(known))
    return Surrogate(
        encoder=encoder,
        known=known,
        regrets=reranker.criterion.regrets[:, numbers],
        inverse=np.linalg.inv(covariance),
        reranker=reranker,
    )
