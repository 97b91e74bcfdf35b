"""Weights of candidates, and how they turn member predictions into one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SINGLE = "single"
AVERAGE = "average"
STACK = "stack"

# Log-probabilities are taken of no less than this. A forest says 0 where it means "less
# than one tree in a hundred"; without a floor that is a veto in a log-linear pool.
PROBABILITY_FLOOR = 1e-4


@dataclass(frozen=True, eq=False)
class Combination:
    """Several candidates and the weight of each.

    Parameters
    ----------
    kind : {"single", "average", "stack"}
        ``"average"`` is the weighted mean of member predictions. ``"stack"`` is
        ``intercept + sum_m w_m f_m`` for targets and the log-linear pool
        ``softmax(intercept + sum_m w_m log p_m)`` for probabilities.
    members : tuple of int
        Positions of the members in the sequence of candidates that were combined, the
        heaviest first.
    weights : ndarray of shape (n_members,)
        Not negative. They sum to one for ``"single"`` and ``"average"``; a stack may
        have another sum: above one sharpens probabilities, below one softens them.
    intercept : ndarray of shape (n_classes,), (n_outputs,) or (), or None
        Only for a stack.
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
        """Return the combination that is one candidate alone.

        Parameters
        ----------
        member : int
            Position of the candidate in the sequence of candidates.

        Returns
        -------
        combination : Combination
            Of kind ``"single"``, with a weight of one.
        """
        return cls(SINGLE, (member,), np.ones(1))

    @property
    def shares(self) -> np.ndarray:
        """Weights scaled to sum to one, for people."""
        return self.weights / self.weights.sum()

    def restrict(self, positions) -> Combination:
        """Return the combination of some of the members, the others left out.

        Used where a member cannot be refitted. The sum of the weights stays.

        Parameters
        ----------
        positions : sequence of int
            Positions in `members` of those to keep.

        Returns
        -------
        combination : Combination
            Weights scaled to the sum of before; of kind ``"single"`` if one member of
            an average is left.

        Raises
        ------
        ValueError
            If no member with a positive weight is kept.
        """
        positions = list(positions)
        kept = self.weights[positions]
        if not kept.sum() > 0:
            raise ValueError(
                f"positions must keep a member with a positive weight. Got {positions} "
                f"of {len(self.members)} members."
            )
        members = tuple(self.members[i] for i in positions)
        if len(members) == 1 and self.kind == AVERAGE:
            return Combination.single(members[0])
        scale = self.weights.sum() / kept.sum()
        return Combination(self.kind, members, kept * scale, self.intercept)

    def apply(self, predictions) -> np.ndarray:
        """Combine the predictions of the members.

        Parameters
        ----------
        predictions : sequence of ndarray of shape (n_samples, n_classes) or (n_samples,)
            Probabilities or targets predicted by each of `members`, in their order;
            probabilities of several labels as `as_pairs` gives them. Those of members
            with weight zero are not looked at and may be None. For several targets see
            `apply_to_targets`.

        Returns
        -------
        combined : ndarray of the same shape, float64
            Probabilities sum to one in the last axis.
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
        """Combine predicted targets, of one output or several.

        Parameters
        ----------
        predictions : sequence of ndarray of shape (n_samples, n_outputs) or (n_samples,)
            As of `apply`.

        Returns
        -------
        combined : ndarray of the same shape, float64
            Weighted mean, or the stack's linear combination.
        """  # noqa: E501
        weights, arrays = self._used(predictions)
        total = sum(w * f for w, f in zip(weights, arrays, strict=True))
        return total + self.intercept if self.kind == STACK else total / weights.sum()

    def _used(self, predictions):
        """Weights above zero and the predictions that they belong to, as float64."""
        if len(predictions) != len(self.members):
            raise ValueError(
                f"predictions must have one entry for each of the {len(self.members)} "
                f"members. Got {len(predictions)}."
            )
        used = np.flatnonzero(self.weights)
        arrays = [np.asarray(predictions[i], dtype=np.float64) for i in used]
        return self.weights[used], arrays


def as_pairs(probabilities):
    """Return the probabilities of labels as those of two classes, "no" and "yes".

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_labels)

    Returns
    -------
    pairs : ndarray of shape (n_samples, n_labels, 2)
    """
    p = np.asarray(probabilities, dtype=np.float64)
    return np.stack([1 - p, p], axis=-1)


def of_pairs(pairs):
    """Return the probabilities of "yes": the inverse of `as_pairs`."""
    return pairs[..., 1]


def normalize(probabilities):
    """Scale rows to sum to one; a row without any probability becomes uniform."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), 0.0, None)
    total = p.sum(axis=-1, keepdims=True)
    empty = total == 0
    if empty.any():
        p = np.where(empty, 1.0, p)
        total = np.where(empty, p.shape[-1], total)
    return p / total


def safe_log(probabilities):
    """Logarithm of probabilities, none of them below the floor."""
    return np.log(np.maximum(probabilities, PROBABILITY_FLOOR))


def softmax(logits):
    """Probabilities of logits in the last axis."""
    z = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)
