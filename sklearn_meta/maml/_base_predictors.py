"""Base predictors in closed form: ridge regressions, naive Bayes, neighbors.

Each predicts the target columns of new rows, and those of the context's own rows as if
the row had been left out: what the base predictors are worth on a table is known
without a second fit. All of them are differentiable in the gates of the columns and in
their few hyperparameters.

Kernel ridge regression (Saunders et al. 1998) with unit-diagonal kernel k, intercept of
prior variance 1 and noise lambda:

    A = K + 1 1' + diag(lambda / weight),   alpha = A^-1 Y,   f(x) = (k(x) + 1)' alpha

and the left-out prediction of row i is  y_i - alpha_i / (A^-1)_ii.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# Kernels of the ridge regressions, in the order of the first dimension of their arrays.
KERNELS = ("linear", "additive", "laplace", "gaussian")
N_KERNELS = len(KERNELS)

# Gates of a column: one for each kernel, naive Bayes, column curves, neighbors, cells.
GATES = (*KERNELS, "naive_bayes", "curves", "neighbors", "cells")


# A distance at which nothing is near; infinity has no gradient.
FAR = 1e4


class Scales(NamedTuple):
    """Hyperparameters of the base predictors on one table, all of them positive.

    Parameters
    ----------
    noise : Tensor of shape (N_KERNELS,)
        Noise variance of each ridge regression; the kernel's diagonal is 1.
    laplace, gaussian, neighbors : Tensor of shape ()
        Inverse widths.
    curve : Tensor of shape ()
        Inverse width of the curves of single columns, and of the additive kernel.
    prior : Tensor of shape ()
        Weight, in rows, of what is known before any row: of the class shares in the
        curves and neighbors, and of the column's variance in the classes' variances.
    """

    noise: Tensor
    laplace: Tensor
    gaussian: Tensor
    neighbors: Tensor
    curve: Tensor
    prior: Tensor


def share_of_gates(gates, column_mask):
    """Scale the gates (d, G) so that those of the columns that exist sum to 1."""
    gates = gates * column_mask[:, None]
    return gates / (gates.sum(0) + 1e-6)


def absolute_differences(x, x_context):
    """Return |x_i - x_j| per column, shape (m, n, d).

    A missing cell counts as the middle of its column.
    """
    return (x[:, None, :] - x_context[None, :, :]).abs()


def kernels(x, x_context, distances, curves, shares, scales):
    """Return the kernels between rows, shape (`N_KERNELS`, m, n).

    Parameters
    ----------
    x, x_context : Tensor of shape (m, d), (n, d)
    distances : Tensor of shape (m, n)
        Gated L1 distance for the Laplace kernel.
    curves : Tensor of shape (m, n, d)
        Laplace kernels of single columns.
    shares : Tensor of shape (d, G)
        Gates that sum to 1 over columns.
    scales : Scales
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
    """Solve the ridge regressions.

    Parameters
    ----------
    K : Tensor of shape (`N_KERNELS`, n, n)
    Y : Tensor of shape (n, T)
        0 in padded rows.
    weight : Tensor of shape (n,)
    noise : Tensor of shape (`N_KERNELS`,)

    Returns
    -------
    alpha : Tensor of shape (`N_KERNELS`, n, T)
        0 in padded rows.
    left_out : Tensor of shape (`N_KERNELS`, n, T)
        Predictions of each row from all others.
    """
    real = (weight > 0).to(K.dtype)
    variance = noise[:, None] / weight.clamp(min=1e-3)
    # A padded row is uncorrelated with all others, and its own variance is 1.
    diagonal = torch.where(real > 0, variance, 1.0)
    A = (K + 1.0) * real[:, None] * real[None, :] + torch.diag_embed(diagonal)
    inverse = torch.linalg.inv_ex(A).inverse
    alpha = inverse @ Y
    own = torch.diagonal(inverse, dim1=-2, dim2=-1)
    return alpha, Y - alpha / own[..., None]


def class_evidence(x, present, s0, s1, s2, statistics, prior, class_mask):
    """Return the Gaussian log-likelihood of cells under each class, (rows, C, d).

    Moments are shrunken towards the column's, by `prior` rows for the variance and half
    a row for the mean.

    Parameters
    ----------
    x : Tensor of shape (rows, d)
    present : Tensor of shape (rows, d)
        0 where the cell is missing: such a cell says nothing.
    s0, s1, s2 : Tensor of shape (C, d) or (rows, C, d)
        Sums of the powers of the cells of each class.
    statistics : ColumnStatistics
    prior : Tensor of shape ()
    class_mask : Tensor of shape (C,)
    """
    mean, variance = statistics.mean, statistics.variance + 1e-2
    center = (s1 + 0.5 * mean) / (s0 + 0.5)
    own = (s2 - 2.0 * center * s1 + center**2 * s0).clamp(min=0.0)
    spread = (own + prior * variance) / (s0 + prior)
    log_likelihood = -0.5 * (torch.log(spread) + (x[:, None, :] - center) ** 2 / spread)
    # One outlying cell must not overrule all others.
    exists = class_mask.to(x.dtype)[:, None]
    average = (log_likelihood * exists).sum(1, keepdim=True) / exists.sum()
    evidence = 4.0 * torch.tanh((log_likelihood - average) / 4.0)
    return evidence * exists * present[:, None, :]


def column_curves(curves, Y, present, base, prior):
    """Predict the target columns from single columns (Nadaraya-Watson), (m, T, d).

    Parameters
    ----------
    curves : Tensor of shape (m, n, d)
        Kernel weights.
    Y : Tensor of shape (n, T)
    present : Tensor of shape (n, d)
        Weights of the context's cells.
    base : Tensor of shape (T,) or (m, T)
        Prediction without any row, which counts as `prior` rows.
    """
    by_column = curves.permute(2, 0, 1)
    weights = present.T[:, None, :]
    targets = torch.cat([Y, torch.ones_like(Y[:, :1])], 1)
    sums = (by_column * weights) @ targets
    base = base if base.ndim == 2 else base[None, :]
    predicted = (sums[..., :-1] + prior * base[None]) / (sums[..., -1:] + prior)
    return predicted.permute(1, 2, 0)


def neighbors(distances, Y, weight, base, inverse_width, prior):
    """Predict from near rows, shape (m, T).

    The nearest row has weight 1 and the prediction `base` has weight `prior`.

    Parameters
    ----------
    distances : Tensor of shape (m, n)
        `FAR` for rows that must not be used.
    base : Tensor of shape (T,) or (m, T)
    """
    distances = torch.where(weight > 0, distances, FAR)
    nearest = distances.amin(1, keepdim=True)
    near = torch.exp(-inverse_width * (distances - nearest)) * weight
    return (near @ Y + prior * base) / (near.sum(1, keepdim=True) + prior)
