"""Train the members of a bag at once, each until it is best on the rows it leaves out.

The rows are dealt into as many folds as there are members. Member k learns from all
folds but its own, on which it is looked at now and then; its parameters are those of
the best look. So all rows are learned from, all are looked at, and none is given away
to a validation part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_softmax

from sklearn_meta.mlp._members import (
    AdamW,
    gradient,
    members_of,
    outputs,
    outputs_and_layers,
    random_members,
    shapes_of,
)

# Gradient steps at least, however few rows there are.
MIN_STEPS = 300
# Looks at the rows that are left out, and rows of a look for each member.
N_LOOKS, MAX_LOOKED_AT = 64, 2_000
# Temperatures that are tried.
TEMPERATURES = np.exp(np.linspace(-1.0, 1.5, 26))


@dataclass(frozen=True)
class Settings:
    """How members are trained; see `BaggedMLPClassifier`."""

    hidden_layer_sizes: tuple[int, ...]
    dropout: float
    alpha: float
    batch_size: int
    learning_rate_init: float
    max_iter: int
    max_steps: int


@dataclass(frozen=True)
class Trained:
    """The members at their best.

    Parameters
    ----------
    tensors : dict of str to ndarray
    losses : ndarray of shape (n_looks,)
        Mean loss of the members on the rows that each leaves out, at each look.
    held_out : ndarray of shape (n_members, n_rows, n_outputs)
        What each member says of the rows that it leaves out, at its best look.
    targets : ndarray of shape (n_members, n_rows, n_outputs)
        The truth about these rows.
    weights : ndarray of shape (n_members, n_rows)
        Of these rows, a sum of one for each member; zero where a member has fewer.
    n_steps : int
    """

    tensors: dict[str, np.ndarray] = field(repr=False)
    losses: np.ndarray = field(repr=False)
    held_out: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    n_steps: int


class SoftmaxLoss:
    """Log loss of logits, added to those of the classes' frequencies.

    Parameters
    ----------
    prior : ndarray of shape (n_classes,)
    """

    def __init__(self, prior):
        self.prior = prior

    def derivative(self, out, target):
        """Return the derivative in the outputs of the mean over rows."""
        p = out + self.prior
        p -= p.max(axis=-1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=-1, keepdims=True)
        p -= target
        p *= np.float32(1 / p.shape[1])
        return p

    def values(self, out, target, temperature=1.0):
        """Return the loss of each row."""
        logits = (out.astype(np.float64) + self.prior) / temperature
        return -(log_softmax(logits, axis=-1) * target).sum(axis=-1)


class SquaredLoss:
    """Squared error of outputs that are cut off at the range of the targets.

    Parameters
    ----------
    low, high : float
    """

    def __init__(self, low, high):
        self.low, self.high = low, high

    def derivative(self, out, target):
        """Return the derivative in the outputs of the mean over rows."""
        return (out - target) * np.float32(2 / out.shape[1])

    def values(self, out, target):
        """Return the loss of each row."""
        errors = np.clip(out.astype(np.float64), self.low, self.high) - target
        return (errors**2).sum(axis=-1)


def best_temperature(loss, trained) -> float:
    """Return what logits are best divided by, on the rows that were left out."""

    def mean(temperature):
        values = loss.values(trained.held_out, trained.targets, temperature)
        return (values * trained.weights).sum()

    return float(min(TEMPERATURES, key=mean))


def train_members(inputs, targets, folds, loss, settings, rng) -> Trained:
    """Train one member for each fold.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs), float32
    targets : ndarray of shape (n_samples, n_outputs), float32
    folds : ndarray of int of shape (n_samples,)
        0, 1, ... : by which member a row is left out.
    loss : SoftmaxLoss or SquaredLoss
    settings : Settings
    rng : numpy.random.Generator

    Returns
    -------
    trained : Trained
    """
    n_members = int(folds.max()) + 1
    learned = [np.flatnonzero(folds != k) for k in range(n_members)]
    left_out = [_looked_at(np.flatnonzero(folds == k)) for k in range(n_members)]
    n_rows = min(map(len, learned))
    batch_size = min(settings.batch_size, n_rows)
    n_steps = settings.max_iter * (n_rows // batch_size)
    n_steps = min(max(n_steps, MIN_STEPS), settings.max_steps)
    shapes = shapes_of(
        n_members, inputs.shape[1], settings.hidden_layer_sizes, targets.shape[1]
    )
    members, slope = random_members(shapes, rng), members_of(shapes)
    optimizer = AdamW(members, settings.alpha)
    looks = _Looks(inputs, targets, left_out, loss)
    batches = _batches(learned, n_rows, batch_size, rng)
    looked_at = set(np.linspace(1, n_steps, N_LOOKS).astype(int).tolist())
    for step in range(1, n_steps + 1):
        # The schedule is zero at both ends; no step is.
        done = step / (n_steps + 1)
        rows = next(batches)
        x = inputs[rows]
        fading = 1.0 if done < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * done - 1)))
        masks = _masks(settings, rows.shape, settings.dropout * fading, rng)
        out, layers = outputs_and_layers(members.tensors, x, masks)
        d_out = loss.derivative(out, targets[rows])
        gradient(members.tensors, layers, d_out, slope.tensors)
        rate = settings.learning_rate_init * _rate(done)
        optimizer.step(slope.vector, rate, fading)
        if step in looked_at:
            looks.look(members.tensors)
    return looks.trained(n_steps)


def _looked_at(rows):
    """Return some of many rows, from all over a table that may be sorted."""
    return rows[:: math.ceil(len(rows) / MAX_LOOKED_AT)]


def _rate(done):
    """Four waves of the learning rate, each twice as long as the one before.

    The schedule "coslog4" of Holzmüller et al. (2024): whatever the number of steps
    that suits a table, some wave ends near it.
    """
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * done)))


def _batches(learned, n_rows, batch_size, rng):
    """Yield the rows of a batch of each member, for ever."""
    while True:
        order = np.stack([rng.permutation(rows)[:n_rows] for rows in learned])
        for start in range(0, n_rows - batch_size + 1, batch_size):
            yield order[:, start : start + batch_size]


def _masks(settings, shape, dropout, rng):
    """Return the factors of dropout; shares are multiples of 1/256."""
    dropped = round(256 * dropout)
    if dropped == 0:
        return None
    kept = np.float32(1 - dropped / 256)
    masks = []
    for width in settings.hidden_layer_sizes:
        size = (*shape, width)
        drawn = np.frombuffer(rng.bytes(math.prod(size)), dtype=np.uint8)
        masks.append((drawn >= dropped).reshape(size) / kept)
    return masks


class _Looks:
    """Looks at the rows that members leave out, and remembers the best of each."""

    def __init__(self, inputs, targets, left_out, loss):
        n = max(map(len, left_out))
        # Members that leave out one row less see one of them twice, for nothing.
        rows = np.stack([np.resize(some, n) for some in left_out])
        counts = np.array([len(some) for some in left_out])[:, None]
        self._inputs, self._targets = inputs[rows], targets[rows]
        self._weights = (np.arange(n) < counts) / counts
        self._loss = loss
        self._best = np.full(len(left_out), np.inf)
        self._tensors = self._held_out = None
        self._losses = []

    def look(self, tensors):
        out = outputs(tensors, self._inputs)
        losses = (self._loss.values(out, self._targets) * self._weights).sum(axis=1)
        self._losses.append(losses.mean())
        if self._tensors is None:
            self._tensors = {name: tensor.copy() for name, tensor in tensors.items()}
            self._held_out, self._best = out, losses
            return
        better = losses < self._best
        self._best[better] = losses[better]
        self._held_out[better] = out[better]
        for name, tensor in tensors.items():
            self._tensors[name][better] = tensor[better]

    def trained(self, n_steps):
        return Trained(
            self._tensors,
            np.array(self._losses),
            self._held_out,
            self._targets,
            self._weights,
            n_steps,
        )
