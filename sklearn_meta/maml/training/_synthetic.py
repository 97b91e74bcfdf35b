"""Episodes made from random functions, as many as one likes."""

from __future__ import annotations

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.maml._episode import EpisodeSource, as_seed, episode_rng
from sklearn_meta.maml.training._canonical_episode import canonical_episode
from sklearn_meta.maml.training._draws import (
    MIN_ROWS_PER_CLASS,
    as_range,
    check_task,
    cut,
    draw_n_classes,
    draw_split,
    log_integer,
    merge_rare,
)
from sklearn_meta.maml.training._random_functions import (
    PRIORS,
    Measurement,
    standardized,
)


class SyntheticEpisodes(EpisodeSource):
    """Episodes from random trees, linear and smooth functions, graphs and clusters.

    The tables vary in what real small tables vary in: noise, columns that say nothing,
    correlated, skewed, heavy-tailed, rounded and coded columns, missing cells, rare
    classes and wrong labels.

    Parameters
    ----------
    task : {"classification", "regression"}
    n_support : int or (int, int), default=(16, 128)
        Rows to learn from, drawn evenly on the logarithmic scale.
    n_query : int, default=64
        Rows to predict.
    n_features : int or (int, int), default=(2, 24)
        Columns, drawn evenly on the logarithmic scale.
    n_classes : int or (int, int), default=(2, 10)
        Classes, few of them more often than many; for classification only. An episode
        has no more than the support has pairs of rows.
    priors : sequence of str, default=("trees", "sparse_linear", "smooth", "causal", \
"clusters")
        Where the functions are drawn from, each as often as the others.
    max_features : int, default=64
        Columns the canonical input keeps.
    random_state : int, RandomState instance or None, default=None
        Seed: episodes depend on it and on their index. None takes a new one each time
        a source is made.

    See Also
    --------
    RealEpisodes : Episodes from given tables.
    MixedEpisodes : Episodes of several sources.

    Examples
    --------
    >>> from sklearn_meta.maml.training._synthetic import SyntheticEpisodes
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
        priors=tuple(PRIORS),
        *,
        max_features=64,
        random_state=None,
    ):
        check_task(task)
        unknown = [prior for prior in priors if prior not in PRIORS]
        if unknown or not priors:
            raise ValueError(
                f"'priors' must be some of {tuple(PRIORS)}. Got {tuple(priors)!r}."
            )
        self.task = task
        self.n_support = as_range("n_support", n_support, 2 * MIN_ROWS_PER_CLASS)
        self.n_query = as_range("n_query", n_query, 1)[0]
        self.n_features = as_range("n_features", n_features, 1)
        self.n_classes = as_range("n_classes", n_classes, 2)
        self.priors = tuple(priors)
        self.max_features = max_features
        self.seed = as_seed(random_state)

    def __getitem__(self, index):
        rng = episode_rng(self.seed, index)
        n_support = log_integer(rng, *self.n_support)
        prior = self.priors[rng.integers(len(self.priors))]
        measurement = Measurement.draw(rng, log_integer(rng, *self.n_features))
        n = n_support + self.n_query
        if self.task == CLASSIFICATION:
            most = min(self.n_classes[1], n_support // MIN_ROWS_PER_CLASS)
            k = draw_n_classes(rng, min(self.n_classes[0], most), most)
            # Grades of one response, or the largest of several.
            n_responses = k if rng.random() < 0.6 else 1
            z, f = PRIORS[prior](rng, n, n_responses, measurement)
            y = _labels(rng, f, k)
        else:
            z, f = PRIORS[prior](rng, n, 1, measurement)
            y = _targets(rng, f[:, 0])
        x = measurement.record(rng, z)
        support, query = draw_split(rng, y, n_support, self.task)
        return canonical_episode(
            x[support],
            y[support],
            x[query],
            y[query],
            task=self.task,
            categorical=measurement.categorical,
            max_features=self.max_features,
            name=f"{prior}-{index}",
            family=f"synthetic-{prior}",
        )


def _labels(rng, f, n_classes):
    """Turn responses into class codes with noise, imbalance and wrong labels."""
    noise = np.exp(rng.uniform(np.log(0.03), np.log(1.2)))
    f = standardized(f)
    if f.shape[1] == 1:
        f = f[:, 0] + noise * rng.standard_normal(len(f))
        codes = cut(rng, f, n_classes)
    else:
        imbalance = rng.choice([0.0, 0.3, 0.8]) * rng.standard_normal(n_classes)
        # The largest after Gumbel noise: a draw from the softmax of f / noise.
        f = f + imbalance + 0.7 * noise * rng.gumbel(size=f.shape)
        codes = f.argmax(axis=1)
    if rng.random() < 0.2:
        wrong = rng.random(len(codes)) < rng.uniform(0.0, 0.15)
        codes = np.where(wrong, rng.permutation(codes), codes)
    codes, n_found = merge_rare(codes)
    # One class alone is no task.
    return codes if n_found > 1 else cut(rng, rng.standard_normal(len(codes)), 2)


def _targets(rng, f):
    """Turn a response into a target with noise, a skewed scale or rounding."""
    noise = np.exp(rng.uniform(np.log(0.02), np.log(1.2)))
    f = standardized(f)
    kind = rng.random()
    error = rng.standard_normal(len(f))
    if kind < 0.15:
        error = rng.standard_t(3.0, size=len(f)) / np.sqrt(3.0)
    elif kind < 0.3:  # noise that grows with the target
        error = error * np.exp(0.7 * f)
    y = f + noise * error
    shape = rng.random()
    if shape < 0.2:
        return np.exp(rng.uniform(0.3, 0.9) * standardized(y))
    if shape < 0.35:
        return np.round(y * rng.uniform(0.7, 4.0))
    return y
