"""Vectorized multi-layer perceptrons in numpy: outputs, gradients and AdamW.

Notation: K members, b rows of a batch, d inputs, w units of a layer, C outputs. All
arrays have K first, so that one matrix product serves all members. Everything is
single precision, and torch is not needed: on tables of some hundreds of rows, its
import would take longer than the training.

A layer is ``h' = silu(r h W + c)`` with ``r = 1 / sqrt(w)``: weights of variance one,
scaled in the product, let one learning rate serve all widths. Inputs are multiplied by
``s`` first, one learned factor for each, which is a soft selection of columns
(Holzmüller et al., "Better by Default", NeurIPS 2024).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SCALE, BIAS_OUT, WEIGHT_OUT = "s", "c_out", "w_out"

# Learning rates relative to those of the weights, by the first letter of the name.
RATES = {"s": 6.0, "w": 1.0, "c": 0.1}

# Adam (Kingma & Ba 2015), with the shorter memory of squares that Holzmüller et al.
# found better on tables.
BETA_1, BETA_2, EPSILON = 0.9, 0.95, 1e-8

BIAS_SPREAD, OUTPUT_SPREAD = 0.5, 0.1

# exp(88) is the largest exponential in single precision; silu is zero there.
LARGEST_EXPONENT = 80.0


@dataclass(frozen=True)
class Members:
    """Parameters of all members, as one vector and as tensors that share its memory.

    Parameters
    ----------
    vector : ndarray of shape (n_parameters,), float32
    tensors : dict of str to ndarray
        Names are `SCALE`, ``w0``, ``c0``, ``w1``, ... , `WEIGHT_OUT` and `BIAS_OUT`;
        all have the members first.
    """

    vector: np.ndarray = field(repr=False)
    tensors: dict[str, np.ndarray] = field(repr=False)


def zero_members(shapes) -> Members:
    """Return members with zero parameters of given shapes."""
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    vector = np.zeros(sum(sizes), dtype=np.float32)
    parts = np.split(vector, np.cumsum(sizes)[:-1])
    tensors = {
        name: part.reshape(shape)
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }
    return Members(vector, tensors)


def shapes_of(n_members, n_inputs, widths, n_outputs):
    """Return the shapes of the tensors of a network with these hidden layers."""
    shapes = {SCALE: (n_members, 1, n_inputs)}
    for i, (n_in, n_out) in enumerate(zip([n_inputs, *widths], widths, strict=False)):
        shapes[f"w{i}"] = (n_members, n_in, n_out)
        shapes[f"c{i}"] = (n_members, 1, n_out)
    n_last = widths[-1] if widths else n_inputs
    shapes[WEIGHT_OUT] = (n_members, n_last, n_outputs)
    shapes[BIAS_OUT] = (n_members, 1, n_outputs)
    return shapes


def random_members(shapes, rng) -> Members:
    """Return members with random parameters."""
    members = zero_members(shapes)
    for name, tensor in members.tensors.items():
        if name == SCALE:
            tensor[:] = 1.0
        elif name != BIAS_OUT:
            spread = BIAS_SPREAD if name.startswith("c") else 1.0
            spread = OUTPUT_SPREAD if name == WEIGHT_OUT else spread
            tensor[:] = spread * rng.standard_normal(tensor.shape, dtype=np.float32)
    return members


def outputs(tensors, x):
    """Return the outputs of all members.

    Parameters
    ----------
    tensors : dict of str to ndarray
    x : ndarray of shape (n_members or 1, n_rows, n_inputs)

    Returns
    -------
    out : ndarray of shape (n_members, n_rows, n_outputs)
    """
    *hidden, last = _weights(tensors)
    h = x
    for i, weight in enumerate(hidden):
        h = _silu(_linear(h, weight, tensors[f"c{i}"]))
    return _linear(h, last, tensors[BIAS_OUT])


def outputs_and_layers(tensors, x, masks):
    """Return the outputs of all members, and the hidden layers for `gradient`.

    Parameters
    ----------
    tensors : dict of str to ndarray
    x : ndarray of shape (n_members or 1, n_rows, n_inputs)
    masks : sequence of ndarray or None
        Dropout factors of the units of each hidden layer.

    Returns
    -------
    out : ndarray of shape (n_members, n_rows, n_outputs)
    layers : list
    """
    *hidden, last = _weights(tensors)
    h, layers = x, []
    for i, weight in enumerate(hidden):
        u = _linear(h, weight, tensors[f"c{i}"])
        gate = 1 / (1 + np.exp(np.minimum(-u, LARGEST_EXPONENT)))
        value = u * gate
        mask = None if masks is None else masks[i]
        if mask is not None:
            value *= mask
        layers.append((h, u, gate, mask))
        h = value
    layers.append(h)
    return _linear(h, last, tensors[BIAS_OUT]), layers


def _silu(u):
    """Return ``silu(u)``, in one array: memory access dominates the time."""
    divisor = np.negative(u)
    np.minimum(divisor, LARGEST_EXPONENT, out=divisor)
    np.exp(divisor, out=divisor)
    divisor += 1
    return np.divide(u, divisor, out=divisor)


def _weights(tensors):
    """Return the weights of the layers, the first multiplied by the input factors."""
    names = [f"w{i}" for i in range(len(tensors) // 2 - 1)] + [WEIGHT_OUT]
    first, *others = (tensors[name] for name in names)
    return [tensors[SCALE].transpose(0, 2, 1) * first, *others]


def _linear(h, weight, bias):
    """Return a linear layer with weights scaled by the root of the width."""
    u = h @ weight
    u *= weight.dtype.type(weight.shape[1] ** -0.5)
    u += bias
    return u


def gradient(tensors, layers, d_out, into):
    """Write the gradient of a loss with respect to all parameters.

    Parameters
    ----------
    tensors : dict of str to ndarray
    layers : list
        Second result of `outputs_and_layers`.
    d_out : ndarray of shape (n_members, n_rows, n_outputs)
        Derivative of the loss with respect to the outputs.
    into : dict of str to ndarray
        Tensors that the gradient is written to.
    """
    *hidden, last = layers
    names = [*((f"w{i}", f"c{i}") for i in range(len(hidden))), (WEIGHT_OUT, BIAS_OUT)]
    inputs = [*(h for h, *_ in hidden), last]
    d = d_out
    for i in reversed(range(len(names))):
        weight, bias = names[i]
        r = np.float32(inputs[i].shape[-1] ** -0.5)
        np.sum(d, axis=1, keepdims=True, out=into[bias])
        np.matmul(inputs[i].transpose(0, 2, 1), d, out=into[weight])
        into[weight] *= r
        if i == 0:
            break
        d = d @ tensors[weight].transpose(0, 2, 1)
        d *= r
        _, u, gate, mask = hidden[i - 1]
        if mask is not None:
            d *= mask
        # silu'(u) = gate + u gate (1 - gate)
        d *= gate * (1 + u * (1 - gate))
    # Factors and weights of the inputs enter as a product: their gradients follow from
    # that of the product, without the gradient of the scaled inputs.
    product = into[weight]
    into[SCALE][:, 0] = (product * tensors[weight]).sum(axis=2)
    product *= tensors[SCALE].transpose(0, 2, 1)


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    Parameters
    ----------
    members : Members
        Updated in place by `step`.
    weight_decay : float
        Decay of the weights; factors and biases have none.
    """

    def __init__(self, members, weight_decay):
        self._vector = members.vector
        shapes = {name: t.shape for name, t in members.tensors.items()}
        rates, decay = zero_members(shapes), zero_members(shapes)
        for name in shapes:
            rates.tensors[name][:] = RATES[name[0]]
            decay.tensors[name][:] = weight_decay if name[0] == "w" else 0.0
        self._rates, self._decay = rates.vector, decay.vector
        self._mean = np.zeros_like(self._vector)
        self._square = np.zeros_like(self._vector)
        self._n = 0

    def step(self, gradient, rate, decay_share=1.0):
        """Take one step.

        Parameters
        ----------
        gradient : ndarray of shape (n_parameters,)
        rate : float
            Learning rate of the weights.
        decay_share : float, default=1.0
            Factor of the weight decay.
        """
        self._n += 1
        self._mean *= BETA_1
        self._mean += (1 - BETA_1) * gradient
        self._square *= BETA_2
        self._square += (1 - BETA_2) * gradient**2
        change = np.sqrt(self._square)
        change *= (1 - BETA_2**self._n) ** -0.5
        change += EPSILON
        np.divide(self._mean, change, out=change)
        change *= self._rates
        change *= rate / (1 - BETA_1**self._n)
        change += (rate * decay_share) * self._decay * self._vector
        self._vector -= change
