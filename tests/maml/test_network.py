"""The network: what it must not depend on, and its closed forms."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn_meta.maml import _base_predictors as bases  # noqa: E402
from sklearn_meta.maml._context import (  # noqa: E402
    Context,
    cross_fitting_folds,
)
from sklearn_meta.maml._initialization import random_initialization  # noqa: E402
from sklearn_meta.maml._network import (  # noqa: E402
    NetworkConfig,
    cross_fit,
    prediction_loss,
    split_parameters,
    support_loss,
)

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


def test_cross_fitted_row_does_not_see_its_own_target():
    context, *_ = example("regression", n=15)
    network = perturbed_network("regression")
    body = split_parameters(dict(network.named_parameters()))[0]
    # The order of targets stays, and so do the folds.
    row = int(context.y.argmax())
    changed = context._replace(
        y=context.y + 0.5 * (torch.arange(15) == row).to(torch.float64)
    )
    before, y_before, _ = cross_fit(network.body, body, context, 5)
    after, y_after, _ = cross_fit(network.body, body, changed, 5)
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


def test_ridge_left_out_predictions_are_those_of_refits():
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(9, 2)))
    Y = torch.tensor(rng.normal(size=(9, 2)))
    weight = torch.tensor(rng.uniform(0.5, 2.0, size=9))
    noise = torch.tensor([0.3, 0.1, 0.5, 1.0], dtype=torch.float64)
    K = torch.stack([torch.exp(-s * torch.cdist(x, x)) for s in (0.5, 1.0, 2.0, 4.0)])
    _, left_out = bases.ridge(K, Y, weight, noise)
    for i in range(9):
        keep = torch.arange(9) != i
        for k in range(4):
            A = K[k][keep][:, keep] + 1.0 + torch.diag(noise[k] / weight[keep])
            expected = (K[k][i, keep] + 1.0) @ torch.linalg.solve(A, Y[keep])
            torch.testing.assert_close(left_out[k, i], expected)


def test_column_curves_are_weighted_means():
    rng = np.random.default_rng(0)
    curves = torch.tensor(rng.uniform(size=(3, 6, 2)))
    Y = torch.tensor(rng.normal(size=(6, 1)))
    present = torch.tensor(rng.integers(0, 2, size=(6, 2)).astype(float))
    got = bases.column_curves(curves, Y, present, torch.tensor([0.7]), 2.0)
    for row in range(3):
        for column in range(2):
            w = (curves[row, :, column] * present[:, column]).numpy()
            expected = (w @ Y[:, 0].numpy() + 2.0 * 0.7) / (w.sum() + 2.0)
            assert float(got[row, 0, column]) == pytest.approx(expected)


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


@pytest.mark.parametrize(
    "setting", [{"task": "ranking"}, {"width": 0}, {"n_folds": 1}, {"depth": 1.5}]
)
def test_bad_config_is_refused(setting):
    with pytest.raises(ValueError, match=f"'{next(iter(setting))}' must be"):
        NetworkConfig(**{"task": "classification", **setting})


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
