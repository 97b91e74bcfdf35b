"""Tables that a knowledge base is built from: a folder and its manifest.

A folder holds ``manifest.json``, a list of entries such as ::

    {"name": "sonar", "task": "classification", "family": "sonar",
     "file": "sonar.parquet", "target": "class"}

and the tables as Parquet or CSV files. ``family`` (variants of the same data share it)
defaults to the name, ``target`` to ``"target"``, and ``file``, which is relative to
the folder, to ``train/TASK/NAME.parquet``. Other keys are ignored.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import encode_table
from sklearn_meta.data._task import ClassificationTask, RegressionTask
from sklearn_meta.data._task_names import CLASSIFICATION, TASKS

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class TableSource:
    """File, task and target of one table.

    Parameters
    ----------
    name : str
        Unique in its folder.
    task : {"classification", "regression"}
    family : str
        Shared by variants of the same data.
    path : Path
        A Parquet or CSV file.
    target : str
        The column to predict.
    """

    name: str
    task: str
    family: str
    path: Path
    target: str = "target"

    @property
    def seed(self) -> int:
        """Seed of everything random on this table; derives from its name alone."""
        return int(_digest(self.name), 16) % 2**31


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder, *, tasks=TASKS, names=None) -> tuple[TableSource, ...]:
    """List the tables of a folder.

    Parameters
    ----------
    folder : path-like
        See the description of the module.
    tasks : collection of {"classification", "regression"}
        Tables of other tasks are left out.
    names : collection of str or None, default=None
        Tables to take; None takes all.

    Returns
    -------
    sources : tuple of TableSource
        In the order of a hash of their names, so that any first part is a random
        sample of sizes and origins.

    Raises
    ------
    FileNotFoundError
        If the folder has no manifest.
    ValueError
        If an entry is incomplete, two have the same name, or one of `names` is not in
        the manifest.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            f"The folder {str(folder)!r} has no {MANIFEST}, which lists its tables. "
            'Write one: [{"name": ..., "task": ..., "file": ...}, ...].'
        )
    sources = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        source = _source(folder, entry)
        if source.name in sources:
            raise ValueError(
                f"{MANIFEST} has two tables called {source.name!r}. A knowledge base "
                "identifies tables by their names: rename one of them."
            )
        sources[source.name] = source
    unknown = sorted(set(names or ()) - set(sources))
    if unknown:
        raise ValueError(
            f"{MANIFEST} has no table called {', '.join(map(repr, unknown))}. It lists "
            f"{len(sources)} tables."
        )
    chosen = [
        source
        for source in sources.values()
        if source.task in tasks and (names is None or source.name in names)
    ]
    return tuple(sorted(chosen, key=lambda source: _digest(source.name)))


def _source(folder, entry):
    missing = [key for key in ("name", "task") if key not in entry]
    if missing:
        raise ValueError(
            f"An entry of {MANIFEST} must have 'name' and 'task'. Got {entry!r} "
            f"without {' and '.join(map(repr, missing))}."
        )
    name, task = entry["name"], entry["task"]
    if task not in TASKS:
        raise ValueError(
            f"The task of table {name!r} must be one of {TASKS}. Got {task!r} instead."
        )
    return TableSource(
        name=name,
        task=task,
        family=entry.get("family", name),
        path=folder / entry.get("file", f"train/{task}/{name}.parquet"),
        target=entry.get("target", "target"),
    )


def read_table(source: TableSource) -> Dataset:
    """Read a table and encode it as the estimators would.

    Rows without a target are left out.

    Parameters
    ----------
    source : TableSource

    Returns
    -------
    dataset : Dataset
    """
    frame = _read_frame(source.path)
    if source.target not in frame.columns:
        raise ValueError(
            f"{source.path.name} has no column {source.target!r} to predict. Its "
            f"columns are {list(frame.columns)[:20]}; name one as 'target' in "
            f"{MANIFEST}."
        )
    frame = frame[frame[source.target].notna()].reset_index(drop=True)
    y = frame.pop(source.target)
    if source.task == CLASSIFICATION:
        y = y.astype(str).to_numpy(dtype=str)
        task = ClassificationTask(np.unique(y))
    else:
        y, task = y.to_numpy(dtype=np.float64), RegressionTask()
    _, encoded, encoding = encode_table(frame)
    return Dataset(X=encoded, y=task.encode(y), schema=encoding.schema, task=task)


def _read_frame(path):
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Reading tables needs pandas. Install it with "
            '`pip install "sklearn-meta[benchmark]"`.'
        ) from error
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def take_shard(sources, index, n_shards):
    """Return every `n_shards`-th table, beginning with the `index`-th (from 1)."""
    return sources[index - 1 :: n_shards]
