"""Fit and score one candidate; refit it for the final model.

`evaluate_candidate` and `refit_candidate` are tasks of a pool, that is, generators:
each value reaches the engine at once, so that finished folds are kept when a candidate
is killed in a later one.
"""

from __future__ import annotations

import time
import zlib
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import train_test_split

from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._describe import GivenTable
from sklearn_meta.data._task import EXTRAPOLATION
from sklearn_meta.evaluation._cross_validation import Stage, subsample
from sklearn_meta.evaluation._known_rows import KnownRows, known_model
from sklearn_meta.evaluation._records import FoldResult
from sklearn_meta.evaluation._scorer_trial import is_defined
from sklearn_meta.evaluation._scoring import FastScoring, Scoring
from sklearn_meta.parallel._pickled import Pickled, dumps
from sklearn_meta.parallel._random_state import seeded_global_generators
from sklearn_meta.pipelines._compile import (
    accepts_sample_weight,
    bounds_predictions,
    compile_pipeline,
    early_stopping_learner,
    fit_weighted,
)
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._seeds import (
    alone_if_it_must,
    may_draw_globally,
    seeds_for_all,
)
from sklearn_meta.pipelines._tree import Node

# Share of the training rows on which early stopping computes its validation loss, and
# the number of boosting rounds without improvement after which it stops.
EARLY_STOPPING_SHARE = 0.15
EARLY_STOPPING_ROUNDS = 30

# Larger fold models are not kept: they take too long to transfer and too much memory.
MAX_MODEL_BYTES = 64 * 2**20


@dataclass(frozen=True)
class EvaluationContext:
    """Data and settings that are the same for all candidates of a search.

    Parameters
    ----------
    dataset : Dataset
    stages : tuple of Stage
        Screening stages, then the folds; empty without a search.
    scoring : Scoring
    catalog : Catalog
        Operators of the search space.
    seed : int, default=0
        The seed of a candidate is derived from it and from the text of the candidate.
    extrapolation : float, default=EXTRAPOLATION
        How far predictions of ensemble members may be beyond the targets, see
        `RegressionTask.limits`.
    given : GivenTable, default=None
        The user's table, with the rows of the dataset; None for a scoring that does not
        read it.
    objective : FastScoring or None, default=None
        Scoring by which candidates are compared; None for `scoring`, see
        `objective_of`.
    judges_labels : bool, default=False
        Whether `scoring` judges labels of classes, so that the decision is tuned.
    """

    dataset: Dataset = field(repr=False)
    stages: tuple[Stage, ...] = field(repr=False)
    # Tests that score nothing leave these two out.
    scoring: Scoring = None  # type: ignore[assignment]
    catalog: Catalog = field(default=None, repr=False)  # type: ignore[assignment]
    seed: int = 0
    extrapolation: float = EXTRAPOLATION
    given: GivenTable | None = field(default=None, repr=False)

    objective: FastScoring | None = None
    judges_labels: bool = False

    @property
    def comparison(self) -> Scoring:
        """Scoring by which candidates are compared."""
        return self.scoring if self.objective is None else self.objective

    def score(self, predictions, rows, model=None, scoring=None) -> float:
        """Score predictions of some rows.

        Parameters
        ----------
        predictions : ndarray of shape (n_samples, ...)
            As of `Task.predict`.
        rows : ndarray of int
            Indices of the rows in the dataset.
        model : callable, default=None
            ``model(encoded) -> predictions`` for rows that are not among `rows`, to
            which a scorer may come by changing its table; None if there is none.
        scoring : Scoring, default=None
            None for that of the user.

        Returns
        -------
        score : float
            Greater is better.
        """
        dataset, scoring = self.dataset, scoring or self.scoring
        y, weight = dataset.y[rows], _take(dataset.sample_weight, rows)
        if isinstance(scoring, FastScoring):
            return scoring(predictions, None, y, weight)
        X, metadata = dataset.X[rows], dataset.metadata_of(rows)
        if self.given is None:
            return scoring(predictions, X, y, weight, metadata=metadata)
        known = KnownRows(self.given, rows, X, predictions, dataset.task, model)
        labels = self.given.take_target(rows, dataset.task.decode(y))
        return scoring.score_estimator(
            known_model(known), self.given.take(rows), labels, weight, metadata
        )

    @property
    def n_screening(self):
        """Number of screening stages, which precede the folds."""
        return sum(stage.screening for stage in self.stages)

    @property
    def n_splits(self):
        """Number of folds."""
        return len(self.stages) - self.n_screening

    @property
    def n_validation_rows(self):
        """Mean number of validation rows of a fold; None without a search."""
        rows = [len(stage.validation) for stage in self.stages if not stage.screening]
        return round(sum(rows) / len(rows)) if rows else None


def candidate_seed(seed, text):
    """Return the seed of a candidate.

    Parameters
    ----------
    seed : int
        Seed of the search.
    text : str
        Canonical text of the candidate.

    Returns
    -------
    seed : int
        Below 2**31.
    """
    return (zlib.crc32(text.encode()) ^ seed) & 0x7FFFFFFF


def evaluate_candidate(context, tree, text, rule):
    """Fit and score a candidate on the stages until the racing rule stops it.

    Parameters
    ----------
    context : EvaluationContext
    tree : Node
        The pipeline.
    text : str
        Its canonical text.
    rule : RacingRule

    Yields
    ------
    result : FoldResult
        One for each finished stage, in order; fewer than the number of stages if the
        candidate was stopped.

    Raises
    ------
    ValueError
        If the predictions are not finite, or the score is not although it is defined
        for other predictions.
    Exception
        What the scorer has raised, if the score is defined for other predictions or
        undefined for those of all folds together.
    """
    seed = candidate_seed(context.seed, text)
    scores, given, predictions = [], [], []
    for index, stage in enumerate(context.stages):
        result = _run_stage(context, tree, seed, index, stage, rule)
        predictions += [] if stage.screening else [result.predictions]
        # Scores by the user's metric.
        by_user = result.score if context.objective is None else result.reported
        given += [] if stage.screening else [by_user]
        is_last = index == len(context.stages) - 1
        if is_last and np.isnan(given).all():
            result = replace(result, pooled_score=_pooled(context, predictions))
        yield result
        if stage.screening:
            if result.score < rule.screening_floor:
                return
        else:
            scores.append(result.score)
            if rule.is_lost(scores):
                return
            if len(scores) == 1 and (
                duplicate_of(context, rule, result.predictions) is not None
            ):
                return


def duplicate_of(context, rule, predictions) -> int | None:
    """Return the evaluation that the predictions on the first fold duplicate.

    Parameters
    ----------
    context : EvaluationContext
    rule : RacingRule
    predictions : ndarray of shape (n_validation, ...)

    Returns
    -------
    number : int or None
    """
    comparable = context.dataset.task.comparable(predictions)
    return rule.prediction_index.duplicate_of(comparable)


def _run_stage(context, tree, seed, index, stage, rule):
    """Fit and score a candidate on one stage; return a FoldResult."""
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
        copy_of=_take(dataset.copy_of, stage.train),
    )  # fmt: skip
    fitted = time.perf_counter()
    X_validation = dataset.X[stage.validation]
    with _undisturbed(pipeline, seed):
        predictions = task.predict(pipeline, X_validation)
    if bounds_predictions(tree, task.least):
        # As the model will that is fitted on all rows; early stopping needs the learner
        # to be the last step here.
        predictions = np.maximum(predictions, task.least).astype(predictions.dtype)
    predicted = time.perf_counter()
    if not np.isfinite(predictions).all():
        raise ValueError("The pipeline predicts values that are not finite.")
    score = _defined_score(
        context,
        predictions,
        stage.validation,
        lambda encoded: task.predict(pipeline, encoded),
    )
    scored = time.perf_counter()
    reported = None
    if context.objective is not None:
        reported = score
        score = context.score(predictions, stage.validation, scoring=context.objective)
    return FoldResult(
        stage=index,
        score=score,
        predictions=predictions,
        fit_seconds=fitted - began,
        predict_seconds=predicted - fitted,
        iterations=iterations,
        model=_dump(pipeline) if fitted - began >= rule.keep_models_from else None,
        score_seconds=scored - predicted,
        reported=reported,
    )


def _defined_score(context, predictions, rows, model):
    """Return a finite score; NaN if it is undefined for all predictions."""
    try:
        score = context.score(predictions, rows, model)
        if np.isfinite(score):
            return score
        fault: BaseException = ValueError(f"The score of the pipeline is {score}.")
    except Exception as exception:
        fault = exception
    if not is_defined(context, rows):
        return np.nan
    raise fault


def _pooled(context, predictions):
    """Return the score of the predictions of all folds together."""
    rows = [s.validation for s in context.stages if not s.screening]
    score = context.score(np.concatenate(predictions), np.concatenate(rows))
    if not np.isfinite(score):
        raise ValueError(f"The score of all folds together is {score}.")
    return score


def refit_candidate(context, tree, text, iterations, n_rows=None):
    """Fit a candidate on all rows, or on a random subsample of them.

    Parameters
    ----------
    context : EvaluationContext
    tree : Node
        The pipeline.
    text : str
        Its canonical text.
    iterations : int or None
        Number of boosting rounds, as chosen by early stopping in the folds.
    n_rows : int, default=None
        Number of rows to fit it on; None for all.

    Yields
    ------
    model : Pickled
        The fitted pipeline, which takes the encoded table and predicts the user's
        labels.
    """
    dataset = context.dataset
    dataset = replace(dataset, schema=schema_of_rows_to_come(dataset.schema))
    X, y, weight = dataset.X, dataset.y, dataset.sample_weight
    if n_rows is None or n_rows >= dataset.n_samples:
        # As in the folds, where selecting rows makes copies: learners that work in
        # place change nothing that others see, and can write to what they get.
        X, y, weight = _copied(X), _copied(y), _copied(weight)
    seed = candidate_seed(context.seed, text)
    if n_rows is not None and n_rows < dataset.n_samples:
        rng = np.random.default_rng(seed)
        rows = subsample(dataset, np.arange(dataset.n_samples), n_rows, rng)
        X, y, weight = X[rows], y[rows], _take(weight, rows)
    pipeline, _ = fit_pipeline(
        tree, dataset, X, dataset.task.decode(y), weight, context.catalog, seed,
        iterations=iterations, least=dataset.task.least,
    )  # fmt: skip
    yield Pickled.of(pipeline)


def schema_of_rows_to_come(schema):
    """Return the schema of the training table with missing values in any column.

    A pipeline for new rows needs an imputer for each column that is no count of tokens.
    On columns without missing values, imputers change nothing.

    Parameters
    ----------
    schema : Schema

    Returns
    -------
    schema : Schema
        Without missing values if the table is sparse.
    """
    missing = () if schema.sparse else tuple(range(schema.n_leading))
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
    least=None,
    copy_of=None,
):
    """Compile a tree and fit the pipeline.

    Parameters
    ----------
    tree : Node
    dataset : Dataset
        Its schema and task; its rows are not used.
    X : array or sparse matrix of shape (n_samples, n_features)
        Rows of the encoded table.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
        Ignored if a step of the pipeline does not accept weights.
    catalog : Catalog
    seed : int
    iterations : int, default=None
        Number of boosting rounds; None for that of the tree.
    early_stopping : bool, default=False
        Whether to choose the number of boosting rounds on a part of the rows.
    least : float, tuple of float or None, default=None
        Smallest prediction, see `compile_pipeline`. Not with `early_stopping`.
    copy_of : ndarray of int of shape (n_samples,), default=None
        Number of each row, the same for copies of a row, which stay on one side of the
        split of early stopping.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        The fitted pipeline.
    iterations : int or None
        Number of boosting rounds chosen by early stopping; None without it.
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
        target_scaler=task.target_scaler,
        least=least,
    )
    with (
        _undisturbed(pipeline, seed),
        seeds_for_all(pipeline, seed),
        alone_if_it_must(pipeline),
    ):
        if early_stopping:
            return _fit_with_early_stopping(
                pipeline, task, X, y, sample_weight, seed, copy_of
            )
        if sample_weight is not None and accepts_sample_weight(
            tree, catalog=catalog, n_outputs=task.n_outputs, schema=dataset.schema
        ):
            fit_weighted(pipeline, X, y, sample_weight)
        else:
            pipeline.fit(X, y)
    return pipeline, None


@contextmanager
def _undisturbed(pipeline, seed):
    """Context of what a candidate computes, which may be in the user's process."""
    generators = (
        seeded_global_generators(seed) if may_draw_globally(pipeline) else nullcontext()
    )
    # Candidates raise thousands of convergence warnings, which are of no use.
    with ignored_warnings(), generators:
        yield


def _watched_rows(task, y, seed, copy_of=None):
    """Split rows into those for training and those for early stopping."""
    if copy_of is not None:
        _, first, copies = np.unique(copy_of, return_index=True, return_inverse=True)
        # A single distinct row leaves no choice.
        if len(first) > 1:
            parts = _watched_rows(task, y[first], seed)
            return tuple(np.flatnonzero(np.isin(copies, part)) for part in parts)
    stratify = None
    if task.is_classifier and np.bincount(y)[np.unique(y)].min() >= 2:
        stratify = y
    n_watch = max(int(EARLY_STOPPING_SHARE * len(y)), task.n_classes)
    # With hardly more rows than classes, some of them stay for training.
    n_watch = min(n_watch, len(y) // 2)
    train, watch = train_test_split(
        np.arange(len(y)), test_size=n_watch, random_state=seed, stratify=stratify
    )
    if task.is_classifier and len(np.unique(y[train])) < len(np.unique(y)):
        # The held-out part contains all rows of a class: train on every row.
        train = np.arange(len(y))
    return train, watch


def _fit_with_early_stopping(pipeline, task, X, y, sample_weight, seed, copy_of):
    """Fit LightGBM with early stopping on a held-out part of the training rows."""
    import lightgbm

    train, watch = _watched_rows(task, y, seed, copy_of)
    preparation, learner = pipeline[:-1], pipeline[-1]
    X_train, X_watch = X[train], X[watch]
    if len(preparation):
        X_train = preparation.fit_transform(X_train, y[train])
        X_watch = preparation.transform(X_watch)
    y_watch = y[watch]
    if isinstance(learner, TransformedTargetRegressor):
        # What the learner is fitted to is on this scale, see `on_scaled_target`.
        scaler = clone(learner.transformer).fit(y[train].reshape(-1, 1))
        y_watch = scaler.transform(y_watch.reshape(-1, 1)).ravel()
    learner.fit(
        X_train,
        y[train],
        sample_weight=_take(sample_weight, train),
        eval_set=[(X_watch, y_watch)],
        eval_sample_weight=[_take(sample_weight, watch)]
        if sample_weight is not None
        else None,
        callbacks=[
            lightgbm.early_stopping(EARLY_STOPPING_ROUNDS, verbose=False),
        ],
    )
    booster = getattr(learner, "regressor_", learner)
    return pipeline, max(1, int(booster.best_iteration_ or booster.n_estimators))


def _take(values, rows):
    """Return the values of some rows; None without values."""
    return None if values is None else values[rows]


def _copied(values):
    """Return a copy in the same layout; None without values."""
    if isinstance(values, np.ndarray):
        return values.copy(order="K")
    return None if values is None else values.copy()


def _dump(pipeline):
    """Pickle a fitted pipeline; None if it is too large."""
    data = dumps(pipeline)
    return data if len(data) <= MAX_MODEL_BYTES else None
