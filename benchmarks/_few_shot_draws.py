"""Random splits of a table into few training rows and many test rows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._tables import CLASSIFICATION, Split

SHOTS = {CLASSIFICATION: (5, 10, 25), "regression": (10, 25, 50)}
MAX_CLASSES = 10
MAX_QUERY = 500
# Minimum number of test rows of a class; other classes are dropped.
MIN_QUERY_PER_CLASS = 5
# Minimum number of test rows of a regression table.
MIN_QUERY = 10


class TooFewRowsError(ValueError):
    """The table has too few rows for the number of shots."""


def read_frame(data, task, name):
    """Return features and target of a table, without rows whose target is missing."""
    frame = pd.read_parquet(Path(data) / "train" / task / f"{name}.parquet")
    frame = frame[frame["target"].notna()].reset_index(drop=True)
    y = frame.pop("target")
    return frame, (
        y.astype(str).to_numpy(object) if task == CLASSIFICATION else y.to_numpy(float)
    )


def draw_split(X, y, *, task, table, shots, draw):
    """Draw training and test rows, depending on table, shots and draw only.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    task : {"classification", "regression"}
    table : str
        Name of the table.
    shots : int
        Number of training rows; for classification, of each class.
    draw : int
        Number of the draw.

    Returns
    -------
    split : Split

    Raises
    ------
    TooFewRowsError
        If fewer than two classes, or too few test rows, are left.
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
    """Draw `shots` training rows of each class, and stratified test rows.

    Classes of fewer than `shots` + 5 rows are dropped, and all but the 10 most frequent
    classes.

    Parameters
    ----------
    rng : numpy.random.Generator
    y : ndarray of shape (n_samples,)
    shots : int

    Returns
    -------
    train, test : ndarray of int
        Row indices.
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
