"""Training of the members: folds, best evaluations, temperature."""

import numpy as np
import pytest

from sklearn_meta.mlp import _early_stopping
from sklearn_meta.mlp._early_stopping import (
    TEMPERATURES,
    SoftmaxLoss,
    SquaredLoss,
    TrainingOptions,
    temperature_on_grid,
    train_members,
)
from sklearn_meta.mlp._members import outputs


def make_options(**changes):
    values = {
        "hidden_layer_sizes": (8,), "dropout": 0.1, "alpha": 0.01, "batch_size": 16,
        "learning_rate_init": 0.02, "max_iter": 20, "max_steps": 200,
    }  # fmt: skip
    return TrainingOptions(**{**values, **changes})


def make_problem():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 3)).astype(np.float32)
    targets = (inputs[:, :1] + 0.3 * rng.normal(size=(60, 1))).astype(np.float32)
    return inputs, targets, np.arange(60) % 4, SquaredLoss(-9.0, 9.0)


def test_a_member_does_not_learn_from_its_own_fold():
    inputs, targets, folds, loss = make_problem()
    other = np.where(folds[:, None] == 1, 5.0, targets).astype(np.float32)
    one, two = (
        train_members(
            inputs, y, folds, loss, make_options(max_steps=1), np.random.default_rng(0)
        ).tensors["w0"]
        for y in (targets, other)
    )
    np.testing.assert_array_equal(one[1], two[1])
    assert all((one[k] != two[k]).any() for k in (0, 2, 3))


def test_members_are_kept_at_their_best():
    inputs, targets, folds, loss = make_problem()
    trained = train_members(
        inputs, targets, folds, loss, make_options(), np.random.default_rng(0)
    )
    assert trained.n_steps == 200
    for k in range(4):
        rows = folds == k
        out = outputs(trained.tensors, inputs[None, rows])[k]
        np.testing.assert_allclose(out, trained.held_out[k], atol=1e-5)
    best = (loss.values(trained.held_out, trained.targets) * trained.weights).sum(1)
    # The best look of each is at least as good as any look at all of them.
    assert best.mean() <= trained.losses.min() + 1e-9
    assert trained.losses.min() < trained.losses[0]


def test_folds_of_different_sizes_count_each_row_once():
    inputs, targets, _, loss = make_problem()
    folds = np.r_[np.zeros(7, int), np.ones(53, int)]
    trained = train_members(
        inputs, targets, folds, loss, make_options(), np.random.default_rng(0)
    )
    np.testing.assert_allclose(trained.weights.sum(axis=1), 1)
    assert (trained.weights[0] > 0).sum() == 7
    np.testing.assert_array_equal(trained.targets[0][:7], targets[:7])


def test_of_many_rows_some_from_all_over_the_table_are_looked_at(monkeypatch):
    monkeypatch.setattr(_early_stopping, "MAX_EVALUATION_ROWS", 4)
    inputs, _, folds, loss = make_problem()
    targets = np.arange(60, dtype=np.float32)[:, None]
    trained = train_members(
        inputs, targets, folds, loss, make_options(), np.random.default_rng(0)
    )
    assert trained.targets.shape == (4, 4, 1)
    assert trained.targets[0, :, 0].tolist() == [0, 16, 32, 48]


def test_the_temperature_is_the_best_of_those_tried():
    rng = np.random.default_rng(0)
    loss = SoftmaxLoss(np.zeros(2))
    logits = rng.normal(scale=2.0, size=(1, 5000, 1)) * [1.0, -1.0]
    p = 1 / (1 + np.exp(-2 * logits[..., 0]))
    y = np.eye(2)[(rng.uniform(size=p.shape) > p).astype(int)]
    weights = np.full((1, 5000), 1 / 5000)
    inputs, targets, folds, squared = make_problem()
    trained = train_members(
        inputs, targets, folds, squared, make_options(), np.random.default_rng(0)
    )
    for sharpness in (1.0, 2.0):
        said = type(trained)(
            trained.tensors, trained.losses, sharpness * logits, y, weights, 1
        )
        found = temperature_on_grid(loss, said)
        assert found in TEMPERATURES
        assert found == pytest.approx(sharpness, rel=0.12)
