"""Episodes: small tables split into support rows and query rows.

Meta-learning treats a small table as one training example. A learner sees the targets
of the *support* rows and is scored on the *query* rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.utils import check_random_state

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION


@dataclass(frozen=True, eq=False)
class Episode:
    """A small table, split into support rows and query rows.

    Parameters
    ----------
    x_support : ndarray of shape (n_support, n_features), float32
        Canonical features: about standard normal, 0 where a cell is missing.
    missing_support : ndarray of shape (n_support, n_features), bool
        Mask of the missing cells.
    y_support : ndarray of shape (n_support,)
        Class codes 0 to ``n_classes - 1`` (int64), each of them at least once; or, for
        regression, targets (float32) with mean 0 and standard deviation 1.
    x_query, missing_query, y_query : ndarray
        The same for the query rows. Regression targets are shifted and scaled by the
        mean and the standard deviation of the support.
    n_classes : int, default=0
        Number of classes; 0 for regression.
    name : str, default=""
        Origin of the episode: table or prior, kind of target, index.

    Raises
    ------
    ValueError
        If the shapes of the arrays are inconsistent.
    """

    x_support: np.ndarray
    missing_support: np.ndarray
    y_support: np.ndarray
    x_query: np.ndarray
    missing_query: np.ndarray
    y_query: np.ndarray
    n_classes: int = 0
    name: str = ""

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
    """Unlimited episodes, addressed by index.

    ``source[index]`` accepts any index from 0 on and depends on the seed of the source
    and the index only, so that a resumed training sees the same episodes as an
    uninterrupted one.
    """

    def __getitem__(self, index: int) -> Episode: ...


class MixedEpisodes:
    """Mixture of several sources of episodes.

    Parameters
    ----------
    sources : sequence of EpisodeSource
        Sources that the episodes are drawn from.
    weights : sequence of float or None, default=None
        Relative frequency of each source; None draws from all with equal probability.
    random_state : int, RandomState instance or None, default=None
        Seed of the choice among the sources. None draws a new seed when the object is
        created.

    Raises
    ------
    ValueError
        If there are no sources, or the weights are not one non-negative number for
        each source with a positive sum.

    See Also
    --------
    RealEpisodes : Episodes from given tables.
    SyntheticEpisodes : Episodes from random functions.

    Examples
    --------
    >>> from sklearn_meta.maml.training import MixedEpisodes, SyntheticEpisodes
    >>> small = SyntheticEpisodes("regression", n_support=9, random_state=0)
    >>> large = SyntheticEpisodes("regression", n_support=90, random_state=0)
    >>> mixed = MixedEpisodes([small, large], weights=[2, 1], random_state=0)
    >>> sorted({len(mixed[i].y_support) for i in range(9)})
    [9, 90]
    """

    def __init__(self, sources, weights=None, random_state=None):
        self.sources = tuple(sources)
        weights = np.ones(len(self.sources)) if weights is None else np.array(weights)
        if not self.sources or weights.shape != (len(self.sources),):
            raise ValueError(
                "'weights' must have one value for each of the sources, of which there "
                f"must be one at least. Got {len(self.sources)} sources and weights of "
                f"shape {weights.shape}."
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


def as_seed(random_state) -> int:
    """Return an integer seed; None draws a new one."""
    if isinstance(random_state, int | np.integer):
        check_random_state(random_state)  # raises if the seed is out of range
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def episode_rng(seed: int, index: int) -> np.random.Generator:
    """Return the random generator of one episode of a source."""
    if index < 0:
        raise IndexError(f"Episodes are counted from 0. Got index {index}.")
    return np.random.default_rng((seed, index))
