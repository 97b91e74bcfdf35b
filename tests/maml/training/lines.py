"""Linear regression with two parameters, whose meta-gradient has a closed form."""

from typing import NamedTuple

import numpy as np
import torch

RATES = {"slope": 0.05, "offset": 0.2}


class Line(NamedTuple):
    """Points of one task of the two-parameter model."""

    x: torch.Tensor
    y: torch.Tensor
    x_query: torch.Tensor
    y_query: torch.Tensor


class LineLearner:
    """y = slope x + offset, with half the mean squared error."""

    def support_loss(self, parameters, task, adapted):
        return lambda p: self._loss(p, task.x, task.y)

    def query_loss(self, parameters, task):
        return self._loss(parameters, task.x_query, task.y_query)

    def _loss(self, p, x, y):
        return 0.5 * ((p["slope"] * x + p["offset"] - y) ** 2).mean()


def lines(n_tasks=3, seed=0):
    rng = np.random.default_rng(seed)
    return Line(*(torch.tensor(rng.normal(size=(n_tasks, 6))) for _ in range(4)))


def start():
    return {
        "slope": torch.tensor(0.3, dtype=torch.float64),
        "offset": torch.tensor(-0.4, dtype=torch.float64),
    }


def log_rates():
    return {
        name: torch.tensor(np.log(rate), dtype=torch.float64)
        for name, rate in RATES.items()
    }


def as_array(tensors):
    return np.array([float(tensors["slope"]), float(tensors["offset"])])
