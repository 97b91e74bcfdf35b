"""Context rows: the rows with targets that a network predicts other rows from.

Tensors have no batch dimension: tasks and folds are batched by ``torch.func.vmap``.
Shapes use these letters throughout the package:

====  ================================================================
n     context rows, including padded ones (weight 0)
m     rows to predict
d     columns, including padded ones (`column_mask` is False)
C     classes, including padded ones (`class_mask` is False)
T     target columns: C for classification (one-hot), 1 for regression
K     base predictors
====  ================================================================
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sklearn_meta.data._task_names import CLASSIFICATION, TASKS


class Context(NamedTuple):
    """Rows with targets.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        Canonical features: about standard normal, 0 where a cell is missing.
    missing : Tensor of shape (n, d), bool
        Mask of the missing cells.
    y : Tensor of shape (n,)
        Class codes (long), or targets with mean 0 and standard deviation 1 (float).
    weight : Tensor of shape (n,)
        Sample weights, about 1 on average; 0 for a padded row.
    column_mask : Tensor of shape (d,), bool
        False for padded columns.
    class_mask : Tensor of shape (C,), bool
        False for padded classes. Ignored for regression.
    """

    x: Tensor
    missing: Tensor
    y: Tensor
    weight: Tensor
    column_mask: Tensor
    class_mask: Tensor


def check_task(task):
    """Raise a ValueError unless `task` is classification or regression."""
    if task not in TASKS:
        raise ValueError(f"'task' must be one of {TASKS}. Got {task!r}.")


def target_matrix(context: Context, task: str) -> Tensor:
    """Return the targets as columns, shape (n, T), 0 in padded rows."""
    if task == CLASSIFICATION:
        codes = torch.arange(context.class_mask.shape[-1], device=context.y.device)
        Y = (context.y[:, None] == codes).to(context.x.dtype)
    else:
        Y = context.y[:, None].to(context.x.dtype)
    return Y * (context.weight > 0)[:, None]


def target_mask(context: Context, task: str) -> Tensor:
    """Return the mask of the target columns, shape (T,), False for padded ones."""
    if task == CLASSIFICATION:
        return context.class_mask
    return torch.ones(1, dtype=torch.bool, device=context.x.device)


def fold_order(y: Tensor, weight: Tensor, n_folds: int) -> Tensor:
    """Return the rows of stratified folds, shape (n_folds, n / n_folds).

    Rows are sorted by target and dealt to the folds in turn; padded rows (weight 0)
    come last. `n_folds` divides the number of rows.
    """
    key = torch.where(weight > 0, y.to(torch.float64), torch.inf)
    order = torch.argsort(key, stable=True)
    return order.reshape(-1, n_folds).transpose(0, 1)
