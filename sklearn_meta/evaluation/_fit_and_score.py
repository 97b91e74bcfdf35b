"""Fit and score one candidate, stage by stage. Runs in a worker or in process.

The functions here are generators: what they yield reaches the engine at once, so that
finished folds survive a candidate that is killed in a later one.
"""

from __future__ import annotations

import time
import warnings
import zlib
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.evaluation._cross_validation import Stage, subsample
from sklearn_meta.evaluation._records import FoldResult
from sklearn_meta.evaluation._scoring import Scoring
from sklearn_meta.parallel._pickled import Pickled, dumps
from sklearn_meta.pipelines._compile import (
    accepts_sample_weight,
    compile_pipeline,
    early_stopping_learner,
    fit_weighted,
)
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._tree import Node

# Early stopping watches this share of the training rows.
EARLY_STOPPING_SHARE = 0.15
EARLY_STOPPING_ROUNDS = 30

# Fold models larger than this are not worth their transfer and memory.
MAX_MODEL_BYTES = 64 * 2**20


@dataclass(frozen=True)
class EvaluationContext:
    """Everything that all candidates of one run share.

    Parameters
    ----------
    dataset : Dataset
    stages : tuple of Stage
    scoring : Scoring
    catalog : Catalog
    seed : int
        Each candidate's own seed derives from it and from its text.
    """

    dataset: Dataset = field(repr=False)
    stages: tuple[Stage, ...] = field(repr=False)
    # Tests that score nothing leave these two out.
    scoring: Scoring = None  # type: ignore[assignment]
    catalog: Catalog = field(default=None, repr=False)  # type: ignore[assignment]
    seed: int = 0

    @property
    def n_screening(self):
        """Number of stages on a subsample of rows, before the folds."""
        return sum(stage.screening for stage in self.stages)

    @property
    def n_splits(self):
        """Number of folds."""
        return len(self.stages) - self.n_screening


def candidate_seed(seed, text):
    """Return the seed of the candidate with this text, below 2**31."""
    return (zlib.crc32(text.encode()) ^ seed) & 0x7FFFFFFF


def evaluate_candidate(context, tree, text, race):
    """Score a candidate on the stages, until it has lost the race.

    Parameters
    ----------
    context : EvaluationContext
    tree : Node
    text : str
    race : Race

    Yields
    ------
    result : FoldResult
        One for each finished stage, in order. Fewer than there are stages means that
        the candidate was pruned.
    """
    seed = candidate_seed(context.seed, text)
    scores = []
    for index, stage in enumerate(context.stages):
        result = _run_stage(context, tree, seed, index, stage, race)
        yield result
        if stage.screening:
            if result.score < race.screening_floor:
                return
        else:
            scores.append(result.score)
            if race.is_lost(scores):
                return
            known, predictions = race.known, result.predictions
            if len(scores) == 1 and known.duplicate_of(predictions) is not None:
                return


def _run_stage(context, tree, seed, index, stage, race):
    dataset = context.dataset
    task = dataset.task
    X, y = dataset.X[stage.train], dataset.y[stage.train]
    weight = _take(dataset.sample_weight, stage.train)
    began = time.perf_counter()
    pipeline, iterations = fit_pipeline(
        tree, dataset, X, y, weight, context.catalog, seed,
        early_stopping=early_stopping_learner(
            tree, catalog=context.catalog, n_outputs=task.n_outputs
        ),
    )  # fmt: skip
    fitted = time.perf_counter()
    X_validation = dataset.X[stage.validation]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predictions = task.predict(pipeline, X_validation)
    predicted = time.perf_counter()
    if not np.isfinite(predictions).all():
        raise ValueError("The pipeline predicts values that are not finite.")
    score = context.scoring(
        predictions,
        X_validation,
        dataset.y[stage.validation],
        _take(dataset.sample_weight, stage.validation),
        metadata=dataset.metadata_of(stage.validation),
    )
    if not np.isfinite(score):
        raise ValueError(f"The score of the pipeline is {score}.")
    return FoldResult(
        stage=index,
        score=score,
        predictions=predictions,
        fit_seconds=fitted - began,
        predict_seconds=predicted - fitted,
        iterations=iterations,
        model=_dump(pipeline) if fitted - began >= race.keep_models_from else None,
    )


def refit_candidate(context, tree, text, iterations, n_rows=None):
    """Fit a candidate on all rows, or on some of them.

    Parameters
    ----------
    context : EvaluationContext
    tree : Node
    text : str
    iterations : int or None
        Boosting rounds that early stopping chose in the folds.
    n_rows : int, default=None
        Rows to fit it on, drawn at random; None for all.

    Yields
    ------
    model : Pickled
        The fitted pipeline, which takes the encoded table and predicts the labels as
        the user gave them.
    """
    dataset = context.dataset
    dataset = replace(dataset, schema=schema_of_rows_to_come(dataset.schema))
    X, y, weight = dataset.X, dataset.y, dataset.sample_weight
    seed = candidate_seed(context.seed, text)
    if n_rows is not None and n_rows < dataset.n_samples:
        rng = np.random.default_rng(seed)
        rows = subsample(dataset, np.arange(dataset.n_samples), n_rows, rng)
        X, y, weight = X[rows], y[rows], _take(weight, rows)
    pipeline, _ = fit_pipeline(
        tree, dataset, X, dataset.task.decode(y), weight, context.catalog, seed,
        iterations=iterations,
    )  # fmt: skip
    yield Pickled.of(pipeline)


def schema_of_rows_to_come(schema):
    """Return the schema for a pipeline that has to predict new rows.

    They may lack values in any column. An imputer for all columns changes nothing on
    the rows at hand.
    """
    missing = () if schema.sparse else tuple(range(schema.n_features))
    return replace(schema, missing=missing)


def fit_pipeline(
    tree: Node,
    dataset,
    X,
    y,
    sample_weight,
    catalog,
    seed,
    *,
    iterations=None,
    early_stopping=False,
):
    """Compile a tree and fit it on some rows of the encoded table.

    Returns
    -------
    pipeline : fitted sklearn.pipeline.Pipeline
    iterations : int or None
        Boosting rounds that early stopping chose.
    """
    task = dataset.task
    pipeline = compile_pipeline(
        tree,
        dataset.schema,
        catalog=catalog,
        n_classes=task.n_classes,
        random_state=seed,
        iterations=iterations,
        n_outputs=task.n_outputs,
    )
    with warnings.catch_warnings():
        # Thousands of convergence warnings of candidates tell the user nothing.
        warnings.simplefilter("ignore")
        if early_stopping:
            return _fit_with_early_stopping(pipeline, task, X, y, sample_weight, seed)
        if sample_weight is not None and accepts_sample_weight(
            tree, catalog=catalog, n_outputs=task.n_outputs
        ):
            fit_weighted(pipeline, X, y, sample_weight)
        else:
            pipeline.fit(X, y)
    return pipeline, None


def _fit_with_early_stopping(pipeline, task, X, y, sample_weight, seed):
    """Stop LightGBM when a held-out part of the training rows no longer gains."""
    import lightgbm

    stratify = None
    if task.is_classifier and np.bincount(y)[np.unique(y)].min() >= 2:
        stratify = y
    n_watch = max(int(EARLY_STOPPING_SHARE * len(y)), task.n_classes)
    train, watch = train_test_split(
        np.arange(len(y)), test_size=n_watch, random_state=seed, stratify=stratify
    )
    if task.is_classifier and len(np.unique(y[train])) < len(np.unique(y)):
        # The rarest class lies in the watched part only: keep every row for training.
        train = np.arange(len(y))
    preparation, learner = pipeline[:-1], pipeline[-1]
    X_train, X_watch = X[train], X[watch]
    if len(preparation):
        X_train = preparation.fit_transform(X_train, y[train])
        X_watch = preparation.transform(X_watch)
    learner.fit(
        X_train,
        y[train],
        sample_weight=_take(sample_weight, train),
        eval_set=[(X_watch, y[watch])],
        eval_sample_weight=[_take(sample_weight, watch)]
        if sample_weight is not None
        else None,
        callbacks=[
            lightgbm.early_stopping(EARLY_STOPPING_ROUNDS, verbose=False),
        ],
    )
    return pipeline, max(1, int(learner.best_iteration_ or learner.n_estimators))


def _take(values, rows):
    return None if values is None else values[rows]


def _dump(pipeline):
    data = dumps(pipeline)
    return data if len(data) <= MAX_MODEL_BYTES else None
