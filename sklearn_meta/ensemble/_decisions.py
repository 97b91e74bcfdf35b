"""Tune decisions: a threshold for two classes, offsets for more, one for each label.

Where a metric judges labels (F1, balanced accuracy, a cost), the most probable class
need not be the best decision. Decisions are chosen on out-of-fold probabilities and
judged by a paired comparison over the folds: for each fold, the decision is chosen on
the other folds, and its score on this fold is compared with that of the most probable
class.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import logit

from sklearn_meta.data._task import has_label
from sklearn_meta.ensemble._fold_scores import (
    blocks_of_rows,
    mean_scores,
    safe_score,
)

# A tuned decision is kept if its mean gain on folds on which it was not chosen exceeds
# this many standard errors of the paired differences.
KEEP = 0.5

# With fewer folds than this, blocks of rows take their place.
MIN_FOLDS = 3

# Number of thresholds of two classes that are scored on each fold, and the number below
# which the time is too short to choose among decisions.
N_THRESHOLDS, MIN_DECISIONS = 40, 8
# Distances of the thresholds that are scored one after the other, as the time allows.
STRIDES = (8, 4, 2, 1)

# Powers of the inverse frequency of a class by which its probability is multiplied. The
# first stands for the most probable class, 1 maximizes the balanced accuracy.
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, -0.25, -0.5)
# Thresholds that all labels share.
SHARED_THRESHOLDS = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.6, 0.7)
# Changes of one offset or of the log-odds of one threshold, and the largest number of
# them that are changed one by one.
STEPS = (-1.0, -0.5, 0.5, 1.0)
MAX_COORDINATES = 12

# Number of decisions that are tried in each of many samples of the rows.
N_QUICK = 8

SMALLEST = np.finfo(np.float64).tiny


def decide(probabilities, decision=None):
    """Return the index of the class that is decided for in each row.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
    decision : float or ndarray of shape (n_classes,), default=None
        Of two classes, the threshold above which the probability of the second one
        must be. Of more, offsets that are added to the logarithm of the probabilities.
        None for the most probable class.

    Returns
    -------
    indices : ndarray of int of shape (n_samples,)
    """
    if decision is None:
        return np.argmax(probabilities, axis=1)
    if np.ndim(decision) == 0:
        return (probabilities[:, 1] > decision).astype(np.intp)
    return np.argmax(np.log(np.maximum(probabilities, SMALLEST)) + decision, axis=1)


def untuned_decision(classes):
    """Return the decision that stands for the most probable class or labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,) or list of ndarray
        Attribute ``classes_`` of a classifier; a list for several labels.

    Returns
    -------
    decision : float or ndarray of shape (n_classes,) or (n_labels,)
    """
    if isinstance(classes, list):
        return np.full(len(classes), 0.5)
    return 0.5 if len(classes) == 2 else np.zeros(len(classes))


def tune_decision(
    probabilities,
    y,
    *,
    score: Callable,
    folds: Sequence[np.ndarray],
    deadline: float = np.inf,
    clock: Callable[[], float] = time.monotonic,
):
    """Choose the decision that maximizes a metric of labels, if it helps.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        Out-of-fold probabilities.
    y : ndarray of int of shape (n_samples,) or (n_samples, n_labels)
        Indices of the true classes, or indicators of several labels.
    score : callable
        Metric with the signature ``score(predictions, rows) -> float``, see `combine`.
        It is computed from the most probable class or labels of the predictions, which
        are probabilities of zero and one.
    folds : sequence of ndarray of int
        Indices of the samples of each validation fold, disjoint.
    deadline : float, default=inf
        Time on `clock` by which decisions are chosen.
    clock : callable, default=time.monotonic
        Function that returns the current time in seconds.

    Returns
    -------
    decision : float, ndarray of shape (n_classes,) or (n_labels,), or None
        See `decide`; of several labels, the threshold of each. None if the most
        probable class is as good, or if the time is too short.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if len(folds) < MIN_FOLDS:
        folds = blocks_of_rows(y, np.concatenate(folds))
    if len(folds) < MIN_FOLDS:
        return None
    kind = _kind_of(probabilities, y)
    scores = _Scores(kind, score, folds, lambda: clock() >= deadline)
    untuned = scores.of(kind.untuned)
    starts = kind.starts()
    ordered = dict.fromkeys(i for step in STRIDES for i in range(0, len(starts), step))
    scored = sorted(i for i in ordered if scores.of(starts[i]) is not None)
    if untuned is None or len(scored) < min(MIN_DECISIONS, len(starts)):
        return None
    starts = [starts[i] for i in scored]
    gains = []
    for held_out in range(len(folds)):
        others = np.arange(len(folds)) != held_out
        decision = _best(kind, scores, starts, others)
        gains.append((scores.of(decision) - untuned)[held_out])
    decision = _best(kind, scores, starts, np.full(len(folds), True))
    if decision == kind.untuned or not _helps(np.array(gains)):
        return None
    return kind.public(decision)


def quick_decision(probabilities, y, score, rows) -> Callable:
    """Choose among `N_QUICK` decisions by the metric on some rows.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
    y : ndarray of int of shape (n_samples,) or (n_samples, n_labels)
    score : callable
        See `tune_decision`.
    rows : ndarray of int of shape (n_samples,)
        The samples, for `score`; may contain repetitions.

    Returns
    -------
    decide : callable
        ``decide(probabilities) -> ndarray``: probabilities of zero and one that stand
        for the decision.
    """
    kind, everything = _kind_of(probabilities, y), np.arange(len(y))
    starts = kind.starts()
    starts = starts[:: -(-len(starts) // N_QUICK)]

    def value(decision):
        found = safe_score(score, kind.hard(decision, everything), rows)
        return found if np.isfinite(found) else -np.inf

    values = [value(decision) for decision in starts]
    best = int(np.argmax(kind.smooth(values)))
    decision = starts[best] if values[best] > value(kind.untuned) else kind.untuned
    return lambda p: _kind_of(p, y).hard(decision, np.arange(len(p)))


def _kind_of(probabilities, y):
    """Return the kind of decision that there is to make."""
    if y.ndim == 2:
        return _Labels(probabilities)
    if probabilities.shape[1] > 2:
        return _Classes(probabilities, y)
    return _TwoClasses(probabilities, y)


def _helps(gains):
    """Whether the mean of paired gains is so large that the decision is kept."""
    gains = gains[np.isfinite(gains)]
    if len(gains) < 2:
        return False
    error = np.std(gains, ddof=1) / np.sqrt(len(gains))
    return bool(gains.mean() > KEEP * error)


def _best(kind, scores, starts, used):
    """Return the decision with the best mean score over some folds.

    The best of `starts` is improved one coordinate at a time.
    """

    def value(decision):
        of_folds = scores.of(decision)
        return -np.inf if of_folds is None else mean_scores(of_folds[None, used])[0]

    best = starts[int(np.argmax(kind.smooth([value(s) for s in starts])))]
    reached = value(best)
    n_coordinates = len(kind.untuned)
    for i in range(n_coordinates if n_coordinates <= MAX_COORDINATES else 0):
        for changed in [kind.moved(best, i, step) for step in STEPS]:
            if value(changed) > reached:
                best, reached = changed, value(changed)
    return best


class _Scores:
    """Scores of decisions on each fold, each computed once."""

    def __init__(self, kind, score, folds, stop):
        self.kind, self.score, self.folds, self.stop = kind, score, folds, stop
        self._known: dict[tuple, np.ndarray] = {}

    def of(self, decision) -> np.ndarray | None:
        """Return the score of a decision on each fold; None if the time is over.

        NaN where it is undefined.
        """
        if decision not in self._known:
            values = []
            for fold in self.folds:
                if self.stop():
                    return None
                hard = self.kind.hard(decision, fold)
                values.append(safe_score(self.score, hard, fold))
            self._known[decision] = np.array(values)
        return self._known[decision]


class _TwoClasses:
    """Decisions between two classes: a threshold of the second one's probability."""

    untuned: tuple = ()

    def __init__(self, probabilities, y):
        self.probabilities, self.y = probabilities, y

    def hard(self, decision, rows):
        """Return probabilities of 0 and 1 that stand for the decision on some rows."""
        threshold = decision[0] if decision else None
        return np.eye(2)[decide(self.probabilities[rows], threshold)]

    def starts(self):
        """Return thresholds between quantiles of the probabilities of each class."""
        values = np.unique(self.probabilities[:, 1])
        if len(values) < 2:
            return [self.untuned]
        shares = np.linspace(0, 1, N_THRESHOLDS // 2)
        wanted = [
            np.quantile(self.probabilities[self.y == c, 1], shares, method="nearest")
            for c in np.unique(self.y)
        ]
        below = np.searchsorted(values, np.concatenate(wanted)).clip(0, len(values) - 2)
        between = (values[below] + values[below + 1]) / 2
        return [(float(t),) for t in np.unique(between)]

    def smooth(self, means):
        """Return means over neighboring thresholds, whose scores vary by chance."""
        means = np.pad(np.maximum(means, -1e300), 1, mode="edge")
        return (means[:-2] + 2 * means[1:-1] + means[2:]) / 4

    def public(self, decision):
        return decision[0]


class _Several:
    """Decisions with one number for each class or label."""

    def smooth(self, means):
        return means

    def moved(self, decision, i, step):
        return (*decision[:i], decision[i] + step, *decision[i + 1 :])


class _Classes(_Several):
    """Decisions between several classes: offsets of their log-probabilities."""

    def __init__(self, probabilities, y):
        self.probabilities, self.y = probabilities, y
        self.untuned = (0.0,) * probabilities.shape[1]

    def hard(self, decision, rows):
        """Return probabilities of 0 and 1 that stand for the decision on some rows."""
        chosen = decide(self.probabilities[rows], np.asarray(decision))
        return np.eye(len(decision))[chosen]

    def starts(self):
        """Return offsets that favor rare classes to a varying degree."""
        n_classes = self.probabilities.shape[1]
        counts = np.bincount(self.y, minlength=n_classes)
        rarity = -np.log(np.maximum(counts, 1) / len(self.y))
        rarity -= rarity.min()
        return [tuple((power * rarity).tolist()) for power in POWERS]

    def public(self, decision):
        return np.asarray(decision) - np.mean(decision)


class _Labels(_Several):
    """Decisions on several labels: a threshold of the log-odds of each."""

    def __init__(self, probabilities):
        self.probabilities = probabilities
        self.untuned = (0.0,) * probabilities.shape[1]

    def hard(self, decision, rows):
        """Return probabilities of 0 and 1 that stand for the decision on some rows."""
        thresholds = self.public(decision)
        return has_label(self.probabilities[rows], thresholds).astype(np.float64)

    def starts(self):
        """Return thresholds that all labels share."""
        n_labels = self.probabilities.shape[1]
        return [(float(logit(t)),) * n_labels for t in SHARED_THRESHOLDS]

    def public(self, decision):
        return 1 / (1 + np.exp(-np.asarray(decision)))
