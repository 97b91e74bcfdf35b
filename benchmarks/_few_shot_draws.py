"""Few rows of a table to learn from, the others to predict."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._tables import CLASSIFICATION, Split

SHOTS = {CLASSIFICATION: (5, 10, 25), "regression": (10, 25, 50)}
MAX_CLASSES = 10
MAX_QUERY = 500
# Rows of a class beyond those to learn from, below which it is left out.
MIN_QUERY_PER_CLASS = 5
# The same for the rows of a regression table.
MIN_QUERY = 10


class TooFewRowsError(ValueError):
    """The table has too few rows for so many shots."""


def read_frame(data, task, name):
    """Return the features and the target of a table, without rows that have none."""
    frame = pd.read_parquet(Path(data) / "train" / task / f"{name}.parquet")
    frame = frame[frame["target"].notna()].reset_index(drop=True)
    y = frame.pop("target")
    return frame, (
        y.astype(str).to_numpy(object) if task == CLASSIFICATION else y.to_numpy(float)
    )


def draw_split(X, y, *, task, table, shots, draw):
    """Draw the rows to learn from and the rows to predict.

    The same rows for the same `table`, `shots` and `draw` on every machine.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    task : {"classification", "regression"}
    table : str
        Its name.
    shots : int
        Rows to learn from; of each class, for classification.
    draw : int
        Number of the draw.

    Returns
    -------
    split : Split

    Raises
    ------
    TooFewRowsError
        If fewer than two classes, or rows to predict, are left.
    """
    digest = hashlib.sha256(f"{task}/{table}".encode()).digest()
    rng = np.random.default_rng([int.from_bytes(digest[:4], "big"), shots, draw])
    if task == CLASSIFICATION:
        train, test = draw_classes(rng, y, shots)
    else:
        if len(y) < shots + MIN_QUERY:
            raise TooFewRowsError(
                f"{table} has {len(y)} rows; {shots + MIN_QUERY} are needed."
            )
        order = rng.permutation(len(y))
        train, test = order[:shots], order[shots : shots + MAX_QUERY]
    return Split(
        X.iloc[train].reset_index(drop=True),
        y[train],
        X.iloc[test].reset_index(drop=True),
        y[test],
    )


def draw_classes(rng, y, shots):
    """Draw `shots` rows of each class, and a stratified part of the others.

    Classes with fewer than `shots` + 5 rows are left out; of more than 10, the most
    frequent ones stay.

    Returns
    -------
    train, test : ndarrays of row numbers
    """
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    by_size = np.argsort(-counts, kind="stable")[:MAX_CLASSES]
    kept = by_size[counts[by_size] >= shots + MIN_QUERY_PER_CLASS]
    if len(kept) < 2:
        raise TooFewRowsError(
            f"Fewer than two of the {len(classes)} classes have "
            f"{shots + MIN_QUERY_PER_CLASS} rows."
        )
    rows = [rng.permutation(np.flatnonzero(codes == code)) for code in kept]
    train = np.concatenate([r[:shots] for r in rows])
    rest = [r[shots:] for r in rows]
    share = min(1.0, MAX_QUERY / sum(map(len, rest)))
    test = np.concatenate([r[: max(1, int(share * len(r)))] for r in rest])
    return train, test
