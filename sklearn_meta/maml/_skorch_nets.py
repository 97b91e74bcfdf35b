"""The skorch nets around a table: warm parameters, learned rates, weighted rows."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor

from sklearn_meta.maml._network import prediction_loss

# Rows of one call of the module in prediction: several chunks of `TableModule`.
CHUNKS_PER_BATCH = 16


class Steps:
    """Blocks of rows as batches: so many gradient steps as there are blocks.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Of a dict of arrays, without targets: those are a part of the module.
    blocks : sequence of slice
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
            # What skorch's own datasets give in place of a target.
            yield X, torch.zeros(1)


class _TableNet:
    """What both nets share.

    Parameters
    ----------
    *args, **kwargs
        As of skorch's net.
    warm_parameters : dict of str to Tensor
        What the network starts from.
    rates : dict of str to float
        Step size of each tensor that is adapted; the others stay as they are.
    n_steps : int
        Gradient steps of one call of ``fit``.
    """

    def __init__(self, *args, warm_parameters=None, rates=None, n_steps=5, **kwargs):
        super().__init__(*args, **kwargs)
        self.warm_parameters = warm_parameters
        self.rates = rates
        self.n_steps = n_steps

    @property
    def _default_callbacks(self):
        return []

    def initialize_module(self):
        """Make the module, and load the parameters that it starts from."""
        # Layers draw from the global generator, which is put back.
        with torch.random.fork_rng(devices=[]):
            super().initialize_module()
        self.warm_up()
        for name, parameter in self.module_.network.named_parameters():
            parameter.requires_grad_(name in self.rates)
        return self

    def warm_up(self):
        """Set the network's parameters to those that adaptation starts from."""
        self.module_.network.load_state_dict(self.warm_parameters)

    def initialize_optimizer(self, *args, **kwargs):
        """Make the optimizer, with one group of parameters for each rate."""
        groups = [
            {"params": [parameter], "lr": self.rates[name]}
            for name, parameter in self.module_.network.named_parameters()
            if name in self.rates
        ]
        self.optimizer_ = self.optimizer(groups)
        return self

    def check_data(self, X, y):
        """Accept everything: targets are a part of the module."""

    def get_iterator(self, dataset, training=False):
        """Return blocks of rows; in training so many as there are steps."""
        n_rows, size = len(dataset), self.batch_size
        if not training:
            size = CHUNKS_PER_BATCH * self.module_.chunk_rows
        blocks = [slice(start, start + size) for start in range(0, n_rows, size)]
        if training:
            blocks = [blocks[i % len(blocks)] for i in range(self.n_steps)]
        return Steps(dataset, blocks)

    def get_loss(self, y_pred, y_true, X=None, *args, **kwargs):
        """Return the weighted mean loss of rows that are adapted on."""
        module, row = self.module_, torch.as_tensor(X["row"])
        y = module.train_y[row].to(y_pred.device)
        weight = module.train_weight[row].to(y_pred.device)
        return prediction_loss(y_pred, y, weight, module.task)


class TableClassifierNet(_TableNet, NeuralNetClassifier):
    """Net of `MAMLClassifier`."""


class TableRegressorNet(_TableNet, NeuralNetRegressor):
    """Net of `MAMLRegressor`."""


def adapt_net(net):
    """Take the gradient steps, and go back if they did more harm than good.

    Parameters
    ----------
    net : TableClassifierNet or TableRegressorNet

    Returns
    -------
    losses : ndarray of shape (n_steps + 1,)
        Loss before each step, of the rows of that step, and after the last one of all
        rows.
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
        net.warm_up()
        module.forget()
    steps = [batch["train_loss"] for batch in net.history[-1]["batches"]]
    return np.array([*steps, after])


@contextmanager
def one_thread():
    """Compute on one thread inside, and leave the setting as it was.

    Small arrays gain nothing from more, and results don't depend on their number.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def pick_device(device):
    """Return the name of a device: CUDA for ``"auto"`` where there is one.

    Raises
    ------
    ValueError
        If there is no such device.
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
