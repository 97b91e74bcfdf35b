"""Cross-fitted support loss: each support row is predicted without its own fold.

A network that sees the target of a row in its context would learn to copy it. All folds
are computed at once by `vmap`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from sklearn_meta.maml._context import Context, fold_order
from sklearn_meta.maml._network import prediction_loss


class CrossFittingFolds(NamedTuple):
    """Folds of the rows of a context, each with the context of all other rows.

    Parameters
    ----------
    context : Context
        Tensors that have rows have a leading dimension of folds.
    x, missing, y, weight : Tensor
        Rows of each fold, with a leading dimension of folds.
    """

    context: Context
    x: Tensor
    missing: Tensor
    y: Tensor
    weight: Tensor


# How `vmap` maps over folds: the masks of columns and classes are shared.
_FOLD_DIMS = CrossFittingFolds(Context(0, 0, 0, 0, None, None), 0, 0, 0, 0)


def cross_fitting_folds(context: Context, n_folds: int) -> CrossFittingFolds:
    """Split the rows of a context, padded if necessary, into equal folds."""
    context = _pad_rows(context, -len(context.y) % n_folds)
    own = fold_order(context.y, context.weight, n_folds)
    others = torch.stack(
        [torch.cat([own[j] for j in range(n_folds) if j != k]) for k in range(n_folds)]
    )
    return CrossFittingFolds(
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
    """Append `n` rows of weight 0."""
    pad = torch.nn.functional.pad
    return context._replace(
        x=pad(context.x, (0, 0, 0, n)),
        missing=pad(context.missing, (0, 0, 0, n), value=True),
        y=pad(context.y, (0, n)),
        weight=pad(context.weight, (0, n)),
    )


def split_parameters(parameters):
    """Return the parameters of the body and of the head, without these prefixes."""
    parts = {"body": {}, "head": {}}
    for name, value in parameters.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    return parts["body"], parts["head"]


def cross_fit(network, parameters, context):
    """Encode the rows of a context, each from the rows of the other folds.

    Returns
    -------
    encoded : EncodedRows
        Tensors with a leading dimension of folds.
    y, weight : Tensor of shape (n_folds, n / n_folds)
        Targets and weights of the encoded rows.
    """
    folds = cross_fitting_folds(context, network.config.n_folds)
    body, _ = split_parameters(parameters)
    encoded = vmap(
        lambda fold: functional_call(
            network.body, body, (fold.context, fold.x, fold.missing)
        ),
        in_dims=(_FOLD_DIMS,),
    )(folds)
    return encoded, folds.y, folds.weight


def head_loss(network, parameters, encoded, y, weight):
    """Return the loss of the head on the output of `cross_fit`."""
    _, head = split_parameters(parameters)
    prediction = vmap(lambda rows: functional_call(network.head, head, (rows,)))(
        encoded
    )
    return prediction_loss(prediction, y, weight, network.config.task)


def support_loss(network, parameters, context):
    """Return the cross-fitted loss on the rows of a context."""
    return head_loss(network, parameters, *cross_fit(network, parameters, context))
