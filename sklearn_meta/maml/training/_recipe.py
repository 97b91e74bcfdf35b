"""Recipe of the shipped initializations: episodes, validation tasks and stages.

Tasks
    70 % synthetic episodes and 30 % episodes of real tables, of 10 to 100 support rows.
    Tables of the other task contribute their columns as targets. 8 000 episodes are
    generated and repeated.
Validation
    One in eight families, chosen by the SHA-256 of its name, is used for validation
    only. Half of the validation tasks are synthetic.
Stages
    The network is first trained to predict without inner steps, which is cheap, then by
    Meta-SGD with `N_INNER_STEPS` steps of the head and learned step sizes.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.maml.training._episode import MixedEpisodes
from sklearn_meta.maml.training._meta_train import meta_train
from sklearn_meta.maml.training._real_episodes import RealEpisodes
from sklearn_meta.maml.training._synthetic_episodes import SyntheticEpisodes

N_INNER_STEPS = 3
REAL_SHARE = 0.3
N_EPISODES = 8_000
N_VALIDATION = 64
VALIDATE_EVERY = 25
RANDOM_STATE = 0
# One in this many families is used for validation.
_VALIDATION_FAMILIES = 8


@dataclass(frozen=True)
class EpisodeSize:
    """Ranges of the sizes of episodes.

    Parameters
    ----------
    n_support, n_features : (int, int)
        Bounds of the number of support rows and columns.
    share : float
        Share of the episodes.
    """

    n_support: tuple[int, int]
    n_features: tuple[int, int]
    share: float


# The cost of an episode grows with rows squared times columns: most of them are small.
SIZES = (
    EpisodeSize((10, 36), (2, 10), 0.84),
    EpisodeSize((30, 100), (2, 8), 0.08),
    EpisodeSize((10, 36), (8, 30), 0.08),
)
N_QUERY = 24
N_CLASSES = (2, 6)


@dataclass(frozen=True)
class TrainingStage:
    """Settings of one call of `meta_train`.

    Parameters
    ----------
    name : str
        Suffix of the checkpoint.
    n_inner_steps, n_steps, tasks_per_step : int
    learning_rate : float
    time_share : float
        Share of the time limit.
    """

    name: str
    n_inner_steps: int
    n_steps: int
    tasks_per_step: int
    learning_rate: float
    time_share: float


STAGES = (
    TrainingStage("predict", 0, 4000, 32, 0.003, 0.65),
    TrainingStage("adapt", N_INNER_STEPS, 2000, 16, 0.001, 0.35),
)
# Initial step sizes of the second stage. For classification, 0.05 increased the
# validation loss after the first stage where classes have few rows.
INNER_LEARNING_RATE = {CLASSIFICATION: 0.01, REGRESSION: 0.05}


class RepeatedEpisodes:
    """The first episodes of a source, repeated and cached.

    Parameters
    ----------
    source : EpisodeSource
    n : int
        Number of different episodes.
    """

    def __init__(self, source, n):
        self.source = source
        self.n = n
        self._cache = {}

    def __getitem__(self, index):
        index %= self.n
        if index not in self._cache:
            self._cache[index] = self.source[index]
        return self._cache[index]


def training_episodes(task, tables, seed):
    """Return the mixture of episodes of all sizes; synthetic only without tables."""
    sources, weights = [], []
    for i, size in enumerate(SIZES):
        synthetic = SyntheticEpisodes(
            task,
            n_support=size.n_support,
            n_query=N_QUERY,
            n_features=size.n_features,
            n_classes=N_CLASSES,
            random_state=seed + 2 * i,
        )
        sources.append(synthetic)
        weights.append(size.share * ((1.0 - REAL_SHARE) if tables else 1.0))
        if tables:
            real = _real_episodes(task, tables, size, seed + 2 * i + 1)
            sources.append(real)
            weights.append(size.share * REAL_SHARE)
    return MixedEpisodes(sources, weights, random_state=seed)


def _real_episodes(task, tables, size, seed, targets=None):
    """Return episodes of real tables of one size."""
    return RealEpisodes(
        tables,
        task,
        n_support=size.n_support,
        n_query=N_QUERY,
        n_classes=N_CLASSES,
        max_features=size.n_features[1],
        targets=targets,
        random_state=seed,
    )


def is_for_validation(family):
    """Return whether a family of tables is used for validation only."""
    digest = hashlib.sha256(f"validation/{family}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _VALIDATION_FAMILIES == 0


def validation_episodes(task, tables, seed):
    """Return `N_VALIDATION` tasks; every second one predicts the target of a table."""
    sources = [training_episodes(task, (), seed)]
    if tables:
        sources.append(
            _real_episodes(task, tables, SIZES[0], seed + 100, targets={"own": 1.0})
        )
    return [sources[i % len(sources)][i] for i in range(N_VALIDATION)]


def train(task, tables, *, out, provenance, seconds=None, checkpoint=None):
    """Train an initialization by the recipe.

    Parameters
    ----------
    task : {"classification", "regression"}
    tables : sequence of NumericTable
        Tables of the families that are not held out.
    out : path-like
        Path without a suffix. The best initialization so far is written to it after
        every validation.
    provenance : dict
        Entries of the recipe that describe the tables, see `provenance_of`.
    seconds : float or None, default=None
        Time limit of all stages. None is no limit: stages take all their steps.
    checkpoint : path-like or None, default=None
        Prefix of the checkpoints, one for each stage.

    Returns
    -------
    initialization : Initialization
    """
    trained_on = [t for t in tables if not is_for_validation(t.family)]
    validated_on = [t for t in tables if is_for_validation(t.family)]
    source = RepeatedEpisodes(
        training_episodes(task, trained_on, RANDOM_STATE), N_EPISODES
    )
    validation = validation_episodes(task, validated_on, RANDOM_STATE + 1_000_000)
    recipe = {
        **provenance,
        "families_trained_on": sorted({t.family for t in trained_on}),
        "families_validated_on": sorted({t.family for t in validated_on}),
    }
    init = None
    for stage in STAGES:
        init = meta_train(
            source,
            "meta_sgd",
            init=init,
            n_steps=stage.n_steps,
            tasks_per_step=stage.tasks_per_step,
            n_inner_steps=stage.n_inner_steps,
            learning_rate=stage.learning_rate,
            inner_learning_rate=INNER_LEARNING_RATE[task] if init else 0.05,
            validation_tasks=validation,
            validate_every=VALIDATE_EVERY,
            time_limit=None if seconds is None else stage.time_share * seconds,
            checkpoint=None if checkpoint is None else f"{checkpoint}_{stage.name}",
            callback=lambda initialization: initialization.save(out),
            recipe={"stage": stage.name, **recipe},
            random_state=RANDOM_STATE,
            verbose=1,
        )
        if not stage.n_inner_steps:
            # No step sizes were learned: those of the next stage start from its own.
            init = replace(init, rates={})
    init.save(out)
    return init


def provenance_of(data, tables, hold_out):
    """Return the entries of the recipe that describe tables and versions."""
    manifest = (Path(data) / "manifest.json").read_bytes()
    return {
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "n_tables": len(tables),
        "families_held_out": sorted(hold_out),
        "real_share": REAL_SHARE,
        "n_episodes": N_EPISODES,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
