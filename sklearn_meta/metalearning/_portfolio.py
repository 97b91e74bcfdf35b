r"""Greedy portfolio selection by expected regret reduction.

==========  ==========================  ===============================================
symbol      shape                       meaning
==========  ==========================  ===============================================
r           (n_datasets, n_pipelines)   regrets, without NaN
w           (n_datasets,)               weights of the datasets
t           (n_pipelines,)              expected seconds of one fit
R_d(S)                                  regret of the set S on dataset d
rho_d(k)                                regret of the best pipeline of the k-th best
                                        learner in S on dataset d
==========  ==========================  ===============================================

The next pipeline maximizes

    sum_d w_d (R_d(S) - R_d(S + p)) / (t_p^a (1 + t_p / much_time)),
    R_d(S) = rho_d(1) + diversity * rho_d(2) + diversity^2 * rho_d(3).

With a diversity of 0 and equal weights this is the static greedy portfolio [1]_, which
achieves at least 63 % (1 - 1/e) of the reduction of the best set of the same size [2]_.
The second and third learner count because what was tried is combined in the end, and
learners that err differently combine better.

References
----------
.. [1] M. Feurer, K. Eggensperger, S. Falkner, M. Lindauer, F. Hutter, "Auto-Sklearn
   2.0: Hands-free AutoML via meta-learning", JMLR 23, 2022.
.. [2] G. L. Nemhauser, L. A. Wolsey, M. L. Fisher, "An analysis of approximations for
   maximizing submodular set functions", Mathematical Programming 14, 1978.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sklearn_meta.metalearning._regret import LARGEST_REGRET

# Number of learners whose best regrets count.
N_LEARNERS = 3

# Weight of the mean regret of a pipeline beside the reduction: it decides between
# pipelines that reduce nothing, and is too small to outweigh a reduction.
TIE_BREAK = 0.02


@dataclass(frozen=True)
class PortfolioCriterion:
    """Expected regret reduction of each pipeline, per second to some power.

    Parameters
    ----------
    regrets : ndarray of shape (n_datasets, n_pipelines)
        Without NaN.
    seconds : ndarray of shape (n_pipelines,)
        Expected seconds of one fit on the new dataset.
    learners : ndarray of int of shape (n_pipelines,)
        Learner of each pipeline, numbered from 0.
    diversity : float, default=0.0
        Weight of the second-best learner's regret relative to that of the best one,
        and of the third relative to the second; in [0, 1].
    time_aversion : float, default=0.0
        Exponent of the seconds; 0 ignores them.
    little_time : float, default=0.0
        Seconds that are added to those of each pipeline before the power is taken, so
        that differences far below do not count.
    much_time : float, default=inf
        Seconds of one fit that halve the value of a pipeline.
    """

    regrets: np.ndarray = field(repr=False)
    seconds: np.ndarray = field(repr=False)
    learners: np.ndarray = field(repr=False)
    diversity: float = 0.0
    time_aversion: float = 0.0
    little_time: float = 0.0
    much_time: float = np.inf

    def gains(self, weights, chosen=()):
        """Return the value of adding each pipeline to those chosen so far.

        Parameters
        ----------
        weights : ndarray of shape (n_datasets,)
            They sum to one.
        chosen : sequence of int, default=()
            Pipelines that were chosen before.

        Returns
        -------
        gains : ndarray of shape (n_pipelines,)
            Comparable with each other only.
        """
        best = self._best_of_learners(chosen)
        before = weights @ self._regret_of_set(best)
        gains = np.empty(self.regrets.shape[1])
        for learner, (pipelines, regrets) in enumerate(self._by_learner):
            # Its best regret with each of its pipelines, beside the other learners'.
            becomes = np.minimum(best[:, [learner]], regrets)
            others = np.sort(np.delete(best, learner, axis=1), axis=1)[:, :N_LEARNERS]
            gains[pipelines] = before - self._mean_regret_with(becomes, others, weights)
        gains += TIE_BREAK * (LARGEST_REGRET - weights @ self.regrets)
        price = (self.seconds + self.little_time) ** self.time_aversion
        return gains / (price * (1 + self.seconds / self.much_time))

    def select(self, n, weights, chosen=(), among=None):
        """Choose pipelines greedily.

        Parameters
        ----------
        n : int
            Maximum number of pipelines to choose.
        weights : ndarray of shape (n_datasets,)
            They sum to one.
        chosen : sequence of int, default=()
            Pipelines that were chosen before.
        among : sequence of int, default=None
            Pipelines to choose from; None allows all.

        Returns
        -------
        pipelines : list of int
            In the order in which they were chosen, without those of `chosen`.
        """
        allowed = np.zeros(self.regrets.shape[1], dtype=bool)
        allowed[slice(None) if among is None else list(among)] = True
        allowed[list(chosen)] = False
        selected = []
        while allowed.any() and len(selected) < n:
            gains = self.gains(weights, [*chosen, *selected])
            gains = np.where(allowed, gains, -np.inf)
            # Gains that differ by rounding errors are ties, which the first pipeline
            # wins; a gain of zero may be rounded to less.
            most = gains.max()
            best = int(np.argmax(gains >= most - 1e-9 * abs(most)))
            allowed[best] = False
            selected.append(best)
        return selected

    @cached_property
    def _by_learner(self):
        """Pipelines of each learner, and their regrets."""
        groups = [
            np.flatnonzero(self.learners == learner)
            for learner in range(self.learners.max(initial=0) + 1)
        ]
        return [(group, self.regrets[:, group]) for group in groups]

    def _best_of_learners(self, pipelines):
        """Return the smallest regret of each learner, (n_datasets, n_learners)."""
        shape = len(self.regrets), self.learners.max(initial=0) + 1
        best = np.full(shape, LARGEST_REGRET)
        for p in pipelines:
            learner = self.learners[p]
            best[:, learner] = np.minimum(best[:, learner], self.regrets[:, p])
        return best

    def _regret_of_set(self, best):
        """Return R_d of sets, given the best regrets of learners in the last axis."""
        ranked = np.sort(best, axis=-1)[..., :N_LEARNERS]
        return ranked @ self.diversity ** np.arange(ranked.shape[-1])

    def _mean_regret_with(self, regrets, others, weights):
        """Return the weighted mean of R_d of one learner beside the best others.

        Parameters
        ----------
        regrets : ndarray of shape (n_datasets, n_pipelines)
            Of the learner, in one set for each pipeline.
        others : ndarray of shape (n_datasets, at most N_LEARNERS)
            Ascending best regrets of the other learners.
        weights : ndarray of shape (n_datasets,)

        Returns
        -------
        mean : ndarray of shape (n_pipelines,)
        """
        # Merging one number into a few that are sorted is faster than sorting: the
        # k-th smallest is the number, clipped to the (k-1)-th and k-th of the others.
        total = np.zeros(regrets.shape[1])
        for rank in range(min(N_LEARNERS, others.shape[1] + 1)):
            ranked = regrets
            if rank > 0:
                ranked = np.maximum(ranked, others[:, [rank - 1]])
            if rank < others.shape[1]:
                ranked = np.minimum(ranked, others[:, [rank]])
            total += self.diversity**rank * (weights @ ranked)
        return total
