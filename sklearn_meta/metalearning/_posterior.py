"""What a new dataset is like, and what to try next on it.

Each known dataset is a hypothesis: "the new one ranks pipelines as I do". Recall begins
with weights by meta-features; each finished evaluation makes those datasets heavier on
which the same pipelines compare alike. What to try next is the pipeline that is
expected to lower the regret the most, for the seconds it takes: the regret of the best
one so far, and to a smaller share that of the best ones of other learners, with which
it will be combined. With weights that never change, and no such share, this is the
greedy static portfolio.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_meta.metalearning._regret import LARGEST_REGRET

# Two evaluations compare alike on any dataset.
MIN_COMPARED = 3

# Learners whose best regrets count, the best one fully, the next ones less and less.
N_KINDS = 3

# Between pipelines that are not expected to lower the best regret, the better one on
# average comes first: with so small a share it never outvotes a real gain.
TIE_BREAK = 0.02


@dataclass(frozen=True)
class Belief:
    """Weights over known datasets, and what has been tried.

    Parameters
    ----------
    regrets : ndarray of shape (n_datasets, n_pipelines)
        Without gaps.
    weights : ndarray of shape (n_datasets,)
        Prior weights, by meta-features; they sum to one.
    seconds : ndarray of shape (n_pipelines,)
        Expected seconds of one fit on the new dataset.
    time_aversion : float
        Exponent of the seconds in the value of a proposal; 0 ignores them.
    little_time : float
        Seconds that are added to those of each pipeline: differences far below are of
        no importance.
    much_time : float
        Seconds of one fit that halve the value of a proposal: so much of the budget
        goes to it that others wait. Infinity for none.
    evidence : float
        How much an evaluation counts against the meta-features; 0 never learns.
    kinds : ndarray of int of shape (n_pipelines,), default=None
        Number of the learner of each pipeline; None takes all for the same.
    diversity : float, default=0.0
        What the regret of the best pipeline of the second-best learner counts against
        that of the best one, and that of the third-best learner against that of the
        second; in [0, 1].
    tried : tuple of int
        Pipelines with a score on the new dataset, in the order of evaluation.
    scores : tuple of float
        Their scores; greater is better, -inf where they failed.
    """

    regrets: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    seconds: np.ndarray = field(repr=False)
    time_aversion: float = 0.0
    little_time: float = 0.0
    much_time: float = np.inf
    evidence: float = 0.0
    kinds: np.ndarray | None = field(default=None, repr=False)
    diversity: float = 0.0
    tried: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()

    def told(self, pipeline, score) -> Belief:
        """Return the belief after an evaluation of a known pipeline."""
        if pipeline in self.tried:
            return self
        score = score if np.isfinite(score) else -np.inf
        return replace(
            self, tried=(*self.tried, pipeline), scores=(*self.scores, float(score))
        )

    def posterior(self):
        """Return the weights of the datasets after what was tried, summing to one."""
        if self.evidence <= 0 or len(self.tried) < MIN_COMPARED:
            return self.weights
        tried = list(self.tried)
        here = _among_themselves(-np.array(self.scores)[None, :])[0]
        there = _among_themselves(self.regrets[:, tried])
        misfit = ((here - there) ** 2).mean(axis=1)
        # The evidence grows slower than the number of evaluations: pipelines of one
        # learner say the same thing several times.
        log_likelihood = -self.evidence * np.sqrt(len(tried)) * misfit
        weights = self.weights * np.exp(log_likelihood - log_likelihood.max())
        total = weights.sum()
        return weights / total if total > 0 else self.weights

    def gains(self, planned=()):
        """Return the expected gain of trying each pipeline next.

        Parameters
        ----------
        planned : sequence of int
            Pipelines that will have been tried before, scores unknown.

        Returns
        -------
        gains : ndarray of shape (n_pipelines,)
            Per second to the power of `time_aversion`, and less for what takes much of
            the time there is; only their order has a meaning.
        """
        weights = self.posterior()
        best = self._best_of_kinds([*self.tried, *planned])
        before = self._regret_of_kinds(best)
        gains = np.empty(self.regrets.shape[1])
        for kind, own in enumerate(best.T):
            # What the kind becomes with each of its pipelines, beside the other kinds.
            pipelines = np.flatnonzero(self._kinds == kind)
            others = np.sort(np.delete(best, kind, axis=1), axis=1)[:, :N_KINDS]
            becomes = np.minimum(own[:, None], self.regrets[:, pipelines])
            after = self._regret_of_kinds(
                np.concatenate(
                    [
                        becomes[:, :, None],
                        np.repeat(others[:, None, :], len(pipelines), axis=1),
                    ],
                    axis=2,
                )
            )
            gains[pipelines] = weights @ (before[:, None] - after)
        gains += TIE_BREAK * (LARGEST_REGRET - weights @ self.regrets)
        price = (self.seconds + self.little_time) ** self.time_aversion
        return gains / (price * (1 + self.seconds / self.much_time))

    @property
    def _kinds(self):
        if self.kinds is None:
            return np.zeros(self.regrets.shape[1], dtype=np.intp)
        return self.kinds

    def _best_of_kinds(self, pipelines):
        """Smallest regret on each dataset, of each kind, among some pipelines."""
        kinds = self._kinds
        shape = len(self.regrets), kinds.max(initial=0) + 1
        best = np.full(shape, LARGEST_REGRET)
        for p in pipelines:
            best[:, kinds[p]] = np.minimum(best[:, kinds[p]], self.regrets[:, p])
        return best

    def _regret_of_kinds(self, best):
        """Regret of the best kinds together, the kinds being in the last axis."""
        ranked = np.sort(best, axis=-1)[..., :N_KINDS]
        return ranked @ self.diversity ** np.arange(ranked.shape[-1])

    def order(self, n, among=None, pending=()):
        """Return the next `n` pipelines, the first of them first.

        Parameters
        ----------
        n : int
        among : sequence of int, default=None
            Pipelines to choose from; all that were not tried by default.
        pending : sequence of int, default=()
            Pipelines that are being tried.

        Returns
        -------
        pipelines : list of int
        """
        allowed = np.zeros(self.regrets.shape[1], dtype=bool)
        allowed[slice(None) if among is None else list(among)] = True
        allowed[[*self.tried, *pending]] = False
        planned = []
        while allowed.any() and len(planned) < n:
            gains = np.where(allowed, self.gains([*pending, *planned]), -np.inf)
            # Equal gains in the order of the pipelines, whatever the machine rounds; a
            # gain of nothing may be rounded to less.
            most = gains.max()
            chosen = int(np.argmax(gains >= most - 1e-9 * abs(most)))
            allowed[chosen] = False
            planned.append(chosen)
        return planned


def _among_themselves(losses):
    """Put losses on a scale of their own row: 0 the best, 1 the median of the row."""
    finite = np.isfinite(losses)
    worst = np.where(finite, losses, -np.inf).max(axis=1, keepdims=True)
    # What failed is as bad as the worst of the others.
    losses = np.where(finite, losses, np.where(np.isfinite(worst), worst, 0.0))
    best = losses.min(axis=1, keepdims=True)
    scale = np.median(losses, axis=1, keepdims=True) - best
    mean = losses.mean(axis=1, keepdims=True) - best
    scale = np.where(scale > 1e-12, scale, np.where(mean > 1e-12, mean, 1.0))
    return np.clip((losses - best) / scale, 0.0, LARGEST_REGRET)
