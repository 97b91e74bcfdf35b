"""Meta-training: numerical truth on small models, and the loop around it."""

from typing import NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn_meta.maml._episode import Episode  # noqa: E402
from sklearn_meta.maml._initialization import random_initialization  # noqa: E402
from sklearn_meta.maml._inner_loop import ALGORITHMS, adapt  # noqa: E402
from sklearn_meta.maml._network import (  # noqa: E402
    NetworkConfig,
    prediction_loss,
    support_loss,
)
from sklearn_meta.maml.training._batches import as_tasks, batch_of_step, similar  # noqa: E402
from sklearn_meta.maml.training._meta_train import meta_train, reptile_update  # noqa: E402
from sklearn_meta.maml.training._outer_loop import (  # noqa: E402
    TableLearner,
    adapted_losses,
    meta_gradient,
)

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


def closed_form(theta, tasks, n_steps, second_order=True):
    """Return loss and meta-gradient by linear algebra in numpy.

    A least-squares loss has gradient H theta - b. A step multiplies by I - R H with the
    rates R, so that the meta-gradient is the query's, multiplied by the transpose.
    """
    R = np.diag(list(RATES.values()))
    losses, gradients = [], []
    for x, y, x_query, y_query in zip(*(part.numpy() for part in tasks), strict=True):
        Z, Q = np.c_[x, np.ones(6)], np.c_[x_query, np.ones(6)]
        H, b = Z.T @ Z / 6, Z.T @ y / 6
        adapted, chain = theta.copy(), np.eye(2)
        for _ in range(n_steps):
            adapted = adapted - R @ (H @ adapted - b)
            chain = (np.eye(2) - R @ H) @ chain
        residual = Q @ adapted - y_query
        losses.append(0.5 * (residual**2).mean())
        gradient = Q.T @ residual / 6
        gradients.append(chain.T @ gradient if second_order else gradient)
    return np.array(losses), np.mean(gradients, axis=0)


def as_array(tensors):
    return np.array([float(tensors["slope"]), float(tensors["offset"])])


@pytest.mark.parametrize("n_steps", [0, 1, 4])
@pytest.mark.parametrize("name", ["maml", "fomaml"])
def test_meta_gradient_is_the_closed_form(name, n_steps):
    tasks = lines()
    got = meta_gradient(
        LineLearner(), ALGORITHMS[name], start(), log_rates(), tasks, n_steps
    )
    losses, gradient = closed_form(
        as_array(start()), tasks, n_steps, second_order=name == "maml"
    )
    np.testing.assert_allclose(got.loss.numpy(), losses, rtol=1e-12)
    np.testing.assert_allclose(as_array(got.parameters), gradient, rtol=1e-10)


def mean_loss(parameters, rates, tasks, n_steps):
    rates = {name: torch.exp(value) for name, value in rates.items()}
    losses = adapted_losses(
        LineLearner(), ALGORITHMS["maml"], parameters, rates, tasks, n_steps
    )
    return float(losses.mean())


@pytest.mark.parametrize("name", ["slope", "offset"])
def test_meta_gradient_is_that_of_finite_differences(name):
    tasks, step = lines(), 1e-5
    learns_rates = ALGORITHMS["meta_sgd"].__class__(learns_rates=True)
    got = meta_gradient(LineLearner(), learns_rates, start(), log_rates(), tasks, 3)
    for gradient, which in [(got.parameters, 0), (got.log_rates, 1)]:
        values = []
        for sign in (1, -1):
            arguments = [start(), log_rates()]
            arguments[which][name] = arguments[which][name] + sign * step
            values.append(mean_loss(*arguments, tasks, 3))
        expected = (values[0] - values[1]) / (2 * step)
        assert float(gradient[name]) == pytest.approx(expected, rel=1e-7, abs=1e-10)


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


# Networks over episodes.

CONFIG = {"width": 6, "cell_width": 2, "n_neighbors": 1, "n_folds": 2}


def episode(task, seed, n=8, d=2, m=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n + m, d)).astype(np.float32)
    score = x @ rng.normal(size=d) + 0.3 * rng.normal(size=n + m)
    if task == "classification":
        y = (score > np.median(score[:n])).astype(np.int64)
    else:
        y = ((score - score[:n].mean()) / score[:n].std()).astype(np.float32)
    missing = np.zeros(x.shape, bool)
    return Episode(
        x[:n],
        missing[:n],
        y[:n],
        x[n:],
        missing[n:],
        y[n:],
        n_classes=2 if task == "classification" else 0,
    )


def episodes(task="classification", n=8, start=0):
    return [episode(task, start + i, n=6 + i % 3, d=2 + i % 2) for i in range(n)]


def train(algorithm="meta_sgd", tasks=None, **settings):
    tasks = episodes() if tasks is None else tasks
    settings = {
        "n_steps": 4,
        "tasks_per_step": 2,
        "n_inner_steps": 2,
        "validation_tasks": episodes(n=2, start=50),
        "validate_every": 2,
        "random_state": 0,
        "device": "cpu",
        **settings,
    }
    config = NetworkConfig(tasks[0].task, **CONFIG)
    return meta_train(tasks, algorithm, config=config, **settings)


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
    tasks = episodes("regression", n=4)
    trained = train(
        tasks=tasks, n_steps=30, tasks_per_step=4, n_inner_steps=0,
        validation_tasks=tasks, validate_every=10, learning_rate=0.01,
    )  # fmt: skip
    losses = [row["loss_after"] for row in trained.log]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("n_inner_steps", [0, 2])
def test_batch_is_the_mean_of_its_tasks(n_inner_steps):
    """What vmap computes over padded tasks is what a loop over tasks computes."""
    group = episodes(n=3)
    network = random_initialization(NetworkConfig("classification", **CONFIG)).network()
    network = network.double()
    parameters = dict(network.named_parameters())
    rates = {k: torch.tensor(0.05) for k in parameters if k.startswith("head.")}
    # Body and head, without encoding the support only once.
    losses = []
    for one in group:
        task = in_double(as_tasks([one]))
        task = type(task)(type(task.context)(*(p[0] for p in task.context)),
                          *(p[0] for p in task[1:]))  # fmt: skip
        adapted = dict(parameters)
        for _ in range(n_inner_steps):
            loss = support_loss(network, adapted, task.context)
            gradients = torch.autograd.grad(
                loss, [adapted[name] for name in rates], create_graph=True
            )
            for name, gradient in zip(rates, gradients, strict=True):
                adapted[name] = adapted[name] - rates[name] * gradient
        prediction = torch.func.functional_call(
            network, adapted, (task.context, task.x, task.missing)
        )
        losses.append(
            prediction_loss(prediction, task.y, task.weight, "classification")
        )
    expected = torch.autograd.grad(
        torch.stack(losses).mean(), list(parameters.values())
    )
    got = meta_gradient(
        TableLearner(network),
        ALGORITHMS["anil"],
        parameters,
        {name: rate.log() for name, rate in rates.items()},
        in_double(as_tasks(group)),
        n_inner_steps,
    )
    torch.testing.assert_close(
        got.loss, torch.stack(losses).detach(), rtol=1e-5, atol=1e-6
    )
    for gradient, name in zip(expected, parameters, strict=True):
        torch.testing.assert_close(got.parameters[name], gradient, rtol=1e-4, atol=1e-6)


def in_double(tasks):
    def double(part):
        return part.double() if part.is_floating_point() else part

    return type(tasks)(
        type(tasks.context)(*map(double, tasks.context)), *map(double, tasks[1:])
    )


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
    with pytest.raises(ValueError, match="network is for regression"):
        meta_train(episodes(), init=regression)


def test_batches_hold_every_episode_once_and_similar_shapes():
    group = [episode("classification", i, n=n, d=d)
             for i, (n, d) in enumerate([(6, 2), (40, 2)] * 8)]  # fmt: skip
    parts = similar(group, 4)
    assert sorted(id(e) for part in parts for e in part) == sorted(map(id, group))
    assert all(len({len(e.y_support) for e in part}) == 1 for part in parts)
    steps = [batch_of_step(group * 4, step, 8, 0) for step in range(8)]
    assert sorted(id(e) for step in steps for e in step) == sorted(
        id(e) for e in group * 4
    )
