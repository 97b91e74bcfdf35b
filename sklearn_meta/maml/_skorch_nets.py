"""skorch nets of the estimators: given initial parameters, one step size a tensor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from threading import Lock

import numpy as np
import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor

from sklearn_meta.maml._context import Context
from sklearn_meta.maml._network import (
    NetworkConfig,
    kept_torch_generator,
    prediction_loss,
)

# Number of chunks of `TableModule` in one batch of prediction.
CHUNKS_PER_BATCH = 16


class Batches:
    """Batches of consecutive rows, in the form of a data loader.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Dictionary of arrays. Targets are stored in the module.
    blocks : sequence of slice
        Rows of each batch.
    """

    def __init__(self, dataset, blocks):
        self.dataset = dataset
        self.blocks = blocks

    def __iter__(self):
        for rows in self.blocks:
            X = {
                name: torch.as_tensor(values[rows])
                for name, values in self.dataset.X.items()
            }
            # skorch expects a target; its datasets yield this one if there is none.
            yield X, torch.zeros(1)


class _TableNet:
    """Base of the nets of both tasks."""

    def __init__(self, *args, initial_parameters=None, rates=None, n_steps=5, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial_parameters = initial_parameters
        self.rates = rates
        self.n_steps = n_steps

    @property
    def _default_callbacks(self):
        return []

    def initialize_module(self):
        """Create the module and load the initial parameters."""
        with kept_torch_generator():
            super().initialize_module()
        self.reset_parameters()
        for name, parameter in self.module_.network.named_parameters():
            parameter.requires_grad_(name in self.rates)
        return self

    def reset_parameters(self):
        """Set the network to the initial parameters."""
        self.module_.network.load_state_dict(self.initial_parameters)

    def initialize_optimizer(self, *args, **kwargs):
        """Create the optimizer, with one parameter group for each adapted tensor."""
        groups = [
            {"params": [parameter], "lr": self.rates[name]}
            for name, parameter in self.module_.network.named_parameters()
            if name in self.rates
        ]
        self.optimizer_ = self.optimizer(groups)
        return self

    def check_data(self, X, y):
        """Accept all input: the targets are stored in the module."""

    def get_iterator(self, dataset, training=False):
        """Return batches of rows; in training, `n_steps` of them."""
        n_rows, size = len(dataset), self.batch_size
        if not training:
            size = CHUNKS_PER_BATCH * self.module_.chunk_rows
        blocks = [slice(start, start + size) for start in range(0, n_rows, size)]
        if training:
            blocks = [blocks[i % len(blocks)] for i in range(self.n_steps)]
        return Batches(dataset, blocks)

    def get_loss(self, y_pred, y_true, X=None, *args, **kwargs):
        """Return the weighted mean loss of training rows."""
        module, row = self.module_, torch.as_tensor(X["row"])
        y = module.train_y[row].to(y_pred.device)
        weight = module.train_weight[row].to(y_pred.device)
        return prediction_loss(y_pred, y, weight, module.task)


class TableClassifierNet(_TableNet, NeuralNetClassifier):
    """Net of `MAMLClassifier`.

    Parameters
    ----------
    *args, **kwargs
        Parameters of ``skorch.NeuralNetClassifier``.
    initial_parameters : dict of str to Tensor
        Parameters that the gradient steps start from.
    rates : dict of str to float
        Step sizes of the adapted tensors; the other tensors are not changed.
    n_steps : int, default=5
        Number of gradient steps of one call of ``fit``.
    """


class TableRegressorNet(_TableNet, NeuralNetRegressor):
    """Net of `MAMLRegressor`; see `TableClassifierNet` for the parameters."""


def adapt_net(net):
    """Take the gradient steps, and undo them if the loss increased.

    Returns
    -------
    losses : ndarray of shape (n_steps + 1,)
        Loss on its batch before each step, and on all training rows after the last.
        Empty if no row has a positive weight.
    """
    net.initialize()
    module = net.module_
    if not (module.train_weight > 0).any():
        return np.empty(0)
    rows = {"row": np.arange(len(module.train_y))}

    def loss():
        with torch.no_grad():
            predicted = net.forward(rows)
            return float(net.get_loss(predicted, None, X=rows))

    before = loss()
    if net.n_steps == 0:
        return np.array([before])
    net.partial_fit(rows, None)
    after = loss()
    if not after <= before:
        net.reset_parameters()
        module.clear_cache()
    steps = [batch["train_loss"] for batch in net.history[-1]["batches"]]
    return np.array([*steps, after])


def net_as_arrays(net):
    """Return a fitted net as numbers, strings and arrays.

    Parameters
    ----------
    net : TableClassifierNet or TableRegressorNet

    Returns
    -------
    arrays : dict
        What `net_of_arrays` takes.
    """
    module = net.module_
    return {
        "config": asdict(module.network.config),
        "tensors": _as_arrays(module.state_dict()),
        "initial_parameters": _as_arrays(net.initial_parameters),
        "rates": dict(net.rates),
        "n_steps": net.n_steps,
        "device": str(net.device),
    }


def net_of_arrays(arrays, make_net):
    """Return the net that `net_as_arrays` has described.

    Parameters
    ----------
    arrays : dict
    make_net : callable
        ``make_net(device, **settings)`` returns an uninitialized net.

    Returns
    -------
    net : TableClassifierNet or TableRegressorNet
        On the CPU if its device is not available.
    """
    tensors = _as_tensors(arrays["tensors"])
    try:
        device = pick_device(arrays["device"])
    except ValueError:
        device = "cpu"
    train = {f"module__{k}": v for k, v in tensors.items() if k.startswith("train_")}
    net = make_net(
        device,
        module__config=NetworkConfig(**arrays["config"]),
        module__context=Context(*(tensors[f"context_{n}"] for n in Context._fields)),
        initial_parameters=_as_tensors(arrays["initial_parameters"]),
        rates=arrays["rates"],
        n_steps=arrays["n_steps"],
        **train,
    )
    net.initialize()
    net.module_.load_state_dict(tensors)
    return net


def _as_arrays(tensors):
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _as_tensors(arrays):
    # Copies, which the arrays of a shallow copy of the estimator do not share.
    return {name: torch.tensor(array) for name, array in arrays.items()}


@contextmanager
def one_torch_thread():
    """Context in which torch uses one thread, for speed and reproducibility."""
    before = torch.get_num_threads()
    try:
        _set_threads_here(1)
        yield
    finally:
        _set_threads_here(before)


def _set_threads_here(n_threads):
    """Set the number of threads that torch uses for what this thread calls.

    `torch.set_num_threads` sets it for the calling thread and for those that are still
    to call torch for the first time. Another thread sets back what it is for these.
    """
    with _SETTING_THREADS, ThreadPoolExecutor(1) as other:
        of_others = other.submit(torch.get_num_threads).result()
        torch.set_num_threads(n_threads)
        other.submit(torch.set_num_threads, of_others).result()


# What torch sets for other threads is one number for the process.
_SETTING_THREADS = Lock()


def pick_device(device):
    """Return an available device: CUDA, if there is one, for ``"auto"``.

    Raises
    ------
    ValueError
        If the device is not available.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"'device' must be 'auto', 'cpu' or a device that torch can use here, such "
            f"as 'cuda'. Got {device!r}: {error}"
        ) from error
    return device
