"""Network for tables of any shape: learned mixture of closed-form base predictors.

The *body* fits closed-form base predictors (kernel ridge regressions with four kernels,
naive Bayes, kernel smoothing of single columns, nearest neighbors) to the context.
Small networks over column summaries give the column gates and the scales of the
kernels. The *head* mixes the base predictions, weighted by their left-out losses, and
adds a correction that a small network computes for each row and class. The correction
is initialized to zero: the untrained network is an ensemble of the base predictors.

The parameters do not depend on the number or order of rows, columns and classes, so
that one set of parameters serves all tables [1]_, as MAML requires [2]_.

References
----------
.. [1] T. Iwata, A. Kumagai, "Meta-learning from Tasks with Heterogeneous Attribute
   Spaces", NeurIPS 2020.
.. [2] C. Finn, P. Abbeel, S. Levine, "Model-Agnostic Meta-Learning for Fast Adaptation
   of Deep Networks", ICML 2017.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.maml._body import Body, base_predictors, dense_layers, n_features
from sklearn_meta.maml._calibration import NO_CLASS, log_probabilities
from sklearn_meta.maml._context import Context, check_task

# Prefix of the names of the parameters of the head.
HEAD = "head."
# Targets are clipped to this many standard deviations in the loss.
_MAX_TARGET = 6.0


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture of a network.

    Parameters
    ----------
    task : {"classification", "regression"}
    width : int, default=32
        Width of the head, and of the networks of gates and scales.
    depth : int, default=1
        Number of hidden layers of the head after the first.
    cell_width : int, default=8
        Dimension of the embedding of a cell.
    n_neighbors : int, default=3
        Number of nearest rows of each class whose distances are features.
    n_folds : int, default=5
        Number of folds of cross-fitting, at least 2.
    """

    task: str
    width: int = 32
    depth: int = 1
    cell_width: int = 8
    n_neighbors: int = 3
    n_folds: int = 5

    def __post_init__(self):
        check_task(self.task)


class Head(nn.Module):
    """Mixture of the base predictions with a learned correction.

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
        # Log inverse temperature of the softmax over left-out losses.
        self.log_trust = nn.Parameter(torch.tensor(0.0))
        self.log_sharpness = nn.Parameter(torch.tensor(0.0))
        self.first = nn.Linear(n_features(config), width)
        self.norm = nn.LayerNorm(width)
        n_outputs = 1 + K + (not self.classification)
        self.rest = dense_layers(2 * width, *[width] * config.depth, n_outputs)

    def forward(self, encoded):
        """Return logits (m, C), or mean and log variance (m, 2), of encoded rows."""
        mask = encoded.mask.to(encoded.features.dtype)
        h = nn.functional.gelu(self.norm(self.first(encoded.features)))
        pooled = (h * mask[:, None]).sum(1, keepdim=True) / mask.sum()
        out = self.rest(torch.cat([h, pooled.expand_as(h)], -1))
        row = (out * mask[:, None]).sum(1) / mask.sum()
        K = len(self.weights)
        trust = torch.exp(self.log_trust) * torch.sqrt(encoded.n_rows)
        weights = torch.softmax(
            self.weights - trust * encoded.losses + row[:, 1 : 1 + K], -1
        )
        mixture = (weights[:, :, None] * encoded.predictions).sum(1)
        mixture = torch.exp(self.log_sharpness) * mixture
        if self.classification:
            return torch.where(encoded.mask, mixture + out[..., 0], NO_CLASS)
        scale = torch.exp(0.5 * (weights * encoded.losses).sum(-1))
        mean = mixture[:, 0] + scale * row[:, 0]
        return torch.stack([mean, 2.0 * torch.log(scale) + row[:, -1]], -1)


class TableNetwork(nn.Module):
    """Predict rows of a table from other rows of it.

    A pure function of parameters and input (LayerNorm, no dropout), as
    ``torch.func.functional_call`` and ``vmap`` require. It is invariant to the order of
    context rows and columns, and equivariant to permutations of the classes.

    Parameters
    ----------
    config : NetworkConfig

    Notes
    -----
    To predict many rows, fit the context once, ``fitted = body.fit_context(context)``,
    and predict the rows in chunks, ``head(body.encode(fitted, x, missing))``.
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.body = Body(config)
        self.head = Head(config)

    def forward(self, context: Context, x: Tensor, missing: Tensor) -> Tensor:
        """Return logits (m, C), or mean and log variance (m, 2), of the rows `x`."""
        return self.head(self.body(context, x, missing))


@contextmanager
def kept_torch_generator(seed=None):
    """Context of making layers, which draw from torch's global generator."""
    with _MAKING_LAYERS, torch.random.fork_rng(devices=[]):
        if seed is not None:
            # Not `torch.manual_seed`, which seeds the generators of all devices.
            torch.default_generator.manual_seed(seed)
        yield


# Threads that make layers at the same time would draw each other's numbers.
_MAKING_LAYERS = threading.Lock()


def prediction_loss(prediction, y, weight, task):
    """Return the weighted mean loss of predictions of shape (m, C) or (m, 2).

    Log loss for classification. For regression, the mean of the Gaussian negative
    log-likelihood (without its constant) and half the squared error: the likelihood
    alone would trade errors of the mean for a larger variance. Targets are clipped to 6
    standard deviations.
    """
    if task == CLASSIFICATION:
        log_p = log_probabilities(prediction, prediction > 0.5 * NO_CLASS)
        codes = torch.arange(prediction.shape[-1], device=y.device)
        loss = -torch.where(y[..., None] == codes, log_p, 0.0).sum(-1)
    else:
        y = y.clamp(-_MAX_TARGET, _MAX_TARGET)
        mean, log_variance = prediction[..., 0], prediction[..., 1]
        log_variance = 7.0 * torch.tanh(log_variance / 7.0)
        squared = (y - mean) ** 2
        loss = 0.25 * (squared * torch.exp(-log_variance) + log_variance + squared)
    return (loss * weight).sum() / weight.sum()
