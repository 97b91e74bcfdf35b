"""The outer loop's step: what a batch of tasks says about the initialization."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from sklearn_meta.maml._inner_loop import HEAD, adapt
from sklearn_meta.maml._network import (
    cross_fit,
    head_loss,
    prediction_loss,
    split_parameters,
    support_loss,
)


class TableLearner:
    """Losses of a `TableNetwork` on one task, as functions of its parameters.

    Parameters
    ----------
    network : TableNetwork
    n_folds : int or None, default=None
        Folds of the support loss; None takes those of the network's configuration.
    """

    def __init__(self, network, n_folds=None):
        self.network = network
        self.n_folds = network.config.n_folds if n_folds is None else n_folds

    def support_loss(self, parameters, task, adapted):
        """Return the support's loss as a function of the parameters.

        Parameters
        ----------
        parameters : dict of str to Tensor
        task : Tasks
            Without a dimension of tasks.
        adapted : collection of str
            Names of the parameters that the function will be called with other values
            of. When they all belong to the head, rows are encoded only once.

        Returns
        -------
        loss : callable
            From a dictionary of all parameters to a scalar tensor.
        """
        network, n_folds = self.network, self.n_folds
        if not all(name.startswith(HEAD) for name in adapted):
            return lambda p: support_loss(network, p, task.context, n_folds)
        body, _ = split_parameters(parameters)
        rows, y, weight = cross_fit(network.body, body, task.context, n_folds)

        def loss(p):
            _, head = split_parameters(p)
            return head_loss(network.head, head, rows, y, weight, network.config.task)

        return loss

    def query_loss(self, parameters, task):
        """Return the loss on the query rows, predicted from the support."""
        prediction = functional_call(
            self.network, parameters, (task.context, task.x, task.missing)
        )
        return prediction_loss(
            prediction, task.y, task.weight, self.network.config.task
        )


class MetaGradient(NamedTuple):
    """Result of one batch of tasks.

    Parameters
    ----------
    loss : Tensor of shape (n_tasks,)
        Of the queries, after adaptation.
    parameters : dict of str to Tensor
        Gradient of the mean loss; for Reptile, the initialization less the mean of the
        adapted parameters.
    log_rates : dict of str to Tensor
        Gradient for the logarithms of the rates; empty where they are not learned.
    """

    loss: Tensor
    parameters: dict[str, Tensor]
    log_rates: dict[str, Tensor]


def adapted_losses(
    learner, algorithm, parameters, rates, tasks, n_inner_steps, in_dims=0
):
    """Return the query losses (n_tasks,) after adaptation, differentiably.

    Parameters
    ----------
    learner : TableLearner
        Or anything with its two methods.
    algorithm : Algorithm
    parameters, rates : dict of str to Tensor
    tasks : NamedTuple of Tensor
        With a dimension of tasks in front.
    n_inner_steps : int
    in_dims : default=0
        Where the tensors of `tasks` have the dimension of tasks.

    Returns
    -------
    losses : Tensor of shape (n_tasks,)
    """

    def loss(task):
        adapted = parameters
        if n_inner_steps:
            adapted = adapt(
                learner.support_loss(parameters, task, rates),
                parameters,
                rates,
                n_inner_steps,
                second_order=algorithm.second_order,
            )
        return learner.query_loss(adapted, task)

    return vmap(loss, in_dims=(in_dims,))(tasks)


def meta_gradient(learner, algorithm, parameters, log_rates, tasks, n_inner_steps):
    """Return what a batch of tasks says about the initialization.

    Parameters
    ----------
    learner : TableLearner
        Or anything with its two methods.
    algorithm : Algorithm
    parameters : dict of str to Tensor
    log_rates : dict of str to Tensor
        Logarithms of the step sizes of the parameters that adapt.
    tasks : NamedTuple of Tensor
        With a dimension of tasks in front.
    n_inner_steps : int

    Returns
    -------
    gradient : MetaGradient
    """
    if algorithm.moves_towards_adapted:
        return _reptile_direction(learner, parameters, log_rates, tasks, n_inner_steps)
    parameters = _leaves(parameters)
    log_rates = _leaves(log_rates)
    rates = {name: torch.exp(value) for name, value in log_rates.items()}
    losses = adapted_losses(learner, algorithm, parameters, rates, tasks, n_inner_steps)
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
    """Adapt to all rows of each task, and point away from the mean of the results.

    phi <- phi + epsilon mean(phi_task - phi), equation (1) of Nichol, Achiam and
    Schulman, "On First-Order Meta-Learning Algorithms", arXiv 1803.02999, 2018. Reptile
    needs no query: its steps are taken on the loss of all rows, support and query.
    """
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


def _leaves(tensors):
    return {k: v.detach().clone().requires_grad_() for k, v in tensors.items()}
