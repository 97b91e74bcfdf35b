"""Calibration of the base predictors on their left-out predictions.

Classification: the scale of the scores is averaged over a grid, weighted by the
likelihood of the left-out predictions and a learned prior. Regression: the slope of the
targets on the left-out predictions, shrunken towards a learned slope.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# Logarithms of the relative scales: 1/8 to 8 by factors of two.
_GRID = [math.log(2.0) * step for step in range(-3, 4)]

# Logit of a padded class.
NO_CLASS = -1e4


def log_probabilities(logits: Tensor, class_mask: Tensor) -> Tensor:
    """Return the log-softmax over the classes that are not padding."""
    return torch.log_softmax(torch.where(class_mask, logits, NO_CLASS), -1)


class ScaleOfLogits(nn.Module):
    """Scales of the scores of the base predictors of a classification.

    Parameters
    ----------
    scale : sequence of float
        Initial scale of each base predictor.
    uses_prior : sequence of float
        1 where the logarithm of the class prior is added to the scores, else 0.
    """

    def __init__(self, scale, uses_prior):
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(scale).log())
        self.log_prior = nn.Parameter(
            -0.2 * torch.tensor(_GRID).square().repeat(len(scale), 1)
        )
        self.register_buffer("grid", torch.tensor(_GRID), persistent=False)
        self.register_buffer("uses_prior", torch.tensor(uses_prior), persistent=False)

    def forward(self, left_out, log_shares, Y, weight, class_mask):
        """Return the scale of each base predictor and its left-out log loss.

        Parameters
        ----------
        left_out : Tensor of shape (n, K, C)
            Left-out scores.
        log_shares : Tensor of shape (n, C)
            Left-out log class prior.
        Y : Tensor of shape (n, C)
            Indicators of the classes.
        weight : Tensor of shape (n,)
        class_mask : Tensor of shape (C,)

        Returns
        -------
        scale, loss : Tensor of shape (K,)
        """
        factors = torch.exp(self.log_scale[:, None] + self.grid)  # (K, grid)
        log_shares = log_shares[:, None, :]
        logits = self.logits(left_out, factors.T[:, None, :], log_shares)
        losses = self._loss(logits, Y, weight, class_mask)  # (grid, K)
        posterior = torch.softmax(self.log_prior - weight.sum() * losses.T, dim=1)
        scale = (posterior * factors).sum(1)
        logits = self.logits(left_out, scale, log_shares)
        return scale, self._loss(logits, Y, weight, class_mask)

    def logits(self, scores, scale, log_shares):
        """Return the scaled scores plus the log class prior where it is used."""
        return scale[..., None] * scores + self.uses_prior[:, None] * log_shares

    @staticmethod
    def _loss(logits, Y, weight, class_mask):
        """Return the weighted mean log loss over rows."""
        own = (log_probabilities(logits, class_mask) * Y[:, None, :]).sum(-1)
        return -(own * weight[:, None]).sum(-2) / weight.sum()


class SlopeOfPredictions(nn.Module):
    """Slopes of the predictions of the base predictors of a regression.

    Parameters
    ----------
    slope : sequence of float
        Initial slope that the fitted ones are shrunken towards.
    """

    def __init__(self, slope):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))
        self.log_prior = nn.Parameter(torch.zeros(len(slope)))

    def forward(self, left_out, y, weight):
        """Return the slope of each base predictor and the log of its squared error.

        Parameters
        ----------
        left_out : Tensor of shape (n, K)
            Left-out predictions.
        y : Tensor of shape (n, 1)
        weight : Tensor of shape (n,)

        Returns
        -------
        slope, loss : Tensor of shape (K,)
        """
        w = weight[:, None]
        prior = torch.exp(self.log_prior)
        products = (w * left_out * y).sum(0) + prior * self.slope
        slope = (products / ((w * left_out**2).sum(0) + prior)).clamp(0.0, 10.0)
        squared = (w * (y - slope * left_out) ** 2).sum(0) / weight.sum()
        return slope, torch.log(squared + 1e-3)
