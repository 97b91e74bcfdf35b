"""Base predictors in closed form: ridge regressions, naive Bayes, nearest neighbors.

Each predicts the target columns of new rows, and of the context rows by leave-one-out,
so that its loss on a table is known without refitting. All are differentiable in the
column gates and in their hyperparameters.

Kernel ridge regression (Saunders et al. 1998) with unit-diagonal kernel k, intercept of
prior variance 1 and noise lambda:

    A = K + 1 1' + diag(lambda / weight),   alpha = A^-1 Y,   f(x) = (k(x) + 1)' alpha

and the left-out prediction of row i is  y_i - alpha_i / (A^-1)_ii.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Kernels of the ridge regressions, in the order of their arrays.
KERNELS = ("linear", "additive", "laplace", "gaussian")
N_KERNELS = len(KERNELS)

# Users of the column gates: each has its own gate for each column.
GATES = (*KERNELS, "naive_bayes", "curves", "neighbors", "cells")

# Distance of rows that must not be used; infinity would have no gradient.
FAR_DISTANCE = 1e4


class Scales(NamedTuple):
    """Positive hyperparameters of the base predictors on one table.

    Parameters
    ----------
    noise : Tensor of shape (`N_KERNELS`,)
        Noise variance of each ridge regression, relative to a unit-diagonal kernel.
    laplace, gaussian, neighbors : Tensor of shape ()
        Inverse widths.
    curve : Tensor of shape ()
        Inverse width of the column curves and of the additive kernel.
    prior : Tensor of shape ()
        Weight of the prior in rows: of the class prior in curves and neighbors, and of
        the variance of the column in the variances within classes.
    """

    noise: Tensor
    laplace: Tensor
    gaussian: Tensor
    neighbors: Tensor
    curve: Tensor
    prior: Tensor


def share_of_gates(gates, column_mask):
    """Normalize the gates (d, G) to sum 1 over the columns that are not padding."""
    gates = gates * column_mask[:, None]
    return gates / (gates.sum(0) + 1e-6)


def absolute_differences(x, x_context):
    """Return ``|x_i - x_j|`` for each column, shape (m, n, d)."""
    return (x[:, None, :] - x_context[None, :, :]).abs()


def kernels(x, x_context, distances, curves, shares, scales):
    """Return the kernels between rows, shape (`N_KERNELS`, m, n).

    `distances` (m, n) are the gated L1 distances of the Laplace kernel, `curves` (m, n,
    d) the Laplace kernels of single columns, and `shares` (d, G) the normalized gates.
    """
    linear = (x * shares[:, 0]) @ x_context.T
    squared = (
        (x * x) @ shares[:, 3, None]
        + ((x_context * x_context) @ shares[:, 3, None]).T
        - 2.0 * (x * shares[:, 3]) @ x_context.T
    )
    return torch.stack(
        [
            linear,
            curves @ shares[:, 1],
            torch.exp(-scales.laplace * distances),
            torch.exp(-scales.gaussian * squared.clamp(min=0.0)),
        ]
    )


def ridge(K, Y, weight, noise):
    """Solve the ridge regressions, with leave-one-out predictions.

    Parameters
    ----------
    K : Tensor of shape (`N_KERNELS`, n, n)
    Y : Tensor of shape (n, T)
        Targets, 0 in padded rows.
    weight : Tensor of shape (n,)
    noise : Tensor of shape (`N_KERNELS`,)

    Returns
    -------
    alpha, left_out : Tensor of shape (`N_KERNELS`, n, T)
        Coefficients, 0 in padded rows, and predictions.
    """
    real = (weight > 0).to(K.dtype)
    variance = noise[:, None] / weight.clamp(min=1e-3)
    # Padded rows: uncorrelated with all others, with variance 1.
    diagonal = torch.where(real > 0, variance, 1.0)
    A = (K + 1.0) * real[:, None] * real[None, :] + torch.diag_embed(diagonal)
    inverse = torch.linalg.inv_ex(A).inverse
    alpha = inverse @ Y
    own = torch.diagonal(inverse, dim1=-2, dim2=-1)
    return alpha, Y - alpha / own[..., None]


def class_evidence(x, present, s0, s1, s2, statistics, prior, class_mask):
    """Return centered Gaussian log-likelihoods of cells under each class, (rows, C, d).

    Moments of the classes are shrunken towards those of the column, with the weight of
    `prior` rows for the variance and of half a row for the mean.

    Parameters
    ----------
    x, present : Tensor of shape (rows, d)
        Cells, and a mask that is 0 where a cell is missing.
    s0, s1, s2 : Tensor of shape (C, d) or (rows, C, d)
        Sums of the powers 0, 1 and 2 of the cells of each class.
    statistics : ColumnStatistics
    prior : Tensor of shape ()
    class_mask : Tensor of shape (C,)
    """
    mean, variance = statistics.mean, statistics.variance + 1e-2
    center = (s1 + 0.5 * mean) / (s0 + 0.5)
    own = (s2 - 2.0 * center * s1 + center**2 * s0).clamp(min=0.0)
    spread = (own + prior * variance) / (s0 + prior)
    log_likelihood = -0.5 * (torch.log(spread) + (x[:, None, :] - center) ** 2 / spread)
    # Bounded, so that a single outlying cell cannot dominate the sum over columns.
    exists = class_mask.to(x.dtype)[:, None]
    average = (log_likelihood * exists).sum(1, keepdim=True) / exists.sum()
    evidence = 4.0 * torch.tanh((log_likelihood - average) / 4.0)
    return evidence * exists * present[:, None, :]


def column_curves(curves, Y, present, base, prior):
    """Predict the targets from each column alone (Nadaraya-Watson), shape (m, T, d).

    Parameters
    ----------
    curves : Tensor of shape (m, n, d)
        Kernel weights.
    Y : Tensor of shape (n, T)
    present : Tensor of shape (n, d)
        Weights of the cells of the context.
    base : Tensor of shape (T,) or (m, T)
        Prediction without features, which has the weight of `prior` rows.
    prior : Tensor of shape ()
    """
    by_column = curves.permute(2, 0, 1)
    weights = present.T[:, None, :]
    targets = torch.cat([Y, torch.ones_like(Y[:, :1])], 1)
    sums = (by_column * weights) @ targets
    base = base if base.ndim == 2 else base[None, :]
    predicted = (sums[..., :-1] + prior * base[None]) / (sums[..., -1:] + prior)
    return predicted.permute(1, 2, 0)


def neighbors(distances, Y, weight, base, inverse_width, prior):
    """Predict from near rows, shape (m, T), by a kernel relative to the nearest one.

    Parameters
    ----------
    distances : Tensor of shape (m, n)
        `FAR_DISTANCE` for rows that must not be used.
    Y : Tensor of shape (n, T)
    weight : Tensor of shape (n,)
    base : Tensor of shape (T,) or (m, T)
        Prediction without features, which has the weight of `prior` rows.
    inverse_width, prior : Tensor of shape ()
    """
    distances = torch.where(weight > 0, distances, FAR_DISTANCE)
    nearest = distances.amin(1, keepdim=True)
    near = torch.exp(-inverse_width * (distances - nearest)) * weight
    return (near @ Y + prior * base) / (near.sum(1, keepdim=True) + prior)
