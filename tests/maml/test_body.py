"""Body of the network: shapes, and left-out against refitted predictions."""

import pytest
import torch

from sklearn_meta.maml._body import base_predictors, n_features
from tests.maml.networks import TASKS, example, perturbed_network


@pytest.mark.parametrize("task", TASKS)
def test_shapes(task):
    context, x, missing = example(task)
    network = perturbed_network(task)
    encoded = network.body(context, x, missing)
    n_targets = 3 if task == "classification" else 1
    n_bases = len(base_predictors(task))
    assert encoded.predictions.shape == (5, n_bases, n_targets)
    assert encoded.features.shape == (5, n_targets, n_features(network.config))
    assert encoded.losses.shape == (n_bases,)
    assert float(encoded.n_rows) == 14


@pytest.mark.parametrize("task", TASKS)
def test_gates_are_shares_of_the_columns(task):
    context, *_ = example(task)
    mask = torch.tensor([True, False, True, True])
    fitted = perturbed_network(task).body.fit_context(
        context._replace(column_mask=mask)
    )
    shares = fitted.shares.sum(0)
    torch.testing.assert_close(shares, torch.ones_like(shares), atol=1e-5, rtol=0)
    assert not fitted.shares[1].any()


def test_left_out_losses_tell_signal_from_noise():
    context, *_ = example("regression", n=40)
    body = perturbed_network("regression").body
    shuffled = context.y[torch.randperm(40, generator=torch.Generator().manual_seed(0))]
    signal = body.fit_context(context).losses
    noise = body.fit_context(context._replace(y=shuffled)).losses
    assert (signal < noise).all()
