"""Posterior weights of known datasets, given the evaluations of this run.

Each known dataset is a hypothesis: "the new one ranks pipelines as I do". The prior
weight is its similarity by meta-features; the likelihood falls with the mean squared
difference between the relative losses of the evaluated pipelines on both. A few
evaluations describe a dataset better than its meta-features do [1]_.

References
----------
.. [1] B. Pfahringer, H. Bensusan, C. Giraud-Carrier, "Meta-learning by landmarking
   various learning algorithms", ICML 2000.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_meta.metalearning._regret import LARGEST_REGRET

# Below this many scores the weights stay as they are: the relative losses of two
# pipelines are the same on any dataset, up to their order.
MIN_SCORES = 3


@dataclass(frozen=True)
class DatasetPosterior:
    """Weights of known datasets that follow the evaluations on a new one.

    Parameters
    ----------
    regrets : ndarray of shape (n_datasets, n_pipelines)
        Without NaN.
    prior_weights : ndarray of shape (n_datasets,)
        By meta-features; they sum to one.
    evidence : float, default=0.0
        Weight of the evaluations against the prior weights; 0 ignores them.
    tried : tuple of int, default=()
        Pipelines evaluated on the new dataset.
    scores : tuple of float, default=()
        Their scores; greater is better, -inf for a failure.
    """

    regrets: np.ndarray = field(repr=False)
    prior_weights: np.ndarray = field(repr=False)
    evidence: float = 0.0
    tried: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()

    def updated(self, pipeline, score) -> DatasetPosterior:
        """Return the posterior after one more evaluation.

        Parameters
        ----------
        pipeline : int
            A pipeline that was evaluated before changes nothing.
        score : float
            Greater is better; not finite for a failure.

        Returns
        -------
        posterior : DatasetPosterior
        """
        if pipeline in self.tried:
            return self
        score = float(score) if np.isfinite(score) else -np.inf
        return replace(
            self, tried=(*self.tried, pipeline), scores=(*self.scores, score)
        )

    @property
    def weights(self):
        """Posterior weights, of shape (n_datasets,), that sum to one."""
        if self.evidence <= 0 or len(self.tried) < MIN_SCORES:
            return self.prior_weights
        tried = list(self.tried)
        here = _relative_losses(-np.array(self.scores)[None, :])[0]
        there = _relative_losses(self.regrets[:, tried])
        misfit = ((here - there) ** 2).mean(axis=1)
        # The evidence grows with the root of the number of evaluations: those of one
        # learner are not independent.
        log_likelihood = -self.evidence * np.sqrt(len(tried)) * misfit
        weights = self.prior_weights * np.exp(log_likelihood - log_likelihood.max())
        total = weights.sum()
        return weights / total if total > 0 else self.prior_weights


def _relative_losses(losses):
    """Scale each row: 0 for its best loss, 1 for its median one."""
    finite = np.isfinite(losses)
    worst = np.where(finite, losses, -np.inf).max(axis=1, keepdims=True)
    # A failure is as bad as the worst of the others.
    losses = np.where(finite, losses, np.where(np.isfinite(worst), worst, 0.0))
    best = losses.min(axis=1, keepdims=True)
    scale = np.median(losses, axis=1, keepdims=True) - best
    mean = losses.mean(axis=1, keepdims=True) - best
    scale = np.where(scale > 1e-12, scale, np.where(mean > 1e-12, mean, 1.0))
    return np.clip((losses - best) / scale, 0.0, LARGEST_REGRET)
