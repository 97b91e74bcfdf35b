"""One network for any table: base predictors, mixed by what it learned on many tables.

The *body* reads a table and predicts rows with closed-form base predictors (kernel
ridge regressions with four kernels, naive Bayes, curves of single columns, neighbors),
whose column gates and scales come from small networks over column summaries. The *head*
mixes the base predictions, weighted by how well they predict rows that were left out,
and corrects the mixture by a small network over each (row, class). Before any training
the correction is zero: the network begins as an ensemble of classics.

Nothing depends on the number or order of rows, columns and classes: tables of all
shapes share one set of parameters [1]_, which is what MAML needs [2]_.

References
----------
.. [1] T. Iwata, A. Kumagai, "Meta-learning from Tasks with Heterogeneous Attribute
   Spaces", NeurIPS 2020.
.. [2] C. Finn, P. Abbeel, S. Levine, "Model-Agnostic Meta-Learning for Fast Adaptation
   of Deep Networks", ICML 2017.
.. [3] H.-J. Ye, Q. Zhou, H.-H. Yin, D.-C. Zhan, W.-L. Chao, "Rethinking Pre-Training in
   Tabular Data: A Neighborhood Embedding Perspective", arXiv 2311.00055, 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from sklearn_meta.data._task_names import CLASSIFICATION, TASKS
from sklearn_meta.maml._body import Body, Encoding, base_predictors, mlp, n_features
from sklearn_meta.maml._calibration import NO_CLASS, log_probabilities
from sklearn_meta.maml._context import (
    FOLD_DIMS,
    Context,
    cross_fitting_folds,
)

__all__ = [
    "Context",
    "Encoding",
    "NetworkConfig",
    "TableNetwork",
    "cross_fit",
    "prediction_loss",
    "support_loss",
]

# Standard deviations, in units of the support's, beyond which a target is not scored.
_LARGEST_TARGET = 6.0


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture of a network.

    Parameters
    ----------
    task : str
        ``"classification"`` or ``"regression"``.
    width : int, default=32
        Width of the head, and of the networks of gates and scales.
    depth : int, default=1
        Hidden layers of the head after the first.
    cell_width : int, default=8
        Numbers that a cell is embedded in.
    n_neighbors : int, default=3
        Length of the profile of distances to the nearest rows of each class.
    n_folds : int, default=5
        Folds in which the rows of the support are predicted for adaptation.
    """

    task: str
    width: int = 32
    depth: int = 1
    cell_width: int = 8
    n_neighbors: int = 3
    n_folds: int = 5

    def __post_init__(self):
        if self.task not in TASKS:
            raise ValueError(f"'task' must be one of {TASKS}. Got {self.task!r}.")
        for name, smallest in [
            ("width", 2), ("depth", 1), ("cell_width", 1), ("n_neighbors", 1),
            ("n_folds", 2),
        ]:  # fmt: skip
            value = getattr(self, name)
            if not isinstance(value, int) or value < smallest:
                raise ValueError(
                    f"{name!r} must be a whole number of at least {smallest}. "
                    f"Got {value!r}."
                )


class Head(nn.Module):
    """Mix base predictions.

    Parameters
    ----------
    config : NetworkConfig
    """

    def __init__(self, config):
        super().__init__()
        self.classification = config.task == CLASSIFICATION
        K = len(base_predictors(config.task))
        width = config.width
        self.weights = nn.Parameter(torch.zeros(K))
        # How many nats of a row's left-out loss change the weight of a base predictor.
        self.log_trust = nn.Parameter(torch.tensor(0.0))
        self.log_sharpness = nn.Parameter(torch.tensor(0.0))
        self.first = nn.Linear(n_features(config), width)
        self.norm = nn.LayerNorm(width)
        n_outputs = 1 + K + (not self.classification)
        self.rest = mlp(2 * width, *[width] * config.depth, n_outputs)

    def forward(self, encoding):
        """Return logits (m, C), or mean and log variance (m, 2).

        Parameters
        ----------
        encoding : Encoding
        """
        mask = encoding.mask.to(encoding.features.dtype)
        h = nn.functional.gelu(self.norm(self.first(encoding.features)))
        pooled = (h * mask[:, None]).sum(1, keepdim=True) / mask.sum()
        out = self.rest(torch.cat([h, pooled.expand_as(h)], -1))
        row = (out * mask[:, None]).sum(1) / mask.sum()
        K = len(self.weights)
        trust = torch.exp(self.log_trust) * torch.sqrt(encoding.n_rows)
        weights = torch.softmax(
            self.weights - trust * encoding.losses + row[:, 1 : 1 + K], -1
        )
        mixture = (weights[:, :, None] * encoding.predictions).sum(1)
        mixture = torch.exp(self.log_sharpness) * mixture
        if self.classification:
            return torch.where(encoding.mask, mixture + out[..., 0], NO_CLASS)
        scale = torch.exp(0.5 * (weights * encoding.losses).sum(-1))
        mean = mixture[:, 0] + scale * row[:, 0]
        return torch.stack([mean, 2.0 * torch.log(scale) + row[:, -1]], -1)


class TableNetwork(nn.Module):
    """Predict rows of a table from other rows of it.

    A pure function of parameters and input (LayerNorm, no dropout), to be used with
    ``torch.func.functional_call`` and ``vmap``. Permuting rows, columns or classes of
    the context permutes the predictions accordingly.

    Parameters
    ----------
    config : NetworkConfig

    Notes
    -----
    To predict many rows, read the context once and encode the rows in chunks:
    ``network.head(network.body.encode(network.body.read(context), x, missing))``.
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.body = Body(config)
        self.head = Head(config)

    def forward(self, context: Context, x: Tensor, missing: Tensor) -> Tensor:
        """Predict rows.

        Parameters
        ----------
        context : Context
            Of n rows with targets.
        x : Tensor of shape (m, d)
        missing : Tensor of shape (m, d), bool

        Returns
        -------
        prediction : Tensor of shape (m, C) or (m, 2)
            Logits; or mean and log variance in units of the standardized target.
        """
        return self.head(self.body(context, x, missing))


def split_parameters(parameters):
    """Return the parameters of the body and of the head, without these prefixes."""
    parts = {"body": {}, "head": {}}
    for name, value in parameters.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    return parts["body"], parts["head"]


def cross_fit(body, parameters, context, n_folds):
    """Encode the rows of a context, each from the rows of the other folds.

    Parameters
    ----------
    body : Body
    parameters : dict of str to Tensor
        Of the body.
    context : Context
    n_folds : int

    Returns
    -------
    encoding : Encoding
        With a dimension of folds in front of each tensor.
    y, weight : Tensor of shape (n_folds, n / n_folds)
        Targets and weights of the rows, in the order of the encoding.
    """
    folds = cross_fitting_folds(context, n_folds)
    encoding = vmap(
        lambda fold: functional_call(
            body, parameters, (fold.context, fold.x, fold.missing)
        ),
        in_dims=(FOLD_DIMS,),
    )(folds)
    return encoding, folds.y, folds.weight


def prediction_loss(prediction, y, weight, task):
    """Return the weighted mean loss of predictions.

    Log loss for classification. For regression the mean of the Gaussian negative
    log-likelihood (without its constant) and half the squared error, so that neither
    the variance nor the mean is learned at the cost of the other; targets further than
    6 standard deviations from the mean of the support count as if they were 6 away.

    Parameters
    ----------
    prediction : Tensor of shape (m, C) or (m, 2)
    y : Tensor of shape (m,)
    weight : Tensor of shape (m,)
    task : str
    """
    if task == CLASSIFICATION:
        log_p = log_probabilities(prediction, prediction > 0.5 * NO_CLASS)
        codes = torch.arange(prediction.shape[-1], device=y.device)
        loss = -torch.where(y[..., None] == codes, log_p, 0.0).sum(-1)
    else:
        y = y.clamp(-_LARGEST_TARGET, _LARGEST_TARGET)
        mean, log_variance = prediction[..., 0], prediction[..., 1]
        log_variance = 7.0 * torch.tanh(log_variance / 7.0)
        squared = (y - mean) ** 2
        loss = 0.25 * (squared * torch.exp(-log_variance) + log_variance + squared)
    return (loss * weight).sum() / weight.sum()


def head_loss(head, parameters, encoding, y, weight, task):
    """Return the loss of the head on cross-fitted rows (see `cross_fit`)."""
    prediction = vmap(lambda rows: functional_call(head, parameters, (rows,)))(encoding)
    return prediction_loss(prediction, y, weight, task)


def support_loss(network, parameters, context, n_folds=None):
    """Return the loss that adaptation descends.

    Each row is predicted from the rows of the other folds: a network that is shown a
    row's own target would learn to look it up.

    Parameters
    ----------
    network : TableNetwork
    parameters : dict of str to Tensor
    context : Context
    n_folds : int or None, default=None
        None takes the one of the network's configuration.

    Returns
    -------
    loss : Tensor of shape ()
    """
    body, head = split_parameters(parameters)
    n_folds = network.config.n_folds if n_folds is None else n_folds
    encoding, y, weight = cross_fit(network.body, body, context, n_folds)
    return head_loss(network.head, head, encoding, y, weight, network.config.task)
