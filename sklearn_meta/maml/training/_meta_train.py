"""Meta-training: learn an initialization from many small tasks."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from itertools import islice

import numpy as np
import torch

from sklearn_meta.maml._episode import as_seed
from sklearn_meta.maml._initialization import Initialization, random_initialization
from sklearn_meta.maml._inner_loop import as_algorithm
from sklearn_meta.maml._network import NetworkConfig, TableNetwork
from sklearn_meta.maml.training._batches import as_tasks, batch_of_step, similar
from sklearn_meta.maml.training._checkpoint import (
    TrainingState,
    read_checkpoint,
    write_checkpoint,
)
from sklearn_meta.maml.training._outer_loop import (
    TableLearner,
    adapted_losses,
    meta_gradient,
)

logger = logging.getLogger(__name__)

# Adam: of the gradients' mean and of their squares; the latter forgets faster than the
# usual 0.999 as training is short.
_BETAS = (0.9, 0.99)
# The norm that a gradient is cut to: one odd task must not throw the others away.
_LARGEST_GRADIENT = 1.0
# Steps until the learning rate is full.
_WARM_UP = 50
# Logarithms of rates move faster than parameters: theirs is the larger scale.
_RATE_SPEED = 10.0
# The averaged parameters remember about so many steps.
_AVERAGED_STEPS = 200


def meta_train(
    tasks,
    algorithm="meta_sgd",
    *,
    config=None,
    init=None,
    n_steps=1000,
    tasks_per_step=16,
    n_inner_steps=5,
    learning_rate=None,
    inner_learning_rate=0.05,
    validation_tasks=(),
    validate_every=100,
    patience=None,
    time_limit=None,
    checkpoint=None,
    callback=None,
    recipe=None,
    random_state=None,
    device="auto",
    verbose=0,
):
    """Learn an initialization from which few gradient steps suffice.

    Minimizes the mean over tasks of the query's loss after `n_inner_steps` gradient
    steps on the support's loss [1]_:

        min over theta of  E [ L_query(U(theta)) ],   U = steps on L_support

    Each step's tasks are computed at once by ``torch.func.vmap``.

    Parameters
    ----------
    tasks : EpisodeSource or sequence of Episode
        Where the tasks come from. A sequence is repeated.
    algorithm : str or Algorithm, default="meta_sgd"
        - ``"maml"``: all parameters take steps, and the gradient goes through them
          (second order) [1]_;
        - ``"fomaml"``: likewise, but the steps count as constants [1]_;
        - ``"reptile"``: moves towards the adapted parameters [2]_;
        - ``"anil"``: only the head takes steps [3]_;
        - ``"meta_sgd"``: as ANIL, and the step size of each tensor is learned [4]_.
    config : NetworkConfig or None, default=None
        Architecture. None takes the default for the task of the first episode, or the
        one of `init`.
    init : Initialization or None, default=None
        Where to start; None starts from random parameters.
    n_steps : int, default=1000
        Steps of the outer loop.
    tasks_per_step : int, default=16
    n_inner_steps : int, default=5
        Steps of the inner loop. With 0 the network learns to predict without any.
    learning_rate : float or None, default=None
        Of the outer loop: of Adam, 0.003 by default; for Reptile the share epsilon of
        the way towards the adapted parameters, 0.5 by default.
    inner_learning_rate : float, default=0.05
        Of the inner loop; where rates are learned, what they start from. Those of
        `init` are used where it has them.
    validation_tasks : sequence of Episode, default=()
        Other tasks, best of other families of tables. Without any, the training's last
        parameters are returned.
    validate_every : int, default=100
        Steps between validations, and between checkpoints.
    patience : int or None, default=None
        Validations without a lower loss after which training stops; None never does.
    time_limit : float or None, default=None
        Seconds after which training stops, over all runs of a checkpoint. None is no
        limit. A result that depends on it is not reproducible.
    checkpoint : str, path-like or None, default=None
        File that the state is written to at every validation. Where it exists, training
        goes on from it, and ends as if it had not been interrupted.
    callback : callable or None, default=None
        Called with the best `Initialization` so far after every validation.
    recipe : dict or None, default=None
        What is to be known about the tasks; becomes part of the initialization's.
    random_state : int, RandomState instance or None, default=None
        Seed of the random parameters and of the order of tasks.
    device : str, default="auto"
        ``"auto"`` takes CUDA where there is some.
    verbose : int, default=0
        1 logs every validation.

    Returns
    -------
    initialization : Initialization
        With the lowest validation loss.

    Raises
    ------
    ValueError
        If the tasks are of another kind than `config` or `init`, or the checkpoint
        belongs to a training with other settings.

    Notes
    -----
    What is validated and returned are running averages of the parameters over about
    200 steps, which takes the place of a falling learning rate: training may stop at
    any time.

    References
    ----------
    .. [1] C. Finn, P. Abbeel, S. Levine, "Model-Agnostic Meta-Learning for Fast
       Adaptation of Deep Networks", ICML 2017.
    .. [2] A. Nichol, J. Achiam, J. Schulman, "On First-Order Meta-Learning
       Algorithms", arXiv 1803.02999, 2018.
    .. [3] A. Raghu, M. Raghu, S. Bengio, O. Vinyals, "Rapid Learning or Feature Reuse?
       Towards Understanding the Effectiveness of MAML", ICLR 2020.
    .. [4] Z. Li, F. Zhou, F. Chen, H. Li, "Meta-SGD: Learning to Learn Quickly for
       Few-Shot Learning", arXiv 1707.09835, 2017.
    """
    name = algorithm if isinstance(algorithm, str) else "custom"
    algorithm = as_algorithm(algorithm)
    seed = as_seed(random_state)
    _check_counts(n_steps, tasks_per_step, n_inner_steps, validate_every)
    config = _config(tasks, config, init)
    if learning_rate is None:
        learning_rate = 0.5 if algorithm.moves_towards_adapted else 0.003
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    start = _start(config, init, algorithm, inner_learning_rate, seed)
    state = _initial_state(start, device)
    settings = {
        "algorithm": name,
        **asdict(algorithm),
        "tasks_per_step": tasks_per_step,
        "n_inner_steps": n_inner_steps,
        "learning_rate": learning_rate,
        "inner_learning_rate": inner_learning_rate,
        "random_state": seed,
    }
    fingerprint = _fingerprint(settings, config, state.parameters)
    if checkpoint is not None:
        state = read_checkpoint(checkpoint, fingerprint, device) or state

    learner = TableLearner(TableNetwork(config).to(device))
    validation = [
        as_tasks(group, device) for group in similar(list(validation_tasks), 32)
    ] if len(validation_tasks) else []  # fmt: skip
    run = _Run(learner, algorithm, n_inner_steps, learning_rate, validation)
    began = time.monotonic() - state.seconds
    losses = []

    def initialization():
        made = {**settings, "n_steps": state.step, **(recipe or {})}
        if init is not None:
            # What both have in common is said once.
            made["init"] = {k: v for k, v in init.recipe.items() if made.get(k) != v}
        return _as_initialization(state, config, n_inner_steps, made)

    while state.step < n_steps and not _out_of_patience(state, patience):
        seconds = time.monotonic() - began
        if time_limit is not None and seconds >= time_limit:
            break
        episodes = batch_of_step(tasks, state.step, tasks_per_step, seed)
        state, loss = run.step(state, as_tasks(episodes, device))
        losses.append(float(loss))
        if state.step % validate_every == 0 or state.step == n_steps:
            seconds = time.monotonic() - began
            state = run.validate(state, float(np.mean(losses)), seconds)
            losses.clear()
            if verbose:
                logger.info("%s", state.log[-1])
            if checkpoint is not None:
                write_checkpoint(checkpoint, fingerprint, state)
            if callback is not None:
                callback(initialization())
    return initialization()


@dataclass(frozen=True)
class _Run:
    """What stays the same over a training."""

    learner: TableLearner
    algorithm: object
    n_inner_steps: int
    learning_rate: float
    validation: list

    def step(self, state, tasks):
        """Take a step of the outer loop; return the new state and the mean loss."""
        gradient = meta_gradient(
            self.learner,
            self.algorithm,
            state.parameters,
            state.log_rates,
            tasks,
            self.n_inner_steps,
        )
        if self.algorithm.moves_towards_adapted:
            parameters = reptile_update(
                state.parameters, gradient.parameters, self.learning_rate
            )
            changed = replace(state, parameters=parameters)
        else:
            changed = _adam(state, gradient, self.learning_rate)
        averaged = _running_average(changed)
        changed = replace(changed, averaged=averaged, step=state.step + 1)
        return changed, gradient.loss.mean()

    def validate(self, state, train_loss, seconds):
        """Return the state with a further row of the log."""
        row = {"step": state.step, "train_loss": train_loss, "seconds": seconds}
        candidate = state.averaged
        if not self.validation:
            return replace(
                state, best=candidate, log=[*state.log, row], seconds=seconds
            )
        row["loss_before"] = self.mean_loss(candidate, 0)
        row["loss_after"] = (
            self.mean_loss(candidate, self.n_inner_steps)
            if self.n_inner_steps
            else row["loss_before"]
        )
        better = row["loss_after"] < state.best_loss
        return replace(
            state,
            best=candidate if better else state.best,
            best_loss=min(row["loss_after"], state.best_loss),
            n_without_gain=0 if better else state.n_without_gain + 1,
            log=[*state.log, row],
            seconds=seconds,
        )

    def mean_loss(self, tensors, n_inner_steps):
        """Return the mean loss over the validation tasks."""
        parameters, log_rates = _unflatten(tensors)
        rates = {name: torch.exp(value) for name, value in log_rates.items()}
        first_order = replace(self.algorithm, second_order=False)
        with torch.no_grad():
            losses = [
                adapted_losses(
                    self.learner, first_order, parameters, rates, part, n_inner_steps
                )
                for part in self.validation
            ]
        return float(torch.cat(losses).mean())


def reptile_update(parameters, direction, step_size):
    """Move parameters by a share of the way towards the adapted ones.

    Parameters
    ----------
    parameters : dict of str to Tensor
    direction : dict of str to Tensor
        Parameters less the mean of the adapted ones.
    step_size : float
        Between 0 and 1, which replaces the parameters by that mean.

    Returns
    -------
    updated : dict of str to Tensor
    """
    return {k: v - step_size * direction[k] for k, v in parameters.items()}


def _adam(state, gradient, learning_rate):
    """Adam (Kingma & Ba 2015) with cut gradients and a warm-up."""
    gradients = _flatten(gradient.parameters, gradient.log_rates)
    norm = torch.sqrt(sum(g.square().sum() for g in gradients.values()))
    if not torch.isfinite(norm):
        logger.warning("Step %d has no finite gradient; it is left out.", state.step)
        return state
    factor = (_LARGEST_GRADIENT / (norm + 1e-8)).clamp(max=1.0)
    t = state.step + 1
    rate = learning_rate * min(1.0, t / _WARM_UP)
    tensors = _flatten(state.parameters, state.log_rates)
    moments = dict(state.moments)
    for name, g in gradients.items():
        g = g * factor
        mean = moments[f"mean/{name}"].lerp(g, 1 - _BETAS[0])
        square = moments[f"square/{name}"].lerp(g * g, 1 - _BETAS[1])
        moments[f"mean/{name}"], moments[f"square/{name}"] = mean, square
        direction = (mean / (1 - _BETAS[0] ** t)) / (
            (square / (1 - _BETAS[1] ** t)).sqrt() + 1e-8
        )
        speed = _RATE_SPEED if name.startswith("log_rates/") else 1.0
        tensors[name] = tensors[name] - speed * rate * direction
    parameters, log_rates = _unflatten(tensors)
    return replace(state, parameters=parameters, log_rates=log_rates, moments=moments)


def _running_average(state):
    """Average over all steps first, over the last ones later."""
    share = max(1 / _AVERAGED_STEPS, 1 / (state.step + 1))
    current = _flatten(state.parameters, state.log_rates)
    return {k: state.averaged[k].lerp(v, share) for k, v in current.items()}


def _flatten(parameters, log_rates):
    flat = {f"parameters/{k}": v for k, v in parameters.items()}
    return flat | {f"log_rates/{k}": v for k, v in log_rates.items()}


def _unflatten(tensors):
    parts = {"parameters": {}, "log_rates": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    return parts["parameters"], parts["log_rates"]


def _start(config, init, algorithm, inner_learning_rate, seed):
    """Return the initialization to begin with, its rates those of the algorithm."""
    start = init if init is not None else random_initialization(config, seed)
    given = init.rates if init is not None else {}
    default = torch.tensor(float(inner_learning_rate))
    rates = {
        name: given.get(name, default)
        for name in start.parameters
        if algorithm.is_adapted(name)
    }
    return replace(start, rates=rates)


def _initial_state(start, device):
    parameters = {k: v.detach().to(device) for k, v in start.parameters.items()}
    log_rates = {k: v.detach().log().to(device) for k, v in start.rates.items()}
    tensors = _flatten(parameters, log_rates)
    moments = {
        f"{moment}/{name}": torch.zeros_like(tensor)
        for moment in ("mean", "square")
        for name, tensor in tensors.items()
    }
    return TrainingState(0, parameters, log_rates, moments, tensors, tensors)


def _as_initialization(state, config, n_inner_steps, recipe):
    # A training that ends before its first validation has nothing better than its last.
    tensors = state.best if state.log else state.averaged
    parameters, log_rates = _unflatten(tensors)
    return Initialization(
        config=config,
        parameters={k: v.cpu() for k, v in parameters.items()},
        rates={k: torch.exp(v).cpu() for k, v in log_rates.items()},
        n_inner_steps=n_inner_steps,
        recipe=recipe,
        log=list(state.log),
    )


def _config(tasks, config, init):
    task = next(islice(iter(tasks), 1)).task
    if config is None:
        config = init.config if init is not None else NetworkConfig(task)
    if config.task != task:
        raise ValueError(
            f"The network is for {config.task}, but the first task is a {task}. Pass "
            "a 'config' or 'init' of the same kind as the tasks."
        )
    if init is not None and init.config != config:
        raise ValueError(
            f"'config' must be the one of 'init', or None. Got {config} and "
            f"{init.config}."
        )
    return config


def _check_counts(n_steps, tasks_per_step, n_inner_steps, validate_every):
    for name, value, smallest in [
        ("n_steps", n_steps, 0),
        ("tasks_per_step", tasks_per_step, 1),
        ("n_inner_steps", n_inner_steps, 0),
        ("validate_every", validate_every, 1),
    ]:
        if value < smallest:
            raise ValueError(f"{name!r} must be at least {smallest}. Got {value!r}.")


def _out_of_patience(state, patience):
    return patience is not None and state.n_without_gain >= patience


def _fingerprint(settings, config, parameters):
    """Identify a training: settings, architecture and the parameters it began with."""
    digest = hashlib.sha256(
        json.dumps([settings, asdict(config)], sort_keys=True).encode()
    )
    for name in sorted(parameters):
        digest.update(name.encode())
        digest.update(parameters[name].cpu().numpy().tobytes())
    return digest.hexdigest()
