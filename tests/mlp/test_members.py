"""Networks of the members: outputs, gradients and steps against torch."""

import numpy as np
import pytest

from sklearn_meta.mlp._early_stopping import SoftmaxLoss, SquaredLoss
from sklearn_meta.mlp._members import (
    AdamW,
    gradient,
    outputs,
    outputs_and_layers,
    random_members,
    shapes_of,
    zero_members,
)


def make_members(widths, n_outputs, seed=0):
    rng = np.random.default_rng(seed)
    shapes = shapes_of(3, 5, widths, n_outputs)
    return shapes, random_members(shapes, rng), rng


@pytest.mark.parametrize("widths", [(), (4,), (6, 4)])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_gradients_are_those_of_torch(widths, task):
    torch = pytest.importorskip("torch")
    shapes, members, rng = make_members(widths, 3)
    members.tensors["s"][:] = rng.normal(size=(3, 1, 5))
    x = rng.normal(size=(3, 7, 5)).astype(np.float32)
    masks = [(rng.uniform(size=(3, 7, w)) > 0.3) / np.float32(0.7) for w in widths]
    masks = [mask.astype(np.float32) for mask in masks]
    if task == "classification":
        prior = np.log(np.array([0.5, 0.3, 0.2], dtype=np.float32))
        loss, target = SoftmaxLoss(prior), np.eye(3)[rng.integers(3, size=(3, 7))]
    else:
        loss, target = SquaredLoss(-9.0, 9.0), rng.normal(size=(3, 7, 3))
    target = target.astype(np.float32)

    ours = zero_members(shapes)
    out, layers = outputs_and_layers(members.tensors, x, masks)
    gradient(members.tensors, layers, loss.derivative(out, target), ours.tensors)

    theirs = {
        name: torch.tensor(tensor, dtype=torch.float64, requires_grad=True)
        for name, tensor in members.tensors.items()
    }
    h = torch.tensor(x, dtype=torch.float64) * theirs["s"]
    for i, mask in enumerate(masks):
        u = h @ theirs[f"w{i}"] / h.shape[-1] ** 0.5 + theirs[f"c{i}"]
        h = torch.nn.functional.silu(u) * torch.tensor(mask)
    expected = h @ theirs["w_out"] / h.shape[-1] ** 0.5 + theirs["c_out"]
    np.testing.assert_allclose(out, expected.detach(), atol=1e-5)
    y = torch.tensor(target, dtype=torch.float64)
    if task == "classification":
        logs = torch.log_softmax(expected + torch.tensor(prior), dim=-1)
        total = -(logs * y).sum(-1).mean(1).sum()
    else:
        total = ((expected - y) ** 2).sum(-1).mean(1).sum()
    total.backward()
    for name, tensor in theirs.items():
        np.testing.assert_allclose(ours.tensors[name], tensor.grad, atol=1e-5)


def test_steps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    _, members, rng = make_members((4,), 2)
    weight = torch.tensor(members.tensors["w0"].copy(), requires_grad=True)
    optimizer = torch.optim.AdamW(
        [weight], lr=0.05, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
    )
    ours = AdamW(members, weight_decay=0.1)
    slopes = zero_members(shapes_of(3, 5, (4,), 2))
    for _ in range(5):
        slopes.vector[:] = rng.normal(size=len(slopes.vector))
        weight.grad = torch.tensor(slopes.tensors["w0"].copy())
        optimizer.step()
        ours.step(slopes.vector, 0.05)
    # Theirs shrinks the weights before the step, ours at once.
    np.testing.assert_allclose(members.tensors["w0"], weight.detach(), atol=2e-3)
    assert np.abs(members.tensors["w0"] - weight.detach().numpy()).max() > 0


def test_far_off_values_are_no_error():
    _, members, _ = make_members((4,), 2)
    x = np.full((1, 1, 5), 1e30, dtype=np.float32)
    members.tensors["w0"][:] = -1.0
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(outputs(members.tensors, x)).all()


def test_predicting_says_what_training_says():
    _, members, _ = make_members((7, 4), 2)
    x = 100 * np.random.default_rng(0).normal(size=(1, 50, 5)).astype(np.float32)
    for dtype in (np.float32, np.float64):
        tensors = {n: t.astype(dtype) for n, t in members.tensors.items()}
        said, _ = outputs_and_layers(tensors, x.astype(dtype), None)
        np.testing.assert_allclose(outputs(tensors, x.astype(dtype)), said, rtol=1e-4)
