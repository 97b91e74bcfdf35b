"""Read the stored predictions of a table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.replay._cells import cell_path

# As in `benchmarks._tables`: the smallest probability that is scored.
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Cell:
    """A pipeline on a table.

    Parameters
    ----------
    text : str
    oof : ndarray of shape (n_samples, ...)
        Out-of-fold predictions.
    test : ndarray of shape (n_test, ...)
        Predictions after the fit on all training rows.
    fit_seconds, predict_seconds : ndarray of shape (n_folds + 1,)
        CPU seconds of each fold, and of the fit on all rows.
    scores : ndarray of shape (n_folds,)
        Negative losses of the folds.
    """

    text: str
    oof: np.ndarray = field(repr=False)
    test: np.ndarray = field(repr=False)
    fit_seconds: np.ndarray = field(repr=False)
    predict_seconds: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)

    @property
    def fold_seconds(self):
        """Seconds of scoring each fold."""
        return (self.fit_seconds + self.predict_seconds)[:-1]


@dataclass(frozen=True)
class StoredTable:
    """A table with all the pipelines that were fitted on it in time.

    Parameters
    ----------
    name, family, task : str
    y, y_test : ndarray
        Class indices or targets.
    folds : tuple of ndarray of int
        Validation rows.
    size : tuple of int
        Rows of the training part, columns, classes (0 for regression).
    metafeatures : dict of str to float
    cells : dict of str to Cell
        By the text of the pipeline.
    """

    name: str
    family: str
    task: str
    y: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    folds: tuple[np.ndarray, ...] = field(repr=False)
    size: tuple[int, int, int]
    metafeatures: dict[str, float] = field(repr=False)
    cells: dict[str, Cell] = field(repr=False)

    @property
    def classifies(self) -> bool:
        """Whether predictions are probabilities of classes."""
        return self.task == "classification"

    @cached_property
    def scale(self) -> float:
        """Loss of the constant prediction on the test part."""
        if not self.classifies:
            return loss(self, np.full(len(self.y_test), self.y.mean()), self.y_test)
        shares = np.bincount(self.y, minlength=self.size[2]) / len(self.y)
        return loss(self, np.tile(shares, (len(self.y_test), 1)), self.y_test)


def loss(table, predictions, y) -> float:
    """Return log loss or RMSE."""
    if not table.classifies:
        return float(np.sqrt(np.mean((predictions - y) ** 2)))
    clipped = np.clip(predictions, SMALLEST_PROBABILITY, None)
    clipped = clipped / clipped.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(clipped[np.arange(len(y)), y])))


def read_table(folder, texts) -> StoredTable | None:
    """Read a table; None unless all pipelines have been tried on it.

    Parameters
    ----------
    folder : path-like
        Folder of the table.
    texts : sequence of str
        Pipelines. Equal ones on this table, without preparations that are idle, count
        once.
    """
    folder = Path(folder)
    if not all(cell_path(folder, text).exists() for text in texts):
        return None
    with np.load(folder / "table.npz") as arrays:
        known = json.loads(str(arrays["known"]))
        y, y_test, fold = arrays["y"], arrays["y_test"], arrays["fold"]
    folds = tuple(np.flatnonzero(fold == k) for k in range(fold.max() + 1))
    size = (len(y), known["n_features"], known["n_classes"])
    table = StoredTable(
        known["name"], known["family"], known["task"], y, y_test, folds, size,
        known["metafeatures"], {},
    )  # fmt: skip
    seen = set()
    for text in texts:
        with np.load(cell_path(folder, text)) as arrays:
            said = json.loads(str(arrays["said"]))
            if said["status"] != "ok" or said["same_as"] in seen:
                continue
            seen.add(said["same_as"])
            oof, test = (np.asarray(arrays[k], np.float64) for k in ("oof", "test"))
            fits = arrays["fits"]
        scores = np.array([-loss(table, oof[rows], y[rows]) for rows in folds])
        table.cells[text] = Cell(text, oof, test, fits[:, 0], fits[:, 1], scores)
    return table


def read_tables(folder, task, texts) -> tuple[StoredTable, ...]:
    """Read all tables of a task on which all pipelines have been tried."""
    folders = sorted(p for p in (Path(folder) / task).iterdir() if p.is_dir())
    tables = (
        read_table(path, texts) for path in folders if (path / "table.npz").exists()
    )
    return tuple(t for t in tables if t is not None and len(t.y_test) and t.cells)
