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

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from sklearn_meta.metalearning._regret import LARGEST_REGRET
from sklearn_meta.metalearning._reranking import PortfolioReranker
from sklearn_meta.search._tree_encoding import TreeEncoder, TreeVectors
from sklearn_meta.search._tree_kernel import DEFAULT_KERNEL, TreeKernel

# Prior mean of the regret of an unknown pipeline: that of a median pipeline.
PRIOR_MEAN = 1.0

# Minimum difference in regret between the best and the median evaluation.
MIN_SPREAD = 0.1

# Added to the diagonal of covariance matrices that are inverted.
JITTER = 1e-6

# Passes over the hyperparameters of the kernel, and the largest factor by which they
# may differ from those that were found on other datasets.
N_PASSES, LARGEST_FACTOR = 3, 8.0

# Maximum number of known pipelines: a matrix with as many rows is inverted once.
MAX_KNOWN = 250


@dataclass(frozen=True)
class Surrogate:
    """Gaussian process prior of the regrets; see `surrogate_from_datasets`.

    Parameters
    ----------
    encoder : TreeEncoder
    kernel : TreeKernel
        Covariance of the regrets of two pipelines on one dataset.
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
    kernel: TreeKernel
    known: TreeVectors = field(repr=False)
    regrets: np.ndarray = field(repr=False)
    inverse: np.ndarray = field(repr=False)
    reranker: PortfolioReranker | None = field(default=None, repr=False)

    def with_kernel(self, kernel) -> Surrogate:
        """Return the surrogate with another kernel."""
        return replace(self, kernel=kernel, inverse=_inverse(kernel, self.known))

    def coefficients(self, vectors):
        """Return the coefficients A of the known pipelines, of shape (n, P)."""
        return self.kernel(vectors, self.known) @ self.inverse

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

    def with_trees(self, vectors: TreeVectors) -> Observations:
        """Return the observations with further pipelines appended."""
        to_known = self.surrogate.kernel(vectors, self.surrogate.known)
        coefficients = to_known @ self.surrogate.inverse
        cross = self.residual_with(vectors, coefficients)
        own = self.surrogate.kernel(vectors, vectors) - coefficients @ to_known.T
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
        kernel = self.surrogate.kernel
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
        covariance[np.diag_indices_from(covariance)] += (
            self.surrogate.kernel.noise / shares
        )
        factor = cho_factor(covariance, lower=True)
        losses = self._as_regrets(scores, weights)
        residuals = losses - PRIOR_MEAN - self.coefficients @ mean
        return Posterior(
            observations=self,
            mean=mean,
            shared=shared,
            to_observations=to_observations,
            factor=factor[0],
            residuals=residuals,
            solution=cho_solve(factor, residuals),
        )

    def _as_regrets(self, scores, weights):
        """Map scores linearly to regrets.

        The best and the median score are mapped to the expected regrets of the best and
        the median of the same pipelines on the known datasets.
        """
        finite = np.isfinite(scores)
        if not finite.any() or not len(weights):
            return as_regrets(scores)
        regrets = self.surrogate.regrets - PRIOR_MEAN
        expected = PRIOR_MEAN + self.coefficients[finite] @ regrets.T
        best = float(weights @ expected.min(axis=0))
        median = float(weights @ np.median(expected, axis=0))
        return as_regrets(scores, best, median)


def as_regrets(scores, best=0.0, median=PRIOR_MEAN):
    """Map scores linearly to regrets, such that the units of the score do not matter.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Greater is better; not finite for a failure.
    best, median : float
        Regrets of the best and of the median score.

    Returns
    -------
    regrets : ndarray of shape (n,)
        At most `LARGEST_REGRET`, which failures have.
    """
    finite = np.isfinite(scores)
    if not finite.any():
        return np.full(len(scores), LARGEST_REGRET)
    losses = scores[finite].max() - np.where(finite, scores, 0.0)
    middle = np.median(losses[finite])
    if middle <= 1e-12:
        middle = losses[finite].mean()
    scale = max(median - best, MIN_SPREAD) / middle if middle > 1e-12 else 0.0
    # Nothing is known of equal scores but that none is the best.
    first = best if middle > 1e-12 else median
    regrets = np.minimum(first + scale * losses, LARGEST_REGRET)
    return np.where(finite, regrets, LARGEST_REGRET)


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
    residuals : ndarray of shape (n,)
        Regrets of the evaluated pipelines, minus those expected before.
    solution : ndarray of shape (n,)
        Covariance matrix of the evaluations, inverted, times their residuals.
    """

    observations: Observations = field(repr=False)
    mean: np.ndarray = field(repr=False)
    shared: np.ndarray = field(repr=False)
    to_observations: np.ndarray = field(repr=False)
    factor: np.ndarray = field(repr=False)
    residuals: np.ndarray = field(repr=False)
    solution: np.ndarray = field(repr=False)

    @property
    def log_marginal_likelihood(self) -> float:
        """Logarithm of the density of the observed regrets under the prior."""
        log_determinant = np.log(np.diag(self.factor)).sum()
        return float(
            -0.5 * self.residuals @ self.solution
            - log_determinant
            - 0.5 * len(self.residuals) * math.log(2 * math.pi)
        )

    def predict(self, vectors: TreeVectors):
        """Predict the regrets of pipelines.

        Parameters
        ----------
        vectors : TreeVectors
            Of the pipelines.

        Returns
        -------
        mean, deviation : ndarray of shape (n_trees,)
            Posterior mean and standard deviation of the regret.
        """
        surrogate = self.observations.surrogate
        to_known = surrogate.kernel(vectors, surrogate.known)
        coefficients = to_known @ surrogate.inverse
        cross = coefficients @ self.to_observations
        cross += self.observations.residual_with(vectors, coefficients)
        explained = solve_triangular(self.factor, cross.T, lower=True)
        variance = surrogate.kernel.variance - (coefficients * to_known).sum(axis=1)
        variance += (coefficients * (coefficients @ self.shared)).sum(axis=1)
        variance -= (explained**2).sum(axis=0)
        mean = PRIOR_MEAN + coefficients @ self.mean + cross @ self.solution
        return mean, np.sqrt(np.maximum(variance, 1e-9))


def no_observations(surrogate: Surrogate) -> Observations:
    """Return observations without any pipeline, the state at the start of a run."""
    vectors = surrogate.encoder.encode([])
    none_known = np.empty((0, len(surrogate.known)))
    return Observations(surrogate, vectors, none_known, none_known, np.empty((0, 0)))


def surrogate_without_datasets(encoder, kernel=DEFAULT_KERNEL) -> Surrogate:
    """Return a surrogate without known datasets: a constant mean and the kernel."""
    nothing = np.empty((0, 0))
    return Surrogate(encoder, kernel, encoder.encode([]), nothing, nothing)


def surrogate_from_datasets(
    encoder, trees, reranker, kernel=DEFAULT_KERNEL
) -> Surrogate:
    """Return a surrogate with a prior from known datasets.

    Parameters
    ----------
    encoder : TreeEncoder
    trees : mapping of int to Node
        Known pipelines, by their column in the regrets; only the first `MAX_KNOWN` are
        used.
    reranker : PortfolioReranker
        Regrets and posterior weights of the datasets.
    kernel : TreeKernel, default=DEFAULT_KERNEL

    Returns
    -------
    surrogate : Surrogate
    """
    numbers = list(trees)[:MAX_KNOWN]
    known = encoder.encode([trees[i] for i in numbers])
    return Surrogate(
        encoder=encoder,
        kernel=kernel,
        known=known,
        regrets=reranker.criterion.regrets[:, numbers],
        inverse=_inverse(kernel, known),
        reranker=reranker,
    )


def _inverse(kernel, known):
    """Return the inverse of the covariance of the known pipelines."""
    return np.linalg.inv(kernel(known, known) + JITTER * np.eye(len(known)))


def fit_kernel(
    observations: Observations, scores, shares, weights
) -> tuple[Surrogate, Observations]:
    """Fit the hyperparameters of the kernel by the marginal likelihood.

    The length scales of shapes and values, the variance and the noise are doubled or
    halved, one after the other, as long as the likelihood of the observations
    increases, at most to `LARGEST_FACTOR` times of what they were. With few
    observations, finer steps would follow their noise.

    Parameters
    ----------
    observations : Observations
    scores, shares, weights : ndarray
        See `Observations.posterior`.

    Returns
    -------
    surrogate : Surrogate
        With the fitted kernel.
    observations : Observations
        Of the same pipelines, for the new surrogate.
    """

    def likelihood(of):
        return of.posterior(scores, shares, weights).log_marginal_likelihood

    def with_kernel(kernel):
        vectors = observations.vectors
        return no_observations(observations.surrogate.with_kernel(kernel)).with_trees(
            vectors
        )

    first = observations.surrogate.kernel
    best, found = likelihood(observations), observations
    for _ in range(N_PASSES):
        before = best
        for name in ("shape_scale", "value_scale", "amplitude", "noise"):
            for factor in (2.0, 0.5):
                kernel = found.surrogate.kernel
                value = getattr(kernel, name) * factor
                ratio = value / getattr(first, name)
                if not 1 / LARGEST_FACTOR <= ratio <= LARGEST_FACTOR:
                    continue
                tried = with_kernel(replace(kernel, **{name: value}))
                reached = likelihood(tried)
                if reached > best:
                    best, found = reached, tried
                    break
        if best == before:
            break
    return found.surrogate, found
