"""Training of the members of a bag with early stopping on their own folds.

There are as many folds as members. Member k is trained on all folds but its own, which
it is evaluated on at regular steps; its final parameters are those of the best
evaluation. All rows serve for training and for early stopping, without a holdout part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_softmax

from sklearn_meta.mlp._members import (
    AdamW,
    gradient,
    outputs,
    outputs_and_layers,
    random_members,
    shapes_of,
    zero_members,
)

# Minimum number of gradient steps.
MIN_STEPS = 300
# Number of evaluations, and maximum number of rows of an evaluation of one member.
N_EVALUATIONS, MAX_EVALUATION_ROWS = 64, 2_000
# Grid of temperatures.
TEMPERATURES = np.exp(np.linspace(-1.0, 1.5, 26))


@dataclass(frozen=True)
class TrainingOptions:
    """Parameters of the training; see `BaggedMLPClassifier`."""

    hidden_layer_sizes: tuple[int, ...]
    dropout: float
    alpha: float
    batch_size: int
    learning_rate_init: float
    max_iter: int
    max_steps: int


@dataclass(frozen=True)
class TrainedMembers:
    """Members at their best evaluations.

    Parameters
    ----------
    tensors : dict of str to ndarray
        Parameters of the members, see `Members`.
    losses : ndarray of shape (n_evaluations,)
        Mean loss of the members on their own folds.
    held_out : ndarray of shape (n_members, n_rows, n_outputs)
        Output of each member for its own fold.
    targets : ndarray of shape (n_members, n_rows, n_outputs)
        Targets of these rows.
    weights : ndarray of shape (n_members, n_rows)
        Weights of these rows, of sum 1 for each member; 0 for padding.
    n_steps : int
        Number of gradient steps.
    """

    tensors: dict[str, np.ndarray] = field(repr=False)
    losses: np.ndarray = field(repr=False)
    held_out: np.ndarray = field(repr=False)
    targets: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    n_steps: int


class SoftmaxLoss:
    """Log loss of logits, relative to a class prior.

    Parameters
    ----------
    prior : ndarray of shape (n_classes,)
        Logarithms of class frequencies, added to the outputs.
    """

    def __init__(self, prior):
        self.prior = prior

    def derivative(self, out, target):
        """Return the derivative of the mean loss with respect to the outputs."""
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
    """Squared error of outputs that are clipped to the range of the targets.

    Parameters
    ----------
    low, high : float
        Range of the targets. The derivative ignores the clipping.
    """

    def __init__(self, low, high):
        self.low, self.high = low, high

    def derivative(self, out, target):
        """Return the derivative of the mean loss with respect to the outputs."""
        return (out - target) * np.float32(2 / out.shape[1])

    def values(self, out, target):
        """Return the loss of each row."""
        errors = np.clip(out.astype(np.float64), self.low, self.high) - target
        return (errors**2).sum(axis=-1)


def temperature_on_grid(loss, trained) -> float:
    """Return the temperature with the lowest loss on the own folds of the members."""

    def mean(temperature):
        values = loss.values(trained.held_out, trained.targets, temperature)
        return (values * trained.weights).sum()

    return float(min(TEMPERATURES, key=mean))


def train_members(inputs, targets, folds, loss, options, rng) -> TrainedMembers:
    """Train one member for each fold.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs), float32
    targets : ndarray of shape (n_samples, n_outputs), float32
    folds : ndarray of int of shape (n_samples,)
        Member, from 0 on, that is not trained on the row.
    loss : SoftmaxLoss or SquaredLoss
    options : TrainingOptions
    rng : numpy.random.Generator

    Returns
    -------
    trained : TrainedMembers
    """
    n_members = int(folds.max()) + 1
    trained_on = [np.flatnonzero(folds != k) for k in range(n_members)]
    left_out = [_every_nth(np.flatnonzero(folds == k)) for k in range(n_members)]
    n_rows = min(map(len, trained_on))
    batch_size = min(options.batch_size, n_rows)
    n_steps = options.max_iter * (n_rows // batch_size)
    n_steps = min(max(n_steps, MIN_STEPS), options.max_steps)
    shapes = shapes_of(
        n_members, inputs.shape[1], options.hidden_layer_sizes, targets.shape[1]
    )
    members, gradients = random_members(shapes, rng), zero_members(shapes)
    optimizer = AdamW(members, options.alpha)
    evaluations = _Evaluations(inputs, targets, left_out, loss)
    batches = _batches(trained_on, n_rows, batch_size, rng)
    evaluated = set(np.linspace(1, n_steps, N_EVALUATIONS).astype(int).tolist())
    for step in range(1, n_steps + 1):
        # The learning rate is zero for 0 and 1, which no step takes.
        done = step / (n_steps + 1)
        rows = next(batches)
        x = inputs[rows]
        decay = 1.0 if done < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * done - 1)))
        masks = _masks(options, rows.shape, options.dropout * decay, rng)
        out, layers = outputs_and_layers(members.tensors, x, masks)
        d_out = loss.derivative(out, targets[rows])
        gradient(members.tensors, layers, d_out, gradients.tensors)
        rate = options.learning_rate_init * _rate(done)
        optimizer.step(gradients.vector, rate, decay)
        if step in evaluated:
            evaluations.evaluate(members.tensors)
    return evaluations.trained(n_steps)


def _every_nth(rows):
    """Return at most `MAX_EVALUATION_ROWS` rows at equal distances."""
    return rows[:: math.ceil(len(rows) / MAX_EVALUATION_ROWS)]


def _rate(done):
    """Return the relative learning rate: four cycles of doubling length."""
    # The schedule "coslog4" of Holzmüller et al. (2024). For any best number of steps,
    # some cycle ends near it.
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * done)))


def _batches(trained_on, n_rows, batch_size, rng):
    """Yield the rows of a batch of each member, without end."""
    while True:
        order = np.stack([rng.permutation(rows)[:n_rows] for rows in trained_on])
        for start in range(0, n_rows - batch_size + 1, batch_size):
            yield order[:, start : start + batch_size]


def _masks(options, shape, dropout, rng):
    """Return dropout masks; the share is rounded to a multiple of 1/256."""
    dropped = round(256 * dropout)
    if dropped == 0:
        return None
    kept = np.float32(1 - dropped / 256)
    masks = []
    for width in options.hidden_layer_sizes:
        size = (*shape, width)
        drawn = np.frombuffer(rng.bytes(math.prod(size)), dtype=np.uint8)
        masks.append((drawn >= dropped).reshape(size) / kept)
    return masks


class _Evaluations:
    """Evaluations of members on their own folds, and the best of each member."""

    def __init__(self, inputs, targets, left_out, loss):
        n = max(map(len, left_out))
        # Smaller folds are padded by repeated rows of weight 0.
        rows = np.stack([np.resize(some, n) for some in left_out])
        counts = np.array([len(some) for some in left_out])[:, None]
        self._inputs, self._targets = inputs[rows], targets[rows]
        self._weights = (np.arange(n) < counts) / counts
        self._loss = loss
        self._best = np.full(len(left_out), np.inf)
        self._tensors = self._held_out = None
        self._losses = []

    def evaluate(self, tensors):
        """Evaluate all members, and copy those that improved."""
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
        """Return the members at their best."""
        return TrainedMembers(
            self._tensors,
            np.array(self._losses),
            self._held_out,
            self._targets,
            self._weights,
            n_steps,
        )
