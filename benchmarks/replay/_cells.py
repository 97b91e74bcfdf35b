"""Tasks of the workers: prepare a table, and store the predictions of a pipeline on it.

Seconds are CPU seconds of one thread, which other work on the machine does not change
much. Each pipeline is fitted on five folds of the training part, and then on all of
it, with the boosting rounds of the folds, to predict the test part.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from benchmarks._tables import read_split
from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.building._worker_tasks import EvaluationProtocol, sample_rows
from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.data._describe import describe_table
from sklearn_meta.evaluation._cross_validation import make_folds
from sklearn_meta.evaluation._fit_and_score import (
    candidate_seed,
    fit_pipeline,
    schema_of_rows_to_come,
)
from sklearn_meta.metalearning._fixed_portfolio import without_idle_preparation
from sklearn_meta.metalearning.metafeatures import describe
from sklearn_meta.pipelines._compile import early_stopping_learner
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.timing._operators import predicted_seconds_on

N_FOLDS = 5
METAFEATURE_SECONDS = 10.0


@dataclass(frozen=True)
class Prepared:
    """A table, encoded and split."""

    dataset: Dataset
    X_test: object
    y_test: np.ndarray
    folds: tuple
    seed: int


def make_state():
    """Return the initial state of a worker: the table that it has loaded."""
    return {}


def prepare(state, source, data, max_rows, folder):
    """Encode and split a table; store what is known of it.

    Parameters
    ----------
    state : dict
    source : TableSource
    data : str
        Folder of the tables.
    max_rows : int
        Size of the stratified sample of the training and of the test part.
    folder : str
        Folder of the table, in which ``table.npz`` and ``prepared.pickle`` are written.

    Yields
    ------
    n_rows : int
        Of the training part.
    """
    split = read_split(data, source.task, source.name, 0)
    kind = {"classification": MetaAutoClassifier, "regression": MetaAutoRegressor}
    model = kind[source.task]()
    with ignored_warnings():
        table = describe_table(
            model, split.X_train, split.y_train, task_of=model._task_of
        )
        dataset = table.dataset
        encoded = table.row_encoder.encode(model, split.X_test)
    task = dataset.task
    protocol = EvaluationProtocol(max_rows=max_rows, n_folds=N_FOLDS)
    rows = sample_rows(dataset, protocol, source.seed)
    dataset = dataset if rows is None else take_rows(dataset, rows)
    y_test = split.y_test
    known = np.full(len(y_test), True)
    if task.is_classifier:
        known = np.isin(y_test, task.classes)
    kept = np.flatnonzero(known)
    kept = np.sort(np.random.default_rng(source.seed).permutation(kept)[:max_rows])
    splitter = StratifiedKFold if task.is_classifier else KFold
    splitter = splitter(N_FOLDS, shuffle=True, random_state=source.seed)
    with ignored_warnings():
        folds = tuple(make_folds(dataset, splitter, source.seed))
    prepared = Prepared(
        dataset, encoded[kept], task.encode(y_test[kept]), folds, source.seed
    )
    fold_of_row = np.full(dataset.n_samples, -1, np.int8)
    for number, (_, validation) in enumerate(folds):
        fold_of_row[validation] = number
    known_of_it = {
        "name": source.name,
        "family": source.family,
        "task": source.task,
        "seed": source.seed,
        "n_rows_of_table": len(split.y_train) + len(split.y_test),
        "n_features": int(dataset.n_features),
        "n_classes": int(task.n_classes) if task.is_classifier else 0,
        "metafeatures": describe(dataset, time_limit=METAFEATURE_SECONDS).as_dict(),
    }
    folder = Path(folder)
    write_arrays(
        folder / "table.npz",
        y=dataset.y,
        y_test=prepared.y_test,
        fold=fold_of_row,
        known=np.array(json.dumps(known_of_it, default=float)),
    )
    write(folder / "prepared.pickle", pickle.dumps(prepared, protocol=5))
    yield dataset.n_samples


def evaluate(state, folder, text, cell_seconds):
    """Fit a pipeline on the folds and on the training part; store its predictions.

    Parameters
    ----------
    state : dict
    folder : str
        Folder of the table.
    text : str
        The pipeline.
    cell_seconds : float
        CPU seconds; a pipeline that is predicted to take twice as long is not begun,
        and one that takes longer after a fold has no further folds.

    Yields
    ------
    status : str
    """
    table = _load(state, folder)
    dataset, catalog = table.dataset, default_catalog(table.dataset.task.name)
    tree = without_idle_preparation(parse(text, catalog=catalog), dataset.schema)
    same = format_tree(tree)
    predicted = (N_FOLDS + 1) * predicted_seconds_on(dataset, tree, catalog=catalog)
    if predicted > 2 * cell_seconds:
        write_cell(folder, text, "skipped", reason=f"predicted: {predicted:.0f} s")
        yield "skipped"
        return
    seed, early = (
        candidate_seed(table.seed, text),
        early_stopping_learner(tree, catalog=catalog),
    )
    began, fits, results = time.process_time(), [], []
    for train, validation in table.folds:
        pipeline, rounds, seconds = _fit(
            tree, dataset, dataset.X[train], dataset.y[train], catalog, seed,
            early_stopping=early,
        )  # fmt: skip
        predictions, predict_seconds = _predict(
            dataset.task, pipeline, dataset.X[validation]
        )
        fits.append((seconds, predict_seconds, -1 if rounds is None else rounds))
        results.append(predictions)
        spent = time.process_time() - began
        if spent / len(fits) * (N_FOLDS + 1) > cell_seconds:
            break
    # Targets may be far from zero, probabilities are not.
    dtype = np.float32 if dataset.task.is_classifier else np.float64
    oof = np.full((dataset.n_samples, *results[0].shape[1:]), np.nan, dtype)
    for (_, validation), predictions in zip(table.folds, results, strict=False):
        oof[validation] = predictions
    if len(fits) < N_FOLDS:
        write_cell(folder, text, "timeout", same=same, fits=fits, oof=oof)
        yield "timeout"
        return
    rounds = [r for *_, r in fits if r >= 0]
    coming = schema_of_rows_to_come(dataset.schema)
    whole = Dataset(X=dataset.X, y=dataset.y, schema=coming, task=dataset.task)
    pipeline, _, seconds = _fit(
        tree, whole, dataset.X.copy(), dataset.y, catalog, seed,
        iterations=round(float(np.mean(rounds))) if rounds else None,
    )  # fmt: skip
    test, predict_seconds = _predict(dataset.task, pipeline, table.X_test)
    fits.append((seconds, predict_seconds, -1))
    write_cell(
        folder, text, "ok", same=same, fits=fits, oof=oof, test=test.astype(dtype)
    )
    yield "ok"


def cell_path(folder, text):
    """Return the file of a pipeline on a table."""
    return Path(folder) / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"


def write_cell(folder, text, status, reason="", same="", fits=(), **arrays):
    """Write the file of a pipeline on a table.

    `fits` has a row for each fit, the last one on the whole training part: CPU seconds
    of fitting and of predicting, and boosting rounds, -1 without any.
    """
    said = {"pipeline": text, "same_as": same, "status": status, "reason": reason}
    write_arrays(
        cell_path(folder, text),
        said=np.array(json.dumps(said)),
        fits=np.array(fits, np.float32).reshape(-1, 3),
        **arrays,
    )


def write_arrays(path, **arrays):
    """Write arrays into a file, which is there whole or not at all."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    write(path, stream.getvalue())


def write(path, data):
    """Write bytes into a file, which is there whole or not at all."""
    partial = Path(path).with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(data)
    partial.rename(path)


def _load(state, folder):
    if state.get("folder") != folder:
        state["table"] = pickle.loads((Path(folder) / "prepared.pickle").read_bytes())
        state["folder"] = folder
    return state["table"]


def _fit(tree, dataset, X, y, catalog, seed, **options):
    """Return a fitted pipeline, its boosting rounds and CPU seconds."""
    began = time.process_time()
    pipeline, rounds = fit_pipeline(tree, dataset, X, y, None, catalog, seed, **options)
    return pipeline, rounds, time.process_time() - began


def _predict(task, pipeline, X):
    """Return predictions and CPU seconds."""
    began = time.process_time()
    with ignored_warnings():
        predictions = task.predict(pipeline, X)
    if not np.isfinite(predictions).all():
        raise ValueError("The pipeline predicts values that are not finite.")
    return predictions, time.process_time() - began
