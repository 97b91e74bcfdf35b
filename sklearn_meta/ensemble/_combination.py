"""Combine predictions by a weighted average or a log-linear (linear) pool."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SINGLE = "single"
AVERAGE = "average"
STACK = "stack"

# Lower bound of probabilities before their logarithm is taken. A forest of a hundred
# trees predicts 0 for probabilities below 1 %; without a bound, such a prediction would
# determine the log-linear pool alone.
PROBABILITY_FLOOR = 1e-4


@dataclass(frozen=True, eq=False)
class Combination:
    """Members of an ensemble, their weights, and how their predictions are combined.

    Parameters
    ----------
    kind : {"single", "average", "stack"}
        ``"single"`` is the prediction of one member and ``"average"`` the weighted mean
        of the members' predictions. ``"stack"`` is the linear combination
        ``intercept + sum_m w_m f_m`` for targets and the log-linear pool
        ``softmax(intercept + sum_m w_m log p_m)`` for probabilities.
    members : tuple of int
        Positions of the members in the sequence of candidates that were combined.
        `combine` orders them by decreasing weight.
    weights : array-like of shape (n_members,)
        Non-negative weights, at least one of them positive. The weights of
        ``"single"`` and ``"average"`` sum to one. Those of a stack need not: a sum
        above one sharpens probabilities, a sum below one smooths them.
    intercept : ndarray of shape (n_classes,), (n_outputs,) or (), default=None
        Intercept of a stack; None for the other kinds.

    Raises
    ------
    ValueError
        If `kind` or `weights` are invalid.

    See Also
    --------
    combine : Selects the members and fits their weights.

    Examples
    --------
    >>> from sklearn_meta.ensemble import Combination
    >>> combination = Combination("average", (0, 1), [0.75, 0.25])
    >>> combination.apply([[1.0, 2.0], [5.0, 2.0]])
    array([2., 2.])
    """

    kind: str
    members: tuple[int, ...]
    weights: np.ndarray
    intercept: np.ndarray | None = field(default=None)

    def __post_init__(self):
        weights = np.asarray(self.weights, dtype=np.float64)
        if self.kind not in (SINGLE, AVERAGE, STACK):
            raise ValueError(
                f"kind must be 'single', 'average' or 'stack'. Got {self.kind!r}."
            )
        if not self.members or weights.shape != (len(self.members),):
            raise ValueError(
                f"weights must have one entry for each of the {len(self.members)} "
                f"members, and there must be a member. Got weights of shape "
                f"{weights.shape}."
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise ValueError(
                "weights must be finite, not negative, and one of them positive. "
                f"Got {weights}."
            )
        object.__setattr__(self, "members", tuple(int(m) for m in self.members))
        object.__setattr__(self, "weights", weights)

    @classmethod
    def single(cls, member) -> Combination:
        """Return the combination with a single member.

        Parameters
        ----------
        member : int
            Position of the member in the sequence of candidates.

        Returns
        -------
        combination : Combination
        """
        return cls(SINGLE, (member,), np.ones(1))

    @property
    def shares(self) -> np.ndarray:
        """Weights scaled to sum to one, for display."""
        return self.weights / self.weights.sum()

    def apply(self, predictions) -> np.ndarray:
        """Combine the predictions of the members.

        Parameters
        ----------
        predictions : sequence of ndarray of shape (n_samples, n_classes) or (n_samples,)
            Probabilities or targets that are predicted by each of `members`, in the
            order of `members`. Probabilities of several labels have the shape
            (n_samples, n_labels, 2). Predictions of members with weight zero are
            ignored and may be None. Use `apply_to_targets` for several targets.

        Returns
        -------
        combined : ndarray of the same shape, float64
            Probabilities sum to one in the last axis.

        Raises
        ------
        ValueError
            If the number of predictions is not the number of members.
        """  # noqa: E501
        weights, arrays = self._used(predictions)
        if arrays[0].ndim == 1:
            return self.apply_to_targets(predictions)
        if self.kind == STACK:
            logits = sum(
                w * safe_log(normalize(p)) for w, p in zip(weights, arrays, strict=True)
            )
            return softmax(logits + self.intercept)
        total = sum(w * normalize(p) for w, p in zip(weights, arrays, strict=True))
        return normalize(total)

    def apply_to_targets(self, predictions) -> np.ndarray:
        """Combine the predicted targets of the members, for one or several outputs.

        Parameters
        ----------
        predictions : sequence of ndarray of shape (n_samples, n_outputs) or (n_samples,)
            Targets that are predicted by each of `members`, in the order of `members`.
            Predictions of members with weight zero are ignored and may be None.

        Returns
        -------
        combined : ndarray of the same shape, float64
            Weighted mean, or weighted sum with intercept of a stack.

        Raises
        ------
        ValueError
            If the number of predictions is not the number of members.
        """  # noqa: E501
        weights, arrays = self._used(predictions)
        total = sum(w * f for w, f in zip(weights, arrays, strict=True))
        return total + self.intercept if self.kind == STACK else total / weights.sum()

    def _used(self, predictions):
        """Return the positive weights and the corresponding predictions as float64."""
        if len(predictions) != len(self.members):
            raise ValueError(
                f"predictions must have one entry for each of the {len(self.members)} "
                f"members. Got {len(predictions)}."
            )
        used = np.flatnonzero(self.weights)
        arrays = [np.asarray(predictions[i], dtype=np.float64) for i in used]
        return self.weights[used], arrays


def as_pairs(probabilities):
    """Convert probabilities of labels to those of two classes per label.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_labels)

    Returns
    -------
    pairs : ndarray of shape (n_samples, n_labels, 2)
        Probabilities of the absence and of the presence of each label.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    return np.stack([1 - p, p], axis=-1)


def of_pairs(pairs):
    """Convert pairs back to probabilities of labels; the inverse of `as_pairs`."""
    return pairs[..., 1]


def normalize(probabilities):
    """Scale probabilities to sum to one in the last axis; uniform if all are zero."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), 0.0, None)
    total = p.sum(axis=-1, keepdims=True)
    empty = total == 0
    if empty.any():
        p = np.where(empty, 1.0, p)
        total = np.where(empty, p.shape[-1], total)
    return p / total


def safe_log(probabilities):
    """Return the logarithm of probabilities, bounded by `PROBABILITY_FLOOR`."""
    return np.log(np.maximum(probabilities, PROBABILITY_FLOOR))


def softmax(logits):
    """Return the softmax of logits in the last axis."""
    z = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)
