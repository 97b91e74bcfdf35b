"""Random draws shared by real and synthetic episodes: sizes, classes, row splits."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.maml._support import rank_within_class

# Minimum number of support rows of each class: left-out predictions need a second row.
MIN_ROWS_PER_CLASS = 2
# Share of the episodes whose support is balanced by class.
BALANCED_SHARE = 0.5


def as_range(name, value, smallest):
    """Return ``(low, high)`` of the parameter `name`, an int or a pair of ints.

    Raises
    ------
    ValueError
        If the value is neither an int nor an ordered pair, or below `smallest`.
    """
    pair = (value, value) if isinstance(value, Integral) else tuple(value)
    if len(pair) != 2 or not smallest <= pair[0] <= pair[1]:
        raise ValueError(
            f"{name!r} must be a whole number of at least {smallest}, or a pair "
            f"(smallest, largest) of such numbers. Got {value!r}."
        )
    return int(pair[0]), int(pair[1])


def log_integer(rng, low, high):
    """Draw an integer from low to high, log-uniformly."""
    if low == high:
        return low
    drawn = np.exp(rng.uniform(np.log(low), np.log(high + 1)))
    return min(int(drawn), high)


def draw_n_classes(rng, low, high):
    """Draw a number of classes k with a probability proportional to 1 / (k (k + 1)).

    2 out of 2 to 10 has probability 0.41: most real tables have two classes.
    """
    k = np.arange(low, high + 1)
    weights = 1.0 / (k * (k + 1))
    return int(rng.choice(k, p=weights / weights.sum()))


def split_rows(rng, y, n_support, task, *, balanced):
    """Return the indices of random support rows, and of the other rows, the query.

    For classification, every class of `y` has `MIN_ROWS_PER_CLASS` rows or more, and so
    has its support. A balanced support has, as far as possible, as many rows of each
    class, as is usual in few-shot learning; otherwise it is a random sample.
    """
    order = rng.permutation(len(y))
    if task == CLASSIFICATION:
        rank = rank_within_class(y[order])
        if not balanced:
            rank = np.minimum(rank, MIN_ROWS_PER_CLASS)
        order = order[np.argsort(rank, kind="stable")]
    return order[:n_support], order[n_support:]


def draw_split(rng, y, n_support, task):
    """Call `split_rows`, balanced with probability `BALANCED_SHARE`."""
    balanced = rng.random() < BALANCED_SHARE
    return split_rows(rng, y, n_support, task, balanced=balanced)


def merge_rare(codes):
    """Merge classes of fewer than `MIN_ROWS_PER_CLASS` rows into the most frequent one.

    Returns
    -------
    codes : ndarray of int64
        Codes from 0 on.
    n_classes : int
    """
    counts = np.bincount(codes)
    rare = counts < MIN_ROWS_PER_CLASS
    codes = np.where(rare[codes], counts.argmax(), codes)
    kept, codes = np.unique(codes, return_inverse=True)
    return codes.astype(np.int64), len(kept)


def discretize(rng, values, n_classes):
    """Discretize numbers at random quantiles; the codes are in random order."""
    shares = rng.dirichlet(np.full(n_classes, rng.choice([1.5, 5.0, 50.0])))
    # A lower bound on the shares, so that no class is empty.
    shares = 0.9 * shares + 0.1 / n_classes
    bounds = np.quantile(values, np.cumsum(shares)[:-1])
    codes = np.searchsorted(bounds, values, side="left")
    return rng.permutation(n_classes)[codes]
