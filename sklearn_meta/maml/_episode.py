"""Episodes: few rows to learn from and further rows of the same table to predict.

Meta-learning treats a small table as one example. An episode is such an example: its
*support* rows are what a learner may see with their targets, its *query* rows are what
it is judged by. Everything here is numpy; `pad` stacks episodes of different shapes, so
that a network can take them all in one vectorized call.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from sklearn.utils import check_random_state

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION


@dataclass(frozen=True, eq=False)
class Episode:
    """A small table, split into rows to learn from and rows to predict.

    Parameters
    ----------
    x_support : ndarray of shape (n_support, n_features), float32
        Canonical features: about standard normal, 0 where a cell is missing.
    missing_support : ndarray of shape (n_support, n_features), bool
        Which cells are missing.
    y_support : ndarray of shape (n_support,)
        Class codes 0 to ``n_classes - 1`` (int64), each of them at least once; or, for
        regression, targets (float32) with mean 0 and standard deviation 1.
    x_query, missing_query, y_query : ndarray
        The same for the rows to predict. Targets of a regression are in units of the
        support: its mean is subtracted, and they are divided by its deviation.
    n_classes : int, default=0
        Number of classes; 0 is regression.
    name : str, default=""
        Where the episode comes from, for messages.
    family : str, default=""
        Which tables it is related to: episodes of one family belong to one side of a
        split into training and validation tasks.
    """

    x_support: np.ndarray
    missing_support: np.ndarray
    y_support: np.ndarray
    x_query: np.ndarray
    missing_query: np.ndarray
    y_query: np.ndarray
    n_classes: int = 0
    name: str = ""
    family: str = ""

    def __post_init__(self):
        for part in ("support", "query"):
            x = getattr(self, f"x_{part}")
            missing = getattr(self, f"missing_{part}")
            y = getattr(self, f"y_{part}")
            if x.ndim != 2 or missing.shape != x.shape or y.shape != x.shape[:1]:
                raise ValueError(
                    f"The arrays of the {part} rows do not fit together: x {x.shape}, "
                    f"missing {missing.shape}, y {y.shape}. Expected (n, d), (n, d) "
                    "and (n,)."
                )
        if self.x_support.shape[1] != self.x_query.shape[1]:
            raise ValueError(
                f"The support has {self.x_support.shape[1]} columns and the query "
                f"{self.x_query.shape[1]}; they must have the same."
            )

    @property
    def task(self) -> str:
        """Classification or regression."""
        return CLASSIFICATION if self.n_classes else REGRESSION

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.x_support.shape[1]


class EpisodeSource(Protocol):
    """Any number of episodes, each of them reached by its index.

    ``source[index]`` depends on the source's seed and on the index alone, so that a
    training that was stopped goes on with the episodes it would have seen. A subclass
    needs nothing but `__getitem__`, which takes any index from 0 on.

    A plain sequence of episodes is no source, as it ends, but serves where a fixed set
    is wanted (validation tasks).
    """

    def __getitem__(self, index: int) -> Episode: ...

    def __iter__(self) -> Iterator[Episode]:
        """Count up from 0, for ever."""
        return map(self.__getitem__, itertools.count())


class MixedEpisodes(EpisodeSource):
    """Episodes of several sources in given shares.

    Parameters
    ----------
    sources : sequence of EpisodeSource
        Where the episodes come from.
    weights : sequence of float or None, default=None
        How often each source is drawn from, relative to the others; None draws from all
        alike.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice. None takes a new one each time a source is made.

    Examples
    --------
    >>> from sklearn_meta.maml._episode import MixedEpisodes
    >>> mixed = MixedEpisodes([["a"] * 9, ["b"] * 9], weights=[2, 1], random_state=0)
    >>> sorted({mixed[i] for i in range(9)})
    ['a', 'b']
    """

    def __init__(self, sources, weights=None, random_state=None):
        self.sources = tuple(sources)
        weights = np.ones(len(self.sources)) if weights is None else np.array(weights)
        if not self.sources or weights.shape != (len(self.sources),):
            raise ValueError(
                f"'weights' must have one value for each of the sources, of which there"
                f" must be one at least. Got {len(self.sources)} sources and weights of"
                f" shape {weights.shape}."
            )
        if not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise ValueError(
                f"'weights' must be at least 0, and not all of them 0. Got {weights}."
            )
        self.weights = weights / weights.sum()
        self.seed = as_seed(random_state)

    def __getitem__(self, index):
        rng = episode_rng(self.seed, index)
        return self.sources[rng.choice(len(self.sources), p=self.weights)][index]


class EpisodeBatch(NamedTuple):
    """Episodes of one task, padded to one shape: B episodes, S support rows, ...

    Parameters
    ----------
    x_support : ndarray of shape (B, S, D), float32
    missing_support : ndarray of shape (B, S, D), bool
        True in padded cells too.
    y_support : ndarray of shape (B, S), int64 or float32
        0 in padded rows.
    weight_support : ndarray of shape (B, S), float32
        1 for a row, 0 for a padded one.
    x_query, missing_query, y_query, weight_query : ndarray
        The same for the Q rows to predict.
    column_mask : ndarray of shape (B, D), bool
        Which columns exist.
    class_mask : ndarray of shape (B, C), bool
        Which classes exist; C is 0 for regression.
    """

    x_support: np.ndarray
    missing_support: np.ndarray
    y_support: np.ndarray
    weight_support: np.ndarray
    x_query: np.ndarray
    missing_query: np.ndarray
    y_query: np.ndarray
    weight_query: np.ndarray
    column_mask: np.ndarray
    class_mask: np.ndarray


def pad(
    episodes: Sequence[Episode],
    *,
    n_support=None,
    n_query=None,
    n_features=None,
    n_classes=None,
) -> EpisodeBatch:
    """Stack episodes of one task into arrays with masks.

    Parameters
    ----------
    episodes : sequence of Episode
        One at least, all of them classification or all of them regression.
    n_support, n_query, n_features, n_classes : int or None, default=None
        Sizes to pad to; None takes the largest among the episodes.

    Returns
    -------
    batch : EpisodeBatch

    Raises
    ------
    ValueError
        If there are no episodes, both tasks, or more than fits in a given size.
    """
    if len({episode.task for episode in episodes}) != 1:
        raise ValueError(
            "'episodes' must be one or more episodes of one task. Got "
            f"{[episode.task for episode in episodes]}."
        )
    B = len(episodes)
    S = _size("n_support", n_support, [len(e.y_support) for e in episodes])
    Q = _size("n_query", n_query, [len(e.y_query) for e in episodes])
    D = _size("n_features", n_features, [e.n_features for e in episodes])
    C = _size("n_classes", n_classes, [e.n_classes for e in episodes])
    y_dtype = np.float32 if episodes[0].task == REGRESSION else np.int64
    batch = EpisodeBatch(
        x_support=np.zeros((B, S, D), np.float32),
        missing_support=np.ones((B, S, D), bool),
        y_support=np.zeros((B, S), y_dtype),
        weight_support=np.zeros((B, S), np.float32),
        x_query=np.zeros((B, Q, D), np.float32),
        missing_query=np.ones((B, Q, D), bool),
        y_query=np.zeros((B, Q), y_dtype),
        weight_query=np.zeros((B, Q), np.float32),
        column_mask=np.zeros((B, D), bool),
        class_mask=np.zeros((B, C), bool),
    )
    for b, episode in enumerate(episodes):
        s, d = episode.x_support.shape
        q = len(episode.y_query)
        batch.x_support[b, :s, :d] = episode.x_support
        batch.missing_support[b, :s, :d] = episode.missing_support
        batch.y_support[b, :s] = episode.y_support
        batch.weight_support[b, :s] = 1.0
        batch.x_query[b, :q, :d] = episode.x_query
        batch.missing_query[b, :q, :d] = episode.missing_query
        batch.y_query[b, :q] = episode.y_query
        batch.weight_query[b, :q] = 1.0
        batch.column_mask[b, :d] = True
        batch.class_mask[b, : episode.n_classes] = True
    return batch


def _size(parameter, wanted, sizes):
    largest = max(sizes)
    if wanted is None:
        return largest
    if wanted < largest:
        raise ValueError(
            f"{parameter!r} must be at least {largest}, the largest among the "
            f"episodes. Got {wanted}."
        )
    return int(wanted)


def as_seed(random_state) -> int:
    """Return an integer seed; None draws a new one."""
    if isinstance(random_state, int | np.integer):
        check_random_state(random_state)  # its range
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def episode_rng(seed: int, index: int) -> np.random.Generator:
    """Return the generator of one episode of a source."""
    if index < 0:
        raise IndexError(f"Episodes are counted from 0. Got index {index}.")
    return np.random.default_rng((seed, index))
