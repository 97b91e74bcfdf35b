"""The inner loop: a few gradient steps on the support of one task.

With parameters theta, rates alpha (one for each tensor) and the loss L of the support,
a step is

    theta <- theta - alpha * grad L(theta)

Algorithms differ in which tensors take steps, whether the rates are learned, and what
becomes of the steps in the outer loop (see `Algorithm`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.func import grad

HEAD = "head."


@dataclass(frozen=True)
class Algorithm:
    """How parameters adapt to a task, and what is learned from the adapted ones.

    Parameters
    ----------
    adapts : str, default=""
        Prefix of the names of the tensors that take steps; the empty one means all.
    learns_rates : bool, default=False
        Learn the rate of each tensor along with the initialization.
    second_order : bool, default=True
        Differentiate through the steps; otherwise the adapted parameters count as the
        initialization plus a constant.
    moves_towards_adapted : bool, default=False
        Move the initialization towards the adapted parameters, instead of down the
        gradient of the query's loss.
    """

    adapts: str = ""
    learns_rates: bool = False
    second_order: bool = True
    moves_towards_adapted: bool = False

    def is_adapted(self, name):
        """Return whether the tensor of this name takes steps."""
        return name.startswith(self.adapts)


ALGORITHMS = {
    "maml": Algorithm(),
    "fomaml": Algorithm(second_order=False),
    "reptile": Algorithm(second_order=False, moves_towards_adapted=True),
    "anil": Algorithm(adapts=HEAD),
    "meta_sgd": Algorithm(adapts=HEAD, learns_rates=True),
}


def as_algorithm(algorithm):
    """Return the `Algorithm` of a name, or the `Algorithm` that was given.

    Raises
    ------
    ValueError
        If there is no algorithm of this name.
    """
    if isinstance(algorithm, Algorithm):
        return algorithm
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"'algorithm' must be one of {sorted(ALGORITHMS)} or an Algorithm. "
            f"Got {algorithm!r}."
        )
    return ALGORITHMS[algorithm]


def adapt(loss, parameters, rates, n_steps, *, second_order=True):
    """Take gradient steps on a loss.

    Parameters
    ----------
    loss : callable
        From a dictionary of tensors to a scalar tensor.
    parameters : dict of str to Tensor
    rates : dict of str to Tensor
        Step sizes of the tensors that take steps; the others stay as they are.
    n_steps : int
        0 returns the parameters as they are.
    second_order : bool, default=True
        Let the result depend differentiably on the parameters through the gradients
        too. Otherwise the gradients are constants, and cost no memory.

    Returns
    -------
    adapted : dict of str to Tensor
        All of `parameters`.
    """
    adapted = dict(parameters)
    for _ in range(n_steps):
        gradients = _gradients(loss, adapted, rates, second_order)
        for name, gradient in gradients.items():
            adapted[name] = adapted[name] - rates[name] * gradient
    return adapted


def _gradients(loss, parameters, names, second_order):
    fixed = {k: v for k, v in parameters.items() if k not in names}

    def loss_of(moving):
        return loss({**fixed, **moving})

    moving = {name: parameters[name] for name in names}
    if second_order:
        return grad(loss_of)(moving)
    # Gradients are constants of the outer loop, which then need not be recorded.
    with torch.no_grad():
        return grad(loss_of)(moving)
