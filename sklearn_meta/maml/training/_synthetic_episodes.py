"""Synthetic episodes: tables sampled from priors over functions."""

from __future__ import annotations

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.maml._context import check_task
from sklearn_meta.maml.training._canonical_episode import canonical_episode
from sklearn_meta.maml.training._draws import (
    MIN_ROWS_PER_CLASS,
    as_range,
    discretize,
    draw_n_classes,
    draw_split,
    log_integer,
    merge_rare,
)
from sklearn_meta.maml.training._episode import as_seed, episode_rng
from sklearn_meta.maml.training._random_functions import (
    PRIORS,
    Measurement,
    standardized,
)


class SyntheticEpisodes:
    """Episodes from random trees, linear and smooth functions, graphs and clusters.

    The tables have the imperfections of real small tables: noise, irrelevant columns,
    correlated, skewed, heavy-tailed, rounded and categorical columns, missing cells,
    rare classes and wrong labels.

    Parameters
    ----------
    task : {"classification", "regression"}
        Task of the episodes.
    n_support : int or (int, int), default=(16, 128)
        Number of support rows, or bounds of a log-uniform distribution.
    n_query : int, default=64
        Number of query rows.
    n_features : int or (int, int), default=(2, 24)
        Number of columns, or bounds of a log-uniform distribution. An episode keeps at
        most the 64 most relevant, as the estimators do.
    n_classes : int or (int, int), default=(2, 10)
        Number of classes, or bounds of a distribution that prefers few; at most half
        the number of support rows. Ignored for regression.
    random_state : int, RandomState instance or None, default=None
        Seed: an episode depends on it and on its index only. None draws a new seed
        when the object is created.

    Raises
    ------
    ValueError
        If the task is unknown or a range is invalid.

    See Also
    --------
    RealEpisodes : Episodes from given tables.
    MixedEpisodes : Mixture of several sources.

    Examples
    --------
    >>> from sklearn_meta.maml.training import SyntheticEpisodes
    >>> source = SyntheticEpisodes("regression", n_support=20, n_features=5,
    ...                            random_state=0)
    >>> source[0].x_support.shape[0], source[0].x_query.shape[0]
    (20, 64)
    """

    def __init__(
        self,
        task,
        n_support=(16, 128),
        n_query=64,
        n_features=(2, 24),
        n_classes=(2, 10),
        *,
        random_state=None,
    ):
        check_task(task)
        self.task = task
        self.n_support = as_range("n_support", n_support, 2 * MIN_ROWS_PER_CLASS)
        self.n_query = as_range("n_query", n_query, 1)[0]
        self.n_features = as_range("n_features", n_features, 1)
        self.n_classes = as_range("n_classes", n_classes, 2)
        self.seed = as_seed(random_state)

    def __getitem__(self, index):
        rng = episode_rng(self.seed, index)
        n_support = log_integer(rng, *self.n_support)
        prior = list(PRIORS)[rng.integers(len(PRIORS))]
        measurement = Measurement.draw(rng, log_integer(rng, *self.n_features))
        n = n_support + self.n_query
        if self.task == CLASSIFICATION:
            most = min(self.n_classes[1], n_support // MIN_ROWS_PER_CLASS)
            k = draw_n_classes(rng, min(self.n_classes[0], most), most)
            # The classes are intervals of one response, or the largest of k responses.
            n_responses = k if rng.random() < 0.6 else 1
            z, f = PRIORS[prior](rng, n, n_responses, measurement)
            y = _noisy_labels(rng, f, k)
        else:
            z, f = PRIORS[prior](rng, n, 1, measurement)
            y = _noisy_targets(rng, f[:, 0])
        x = measurement.record(rng, z)
        support, query = draw_split(rng, y, n_support, self.task)
        return canonical_episode(
            x[support],
            y[support],
            x[query],
            y[query],
            task=self.task,
            categorical=measurement.categorical,
            name=f"{prior}-{index}",
        )


def _noisy_labels(rng, f, n_classes):
    """Return class codes from responses, with noise, imbalance and wrong labels."""
    noise = np.exp(rng.uniform(np.log(0.03), np.log(1.2)))
    f = standardized(f)
    if f.shape[1] == 1:
        f = f[:, 0] + noise * rng.standard_normal(len(f))
        codes = discretize(rng, f, n_classes)
    else:
        imbalance = rng.choice([0.0, 0.3, 0.8]) * rng.standard_normal(n_classes)
        # The argmax with Gumbel noise is a sample from the softmax of f / noise.
        f = f + imbalance + 0.7 * noise * rng.gumbel(size=f.shape)
        codes = f.argmax(axis=1)
    if rng.random() < 0.2:
        wrong = rng.random(len(codes)) < rng.uniform(0.0, 0.15)
        codes = np.where(wrong, rng.permutation(codes), codes)
    codes, n_found = merge_rare(codes)
    # Random classes if only one is left.
    return codes if n_found > 1 else discretize(rng, rng.standard_normal(len(codes)), 2)


def _noisy_targets(rng, f):
    """Return targets from a response, with noise, a skewed scale or rounding."""
    noise = np.exp(rng.uniform(np.log(0.02), np.log(1.2)))
    f = standardized(f)
    kind = rng.random()
    error = rng.standard_normal(len(f))
    if kind < 0.15:
        error = rng.standard_t(3.0, size=len(f)) / np.sqrt(3.0)
    elif kind < 0.3:  # heteroscedastic
        error = error * np.exp(0.7 * f)
    y = f + noise * error
    shape = rng.random()
    if shape < 0.2:
        return np.exp(rng.uniform(0.3, 0.9) * standardized(y))
    if shape < 0.35:
        return np.round(y * rng.uniform(0.7, 4.0))
    return y
