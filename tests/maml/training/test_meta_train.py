"""Meta-training: every algorithm, resuming, early stopping."""

import numpy as np
import pytest
import torch

from sklearn_meta.maml._initialization import random_initialization
from sklearn_meta.maml._network import NetworkConfig
from sklearn_meta.maml.training._inner_loop import ALGORITHMS
from sklearn_meta.maml.training._meta_train import (
    meta_train,
    reptile_update,
)
from sklearn_meta.maml.training._outer_loop import meta_gradient
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


def test_reptile_is_the_formula_of_nichol_et_al():
    """phi + epsilon mean(phi_task - phi), after k steps of plain gradient descent."""
    tasks, epsilon, k = lines(), 0.3, 3
    direction = meta_gradient(
        LineLearner(), ALGORITHMS["reptile"], start(), log_rates(), tasks, k
    )
    updated = reptile_update(start(), direction.parameters, epsilon)
    R = np.diag(list(RATES.values()))
    ends = []
    for x, y, x_query, y_query in zip(*(part.numpy() for part in tasks), strict=True):
        Z = np.c_[np.r_[x, x_query], np.ones(12)]
        target = np.r_[y, y_query]
        phi = as_array(start())
        for _ in range(k):
            phi = phi - R @ (Z.T @ (Z @ phi - target) / 12)
        ends.append(phi)
    phi = as_array(start())
    expected = phi + epsilon * np.mean(np.array(ends) - phi, axis=0)
    np.testing.assert_allclose(as_array(updated), expected, rtol=1e-12)


def train(algorithm="meta_sgd", tasks=None, **settings):
    tasks = small_episodes() if tasks is None else tasks
    settings = {
        "n_steps": 4,
        "tasks_per_step": 2,
        "n_inner_steps": 2,
        "validation_tasks": small_episodes(n=2, start=50),
        "validate_every": 2,
        "random_state": 0,
        "device": "cpu",
        **settings,
    }
    if "init" not in settings:
        config = NetworkConfig(tasks[0].task, **CONFIG)
        settings["init"] = random_initialization(config, 0)
    return meta_train(tasks, algorithm, **settings)


def assert_same(first, second):
    for name in ("parameters", "rates"):
        one, other = getattr(first, name), getattr(second, name)
        assert one.keys() == other.keys()
        for key in one:
            torch.testing.assert_close(one[key], other[key], rtol=0, atol=0)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_moves_and_logs(algorithm):
    trained = train(algorithm, n_steps=2)
    random = random_initialization(trained.config, 0)
    moved = [
        name
        for name, tensor in trained.parameters.items()
        if not torch.equal(tensor, random.parameters[name])
    ]
    assert any(name.startswith("head.") for name in moved)
    assert all(torch.isfinite(tensor).all() for tensor in trained.parameters.values())
    assert [row["step"] for row in trained.log] == [2]
    assert trained.recipe["algorithm"] == algorithm
    adapts_all = algorithm in ("maml", "fomaml", "reptile")
    assert all(name.startswith("head.") for name in trained.rates) != adapts_all
    learned = {float(rate) for rate in trained.rates.values()} != {0.05}
    rates = torch.tensor([float(rate) for rate in trained.rates.values()])
    if algorithm == "meta_sgd":
        assert learned and (rates > 0).all()
    else:
        torch.testing.assert_close(rates, torch.full_like(rates, 0.05))


def test_regression_lowers_the_loss_of_its_tasks():
    tasks = small_episodes("regression", n=4)
    trained = train(
        tasks=tasks, n_steps=30, tasks_per_step=4, n_inner_steps=0,
        validation_tasks=tasks, validate_every=10, learning_rate=0.01,
    )  # fmt: skip
    losses = [row["loss_after"] for row in trained.log]
    assert losses[-1] < losses[0]


def test_same_seed_same_result():
    assert_same(train(), train())


class Interrupted(Exception):
    pass


def test_resumed_training_is_the_uninterrupted_one(tmp_path):
    def interrupt(initialization):
        raise Interrupted

    path = tmp_path / "state.safetensors"
    with pytest.raises(Interrupted):
        train(n_steps=6, checkpoint=path, callback=interrupt)
    resumed = train(n_steps=6, checkpoint=path)
    uninterrupted = train(n_steps=6)
    assert_same(resumed, uninterrupted)
    for row, expected in zip(resumed.log, uninterrupted.log, strict=True):
        assert {**row, "seconds": 0} == {**expected, "seconds": 0}


def test_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    train(n_steps=2, checkpoint=path)
    with pytest.raises(ValueError, match="other settings"):
        train(n_steps=2, checkpoint=path, learning_rate=0.1)


def test_training_stops_when_validation_no_longer_gains():
    # Nothing is learned at a rate of zero: the first validation stays the best.
    trained = train(learning_rate=0.0, n_steps=20, validate_every=1, patience=2)
    assert len(trained.log) <= 5


def test_best_validation_is_returned():
    best = []
    trained = train("maml", n_steps=6, validate_every=1, learning_rate=1.0,
                    callback=best.append)  # fmt: skip
    losses = [row["loss_after"] for row in trained.log]
    assert_same(trained, best[int(np.argmin(losses))])


def test_no_time_takes_no_step():
    trained = train(time_limit=0.0)
    assert trained.log == [] and trained.recipe["n_steps"] == 0


def test_training_goes_on_from_an_initialization():
    first = train(n_steps=2)
    second = train(n_steps=0, init=first)
    assert_same(first, second)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="'algorithm' must be one of"):
        train("sgd")
    with pytest.raises(ValueError, match="'tasks_per_step' must be at least 1"):
        train(tasks_per_step=0)
    regression = random_initialization(NetworkConfig("regression", **CONFIG))
    with pytest.raises(ValueError, match="initialization for regression"):
        meta_train(small_episodes(), init=regression)
