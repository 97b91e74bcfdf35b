"""Train an initialization as those of the package were trained.

::

    python -m sklearn_meta.maml.training --data FOLDER --task classification \\
        --hold-out-file families.txt --out sklearn_meta/maml/data/classification

Tasks
    70 % synthetic episodes, 30 % episodes of the tables of FOLDER (those of the other
    task too, whose columns serve as targets), all of 10 to 100 support rows, most of
    them of less than 50. 8 000 episodes are repeated.
Held out
    Families given by ``--hold-out`` or ``--hold-out-file`` are neither trained nor
    validated on. One in eight of the other families, by the SHA-256 of its name, is for
    validation; half of the validation tasks are synthetic.
Stages
    First the network learns to predict without any inner step, which is cheap. Then
    Meta-SGD: `N_INNER_STEPS` steps of the head, with learned rates.
Time
    ``--minutes`` ends each stage after its share of the time, `FIRST_SHARE` of it for
    the first; without it stages take their numbers of steps. ``--checkpoint`` makes the
    training go on where it was interrupted.

The best initialization so far is written after every validation.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import platform
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.maml._episode import EpisodeSource, MixedEpisodes
from sklearn_meta.maml._network import NetworkConfig
from sklearn_meta.maml.training._meta_train import meta_train
from sklearn_meta.maml.training._real import RealEpisodes
from sklearn_meta.maml.training._synthetic import SyntheticEpisodes
from sklearn_meta.maml.training._tables import read_tables

N_INNER_STEPS = 3
# Of the time.
FIRST_SHARE = 0.65
REAL_SHARE = 0.3
N_EPISODES = 8_000
N_VALIDATION = 64
# One of so many families is for validation.
_VALIDATION_FAMILIES = 8


@dataclass(frozen=True)
class Size:
    """Sizes of episodes, and how often they are drawn.

    Parameters
    ----------
    n_support, n_features : (int, int)
    share : float
    """

    n_support: tuple[int, int]
    n_features: tuple[int, int]
    share: float


# An episode's cost grows with rows squared times columns: most of them are small.
SIZES = (
    Size((10, 36), (2, 10), 0.84),
    Size((30, 100), (2, 8), 0.08),
    Size((10, 36), (8, 30), 0.08),
)
N_QUERY = 24
N_CLASSES = (2, 6)


@dataclass(frozen=True)
class Stage:
    """A part of the training.

    Parameters
    ----------
    name : str
    algorithm : str
    n_inner_steps : int
    n_steps, tasks_per_step : int
    learning_rate : float
    validate_every : int
    """

    name: str
    algorithm: str
    n_inner_steps: int
    n_steps: int
    tasks_per_step: int
    learning_rate: float
    validate_every: int


STAGES = (
    Stage("predict", "meta_sgd", 0, 4000, 32, 0.003, 25),
    Stage("adapt", "meta_sgd", N_INNER_STEPS, 2000, 16, 0.001, 25),
)
# Where the learned rates start from. On few rows of a class, steps at 0.05 raised the
# loss of the validation tasks after the first stage; targets of a regression bear them.
INNER_LEARNING_RATE = {CLASSIFICATION: 0.01, REGRESSION: 0.05}


class RepeatedEpisodes(EpisodeSource):
    """The first episodes of a source, again and again; each is made once.

    Parameters
    ----------
    source : EpisodeSource
    n : int
    """

    def __init__(self, source, n):
        self.source = source
        self.n = n
        self._made = {}

    def __getitem__(self, index):
        index %= self.n
        if index not in self._made:
            self._made[index] = self.source[index]
        return self._made[index]


def episodes(task, tables, seed):
    """Return the source of the recipe's episodes.

    Parameters
    ----------
    task : str
    tables : sequence of Table
        May be empty: then all episodes are synthetic.
    seed : int

    Returns
    -------
    source : EpisodeSource
    """
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
            real = RealEpisodes(
                tables,
                task,
                n_support=size.n_support,
                n_query=N_QUERY,
                n_classes=N_CLASSES,
                max_features=size.n_features[1],
                random_state=seed + 2 * i + 1,
            )
            sources.append(real)
            weights.append(size.share * REAL_SHARE)
    return MixedEpisodes(sources, weights, random_state=seed)


def is_for_validation(family):
    """Return whether the tables of a family are for validation."""
    digest = hashlib.sha256(f"validation/{family}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _VALIDATION_FAMILIES == 0


def validation_episodes(task, tables, seed, n=N_VALIDATION):
    """Return the validation tasks: half of them of real tables, half synthetic."""
    sources = [episodes(task, (), seed)]
    if tables:
        sources.append(
            RealEpisodes(
                tables,
                task,
                n_support=SIZES[0].n_support,
                n_query=N_QUERY,
                n_classes=N_CLASSES,
                max_features=SIZES[0].n_features[1],
                targets={"own": 1.0},
                random_state=seed + 100,
            )
        )
    return [sources[i % len(sources)][i] for i in range(n)]


def train(
    task, tables, *, out, provenance, seconds=None, checkpoint=None, stages=STAGES,
    n_validation=N_VALIDATION, random_state=0, verbose=1,
):  # fmt: skip
    """Train an initialization by the recipe.

    Parameters
    ----------
    task : {"classification", "regression"}
    tables : sequence of Table
        Of the families that are not held out.
    out : path-like
        Path, without a suffix, that the best initialization is written to after every
        validation.
    provenance : dict
        What is known about the tables; becomes part of the recipe.
    seconds : float or None, default=None
        Time of all stages.
    checkpoint : path-like or None, default=None
        Prefix of the stages' checkpoints.
    stages : sequence of Stage, default=STAGES
    n_validation : int, default=64
        Number of validation tasks.
    random_state : int, default=0
    verbose : int, default=1

    Returns
    -------
    initialization : Initialization
    """
    trained_on = [t for t in tables if not is_for_validation(t.family)]
    validated_on = [t for t in tables if is_for_validation(t.family)]
    source = RepeatedEpisodes(episodes(task, trained_on, random_state), N_EPISODES)
    validation = validation_episodes(
        task, validated_on, random_state + 1_000_000, n_validation
    )
    recipe = {
        **provenance,
        "families_trained_on": sorted({t.family for t in trained_on}),
        "families_validated_on": sorted({t.family for t in validated_on}),
    }
    shares = [1.0] if len(stages) == 1 else [FIRST_SHARE, 1.0 - FIRST_SHARE]
    init = None
    for stage, share in zip(stages, shares, strict=True):
        init = meta_train(
            source,
            stage.algorithm,
            config=NetworkConfig(task),
            init=init,
            n_steps=stage.n_steps,
            tasks_per_step=stage.tasks_per_step,
            n_inner_steps=stage.n_inner_steps,
            learning_rate=stage.learning_rate,
            inner_learning_rate=INNER_LEARNING_RATE[task] if init else 0.05,
            validation_tasks=validation,
            validate_every=stage.validate_every,
            time_limit=None if seconds is None else share * seconds,
            checkpoint=None if checkpoint is None else f"{checkpoint}_{stage.name}",
            callback=lambda initialization: initialization.save(out),
            recipe={"stage": stage.name, **recipe},
            random_state=random_state,
            verbose=verbose,
        )
        if not stage.n_inner_steps:
            init = replace(init, rates={})  # none was learned
    init.save(out)
    return init


def provenance_of(data, tables, hold_out):
    """Return what the recipe says about the tables and the versions."""
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


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="folder with manifest.json")
    parser.add_argument("--task", required=True, choices=TASKS)
    parser.add_argument("--out", required=True, help="path without suffix")
    parser.add_argument("--hold-out", nargs="*", default=[], metavar="FAMILY")
    parser.add_argument("--hold-out-file", help="file with one family per line")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--checkpoint", help="prefix of the files to go on from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    hold_out = set(options.hold_out)
    if options.hold_out_file:
        text = Path(options.hold_out_file).read_text(encoding="utf-8")
        hold_out |= {line.strip() for line in text.splitlines() if line.strip()}
    tables = read_tables(options.data, hold_out=hold_out)
    initialization = train(
        options.task,
        tables,
        out=options.out,
        provenance=provenance_of(options.data, tables, hold_out),
        seconds=None if options.minutes is None else 60.0 * options.minutes,
        checkpoint=options.checkpoint,
        random_state=options.seed,
    )
    print(json.dumps(initialization.log[-1]))
