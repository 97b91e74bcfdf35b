"""Meta-gradients: closed form, finite differences, and a loop over tasks."""

import numpy as np
import pytest
import torch

from sklearn_meta.maml._initialization import random_initialization
from sklearn_meta.maml._network import NetworkConfig, prediction_loss
from sklearn_meta.maml.training._batches import as_tasks
from sklearn_meta.maml.training._inner_loop import ALGORITHMS, Algorithm
from sklearn_meta.maml.training._outer_loop import (
    TableLearner,
    adapted_losses,
    meta_gradient,
)
from sklearn_meta.maml.training._support_loss import support_loss
from tests.maml.training.episodes import small_episodes
from tests.maml.training.lines import (
    RATES,
    LineLearner,
    as_array,
    lines,
    log_rates,
    start,
)

CONFIG = {"width": 6, "cell_width": 2, "n_neighbors": 1, "n_folds": 2}


def closed_form(theta, tasks, n_steps, second_order=True):
    """Return loss and meta-gradient by linear algebra in numpy.

    A least-squares loss has gradient H theta - b. A step multiplies by I - R H with the
    rates R, so that the meta-gradient is the query's, multiplied by the transpose.
    """
    R = np.diag(list(RATES.values()))
    losses, gradients = [], []
    for x, y, x_query, y_query in zip(*(part.numpy() for part in tasks), strict=True):
        Z, Q = np.c_[x, np.ones(6)], np.c_[x_query, np.ones(6)]
        H, b = Z.T @ Z / 6, Z.T @ y / 6
        adapted, chain = theta.copy(), np.eye(2)
        for _ in range(n_steps):
            adapted = adapted - R @ (H @ adapted - b)
            chain = (np.eye(2) - R @ H) @ chain
        residual = Q @ adapted - y_query
        losses.append(0.5 * (residual**2).mean())
        gradient = Q.T @ residual / 6
        gradients.append(chain.T @ gradient if second_order else gradient)
    return np.array(losses), np.mean(gradients, axis=0)


@pytest.mark.parametrize("n_steps", [0, 1, 4])
@pytest.mark.parametrize("name", ["maml", "fomaml"])
def test_meta_gradient_is_the_closed_form(name, n_steps):
    tasks = lines()
    got = meta_gradient(
        LineLearner(), ALGORITHMS[name], start(), log_rates(), tasks, n_steps
    )
    losses, gradient = closed_form(
        as_array(start()), tasks, n_steps, second_order=name == "maml"
    )
    np.testing.assert_allclose(got.loss.numpy(), losses, rtol=1e-12)
    np.testing.assert_allclose(as_array(got.parameters), gradient, rtol=1e-10)


def mean_loss(parameters, rates, tasks, n_steps):
    rates = {name: torch.exp(value) for name, value in rates.items()}
    losses = adapted_losses(LineLearner(), parameters, rates, tasks, n_steps)
    return float(losses.mean())


@pytest.mark.parametrize("name", ["slope", "offset"])
def test_meta_gradient_is_that_of_finite_differences(name):
    tasks, step = lines(), 1e-5
    learns_rates = Algorithm(learns_rates=True)
    got = meta_gradient(LineLearner(), learns_rates, start(), log_rates(), tasks, 3)
    for gradient, which in [(got.parameters, 0), (got.log_rates, 1)]:
        values = []
        for sign in (1, -1):
            arguments = [start(), log_rates()]
            arguments[which][name] = arguments[which][name] + sign * step
            values.append(mean_loss(*arguments, tasks, 3))
        expected = (values[0] - values[1]) / (2 * step)
        assert float(gradient[name]) == pytest.approx(expected, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("n_inner_steps", [0, 2])
def test_batch_is_the_mean_of_its_tasks(n_inner_steps):
    """What vmap computes over padded tasks is what a loop over tasks computes."""
    group = small_episodes(n=3)
    network = random_initialization(NetworkConfig("classification", **CONFIG)).network()
    network = network.double()
    parameters = dict(network.named_parameters())
    rates = {k: torch.tensor(0.05) for k in parameters if k.startswith("head.")}
    # Body and head, without encoding the support only once.
    losses = []
    for one in group:
        task = in_double(as_tasks([one]))
        task = type(task)(type(task.context)(*(p[0] for p in task.context)),
                          *(p[0] for p in task[1:]))  # fmt: skip
        adapted = dict(parameters)
        for _ in range(n_inner_steps):
            loss = support_loss(network, adapted, task.context)
            gradients = torch.autograd.grad(
                loss, [adapted[name] for name in rates], create_graph=True
            )
            for name, gradient in zip(rates, gradients, strict=True):
                adapted[name] = adapted[name] - rates[name] * gradient
        prediction = torch.func.functional_call(
            network, adapted, (task.context, task.x, task.missing)
        )
        losses.append(
            prediction_loss(prediction, task.y, task.weight, "classification")
        )
    expected = torch.autograd.grad(
        torch.stack(losses).mean(), list(parameters.values())
    )
    got = meta_gradient(
        TableLearner(network),
        ALGORITHMS["anil"],
        parameters,
        {name: rate.log() for name, rate in rates.items()},
        in_double(as_tasks(group)),
        n_inner_steps,
    )
    torch.testing.assert_close(
        got.loss, torch.stack(losses).detach(), rtol=1e-5, atol=1e-6
    )
    for gradient, name in zip(expected, parameters, strict=True):
        torch.testing.assert_close(got.parameters[name], gradient, rtol=1e-4, atol=1e-6)


def in_double(tasks):
    def double(part):
        return part.double() if part.is_floating_point() else part

    return type(tasks)(
        type(tasks.context)(*map(double, tasks.context)), *map(double, tasks[1:])
    )
