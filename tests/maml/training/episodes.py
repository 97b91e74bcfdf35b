"""Tables, sources and episodes for the tests."""

import numpy as np

from sklearn_meta.maml.training import (
    Episode,
    MixedEpisodes,
    RealEpisodes,
    SyntheticEpisodes,
)
from sklearn_meta.maml.training._canonical_episode import TARGET_LIMIT
from sklearn_meta.maml.training._draws import MIN_ROWS_PER_CLASS
from sklearn_meta.maml.training._numeric_table import NumericTable

TASKS = ("classification", "regression")


def make_tables(n_rows=90, seed=0):
    """Tables of both tasks with numbers, codes and gaps."""
    rng = np.random.default_rng(seed)
    tables = []
    for i in range(4):
        x = rng.standard_normal((n_rows, 5))
        x[:, 0] = rng.integers(4, size=n_rows)
        x[rng.random((n_rows, 5)) < 0.1] = np.nan
        y = np.nansum(x, axis=1) + rng.standard_normal(n_rows)
        if i < 2:
            y = np.digitize(y, np.quantile(y, [0.2, 0.5, 0.8]))
        categorical = np.arange(5) < 1
        tables.append(NumericTable(x, y, categorical, f"t{i}", f"family {i // 2}"))
    return tables


def make_sources(task, seed=0):
    real = RealEpisodes(make_tables(), task, (8, 40), 30, random_state=seed)
    synthetic = SyntheticEpisodes(task, (8, 40), 30, random_state=seed)
    mixed = MixedEpisodes([real, synthetic], [1, 2], random_state=seed)
    return {"real": real, "synthetic": synthetic, "mixed": mixed}


def check_episode(episode, task):
    assert episode.task == task
    assert episode.n_features == episode.x_query.shape[1] >= 1
    assert len(episode.y_query) >= 1
    for x, missing in (
        (episode.x_support, episode.missing_support),
        (episode.x_query, episode.missing_query),
    ):
        assert x.dtype == np.float32
        assert missing.dtype == bool
        assert np.isfinite(x).all()
        assert not x[missing].any()
    if task == "classification":
        assert episode.y_support.dtype == episode.y_query.dtype == np.int64
        counts = np.bincount(episode.y_support, minlength=episode.n_classes)
        assert len(counts) == episode.n_classes >= 2
        assert counts.min() >= MIN_ROWS_PER_CLASS
        assert 0 <= episode.y_query.min() <= episode.y_query.max() < len(counts)
    else:
        assert episode.n_classes == 0
        assert episode.y_support.dtype == episode.y_query.dtype == np.float32
        assert np.isclose(episode.y_support.mean(), 0, atol=1e-4)
        assert np.isclose(episode.y_support.std(), 1, atol=1e-3)
        assert np.abs(episode.y_query).max() <= TARGET_LIMIT


def small_episode(task, seed, n=8, d=2, m=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n + m, d)).astype(np.float32)
    score = x @ rng.normal(size=d) + 0.3 * rng.normal(size=n + m)
    if task == "classification":
        y = (score > np.median(score[:n])).astype(np.int64)
    else:
        y = ((score - score[:n].mean()) / score[:n].std()).astype(np.float32)
    missing = np.zeros(x.shape, bool)
    return Episode(
        x[:n],
        missing[:n],
        y[:n],
        x[n:],
        missing[n:],
        y[n:],
        n_classes=2 if task == "classification" else 0,
    )


def small_episodes(task="classification", n=8, start=0):
    return [small_episode(task, start + i, n=6 + i % 3, d=2 + i % 2) for i in range(n)]
