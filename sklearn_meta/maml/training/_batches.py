"""Batches of episodes of similar shape, padded to tensors for `vmap`.

`vmap` needs tasks of one shape, so that episodes are padded to the largest of their
batch. To keep padding small, episodes are drawn in blocks of several batches, and a
block is split recursively at the median of the dimension in which its episodes differ
most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sklearn_meta.maml._context import Context

# Number of batches in a block.
_BATCHES_PER_BLOCK = 8


class Tasks(NamedTuple):
    """A batch of tasks as tensors, each with a leading dimension of tasks.

    Parameters
    ----------
    context : Context
        Support rows. Padded rows have weight 0, padded cells are missing.
    x, missing, y, weight : Tensor
        Query rows, with the same conventions.
    """

    context: Context
    x: Tensor
    missing: Tensor
    y: Tensor
    weight: Tensor


def as_tasks(episodes, device="cpu"):
    """Pad episodes of one task to one shape and stack them.

    Raises
    ------
    ValueError
        If there are no episodes, or episodes of both tasks.
    """
    if len({episode.task for episode in episodes}) != 1:
        raise ValueError(
            "'episodes' must be one or more episodes of one task. Got "
            f"{[episode.task for episode in episodes]}."
        )
    d = max(e.n_features for e in episodes)
    n_classes = max(e.n_classes for e in episodes)
    x, missing, y, weight = _stacked_rows(episodes, "support", d, device)
    context = Context(
        x,
        missing,
        y,
        weight,
        _mask([e.n_features for e in episodes], d, device),
        _mask([e.n_classes for e in episodes], n_classes, device),
    )
    return Tasks(context, *_stacked_rows(episodes, "query", d, device))


def _stacked_rows(episodes, part, d, device):
    """Return padded features, missing masks, targets and weights of one part."""
    xs = [getattr(e, f"x_{part}") for e in episodes]
    ys = [getattr(e, f"y_{part}") for e in episodes]
    n = max(map(len, ys))
    x = np.zeros((len(episodes), n, d), np.float32)
    missing = np.ones(x.shape, bool)
    y = np.zeros(x.shape[:2], ys[0].dtype)
    weight = np.zeros(x.shape[:2], np.float32)
    for i, episode in enumerate(episodes):
        rows, columns = slice(len(ys[i])), slice(episode.n_features)
        x[i, rows, columns] = xs[i]
        missing[i, rows, columns] = getattr(episode, f"missing_{part}")
        y[i, rows] = ys[i]
        weight[i, rows] = 1.0
    return tuple(torch.from_numpy(a).to(device) for a in (x, missing, y, weight))


def _mask(sizes, largest, device):
    """Return, for each size, which of `largest` positions are not padding."""
    return (
        torch.arange(largest, device=device)
        < torch.tensor(sizes, device=device)[:, None]
    )


def batch_of_step(source, step, n_tasks, seed):
    """Return the episodes of a step, which depend on its number and on the seed only.

    `source` is an `EpisodeSource` or a sequence of episodes, which is repeated.
    """
    block, position = divmod(step, _BATCHES_PER_BLOCK)
    n = _BATCHES_PER_BLOCK * n_tasks
    length = len(source) if hasattr(source, "__len__") else None
    indices = range(block * n, (block + 1) * n)
    episodes = [source[i if length is None else i % length] for i in indices]
    groups = similar(episodes, n_tasks)
    order = np.random.default_rng((seed, block)).permutation(_BATCHES_PER_BLOCK)
    return groups[order[position]]


def similar(episodes, size):
    """Split episodes into groups of at most `size`, of similar shapes."""
    if len(episodes) <= size:
        return [episodes]
    shapes = np.log(
        [(len(e.y_support), e.n_features, max(e.n_classes, 1)) for e in episodes]
    )
    widest = np.ptp(shapes, axis=0).argmax()
    order = np.argsort(shapes[:, widest], kind="stable")
    # Only the last group may be smaller than the others.
    n_groups = -(-len(episodes) // size)
    half = size * (n_groups // 2)
    first = [episodes[i] for i in order[:half]]
    second = [episodes[i] for i in order[half:]]
    return similar(first, size) + similar(second, size)
