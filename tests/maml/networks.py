"""Small contexts and networks for the tests."""

import numpy as np
import torch

from sklearn_meta.maml._context import Context
from sklearn_meta.maml._initialization import random_initialization
from sklearn_meta.maml._network import NetworkConfig

TASKS = ("classification", "regression")


def example(task, n=14, m=5, d=4, n_classes=3, seed=0):
    """Return a context and rows to predict, in double precision."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n + m, d))
    missing = rng.random(size=x.shape) < 0.1
    x[missing] = 0.0
    score = x[:, 0] - x[:, 1] + 0.3 * rng.normal(size=n + m)
    if task == "classification":
        y = np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))
        y = torch.tensor(y)
    else:
        y = torch.tensor((score - score[:n].mean()) / score[:n].std())
    x, missing = torch.tensor(x), torch.tensor(missing)
    context = Context(
        x[:n],
        missing[:n],
        y[:n],
        torch.ones(n, dtype=torch.float64),
        torch.ones(d, dtype=torch.bool),
        torch.ones(n_classes, dtype=torch.bool),
    )
    return context, x[n:], missing[n:]


def perturbed_network(task, **settings):
    """Return a network none of whose layers is zero, in double precision."""
    network = random_initialization(NetworkConfig(task, **settings)).network().double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.1 * noise.to(parameter.dtype))
    return network
