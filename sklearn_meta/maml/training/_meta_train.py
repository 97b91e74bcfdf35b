"""Meta-training with MAML, FOMAML, Reptile, ANIL and Meta-SGD: the outer loop."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from sklearn_meta.maml._initialization import Initialization, random_initialization
from sklearn_meta.maml._network import NetworkConfig, TableNetwork
from sklearn_meta.maml._skorch_nets import pick_device
from sklearn_meta.maml.training._batches import as_tasks, batch_of_step, similar
from sklearn_meta.maml.training._checkpoint import (
    TrainingState,
    read_checkpoint,
    write_checkpoint,
)
from sklearn_meta.maml.training._episode import as_seed
from sklearn_meta.maml.training._inner_loop import ALGORITHMS, Algorithm
from sklearn_meta.maml.training._outer_loop import (
    TableLearner,
    adapted_losses,
    meta_gradient,
)

logger = logging.getLogger(__name__)

# Decay of the first and second moments of Adam. The second is smaller than the usual
# 0.999 since trainings are short.
_BETAS = (0.9, 0.99)
# Gradients are clipped to this norm, so that an atypical batch of tasks does not undo
# the steps before it.
_MAX_GRADIENT_NORM = 1.0
# Number of steps over which the learning rate rises from zero.
_WARM_UP_STEPS = 50
# Learning rate of the log rates relative to that of the parameters: their scale is
# larger.
_LOG_RATE_FACTOR = 10.0
# Number of steps that the running average of the parameters extends over.
_AVERAGED_STEPS = 200
# Largest number of validation tasks in a batch.
_VALIDATION_BATCH = 32


def meta_train(
    tasks,
    algorithm="meta_sgd",
    *,
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
    """Learn an initialization that adapts to a new table in a few gradient steps.

    Minimizes the mean over tasks of the query loss after `n_inner_steps` gradient steps
    on the support loss [1]_:

        min over theta of  E [ L_query(U(theta)) ],   U = steps on L_support

    The tasks of a step are computed at once by ``torch.func.vmap``.

    Parameters
    ----------
    tasks : EpisodeSource or sequence of Episode
        Training tasks: any object whose ``__getitem__`` accepts indices from 0 on. A
        sequence is repeated.
    algorithm : {"maml", "fomaml", "reptile", "anil", "meta_sgd"}, default="meta_sgd"
        - ``"maml"``: all parameters are adapted, and the gradient passes through the
          inner steps (second order) [1]_;
        - ``"fomaml"``: the same to first order: inner gradients are constants [1]_;
        - ``"reptile"``: moves towards the adapted parameters [2]_;
        - ``"anil"``: only the head is adapted [3]_;
        - ``"meta_sgd"``: as ANIL, and the step size of each tensor is learned [4]_. The
          shipped initializations were trained with it.
    init : Initialization or None, default=None
        Initial parameters, step sizes and architecture. None starts from random
        parameters of the default architecture.
    n_steps : int, default=1000
        Number of steps of the outer loop.
    tasks_per_step : int, default=16
        Number of tasks in a batch.
    n_inner_steps : int, default=5
        Number of steps of the inner loop. With 0 the network is trained to predict
        without adaptation.
    learning_rate : float or None, default=None
        Learning rate of the outer loop: that of Adam, 0.003 by default; for Reptile the
        step size epsilon towards the adapted parameters, 0.5 by default.
    inner_learning_rate : float, default=0.05
        Step size of the inner loop; if step sizes are learned, their initial value. The
        step sizes of `init` take precedence.
    validation_tasks : sequence of Episode, default=()
        Tasks from tables that `tasks` does not contain. Without any, the parameters of
        the last step are returned.
    validate_every : int, default=100
        Number of steps between validations and checkpoints.
    patience : int or None, default=None
        Number of validations without a lower loss after which training stops; None
        disables early stopping.
    time_limit : float or None, default=None
        Wall-clock seconds after which training stops, over all runs of a checkpoint.
        None is no limit. With a limit the result is not reproducible.
    checkpoint : str, path-like or None, default=None
        Safetensors file that the state is written to at every validation. If it exists,
        training resumes from it, with the same result as without the interruption.
    callback : callable or None, default=None
        Called with the best `Initialization` so far after every validation.
    recipe : dict or None, default=None
        Description of the tasks, stored in the recipe of the initialization.
    random_state : int, RandomState instance or None, default=None
        Seed of the random parameters and of the order of the tasks.
    device : str, default="auto"
        Torch device. ``"auto"`` is CUDA if available, else the CPU.
    verbose : int, default=0
        Whether every validation is logged, at level INFO.

    Returns
    -------
    initialization : Initialization
        Parameters with the lowest validation loss.

    Raises
    ------
    ValueError
        If the algorithm is unknown, a count is too small, the tasks are not those of
        `init`, or the checkpoint belongs to a training with other settings.

    See Also
    --------
    RealEpisodes : Training tasks from given tables.
    SyntheticEpisodes : Training tasks from random functions.

    Notes
    -----
    The validated and returned parameters are running averages over about 200 steps.
    They take the place of a decaying learning rate, so that training can stop at any
    step.

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

    Examples
    --------
    >>> from sklearn_meta.maml import MAMLRegressor
    >>> from sklearn_meta.maml.training import SyntheticEpisodes, meta_train
    >>> tasks = SyntheticEpisodes("regression", n_support=8, n_query=8, random_state=0)
    >>> initialization = meta_train(
    ...     tasks, n_steps=2, tasks_per_step=2, n_inner_steps=1, random_state=0
    ... )
    >>> initialization.recipe["algorithm"]
    'meta_sgd'
    >>> MAMLRegressor(initialization).fit([[0], [1], [2], [3]], [0, 1, 2, 3]).n_iter_
    1
    """
    _check_counts(n_steps, tasks_per_step, n_inner_steps, validate_every)
    if algorithm not in ALGORITHMS:
        raise ValueError(
            f"'algorithm' must be one of {sorted(ALGORITHMS)}. Got {algorithm!r}."
        )
    chosen = ALGORITHMS[algorithm]
    seed = as_seed(random_state)
    device = pick_device(device)
    if learning_rate is None:
        learning_rate = 0.5 if chosen.moves_towards_adapted else 0.003
    start = _start(tasks[0].task, init, chosen, inner_learning_rate, seed)
    state = _initial_state(start, device)
    settings = {
        "algorithm": algorithm,
        **asdict(chosen),
        "tasks_per_step": tasks_per_step,
        "n_inner_steps": n_inner_steps,
        "learning_rate": learning_rate,
        "inner_learning_rate": inner_learning_rate,
        "random_state": seed,
    }
    fingerprint = _fingerprint(settings, start.config, state.parameters)
    if checkpoint is not None:
        state = read_checkpoint(checkpoint, fingerprint, device) or state

    validation = []
    if len(validation_tasks):
        groups = similar(list(validation_tasks), _VALIDATION_BATCH)
        validation = [as_tasks(group, device) for group in groups]
    learner = TableLearner(TableNetwork(start.config).to(device))
    loop = _OuterLoop(learner, chosen, n_inner_steps, learning_rate, validation)
    began = time.monotonic() - state.seconds
    losses = []

    def initialization():
        made = {**settings, "n_steps": state.step, **(recipe or {})}
        if init is not None:
            # Only what differs between the two trainings is repeated.
            made["init"] = {k: v for k, v in init.recipe.items() if made.get(k) != v}
        return _as_initialization(state, start.config, n_inner_steps, made)

    while state.step < n_steps:
        if patience is not None and state.n_without_gain >= patience:
            break
        seconds = time.monotonic() - began
        if time_limit is not None and seconds >= time_limit:
            break
        episodes = batch_of_step(tasks, state.step, tasks_per_step, seed)
        state, loss = loop.step(state, as_tasks(episodes, device))
        losses.append(float(loss))
        if state.step % validate_every == 0 or state.step == n_steps:
            seconds = time.monotonic() - began
            state = loop.validate(state, float(np.mean(losses)), seconds)
            losses.clear()
            if verbose:
                logger.info("%s", state.log[-1])
            if checkpoint is not None:
                write_checkpoint(checkpoint, fingerprint, state)
            if callback is not None:
                callback(initialization())
    return initialization()


@dataclass(frozen=True)
class _OuterLoop:
    """Settings of a training; steps and validations map a state to the next one."""

    learner: TableLearner
    algorithm: Algorithm
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
        row["loss_before"] = self._mean_loss(candidate, 0)
        row["loss_after"] = (
            self._mean_loss(candidate, self.n_inner_steps)
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

    def _mean_loss(self, tensors, n_inner_steps):
        """Return the mean loss over the validation tasks."""
        parameters, log_rates = _unflatten(tensors)
        rates = {name: torch.exp(value) for name, value in log_rates.items()}
        with torch.no_grad():
            losses = [
                adapted_losses(
                    self.learner,
                    parameters,
                    rates,
                    tasks,
                    n_inner_steps,
                    second_order=False,
                )
                for tasks in self.validation
            ]
        return float(torch.cat(losses).mean())


def reptile_update(parameters, direction, step_size):
    """Move parameters along a Reptile direction; a step size of 1 ends at the mean."""
    return {k: v - step_size * direction[k] for k, v in parameters.items()}


def _adam(state, gradient, learning_rate):
    """Take a step of Adam (Kingma & Ba 2015) with gradient clipping and warm-up."""
    gradients = _flatten(gradient.parameters, gradient.log_rates)
    norm = torch.sqrt(sum(g.square().sum() for g in gradients.values()))
    if not torch.isfinite(norm):
        logger.warning("The gradient of step %d is not finite; skipped.", state.step)
        return state
    factor = (_MAX_GRADIENT_NORM / (norm + 1e-8)).clamp(max=1.0)
    t = state.step + 1
    rate = learning_rate * min(1.0, t / _WARM_UP_STEPS)
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
        scale = _LOG_RATE_FACTOR if name.startswith("log_rates/") else 1.0
        tensors[name] = tensors[name] - scale * rate * direction
    parameters, log_rates = _unflatten(tensors)
    return replace(state, parameters=parameters, log_rates=log_rates, moments=moments)


def _running_average(state):
    """Update the average: over all steps at first, exponential later."""
    share = max(1 / _AVERAGED_STEPS, 1 / (state.step + 1))
    current = _flatten(state.parameters, state.log_rates)
    return {k: state.averaged[k].lerp(v, share) for k, v in current.items()}


def _flatten(parameters, log_rates):
    """Merge two dictionaries of tensors, with a prefix for each."""
    flat = {f"parameters/{k}": v for k, v in parameters.items()}
    return flat | {f"log_rates/{k}": v for k, v in log_rates.items()}


def _unflatten(tensors):
    """Invert `_flatten`."""
    parts = {"parameters": {}, "log_rates": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    return parts["parameters"], parts["log_rates"]


def _start(task, init, algorithm, inner_learning_rate, seed):
    """Return the initialization of the first step, with the rates of the algorithm."""
    if init is not None and init.task != task:
        raise ValueError(
            f"'init' must be of the same task as the tasks. Got an initialization for "
            f"{init.task}; the first task is a {task}."
        )
    start = init
    if init is None:
        start = random_initialization(NetworkConfig(task), seed)
    given = {} if init is None else init.rates
    default = torch.tensor(float(inner_learning_rate))
    rates = {
        name: given.get(name, default)
        for name in start.parameters
        if algorithm.is_adapted(name)
    }
    return replace(start, rates=rates)


def _initial_state(start, device):
    """Return the state before the first step."""
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
    """Return the best parameters so far as an initialization."""
    # Before the first validation there are no best ones.
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


def _check_counts(n_steps, tasks_per_step, n_inner_steps, validate_every):
    """Raise a ValueError if a count is too small."""
    for name, value, smallest in [
        ("n_steps", n_steps, 0),
        ("tasks_per_step", tasks_per_step, 1),
        ("n_inner_steps", n_inner_steps, 0),
        ("validate_every", validate_every, 1),
    ]:
        if value < smallest:
            raise ValueError(f"{name!r} must be at least {smallest}. Got {value!r}.")


def _fingerprint(settings, config, parameters):
    """Return a hash of settings, architecture and initial parameters."""
    digest = hashlib.sha256(
        json.dumps([settings, asdict(config)], sort_keys=True).encode()
    )
    for name in sorted(parameters):
        digest.update(name.encode())
        digest.update(parameters[name].cpu().numpy().tobytes())
    return digest.hexdigest()
