"""What the workers do: prepare a table, and score one pipeline on it.

The functions here are generators, as the pool of workers wants them. They take a
`Workbench` as their first argument, which each worker keeps: the table at hand is read
once and not with every cell.
"""

from __future__ import annotations

import pickle
import signal
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from sklearn_meta.building._metrics import fold_scores, summarize
from sklearn_meta.building._sources import TableSource, read_table
from sklearn_meta.data._dataset import Dataset, take_rows
from sklearn_meta.evaluation._cross_validation import make_folds
from sklearn_meta.evaluation._fit_and_score import candidate_seed, fit_pipeline
from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning._fixed_portfolio import without_idle_preparation
from sklearn_meta.pipelines._compile import early_stopping_learner
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.timing._operators import predicted_seconds

# Below so many rows, the folds are drawn so often: few rows make noisy scores, and
# cheap fits.
REPEATS = ((120, 3), (250, 2))

# Of each class, a subsample keeps this many rows for each fold, if there are as many.
ROWS_PER_CLASS_AND_FOLD = 2

# Enough for all of them, whatever else the machine does: what is stored is compared for
# years.
METAFEATURE_SECONDS = 10.0

# What a worker dies of that has used up the CPU seconds of a cell.
CPU_LIMIT_SIGNAL = "SIGPROF"


@dataclass(frozen=True)
class Protocol:
    """How pipelines are scored; the same for a whole knowledge base.

    Parameters
    ----------
    max_rows : int
        Larger tables are represented by a stratified sample of this many rows.
    n_folds : int
    cell_seconds : float
        CPU seconds that one pipeline may take on one table, all folds together.
    """

    max_rows: int = 4000
    n_folds: int = 3
    cell_seconds: float = 20.0


@dataclass(frozen=True)
class Table:
    """A table ready to be worked on.

    Parameters
    ----------
    dataset : Dataset
        With at most `Protocol.max_rows` rows.
    folds : tuple of (ndarray, ndarray)
        Training and validation rows.
    seed : int
    """

    dataset: Dataset
    folds: tuple
    seed: int


@dataclass(frozen=True)
class CellResult:
    """What one pipeline gave on one table.

    Parameters
    ----------
    status : str
        A value of `Status`.
    scores : dict of str to (float, float)
        Mean and standard error over the folds, by metric; empty unless all folds were
        scored.
    fit_seconds, predict_seconds : float
        Mean CPU seconds of a fit, and of predicting one validation part; NaN unless
        a fold was finished.
    reason : str
        Why there are no scores.
    cpu_seconds : float
        Of everything, as far as the worker came to tell.
    """

    status: str
    scores: dict = field(default_factory=dict)
    fit_seconds: float = np.nan
    predict_seconds: float = np.nan
    reason: str = ""
    cpu_seconds: float = 0.0


@dataclass
class Workbench:
    """What a worker keeps between its tasks.

    Parameters
    ----------
    path : str
        File of the table at hand; empty before the first.
    table : Table or None
    """

    path: str = ""
    table: Table | None = None

    def take(self, path) -> Table:
        """Return the table in a file that `prepare_table` has written."""
        if path != self.path:
            with open(path, "rb") as file:
                self.table = pickle.load(file)
            self.path = path
        return self.table


def set_up() -> Workbench:
    """Return the workbench that every worker starts with."""
    return Workbench()


def prepare_table(bench, source: TableSource, texts, protocol: Protocol, path):
    """Read, describe and sample a table, and write it to a file for the workers.

    Parameters
    ----------
    bench : Workbench
    source : TableSource
    texts : sequence of str
        Canonical texts of pipelines.
    protocol : Protocol
    path : str
        The file to write. Only processes of this run read it.

    Yields
    ------
    record : DatasetRecord
        Size and meta-features of the whole table.
    n_rows : int
        Rows that pipelines are scored on.
    cells : tuple of (str, float)
        For each of `texts`: the pipeline without the steps that do nothing on this
        table, and its predicted seconds for all folds. Different pipelines may have
        the same cell.
    """
    dataset = read_table(source)
    record = describe_table(source, dataset)
    rows = sample_rows(dataset, protocol, source.seed)
    if rows is not None:
        dataset = take_rows(dataset, rows)
    folds = tuple(split(dataset, protocol.n_folds, source.seed))
    table = Table(dataset, folds, source.seed)
    # Renamed when complete, so that nobody reads half a table.
    partial = Path(path).with_suffix(".partial")
    partial.write_bytes(pickle.dumps(table, protocol=5))
    partial.rename(path)
    yield (
        record,
        dataset.n_samples,
        tuple(cell(text, table) for text in texts),
    )


def describe_table(source, dataset):
    """Return what the knowledge base keeps of a table."""
    from sklearn_meta.metalearning.knowledge_base._knowledge_base import DatasetRecord
    from sklearn_meta.metalearning.metafeatures import describe

    return DatasetRecord(
        name=source.name,
        task=source.task,
        family=source.family,
        n_samples=dataset.n_samples,
        n_features=dataset.n_features,
        n_classes=dataset.task.n_classes if dataset.task.is_classifier else 0,
        metafeatures=describe(dataset, time_limit=METAFEATURE_SECONDS).as_dict(),
    )


def cell(text, table):
    """Return the pipeline that has to be fitted for a text, and its seconds."""
    dataset = table.dataset
    task = dataset.task
    catalog = default_catalog(task.name)
    tree = parse(text, catalog=catalog)
    tree = without_idle_preparation(tree, dataset.schema)
    seconds = predicted_seconds(
        tree,
        catalog=catalog,
        n_samples=len(table.folds[0][0]),
        n_features=dataset.n_features,
        n_classes=task.n_classes,
    )
    return format_tree(tree), seconds * len(table.folds)


def sample_rows(dataset, protocol, seed):
    """Draw the rows that represent a table, each class in proportion.

    Parameters
    ----------
    dataset : Dataset
    protocol : Protocol
    seed : int

    Returns
    -------
    rows : ndarray of int or None
        Sorted; None where the table is small enough. A rare class keeps a few rows
        for each fold, which may make it up to that many more than `max_rows`.
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
    """Return folds, stratified by class, repeated where rows are few."""
    n_repeats = next((r for limit, r in REPEATS if dataset.n_samples < limit), 1)
    kind = RepeatedKFold
    if dataset.task.is_classifier:
        kind = RepeatedStratifiedKFold
    splitter = kind(n_splits=n_folds, n_repeats=n_repeats, random_state=seed)
    return make_folds(dataset, splitter, seed)


@contextmanager
def cpu_limit(seconds):
    """End this process when the block has taken this much CPU time.

    By the kernel, with `CPU_LIMIT_SIGNAL`: nothing else stops compiled code, and
    unlike a deadline by the clock it does not depend on what else the machine does.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def evaluate_cell(bench, path, text, cell_seconds):
    """Score one pipeline on the folds of one table.

    Parameters
    ----------
    bench : Workbench
    path : str
        File of the table.
    text : str
        A pipeline.
    cell_seconds : float
        CPU seconds after which the pipeline is given up. Looked at after each fold,
        also for those to come: what takes half of them for the first of three folds
        is given up there.

    Yields
    ------
    result : CellResult
    """
    started = time.process_time()
    table = bench.take(path)
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
    """Fit on some rows and score on others; CPU seconds, whatever else runs here."""
    task = dataset.task
    began = time.process_time()
    pipeline, _ = fit_pipeline(
        tree, dataset, dataset.X[train], dataset.y[train], None, catalog, seed,
        early_stopping=early_stopping,
    )  # fmt: skip
    fitted = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predictions = task.predict(pipeline, dataset.X[validation])
    ended = time.process_time()
    if not np.isfinite(predictions).all():
        raise ValueError("The pipeline predicts values that are not finite.")
    scores = fold_scores(task.name, dataset.y[validation], predictions)
    return _Fold(scores, fitted - began, ended - fitted)
