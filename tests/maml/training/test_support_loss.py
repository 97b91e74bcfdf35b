"""Cross-fitting of the support: folds, left-out targets, padding."""

import pytest
import torch

from sklearn_meta.maml._context import Context
from sklearn_meta.maml.training._support_loss import (
    cross_fit,
    cross_fitting_folds,
    support_loss,
)
from tests.maml.networks import TASKS, example, perturbed_network


def test_cross_fitted_row_does_not_see_its_own_target():
    context, *_ = example("regression", n=15)
    network = perturbed_network("regression")
    parameters = dict(network.named_parameters())
    # The order of targets stays, and so do the folds.
    row = int(context.y.argmax())
    changed = context._replace(
        y=context.y + 0.5 * (torch.arange(15) == row).to(torch.float64)
    )
    before, y_before, _ = cross_fit(network, parameters, context)
    after, y_after, _ = cross_fit(network, parameters, changed)
    own = y_before != y_after
    assert int(own.sum()) == 1
    fold = int(own.any(1).nonzero()[0, 0])
    torch.testing.assert_close(after.predictions[own], before.predictions[own])
    torch.testing.assert_close(after.features[own], before.features[own])
    others = [k for k in range(5) if k != fold]
    assert not torch.allclose(after.predictions[others], before.predictions[others])


def test_folds_are_stratified_and_disjoint():
    context, *_ = example("classification", n=15)
    context = context._replace(y=torch.arange(15) % 3)
    folds = cross_fitting_folds(context, 5)
    rows = folds.x.reshape(15, -1)
    assert len({tuple(row.tolist()) for row in rows}) == 15
    for k in range(5):
        own = {tuple(row.tolist()) for row in folds.x[k]}
        others = {tuple(row.tolist()) for row in folds.context.x[k]}
        assert not own & others and len(own | others) == 15
        assert folds.y[k].unique().tolist() == [0, 1, 2]


@pytest.mark.parametrize("task", TASKS)
def test_support_loss_does_not_depend_on_padding_to_folds(task):
    context, *_ = example(task, n=15)
    network = perturbed_network(task)
    parameters = dict(network.named_parameters())
    pad = torch.nn.functional.pad
    padded = context._replace(
        x=pad(context.x, (0, 0, 0, 5)),
        missing=pad(context.missing, (0, 0, 0, 5), value=True),
        y=pad(context.y, (0, 5)),
        weight=pad(context.weight, (0, 5)),
    )
    torch.testing.assert_close(
        support_loss(network, parameters, padded),
        support_loss(network, parameters, context),
    )


def test_gradients_are_finite_on_degenerate_tables():
    """Constant columns, a class of one row, identical rows, all cells missing."""
    n, d = 10, 3
    context = Context(
        torch.zeros(n, d, dtype=torch.float64),
        torch.ones(n, d, dtype=torch.bool),
        torch.tensor([0] * 9 + [1]),
        torch.ones(n, dtype=torch.float64),
        torch.ones(d, dtype=torch.bool),
        torch.ones(2, dtype=torch.bool),
    )
    network = perturbed_network("classification")
    loss = support_loss(network, dict(network.named_parameters()), context)
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    assert all(torch.isfinite(g).all() for g in gradients)
