"""Benchmark of meta-training: tasks per second, algorithms, and seconds of `fit`.

    python -m benchmarks.meta_training
    python -m benchmarks.meta_training --compare
    python -m benchmarks.meta_training --fit

The first command computes meta-gradients of the same synthetic tasks in two ways: for
all tasks of a batch at once by ``torch.func.vmap``, as `meta_train` does, and by a
Python loop over tasks whose inner steps are
``torch.autograd.grad(create_graph=True)``, the usual implementation of MAML. The
gradients are checked for equality. Tasks per CPU second are those of the fastest of
three passes on one thread. With ``meta_sgd`` a part of the speedup is not due
to `vmap`: only the head is adapted, and `meta_train` encodes rows once, whereas the
loop encodes them at every step.

The second command trains with every algorithm for the same number of outer steps, from
the same random parameters on the same tasks, and prints the loss on validation tasks
before and after adaptation, and the CPU seconds. The last row is the average in weight
space of networks that were trained independently, on different tasks from the same
random parameters.

The third command measures the CPU seconds of `fit` on generated tables of 200 rows and
20 columns on one thread: of the first call, which includes late imports of torch, and
the median of five further calls.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from sklearn.datasets import make_classification, make_regression
from torch.func import functional_call

from benchmarks._tables import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.maml import MAMLClassifier, MAMLRegressor
from sklearn_meta.maml._initialization import random_initialization
from sklearn_meta.maml._network import NetworkConfig, TableNetwork, prediction_loss
from sklearn_meta.maml.training import (
    SyntheticEpisodes,
    average_initializations,
    meta_train,
)
from sklearn_meta.maml.training._batches import as_tasks, similar
from sklearn_meta.maml.training._inner_loop import ALGORITHMS
from sklearn_meta.maml.training._outer_loop import (
    TableLearner,
    adapted_losses,
    meta_gradient,
)
from sklearn_meta.maml.training._support_loss import support_loss

INNER_RATE = 0.02
N_INNER_STEPS = 3
N_TASKS = 32
N_REPEATS = 3
N_AVERAGED = 3


def loop_gradient(network, parameters, rates, tasks, n_inner_steps):
    """Return the meta-gradient by a loop over tasks; folds are still vectorized.

    Parameters
    ----------
    network : TableNetwork
    parameters : dict of str to Tensor
        Leaf tensors that require gradients.
    rates : dict of str to float
        Step sizes of the adapted tensors.
    tasks : list of Tasks
        Single tasks, see `single_tasks`.
    n_inner_steps : int

    Returns
    -------
    gradients : list of Tensor
    """
    total = [torch.zeros_like(p) for p in parameters.values()]
    for task in tasks:
        adapted = dict(parameters)
        for _ in range(n_inner_steps):
            loss = support_loss(network, adapted, task.context)
            gradients = torch.autograd.grad(
                loss, [adapted[name] for name in rates], create_graph=True
            )
            for (name, rate), gradient in zip(rates.items(), gradients, strict=True):
                adapted[name] = adapted[name] - rate * gradient
        prediction = functional_call(
            network, adapted, (task.context, task.x, task.missing)
        )
        loss = prediction_loss(prediction, task.y, task.weight, network.config.task)
        gradients = torch.autograd.grad(loss / len(tasks), list(parameters.values()))
        for sum_, gradient in zip(total, gradients, strict=True):
            sum_.add_(gradient)
    return total


def single_tasks(tasks):
    """Split a batch into single tasks, without the leading dimension."""
    return [
        type(tasks)(
            type(tasks.context)(*(part[i] for part in tasks.context)),
            *(part[i] for part in tasks[1:]),
        )
        for i in range(len(tasks.y))
    ]


def throughput(task, algorithm, n_tasks, n_inner_steps, repeats):
    """Return tasks per second of `meta_gradient` and of the loop.

    All tasks have the same shape, so that nothing is padded.
    """
    source = SyntheticEpisodes(
        task,
        n_support=20,
        n_query=24,
        n_features=6,
        n_classes=3,
        random_state=0,
    )
    tasks = as_tasks([source[i] for i in range(n_tasks)])
    initialization = random_initialization(NetworkConfig(task))
    network = initialization.network()
    chosen = ALGORITHMS[algorithm]
    names = [name for name in initialization.parameters if chosen.is_adapted(name)]
    log_rates = {name: torch.tensor(INNER_RATE).log() for name in names}
    parameters = dict(network.named_parameters())

    def vectorized():
        return list(
            meta_gradient(
                TableLearner(network),
                chosen,
                parameters,
                log_rates,
                tasks,
                n_inner_steps,
            ).parameters.values()
        )

    def loop():
        return loop_gradient(
            network,
            parameters,
            dict.fromkeys(names, INNER_RATE),
            single_tasks(tasks),
            n_inner_steps,
        )

    for ours, theirs in zip(vectorized(), loop(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=1e-3)
    return [n_tasks / min(_cpu_seconds(way, repeats)) for way in (vectorized, loop)]


def fit_seconds(task, n_fits=5):
    """Return the CPU seconds of the first `fit`, and the median of further ones."""
    generate, estimator = {
        CLASSIFICATION: (make_classification, MAMLClassifier),
        REGRESSION: (make_regression, MAMLRegressor),
    }[task]
    X, y = generate(n_samples=200, n_features=20, random_state=0)
    first, *later = _cpu_seconds(lambda: estimator().fit(X, y), 1 + n_fits)
    return first, statistics.median(later)


def _cpu_seconds(function, repeats):
    """Return the CPU seconds of each call, which other processes do not affect."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return seconds


def compare(task, n_steps, tasks_per_step, n_inner_steps, n_validation):
    """Yield a row for each algorithm: name, losses before and after, seconds."""
    sizes = {
        "n_support": (10, 32),
        "n_query": 24,
        "n_features": (2, 8),
    } | ({"n_classes": (2, 4)} if task == CLASSIFICATION else {})
    source = SyntheticEpisodes(task, **sizes, random_state=0)
    others = SyntheticEpisodes(task, **sizes, random_state=1)
    validation = [others[i] for i in range(n_validation)]
    settings = {
        "n_steps": n_steps,
        "tasks_per_step": tasks_per_step,
        "inner_learning_rate": INNER_RATE,
        "validate_every": n_steps,
        "random_state": 0,
    }

    def row(name, initialization, seconds):
        losses = validation_losses(initialization, validation, n_inner_steps)
        return (name, *losses, seconds)

    yield row(
        "random", random_initialization(NetworkConfig(task), 0, rate=INNER_RATE), 0.0
    )
    for name in ALGORITHMS:
        start = time.process_time()
        trained = meta_train(source, name, n_inner_steps=n_inner_steps, **settings)
        yield row(name, trained, time.process_time() - start)
    start = time.process_time()
    trained = [
        meta_train(
            SyntheticEpisodes(task, **sizes, random_state=10 + i),
            n_inner_steps=0,
            **settings | {"n_steps": n_steps // N_AVERAGED},
        )
        for i in range(N_AVERAGED)
    ]
    average = average_initializations(trained)
    yield row("average", average, time.process_time() - start)


def validation_losses(initialization, episodes, n_inner_steps):
    """Return the mean query loss before and after adaptation."""
    learner = TableLearner(TableNetwork(initialization.config))
    means = []
    for steps in (0, n_inner_steps):
        with torch.no_grad():
            losses = [
                adapted_losses(
                    learner,
                    initialization.parameters,
                    initialization.rates,
                    as_tasks(group),
                    steps,
                    second_order=False,
                )
                for group in similar(episodes, 16)
            ]
        means.append(float(torch.cat(losses).mean()))
    return means


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--task", choices=TASKS, default=CLASSIFICATION)
    parser.add_argument("--steps", type=int, default=60, help="outer steps")
    parser.add_argument("--validation", type=int, default=64, help="validation tasks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.compare:
        print(f"{'algorithm':12s}{'before':>9s}{'after':>9s}{'CPU s':>9s}")
        rows = compare(
            options.task, options.steps, 8, N_INNER_STEPS, options.validation
        )
        for name, before, after, seconds in rows:
            print(f"{name:12s}{before:9.4f}{after:9.4f}{seconds:9.1f}", flush=True)
        return
    if options.fit:
        for task in TASKS:
            first, later = fit_seconds(task)
            print(f"{task:16s}first {first:6.2f} s, later {later:6.3f} s of CPU")
        return
    print(f"{'algorithm':12s}{'vmap':>9s}{'loop':>9s}{'ratio':>9s}   tasks per CPU s")
    for algorithm in ("maml", "meta_sgd"):
        ours, loop = throughput(
            options.task, algorithm, N_TASKS, N_INNER_STEPS, N_REPEATS
        )
        print(f"{algorithm:12s}{ours:9.1f}{loop:9.1f}{ours / loop:9.1f}", flush=True)


if __name__ == "__main__":
    main()
