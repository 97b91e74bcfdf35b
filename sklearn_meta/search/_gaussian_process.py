"""Gaussian process surrogate of the regret of pipelines, with a prior from datasets.

======  ================  ===========================================================
symbol  shape             meaning
======  ================  ===========================================================
R       (D, P)            regrets of known pipelines on known datasets
w       (D,)              posterior weights of the datasets
k       tree x tree       covariance of the regrets of two pipelines on one dataset
A       (n, P)            coefficients of known pipelines: ``k(t, P) k(P, P)^-1``
B       (n, D)            deviations of the datasets: ``A (R - w' R)' sqrt(w)``
======  ================  ===========================================================

Each known dataset is a hypothesis about the new one, as in
`sklearn_meta.metalearning._posterior`: under it, a known pipeline has the regret R, and
the regret of any other pipeline is predicted from the known ones by a Gaussian process
with kernel ``k``. The mixture of all hypotheses is approximated by the Gaussian process
of the same mean and covariance [1]_,

    m(t) = mu + A(t) (w' R - mu),
    c(s, t) = B(s) B(t)' + k(s, t) - A(s) k(P, t),

which is then conditioned on the evaluations of the run. ``mu`` is the constant
`PRIOR_MEAN`. The first term of the covariance is the correlation of pipelines over
datasets, the second one the similarity of their trees. Without known datasets, the
prior is the kernel with a constant mean.

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

# Components of the variance of the regret over the pipelines of one dataset, and
# inverse squared length scales. Close to the maximum of the likelihood on a matrix of
# 75 classification and 56 regression datasets; the best of a dozen settings on held-out
# dataset families (see ``benchmarks/HISTORY.md``).
CONSTANT_VARIANCE, SHAPE_VARIANCE = 0.1, 0.17
VALUE_VARIANCE, IDENTITY_VARIANCE = 0.24, 0.08
SHAPE_SCALE, VALUE_SCALE = 0.5, 1.0

# Prior mean of the regret of an unknown pipeline: that of a median pipeline.
PRIOR_MEAN = 1.0

# Noise variance of an evaluation on all folds; inversely proportional to the share of
# folds that were scored.
NOISE = 0.15

# Minimum difference in regret between the best and the median evaluation.
MIN_SPREAD = 0.1

# Maximum number of known pipelines: a matrix with as many rows is inverted once.
MAX_KNOWN = 250


def kernel(a: TreeVectors, b: TreeVectors):
    """Covariance of the regrets of pipelines on one dataset.

    A sum of a constant, squared exponential kernels of the shape and of the shape and
    the values of a tree, and a term for identical trees.

    Parameters
    ----------
    a, b : TreeVectors

    Returns
    -------
    covariance : ndarray of shape (len(a), len(b))
    """
    shape = squared_distances(a.shapes, b.shapes)
    values = squared_distances(a.values, b.values)
    return (
        CONSTANT_VARIANCE
        + SHAPE_VARIANCE * np.exp(-0.5 * SHAPE_SCALE * shape)
        + VALUE_VARIANCE * np.exp(-0.5 * (SHAPE_SCALE * shape + VALUE_SCALE * values))
        + IDENTITY_VARIANCE * (shape + values < 1e-9)
    )


def squared_distances(a, b):
    """Squared Euclidean distances between the rows of `a` and of `b`."""
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * a @ b.T
    return np.maximum(squared, 0.0)


@dataclass(frozen=True)
class Surrogate:
    """Gaussian process prior of the regrets; see `surrogate_from_datasets`.

    Parameters
    ----------
    encoder : TreeEncoder
    known : TreeVectors
        Vectors of the P known pipelines.
    regrets : ndarray of shape (D, P)
        Regrets of the known pipelines on the known datasets.
    inverse : ndarray of shape (P, P)
        Inverse of the covariance of the known pipelines.
    reranker : PortfolioReranker or None, default=None
        Source of the posterior weights of the datasets. None without datasets.
    """

    encoder: TreeEncoder = field(repr=False)
    known: TreeVectors = field(repr=False)
    regrets: np.ndarray = field(repr=False)
    inverse: np.ndarray = field(repr=False)
    reranker: PortfolioReranker | None = field(default=None, repr=False)

    def coefficients(self, vectors):
        """Return the coefficients A of the known pipelines, of shape (n, P)."""
        return kernel(vectors, self.known) @ self.inverse

    def weights(self, scores: Mapping[str, float]):
        """Return the posterior weights of the datasets, given evaluations.

        Parameters
        ----------
        scores : mapping of str to float
            Scores by canonical text, in the order in which they were told.

        Returns
        -------
        weights : ndarray of shape (D,)
        """
        if self.reranker is None:
            return np.empty(0)
        return self.reranker.posterior_after(scores).weights


@dataclass(frozen=True)
class Observations:
    """Evaluated pipelines, with the parts of their covariance that do not change.

    Parameters
    ----------
    surrogate : Surrogate
    vectors : TreeVectors
        Vectors of the n evaluated pipelines.
    to_known : ndarray of shape (n, P)
        Covariance with the known pipelines.
    coefficients : ndarray of shape (n, P)
        Coefficients A of the known pipelines.
    residual : ndarray of shape (n, n)
        Covariance given the known pipelines.
    """

    surrogate: Surrogate = field(repr=False)
    vectors: TreeVectors = field(repr=False)
    to_known: np.ndarray = field(repr=False)
    coefficients: np.ndarray = field(repr=False)
    residual: np.ndarray = field(repr=False)

    def __len__(self):
        return len(self.vectors)

    def with_trees(self, trees: Sequence[Node]) -> Observations:
        """Return the observations with further pipelines appended."""
        vectors = self.surrogate.encoder.encode(trees)
        to_known = kernel(vectors, self.surrogate.known)
        coefficients = to_known @ self.surrogate.inverse
        cross = self.residual_with(vectors, coefficients)
        own = kernel(vectors, vectors) - coefficients @ to_known.T
        return Observations(
            self.surrogate,
            self.vectors.concatenate(vectors),
            np.concatenate([self.to_known, to_known]),
            np.concatenate([self.coefficients, coefficients]),
            np.block([[self.residual, cross.T], [cross, own]]),
        )

    def take(self, rows) -> Observations:
        """Return the observations of some of the pipelines, by index."""
        return Observations(
            self.surrogate,
            self.vectors.take(rows),
            self.to_known[rows],
            self.coefficients[rows],
            self.residual[np.ix_(rows, rows)],
        )

    def residual_with(self, vectors, coefficients):
        """Return the covariance of other pipelines with these, given the known ones."""
        return kernel(vectors, self.vectors) - coefficients @ self.to_known.T

    def posterior(self, scores, shares, weights) -> Posterior:
        """Return the posterior, given the evaluations of these pipelines.

        Parameters
        ----------
        scores : ndarray of shape (n,)
            Scores of the pipelines, greater is better; minus infinity for a failure.
        shares : ndarray of shape (n,)
            Shares of the folds that were scored, in (0, 1].
        weights : ndarray of shape (D,)
            Posterior weights of the datasets; see `Surrogate.weights`.

        Returns
        -------
        posterior : Posterior
        """
        regrets = self.surrogate.regrets
        mean = weights @ regrets - PRIOR_MEAN
        deviations = regrets - weights @ regrets
        shared = (weights[:, None] * deviations).T @ deviations
        to_observations = shared @ self.coefficients.T
        covariance = self.coefficients @ to_observations + self.residual
        covariance[np.diag_indices_from(covariance)] += NOISE / shares
        factor = cho_factor(covariance, lower=True)
        losses = self._as_regrets(scores, weights)
        residuals = losses - PRIOR_MEAN - self.coefficients @ mean
        return Posterior(
            observations=self,
            mean=mean,
            shared=shared,
            to_observations=to_observations,
            factor=factor[0],
            solution=cho_solve(factor, residuals),
        )

    def _as_regrets(self, scores, weights):
        """Map scores linearly to regrets.

        The best and the median score are mapped to the expected regrets of the best and
        the median of the same pipelines on the known datasets.
        """
        finite = np.isfinite(scores)
        if not finite.any():
            return np.full(len(scores), LARGEST_REGRET)
        losses = scores[finite].max() - scores
        best, median = 0.0, PRIOR_MEAN
        if len(weights):
            regrets = self.surrogate.regrets - PRIOR_MEAN
            expected = PRIOR_MEAN + self.coefficients[finite] @ regrets.T
            best = float(weights @ expected.min(axis=0))
            median = float(weights @ np.median(expected, axis=0))
        middle = np.median(losses[finite])
        if middle <= 1e-12:
            middle = losses[finite].mean()
        scale = max(median - best, MIN_SPREAD) / middle if middle > 1e-12 else 0.0
        regrets = best + scale * np.where(finite, losses, 0.0)
        return np.where(finite, np.minimum(regrets, LARGEST_REGRET), LARGEST_REGRET)


@dataclass(frozen=True)
class Posterior:
    """Posterior of the regrets: the surrogate conditioned on evaluations.

    Parameters
    ----------
    observations : Observations
        The n evaluated pipelines.
    mean : ndarray of shape (P,)
        Expected regrets of the known pipelines, minus `PRIOR_MEAN`.
    shared : ndarray of shape (P, P)
        Covariance of the known pipelines over the weighted datasets.
    to_observations : ndarray of shape (P, n)
        Covariance of the known and the evaluated pipelines over the datasets.
    factor : ndarray of shape (n, n)
        Lower Cholesky factor of the covariance of the evaluations.
    solution : ndarray of shape (n,)
        Covariance matrix of the evaluations, inverted, times their residuals.
    """

    observations: Observations = field(repr=False)
    mean: np.ndarray = field(repr=False)
    shared: np.ndarray = field(repr=False)
    to_observations: np.ndarray = field(repr=False)
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
            Posterior mean and standard deviation of the regret.
        """
        surrogate = self.observations.surrogate
        vectors = surrogate.encoder.encode(trees)
        to_known = kernel(vectors, surrogate.known)
        coefficients = to_known @ surrogate.inverse
        cross = coefficients @ self.to_observations
        cross += self.observations.residual_with(vectors, coefficients)
        explained = solve_triangular(self.factor, cross.T, lower=True)
        variance = (
            CONSTANT_VARIANCE + SHAPE_VARIANCE + VALUE_VARIANCE + IDENTITY_VARIANCE
        )
        variance = variance - (coefficients * to_known).sum(axis=1)
        variance += (coefficients * (coefficients @ self.shared)).sum(axis=1)
        variance -= (explained**2).sum(axis=0)
        mean = PRIOR_MEAN + coefficients @ self.mean + cross @ self.solution
        return mean, np.sqrt(np.maximum(variance, 1e-9))


def no_observations(surrogate: Surrogate) -> Observations:
    """Return observations without any pipeline, the state at the start of a run."""
    vectors = surrogate.encoder.encode([])
    none_known = np.empty((0, len(surrogate.known)))
    return Observations(surrogate, vectors, none_known, none_known, np.empty((0, 0)))


def surrogate_without_datasets(encoder: TreeEncoder) -> Surrogate:
    """Return a surrogate without known datasets: a constant mean and the kernel."""
    nothing = np.empty((0, 0))
    return Surrogate(encoder, encoder.encode([]), nothing, nothing)


def surrogate_from_datasets(encoder, trees, reranker) -> Surrogate:
    """Return a surrogate with a prior from known datasets.

    Parameters
    ----------
    encoder : TreeEncoder
    trees : mapping of int to Node
        Known pipelines, by their column in the regrets; only the first `MAX_KNOWN` are
        used.
    reranker : PortfolioReranker
        Regrets and posterior weights of the datasets.

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
