"""Tasks of the workers: prepare a table, and score one pipeline on it.

A *cell* is one pipeline on one table. The tasks are generators, as the worker pool
requires, and take a `WorkerState` as their first argument, in which each worker caches
the table that it works on.
"""

from __future__ import annotations

import pickle
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.building._sources import TableSource, read_table
from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.evaluation._cross_validation import make_folds
from sklearn_meta.evaluation._fit_and_score import candidate_seed, fit_pipeline
from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning._fixed_portfolio import without_idle_preparation
from sklearn_meta.metalearning.knowledge_base._metrics import fold_scores, summarize
from sklearn_meta.metalearning.knowledge_base._records import DatasetRecord
from sklearn_meta.metalearning.metafeatures import describe
from sklearn_meta.pipelines._compile import early_stopping_learner
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.timing._operators import predicted_seconds_on

# Below a number of rows, the cross-validation is repeated: few rows make noisy scores
# and cheap fits.
REPEATS = ((120, 3), (250, 2))

# Minimum number of rows of each class and fold in a subsample, if there are as many.
ROWS_PER_CLASS_AND_FOLD = 2

# Enough for all meta-features of any table: stored ones are used for years.
METAFEATURE_SECONDS = 10.0

# Signal that ends a worker which has used up the CPU seconds of a cell.
CPU_LIMIT_SIGNAL = "SIGPROF"


@dataclass(frozen=True)
class EvaluationProtocol:
    """Settings of the evaluation of pipelines, the same for a whole knowledge base.

    Parameters
    ----------
    max_rows : int, default=4000
        Size of the stratified sample of larger tables.
    n_folds : int, default=3
        Number of folds of the cross-validation.
    cell_seconds : float, default=20.0
        Limit of the CPU seconds of one pipeline on one table, all folds together.
    """

    max_rows: int = 4000
    n_folds: int = 3
    cell_seconds: float = 20.0


@dataclass(frozen=True)
class PreparedTable:
    """An encoded and sampled table with its folds.

    Parameters
    ----------
    dataset : Dataset
        With at most `EvaluationProtocol.max_rows` rows.
    folds : tuple of (ndarray, ndarray)
        Training and validation rows.
    seed : int
        Of the sample, the folds and the pipelines.
    """

    dataset: Dataset
    folds: tuple
    seed: int


@dataclass(frozen=True)
class CellResult:
    """Result of one pipeline on one table.

    Parameters
    ----------
    status : str
        A value of `Status`.
    scores : dict of str to (float, float)
        Mean and standard error over the folds, by metric; empty unless all folds were
        scored.
    fit_seconds, predict_seconds : float, default=nan
        Mean CPU seconds of a fit, and of predicting one validation part; NaN if no fold
        was finished.
    reason : str, default=""
        Cause of missing scores.
    cpu_seconds : float, default=0.0
        Of the whole task; 0 if the worker did not finish it.
    """

    status: str
    scores: dict = field(default_factory=dict)
    fit_seconds: float = np.nan
    predict_seconds: float = np.nan
    reason: str = ""
    cpu_seconds: float = 0.0


@dataclass
class WorkerState:
    """State of a worker between its tasks.

    Parameters
    ----------
    path : str, default=""
        File of the cached table.
    table : PreparedTable or None, default=None
        The cached table.
    """

    path: str = ""
    table: PreparedTable | None = None

    def load(self, path) -> PreparedTable:
        """Return the table of a file that `prepare_table` has written."""
        if path != self.path:
            with open(path, "rb") as file:
                self.table = pickle.load(file)
            self.path = path
        return self.table


def make_state() -> WorkerState:
    """Return the initial state of a worker."""
    return WorkerState()


def prepare_table(
    state, source: TableSource, texts, protocol: EvaluationProtocol, path
):
    """Read, describe and sample a table, and pickle it for the workers.

    Parameters
    ----------
    state : WorkerState
    source : TableSource
    texts : sequence of str
        Canonical texts of pipelines.
    protocol : EvaluationProtocol
    path : str
        File to write, which only processes of this run read.

    Yields
    ------
    record : DatasetRecord
        Size and meta-features of the whole table.
    n_rows : int
        Number of rows that pipelines are scored on.
    cells : tuple of (str, float)
        For each of `texts`: the pipeline without idle preparations, and its predicted
        seconds for all folds. Different texts may give the same pipeline.
    """
    dataset = read_table(source)
    record = describe_table(source, dataset)
    rows = sample_rows(dataset, protocol, source.seed)
    if rows is not None:
        dataset = take_rows(dataset, rows)
    folds = tuple(split(dataset, protocol.n_folds, source.seed))
    table = PreparedTable(dataset, folds, source.seed)
    # Renamed when complete, so that no worker reads a part of it.
    partial = Path(path).with_suffix(".partial")
    partial.write_bytes(pickle.dumps(table, protocol=5))
    partial.rename(path)
    yield (
        record,
        dataset.n_samples,
        tuple(cell_of(text, table) for text in texts),
    )


def describe_table(source, dataset):
    """Return the record of a table."""
    return DatasetRecord(
        name=source.name,
        task=source.task,
        family=source.family,
        n_samples=dataset.n_samples,
        n_features=dataset.n_features,
        n_classes=dataset.task.n_classes if dataset.task.is_classifier else 0,
        metafeatures=describe(dataset, time_limit=METAFEATURE_SECONDS).as_dict(),
    )


def cell_of(text, table):
    """Return the pipeline without idle preparations, and its predicted seconds."""
    dataset = table.dataset
    task = dataset.task
    catalog = default_catalog(task.name)
    tree = parse(text, catalog=catalog)
    tree = without_idle_preparation(tree, dataset.schema)
    seconds = predicted_seconds_on(
        dataset, tree, catalog=catalog, n_samples=len(table.folds[0][0])
    )
    return format_tree(tree), seconds * len(table.folds)


def sample_rows(dataset, protocol, seed):
    """Draw a stratified sample of the rows of a large table.

    Parameters
    ----------
    dataset : Dataset
    protocol : EvaluationProtocol
    seed : int

    Returns
    -------
    rows : ndarray of int or None
        Sorted; None for tables of up to `max_rows` rows. The minimum number of rows of
        rare classes may make the sample larger than `max_rows`.
    """
    n, limit = dataset.n_samples, protocol.max_rows
    if n <= limit:
        return None
    order = np.random.default_rng(seed).permutation(n)
    if not dataset.task.is_classifier:
        return np.sort(order[:limit])
    y = dataset.y[order]
    counts = np.bincount(y, minlength=dataset.task.n_classes)
    floor = ROWS_PER_CLASS_AND_FOLD * protocol.n_folds
    kept = np.maximum(np.floor(counts * (limit / n)), np.minimum(counts, floor))
    return np.sort(
        np.concatenate([order[y == c][: int(k)] for c, k in enumerate(kept)])
    )


def split(dataset, n_folds, seed):
    """Return folds, stratified by class, repeated for small tables."""
    n_repeats = next((r for limit, r in REPEATS if dataset.n_samples < limit), 1)
    kind = RepeatedKFold
    if dataset.task.is_classifier:
        kind = RepeatedStratifiedKFold
    splitter = kind(n_splits=n_folds, n_repeats=n_repeats, random_state=seed)
    return make_folds(dataset, splitter, seed)


@contextmanager
def cpu_limit(seconds):
    """End this process when the block has used this much CPU time.

    The kernel sends `CPU_LIMIT_SIGNAL`, which also ends compiled code. Unlike a
    wall-clock deadline, it does not depend on the load of the machine.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def evaluate_cell(state, path, text, cell_seconds):
    """Score one pipeline on the folds of one table.

    Parameters
    ----------
    state : WorkerState
    path : str
        File of the table.
    text : str
        A pipeline.
    cell_seconds : float
        Limit of the CPU seconds. After each fold, the evaluation is given up if the
        mean so far, times the number of folds, exceeds it.

    Yields
    ------
    result : CellResult
    """
    started = time.process_time()
    table = state.load(path)
    dataset = table.dataset
    catalog = default_catalog(dataset.task.name)
    tree = parse(text, catalog=catalog)
    seed = candidate_seed(table.seed, text)
    early = early_stopping_learner(tree, catalog=catalog)
    folds = []
    with cpu_limit(cell_seconds):
        for train, validation in table.folds:
            folds.append(
                _score_fold(tree, dataset, train, validation, catalog, seed, early)
            )
            expected = np.mean([fold.seconds for fold in folds]) * len(table.folds)
            if expected > cell_seconds:
                break
    complete = len(folds) == len(table.folds)
    yield CellResult(
        status=(Status.OK if complete else Status.TIMEOUT).value,
        scores=summarize([fold.scores for fold in folds]) if complete else {},
        fit_seconds=float(np.mean([fold.fit_seconds for fold in folds])),
        predict_seconds=float(np.mean([fold.predict_seconds for fold in folds])),
        reason="" if complete else f"would take {expected:.0f} s",
        cpu_seconds=time.process_time() - started,
    )


@dataclass(frozen=True)
class _Fold:
    scores: dict
    fit_seconds: float
    predict_seconds: float

    @property
    def seconds(self):
        return self.fit_seconds + self.predict_seconds


def _score_fold(tree, dataset, train, validation, catalog, seed, early_stopping):
    """Fit on some rows and score on others, with CPU seconds."""
    task = dataset.task
    began = time.process_time()
    pipeline, _ = fit_pipeline(
        tree, dataset, dataset.X[train], dataset.y[train], None, catalog, seed,
        early_stopping=early_stopping,
    )  # fmt: skip
    fitted = time.process_time()
    with ignored_warnings():
        predictions = task.predict(pipeline, dataset.X[validation])
    ended = time.process_time()
    if not np.isfinite(predictions).all():
        raise ValueError("The pipeline predicts values that are not finite.")
    scores = fold_scores(task.name, dataset.y[validation], predictions)
    return _Fold(scores, fitted - began, ended - fitted)
