"""The network: symmetries, padding, losses and the untrained mixture."""

import numpy as np
import pytest
import torch

from sklearn_meta.maml._context import Context
from sklearn_meta.maml._initialization import random_initialization
from sklearn_meta.maml._network import NetworkConfig, prediction_loss
from tests.maml.networks import TASKS, example, perturbed_network


@pytest.mark.parametrize("task", TASKS)
def test_order_of_context_rows_does_not_matter(task):
    context, x, missing = example(task)
    network = perturbed_network(task)
    order = torch.randperm(len(context.y), generator=torch.Generator().manual_seed(0))
    shuffled = context._replace(
        x=context.x[order],
        missing=context.missing[order],
        y=context.y[order],
        weight=context.weight[order],
    )
    torch.testing.assert_close(
        network(shuffled, x, missing), network(context, x, missing)
    )


@pytest.mark.parametrize("task", TASKS)
def test_permuting_predicted_rows_permutes_predictions(task):
    context, x, missing = example(task)
    network = perturbed_network(task)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(
        network(context, x[order], missing[order]),
        network(context, x, missing)[order],
    )


@pytest.mark.parametrize("task", TASKS)
def test_order_of_columns_does_not_matter(task):
    context, x, missing = example(task)
    network = perturbed_network(task)
    order = torch.tensor([2, 0, 3, 1])
    permuted = context._replace(
        x=context.x[:, order], missing=context.missing[:, order]
    )
    torch.testing.assert_close(
        network(permuted, x[:, order], missing[:, order]),
        network(context, x, missing),
    )


def test_permuting_classes_permutes_predictions():
    context, x, missing = example("classification")
    network = perturbed_network("classification")
    # Class c is called new_name[c].
    new_name = torch.tensor([2, 0, 1])
    renamed = context._replace(y=new_name[context.y])
    torch.testing.assert_close(
        network(renamed, x, missing)[:, new_name], network(context, x, missing)
    )


@pytest.mark.parametrize("task", TASKS)
def test_padding_changes_nothing(task):
    context, x, missing = example(task)
    network = perturbed_network(task)
    pad = torch.nn.functional.pad
    padded = Context(
        x=pad(context.x, (0, 2, 0, 3)),
        missing=pad(context.missing, (0, 2, 0, 3), value=True),
        y=pad(context.y, (0, 3)),
        weight=pad(context.weight, (0, 3)),
        column_mask=pad(context.column_mask, (0, 2)),
        class_mask=pad(context.class_mask, (0, 2)),
    )
    expected = network(context, x, missing)
    got = network(padded, pad(x, (0, 2)), pad(missing, (0, 2), value=True))
    torch.testing.assert_close(got[:, : expected.shape[1]], expected)
    if task == "classification":
        assert (torch.softmax(got, 1)[:, 3:] == 0).all()


@pytest.mark.parametrize("task", TASKS)
def test_weight_zero_is_leaving_the_row_out(task):
    context, x, missing = example(task)
    network = perturbed_network(task)
    keep = torch.arange(len(context.y)) != 4
    without = Context(*(part[keep] for part in context[:4]), *context[4:])
    weightless = context._replace(weight=keep.to(torch.float64))
    torch.testing.assert_close(
        network(weightless, x, missing), network(without, x, missing)
    )


def test_losses_are_log_loss_and_gaussian_likelihood():
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(size=(6, 3)))
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    weight = torch.tensor([1.0, 2.0, 0.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    expected = torch.nn.functional.cross_entropy(logits, y, reduction="none")
    torch.testing.assert_close(
        prediction_loss(logits, y, weight, "classification"),
        (expected * weight).sum() / weight.sum(),
    )
    target = torch.tensor(rng.normal(size=6))
    prediction = torch.tensor(rng.normal(size=(6, 2))) * torch.tensor([1.0, 0.01])
    likelihood = torch.nn.functional.gaussian_nll_loss(
        prediction[:, 0], target, prediction[:, 1].exp(), reduction="mean"
    )
    squared = 0.5 * ((target - prediction[:, 0]) ** 2).mean()
    got = prediction_loss(prediction, target, torch.ones(6), "regression")
    torch.testing.assert_close(got, 0.5 * (likelihood + squared), rtol=1e-5, atol=1e-6)


def test_untrained_network_is_an_ensemble_of_its_base_predictors():
    context, x, missing = example("classification", n=40, m=60, n_classes=2)
    config = NetworkConfig("classification")
    network = random_initialization(config).network().double()
    encoding = network.body(context, x, missing)
    weights = torch.softmax(-np.sqrt(40) * encoding.losses, 0)
    torch.testing.assert_close(
        network(context, x, missing),
        torch.einsum("k,mkc->mc", weights, encoding.predictions),
    )
    # Every base predictor knows something on this table: less than the class shares'.
    assert (encoding.losses < 0).all()


def test_unknown_task_is_refused():
    with pytest.raises(ValueError, match="'task' must be"):
        NetworkConfig("ranking")
