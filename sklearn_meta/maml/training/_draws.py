"""What real and synthetic episodes draw alike: sizes, and rows for the support."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION, TASKS

# Rows of every class that the support has at least: leaving one of them out, another
# one is left.
MIN_ROWS_PER_CLASS = 2
# Share of the classification episodes whose support has equally many rows per class.
BALANCED_SHARE = 0.5


def check_task(task):
    """Raise ValueError unless `task` is classification or regression."""
    if task not in TASKS:
        raise ValueError(f"'task' must be one of {TASKS}. Got {task!r}.")


def as_range(name, value, smallest):
    """Return ``(low, high)`` of a parameter that is a whole number or a pair of them.

    Raises
    ------
    ValueError
        If it is neither, in the wrong order, or below `smallest`.
    """
    pair = (value, value) if isinstance(value, Integral) else tuple(value)
    if len(pair) != 2 or not smallest <= pair[0] <= pair[1]:
        raise ValueError(
            f"{name!r} must be a whole number of at least {smallest}, or a pair "
            f"(smallest, largest) of such numbers. Got {value!r}."
        )
    return int(pair[0]), int(pair[1])


def log_integer(rng, low, high):
    """Draw a whole number from low to high, evenly on the logarithmic scale."""
    if low == high:
        return low
    drawn = np.exp(rng.uniform(np.log(low), np.log(high + 1)))
    return min(int(drawn), high)


def draw_n_classes(rng, low, high):
    """Draw a number of classes k with a probability proportional to 1 / (k (k + 1)).

    Most tables have two classes, a few have many: two of (2, 10) come in 41 of 100.
    """
    k = np.arange(low, high + 1)
    weights = 1.0 / (k * (k + 1))
    return int(rng.choice(k, p=weights / weights.sum()))


def split_rows(rng, y, n_support, task, *, balanced):
    """Draw the rows of the support; the others are the query.

    Parameters
    ----------
    rng : numpy.random.Generator
    y : ndarray of shape (n,)
        For classification: codes of classes with `MIN_ROWS_PER_CLASS` rows or more.
    n_support : int
        Rows of the support. It is at least `MIN_ROWS_PER_CLASS` for each class.
    task : str
    balanced : bool
        Take equally many rows of each class as far as they go (few-shot tasks are
        posed so), rather than as they come.

    Returns
    -------
    support, query : ndarrays of row numbers
    """
    order = rng.permutation(len(y))
    if task == CLASSIFICATION:
        rank = _rank_within_class(y[order])
        if not balanced:
            rank = np.minimum(rank, MIN_ROWS_PER_CLASS)
        order = order[np.argsort(rank, kind="stable")]
    return order[:n_support], order[n_support:]


def draw_split(rng, y, n_support, task):
    """Split rows as `split_rows` does, balanced in a share of the episodes."""
    balanced = rng.random() < BALANCED_SHARE
    return split_rows(rng, y, n_support, task, balanced=balanced)


def _rank_within_class(codes):
    """Number each class's rows 0, 1, ... in their order."""
    by_class = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.empty(len(codes), dtype=np.int64)
    rank[by_class] = np.arange(len(codes)) - first
    return rank


def merge_rare(codes):
    """Give rows of classes that are too rare to the largest class; renumber from 0.

    Returns
    -------
    codes : ndarray of int64
        Every class has `MIN_ROWS_PER_CLASS` rows or more.
    n_classes : int
    """
    counts = np.bincount(codes)
    rare = counts < MIN_ROWS_PER_CLASS
    codes = np.where(rare[codes], counts.argmax(), codes)
    kept, codes = np.unique(codes, return_inverse=True)
    return codes.astype(np.int64), len(kept)


def cut(rng, values, n_classes):
    """Cut numbers into ordered classes at quantiles of unequal distance.

    Returns
    -------
    codes : ndarray of int64
        In random order of the classes.
    """
    shares = rng.dirichlet(np.full(n_classes, rng.choice([1.5, 5.0, 50.0])))
    # The smallest share still has rows.
    shares = 0.9 * shares + 0.1 / n_classes
    bounds = np.quantile(values, np.cumsum(shares)[:-1])
    codes = np.searchsorted(bounds, values, side="left")
    return rng.permutation(n_classes)[codes]
