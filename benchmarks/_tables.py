"""The tables: reading, splitting and scoring, the same for every system."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

CLASSIFICATION = "classification"
REGRESSION = "regression"
TASKS = (CLASSIFICATION, REGRESSION)
TEST_SHARE = 0.33

# The smallest probability that is scored: one sure mistake costs 16, not infinity.
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Split:
    """Training and test part of one table."""

    X_train: pd.DataFrame
    y_train: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray


def read_manifest(data):
    """Return the entries of ``DATA/manifest.json`` as a list of dictionaries."""
    return json.loads((Path(data) / "manifest.json").read_text(encoding="utf-8"))


def read_split(data, task, name, seed):
    """Read a table and split it 67/33, stratified by class.

    The same rows for the same `seed` on every machine. A class of one row goes to the
    training part, a class of two or more has at least one row in each part.
    """
    frame = pd.read_parquet(Path(data) / "train" / task / f"{name}.parquet")
    frame = frame[frame["target"].notna()].reset_index(drop=True)
    y = frame.pop("target")
    test = _test_rows(y, task, seed)
    y = y.astype(str).to_numpy(object) if task == CLASSIFICATION else y.to_numpy(float)
    return Split(
        X_train=frame[~test].reset_index(drop=True),
        y_train=y[~test],
        X_test=frame[test].reset_index(drop=True),
        y_test=y[test],
    )


def _test_rows(y, task, seed):
    rng = np.random.RandomState(1000 * seed)
    mask = np.zeros(len(y), dtype=bool)
    if task == REGRESSION:
        mask[rng.permutation(len(y))[: round(TEST_SHARE * len(y))]] = True
        return mask
    codes = pd.factorize(y.astype(str), sort=True)[0]
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        n_test = round(TEST_SHARE * len(rows))
        if len(rows) >= 2:
            n_test = min(max(n_test, 1), len(rows) - 1)
        mask[rows[:n_test]] = True
    return mask


def loss(task, model, split):
    """Log loss or RMSE of a fitted model on the test part; lower is better."""
    if task == REGRESSION:
        predicted = np.asarray(model.predict(split.X_test), dtype=float)
        return float(np.sqrt(np.mean((predicted - split.y_test) ** 2)))
    return log_loss(split.y_test, model.predict_proba(split.X_test), model.classes_)


def log_loss(y, probabilities, classes):
    """Mean negative log probability of the true class, clipped and renormalized.

    A class of `y` that is not in `classes` counts as predicted with the smallest
    probability.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    if not np.isfinite(probabilities).all():
        raise ValueError("The predicted probabilities are not finite.")
    clipped = np.clip(probabilities, SMALLEST_PROBABILITY, 1.0)
    clipped /= clipped.sum(axis=1, keepdims=True)
    column = {label: i for i, label in enumerate(classes)}
    true = [
        clipped[row, column[label]] if label in column else SMALLEST_PROBABILITY
        for row, label in enumerate(y)
    ]
    return float(-np.mean(np.log(true)))


def constant_loss(task, split):
    """Loss of the best constant prediction of the training part."""
    if task == REGRESSION:
        return float(np.sqrt(np.mean((split.y_train.mean() - split.y_test) ** 2)))
    classes, counts = np.unique(split.y_train, return_counts=True)
    shares = np.tile(counts / counts.sum(), (len(split.y_test), 1))
    return log_loss(split.y_test, shares, classes)
