"""Inner loop of MAML: gradient steps on the support loss of one task.

With parameters theta, rates alpha (one for each tensor) and the support loss L, a step
is

    theta <- theta - alpha * grad L(theta)

The algorithms differ in which tensors are adapted, whether the rates are learned, and
how the outer loop differentiates through the steps (see `Algorithm`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.func import grad

from sklearn_meta.maml._network import HEAD


@dataclass(frozen=True)
class Algorithm:
    """A meta-learning algorithm, as a variant of MAML.

    Parameters
    ----------
    adapts : str, default=""
        Prefix of the names of the adapted tensors; the empty prefix selects all.
    learns_rates : bool, default=False
        Whether the rate of each tensor is learned along with the initialization.
    second_order : bool, default=True
        Whether the outer gradient passes through the inner gradients. Otherwise these
        are treated as constants.
    moves_towards_adapted : bool, default=False
        Whether the initialization moves towards the adapted parameters (Reptile)
        instead of along the gradient of the query loss.
    """

    adapts: str = ""
    learns_rates: bool = False
    second_order: bool = True
    moves_towards_adapted: bool = False

    def is_adapted(self, name):
        """Return whether the tensor of this name is adapted."""
        return name.startswith(self.adapts)


ALGORITHMS = {
    "maml": Algorithm(),
    "fomaml": Algorithm(second_order=False),
    "reptile": Algorithm(second_order=False, moves_towards_adapted=True),
    "anil": Algorithm(adapts=HEAD),
    "meta_sgd": Algorithm(adapts=HEAD, learns_rates=True),
}


def adapt(loss, parameters, rates, n_steps, *, second_order=True):
    """Take gradient steps on a loss.

    Parameters
    ----------
    loss : callable
        Function from a dictionary of tensors to a scalar tensor.
    parameters : dict of str to Tensor
    rates : dict of str to Tensor
        Step sizes of the adapted tensors; the other tensors are not changed.
    n_steps : int
    second_order : bool, default=True
        Whether the result is differentiable through the gradients. First-order steps
        record no graph and need less memory.

    Returns
    -------
    adapted : dict of str to Tensor
        All of `parameters`, adapted or not.
    """
    adapted = dict(parameters)
    for _ in range(n_steps):
        gradients = _gradients(loss, adapted, rates, second_order)
        for name, gradient in gradients.items():
            adapted[name] = adapted[name] - rates[name] * gradient
    return adapted


def _gradients(loss, parameters, names, second_order):
    """Return the gradients of the loss in the named parameters."""
    fixed = {k: v for k, v in parameters.items() if k not in names}

    def loss_of(moving):
        return loss({**fixed, **moving})

    moving = {name: parameters[name] for name in names}
    if second_order:
        return grad(loss_of)(moving)
    # First-order gradients are constants of the outer loop: no graph is recorded.
    with torch.no_grad():
        return grad(loss_of)(moving)
