"""Inner loop: gradient steps."""

import torch

from sklearn_meta.maml.training._inner_loop import adapt
from tests.maml.training.lines import (
    Line,
    LineLearner,
    lines,
    log_rates,
    start,
)


def test_zero_steps_return_the_parameters_themselves():
    parameters = start()
    adapted = adapt(lambda p: p["slope"] ** 2, parameters, log_rates(), 0)
    assert adapted == parameters


def test_parameters_without_rate_stay():
    task = Line(*(part[0] for part in lines()))
    loss = LineLearner().support_loss(start(), task, ())
    rates = {"slope": torch.tensor(0.1, dtype=torch.float64)}
    adapted = adapt(loss, start(), rates, 2)
    assert adapted["offset"] == start()["offset"]
    assert adapted["slope"] != start()["slope"]
