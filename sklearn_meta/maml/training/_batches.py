"""Episodes in batches of similar shape.

`vmap` needs tasks of one shape, so that episodes are padded to the largest of their
batch. Episodes are drawn in blocks of several batches, and a block is split, again and
again, at the median of the dimension in which its episodes differ most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sklearn_meta.maml._context import Context
from sklearn_meta.maml._episode import pad

# Batches that are drawn together.
_N_TOGETHER = 8


class Tasks(NamedTuple):
    """A batch of tasks as tensors, each with a dimension of tasks in front.

    Parameters
    ----------
    context : Context
        Support rows.
    x, missing, y, weight : Tensor
        Query rows.
    """

    context: Context
    x: Tensor
    missing: Tensor
    y: Tensor
    weight: Tensor


def as_tasks(episodes, device="cpu"):
    """Pad episodes to one shape and return them as tensors.

    Parameters
    ----------
    episodes : sequence of Episode
    device : str, default="cpu"

    Returns
    -------
    tasks : Tasks
    """
    batch = pad(episodes)
    batch = type(batch)(*(torch.from_numpy(part).to(device) for part in batch))
    context = Context(
        batch.x_support,
        batch.missing_support,
        batch.y_support,
        batch.weight_support,
        batch.column_mask,
        batch.class_mask,
    )
    return Tasks(
        context, batch.x_query, batch.missing_query, batch.y_query, batch.weight_query
    )


def batch_of_step(source, step, n_tasks, seed):
    """Return the episodes of one step of training.

    Parameters
    ----------
    source : EpisodeSource or sequence of Episode
        A sequence is repeated.
    step : int
        Counted from 0. The batch depends on this number and the seed alone.
    n_tasks : int
    seed : int
        For the order of the batches that are drawn together.

    Returns
    -------
    episodes : list of Episode
    """
    block, position = divmod(step, _N_TOGETHER)
    groups = _groups_of_block(source, block, n_tasks)
    order = np.random.default_rng((seed, block)).permutation(_N_TOGETHER)
    return groups[order[position]]


def similar(episodes, size):
    """Split episodes into groups of `size` or less, of similar shapes."""
    if len(episodes) <= size:
        return [episodes]
    shapes = np.log([_shape(episode) for episode in episodes])
    widest = np.ptp(shapes, axis=0).argmax()
    order = np.argsort(shapes[:, widest], kind="stable")
    # Only the last group may be smaller than the others.
    n_groups = -(-len(episodes) // size)
    half = size * (n_groups // 2)
    first = [episodes[i] for i in order[:half]]
    second = [episodes[i] for i in order[half:]]
    return similar(first, size) + similar(second, size)


def _shape(episode):
    return (len(episode.y_support), episode.n_features, max(episode.n_classes, 1))


def _groups_of_block(source, block, n_tasks):
    n = _N_TOGETHER * n_tasks
    length = len(source) if hasattr(source, "__len__") else None
    indices = range(block * n, (block + 1) * n)
    episodes = [source[i if length is None else i % length] for i in indices]
    return similar(episodes, n_tasks)
