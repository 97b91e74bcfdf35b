"""Summaries of columns and table, the inputs of the column gates.

The summaries are functions of the context only, invariant to the order of rows, columns
and classes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sklearn_meta.maml._context import Context

# Number of column summaries, and of table summaries that do not aggregate them.
N_SUMMARIES = 8
N_TABLE_NUMBERS = 4


class ColumnStatistics(NamedTuple):
    """Weighted moments of the columns of a context.

    Parameters
    ----------
    present : Tensor of shape (n, d)
        Weight of each cell, 0 where it is missing.
    mean, variance : Tensor of shape (d,)
        Moments of the present cells.
    s0, s1, s2 : Tensor of shape (T, d)
        Sums of the powers 0, 1 and 2 of the present cells, weighted by the target
        columns; for classification these are the sums within each class.
    """

    present: Tensor
    mean: Tensor
    variance: Tensor
    s0: Tensor
    s1: Tensor
    s2: Tensor


def column_statistics(context: Context, Y: Tensor) -> ColumnStatistics:
    """Return the moments of the columns, given the targets `Y` of shape (n, T)."""
    x = context.x
    present = (~context.missing).to(x.dtype) * context.weight[:, None]
    n = present.sum(0)
    mean = (present * x).sum(0) / (n + 1e-6)
    variance = (present * (x - mean) ** 2).sum(0) / (n + 1e-6)
    return ColumnStatistics(
        present=present,
        mean=mean,
        variance=variance,
        s0=Y.T @ present,
        s1=Y.T @ (present * x),
        s2=Y.T @ (present * x * x),
    )


def linear_relevance(context, Y, statistics, classification):
    """Return the share of the target variance explained by each column, (d,).

    The correlation ratio (classification) or squared correlation (regression).
    """
    n = statistics.present.sum(0) + 1e-6
    spread = statistics.variance + 1e-3
    if classification:
        center = statistics.s1 / (statistics.s0 + 1e-6) - statistics.mean
        between = (statistics.s0 * center**2).sum(0) / n
        return (between / spread).clamp(0.0, 1.0)
    covariance = (statistics.s1 - statistics.s0 * statistics.mean)[0] / n
    y_variance = (context.weight[:, None] * Y**2).sum() / context.weight.sum()
    return (covariance**2 / (spread * (y_variance + 1e-3))).clamp(0.0, 1.0)


def column_summaries(context, statistics, relevance, kernel_relevance, n_targets):
    """Return relevance, shape and redundancy of each column, (d, `N_SUMMARIES`).

    Parameters
    ----------
    context : Context
    statistics : ColumnStatistics
    relevance, kernel_relevance : Tensor of shape (d,)
        Share of the target variance that a linear model and the left-out kernel
        regression of the column explain.
    n_targets : Tensor of shape ()
        Number of parameters of the linear model: classes, or 2 for regression.
    """
    n = context.weight.sum()
    degrees = n_targets - 1.0
    rest = (n - n_targets).clamp(min=1.0)
    f_value = (relevance / degrees) / ((1.0 - relevance).clamp(min=0.02) / rest)
    z = (context.x - statistics.mean) / torch.sqrt(statistics.variance + 1e-3)
    n_present = statistics.present.sum(0) + 1e-6
    correlation = (statistics.present * z).T @ (statistics.present * z) / n
    valid = context.column_mask.to(z.dtype)
    redundancy = ((correlation**2) * valid).sum(1) / valid.sum()
    summaries = torch.stack(
        [
            torch.log1p(f_value).clamp(max=6.0) - 1.0,
            2.0 * torch.sqrt(relevance + 1e-4),
            3.0 * kernel_relevance,
            (kernel_relevance - relevance + degrees / n).clamp(-1.0, 1.0) * 3.0,
            1.0 - n_present / n,
            ((statistics.present * z**3).sum(0) / n_present).clamp(-4, 4) / 2.0,
            4.0 * ((statistics.present * z.abs()).sum(0) / n_present - 0.8),
            4.0 * redundancy,
        ],
        dim=1,
    )
    return summaries * valid[:, None]


def table_summaries(context, shares, summaries):
    """Return size, class balance, and mean and maximum of the column summaries.

    `shares` (T,) is the class prior, or a single 1 for regression; the result has shape
    (`N_TABLE_NUMBERS` + 2 * `N_SUMMARIES`,).
    """
    valid = context.column_mask.to(summaries.dtype)[:, None]
    d = valid.sum()
    entropy = -(shares * torch.log(shares + 1e-6)).sum()
    size = torch.stack(
        [
            torch.log(context.weight.sum()) / 2.0 - 1.7,
            torch.log(d) / 2.0 - 1.0,
            entropy - 1.0,
            torch.log(shares.max() + 1e-6) + 0.7,
        ]
    )
    largest = torch.where(valid > 0, summaries, -4.0).amax(0)
    return torch.cat([size, summaries.sum(0) / d, largest])
