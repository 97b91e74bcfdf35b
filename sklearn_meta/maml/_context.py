"""What a network learns from: the rows of one table with their targets, and folds.

Everything is a tensor without a batch dimension: tasks and folds are batched by
``torch.func.vmap``. Shapes use these letters throughout the package:

====  ================================================================
n     rows of the context, padded ones included (their weight is 0)
m     rows to predict
d     columns, padded ones included (`column_mask` is False)
C     classes, padded ones included (`class_mask` is False)
T     target columns: C for classification (one-hot), 1 for regression
K     base predictors
====  ================================================================
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sklearn_meta.data._task_names import CLASSIFICATION


class Context(NamedTuple):
    """Rows with targets.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Canonical features: about standard normal, 0 where a cell is missing.
    missing : Tensor of shape (n, d), bool
    y : Tensor of shape (n,)
        Class codes (long), or targets with mean 0 and standard deviation 1 (float).
    weight : Tensor of shape (n,)
        Sample weights, about 1 on average; 0 for a padded row.
    column_mask : Tensor of shape (d,), bool
    class_mask : Tensor of shape (C,), bool
        Not looked at for regression.
    """

    x: Tensor
    missing: Tensor
    y: Tensor
    weight: Tensor
    column_mask: Tensor
    class_mask: Tensor


class Fold(NamedTuple):
    """Rows that are predicted, and the context of all other rows.

    Parameters
    ----------
    context : Context
        Each tensor that has rows begins with a dimension of folds.
    x, missing, y, weight : Tensor
        The rows of each fold, with a dimension of folds in front.
    """

    context: Context
    x: Tensor
    missing: Tensor
    y: Tensor
    weight: Tensor


# How `vmap` maps over folds: what belongs to the table is the same in all of them.
FOLD_DIMS = Fold(Context(0, 0, 0, 0, None, None), 0, 0, 0, 0)


def target_matrix(context: Context, task: str) -> Tensor:
    """Return the targets as columns, shape (n, T), 0 in padded rows."""
    if task == CLASSIFICATION:
        codes = torch.arange(context.class_mask.shape[-1], device=context.y.device)
        Y = (context.y[:, None] == codes).to(context.x.dtype)
    else:
        Y = context.y[:, None].to(context.x.dtype)
    return Y * (context.weight > 0)[:, None]


def target_mask(context: Context, task: str) -> Tensor:
    """Return which target columns exist, shape (T,)."""
    if task == CLASSIFICATION:
        return context.class_mask
    return torch.ones(1, dtype=torch.bool, device=context.x.device)


def fold_order(y: Tensor, weight: Tensor, n_folds: int) -> Tensor:
    """Return the rows of each fold, shape (n_folds, n / n_folds).

    Rows are sorted by target and dealt to the folds in turn: classes are spread evenly,
    and so are small and large targets of a regression. Padded rows come last.
    """
    key = torch.where(weight > 0, y.to(torch.float64), torch.inf)
    order = torch.argsort(key, stable=True)
    return order.reshape(-1, n_folds).transpose(0, 1)


def cross_fitting_folds(context: Context, n_folds: int) -> Fold:
    """Split a context so that each row can be predicted without its own target.

    Parameters
    ----------
    context : Context
        A number of rows that `n_folds` does not divide is padded.
    n_folds : int

    Returns
    -------
    fold : Fold
        Its tensors have the folds in front.
    """
    context = _pad_rows(context, -len(context.y) % n_folds)
    own = fold_order(context.y, context.weight, n_folds)
    others = torch.stack(
        [
            torch.cat([own[j] for j in range(n_folds) if j != k])
            if n_folds > 1
            else own[k]
            for k in range(n_folds)
        ]
    )
    return Fold(
        context=Context(
            context.x[others],
            context.missing[others],
            context.y[others],
            context.weight[others],
            context.column_mask,
            context.class_mask,
        ),
        x=context.x[own],
        missing=context.missing[own],
        y=context.y[own],
        weight=context.weight[own],
    )


def _pad_rows(context, n):
    pad = torch.nn.functional.pad
    return context._replace(
        x=pad(context.x, (0, 0, 0, n)),
        missing=pad(context.missing, (0, 0, 0, n), value=True),
        y=pad(context.y, (0, n)),
        weight=pad(context.weight, (0, n)),
    )
