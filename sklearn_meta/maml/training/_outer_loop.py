"""Meta-gradient of a batch of tasks: one step of the outer loop of MAML."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from sklearn_meta.maml._network import HEAD, prediction_loss
from sklearn_meta.maml.training._inner_loop import adapt
from sklearn_meta.maml.training._support_loss import (
    cross_fit,
    head_loss,
    support_loss,
)


class TableLearner:
    """Support and query loss of a `TableNetwork` as functions of its parameters.

    Parameters
    ----------
    network : TableNetwork
    """

    def __init__(self, network):
        self.network = network

    def support_loss(self, parameters, task, adapted):
        """Return the support loss of one task as a function of all parameters.

        `adapted` are the names of the parameters that vary between calls of the
        function. If all belong to the head, rows are encoded only once.
        """
        if not all(name.startswith(HEAD) for name in adapted):
            return lambda p: support_loss(self.network, p, task.context)
        encoded = cross_fit(self.network, parameters, task.context)
        return lambda p: head_loss(self.network, p, *encoded)

    def query_loss(self, parameters, task):
        """Return the loss on the query rows of one task, predicted from the support."""
        prediction = functional_call(
            self.network, parameters, (task.context, task.x, task.missing)
        )
        return prediction_loss(
            prediction, task.y, task.weight, self.network.config.task
        )


class MetaGradient(NamedTuple):
    """Losses of a batch of tasks and their gradient.

    Parameters
    ----------
    loss : Tensor of shape (n_tasks,)
        Query losses after adaptation.
    parameters : dict of str to Tensor
        Gradient of the mean loss; for Reptile, the initialization minus the mean of the
        adapted parameters.
    log_rates : dict of str to Tensor
        Gradient for the logarithms of the rates; empty if they are not learned.
    """

    loss: Tensor
    parameters: dict[str, Tensor]
    log_rates: dict[str, Tensor]


def adapted_losses(
    learner, parameters, rates, tasks, n_inner_steps, *, second_order=True
):
    """Return the query losses after adaptation, shape (n_tasks,).

    `learner` is a `TableLearner` or any object with its two methods; `rates` are the
    step sizes of the adapted tensors. The result is differentiable in `parameters` and
    `rates`.
    """

    def loss(task):
        adapted = parameters
        if n_inner_steps:
            adapted = adapt(
                learner.support_loss(parameters, task, rates),
                parameters,
                rates,
                n_inner_steps,
                second_order=second_order,
            )
        return learner.query_loss(adapted, task)

    return vmap(loss)(tasks)


def meta_gradient(learner, algorithm, parameters, log_rates, tasks, n_inner_steps):
    """Return the `MetaGradient` of a batch of tasks.

    `learner` is a `TableLearner` or any object with its two methods; `log_rates` are
    the logarithms of the step sizes of the adapted tensors.
    """
    if algorithm.moves_towards_adapted:
        return _reptile_direction(learner, parameters, log_rates, tasks, n_inner_steps)
    parameters = _require_gradients(parameters)
    log_rates = _require_gradients(log_rates)
    rates = {name: torch.exp(value) for name, value in log_rates.items()}
    losses = adapted_losses(
        learner,
        parameters,
        rates,
        tasks,
        n_inner_steps,
        second_order=algorithm.second_order,
    )
    learned = log_rates if algorithm.learns_rates and n_inner_steps else {}
    gradients = torch.autograd.grad(
        losses.mean(), [*parameters.values(), *learned.values()]
    )
    return MetaGradient(
        losses.detach(),
        dict(zip(parameters, gradients, strict=False)),
        dict(zip(learned, gradients[len(parameters) :], strict=True)),
    )


def _reptile_direction(learner, parameters, log_rates, tasks, n_inner_steps):
    """Return the initialization minus the mean of the adapted parameters (Reptile)."""
    # phi <- phi + epsilon mean(phi_task - phi), equation (1) of Nichol, Achiam and
    # Schulman, "On First-Order Meta-Learning Algorithms", arXiv 1803.02999, 2018.
    # Reptile does not distinguish support and query: it adapts on the loss of both.
    rates = {name: torch.exp(value) for name, value in log_rates.items()}

    def moved(task):
        support = learner.support_loss(parameters, task, rates)

        def loss(p):
            return 0.5 * (support(p) + learner.query_loss(p, task))

        adapted = adapt(loss, parameters, rates, n_inner_steps, second_order=False)
        moves = {name: parameters[name] - adapted[name] for name in parameters}
        return moves, learner.query_loss(adapted, task)

    with torch.no_grad():
        moves, losses = vmap(moved)(tasks)
    return MetaGradient(losses, {k: v.mean(0) for k, v in moves.items()}, {})


def _require_gradients(tensors):
    """Return copies that gradients are computed for."""
    return {k: v.detach().clone().requires_grad_() for k, v in tensors.items()}
