"""Convert search results to knowledge-base records."""

from __future__ import annotations

import hashlib

import numpy as np
from sklearn.metrics import get_scorer_names

from sklearn_meta._warnings import warn
from sklearn_meta.evaluation._records import GIVEN_UP, Status
from sklearn_meta.exceptions import SearchInterruptedWarning
from sklearn_meta.metalearning.knowledge_base._file import (
    LOCK_TIMEOUT,
    wait_before_search,
)
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._metrics import fold_scores, summarize
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)
from sklearn_meta.metalearning.knowledge_base._schema import (
    KnowledgeBaseError,
    KnowledgeBaseLockedError,
)
from sklearn_meta.metalearning.metafeatures import describe
from sklearn_meta.pipelines._token_weights import n_dense_columns
from sklearn_meta.pipelines.catalog._losses import all_loss_operators

# Seconds that adding the results may wait where the budget is used up.
LAST_WAIT = 0.3

# Candidates without a score on all folds, whose seconds are no limit either.
NOT_RECORDED = (Status.SKIPPED, *GIVEN_UP)


def metafeatures_to_record(dataset, prior):
    """Return the meta-features of a dataset, those of its recall if it has any.

    To be called before the search, so that the seconds are part of the budget.

    Parameters
    ----------
    dataset : Dataset
    prior : Prior

    Returns
    -------
    metafeatures : MetaFeatures or None
        None for several outputs: records are of datasets with one.
    """
    if dataset.task.n_outputs > 1:
        return None
    if prior.metafeatures is not None:
        return prior.metafeatures
    return describe(dataset)


def check_recordable(path, time_budget):
    """Raise an error before a search whose results could not be added afterwards.

    A locked file is none: whoever uses it may have finished by then.

    Parameters
    ----------
    path : path-like
    time_budget : float
        Seconds of the whole search, a small share of which may be waited.

    Raises
    ------
    KnowledgeBaseError
        See `KnowledgeBase.check_writable`.
    """
    try:
        KnowledgeBase(path).check_writable(timeout=wait_before_search(time_budget))
    except KnowledgeBaseLockedError:
        pass


def add_results(path, dataset, scoring, stages, history, metafeatures, *, remaining):
    """Add the results of a search to the user's own knowledge base.

    If the file cannot be written any more, or Ctrl-C is pressed meanwhile, a warning
    says so: the model is not lost.

    Parameters
    ----------
    path : path-like
    dataset, scoring, stages, history, metafeatures
        See `run_records`.
    remaining : callable
        Returns the seconds that are left of the time budget.
    """
    not_added = "The results of this search were not added to the knowledge base"
    timeout = min(LOCK_TIMEOUT, max(LAST_WAIT, remaining()))
    try:
        KnowledgeBase(path).add(
            *run_records(dataset, scoring, stages, history, metafeatures),
            timeout=timeout,
        )
    except KnowledgeBaseError as error:
        warn(f"{not_added}; the model is the same as if they were: {error}")
    except KeyboardInterrupt:
        warn(
            f"Interrupted while the knowledge base was written: {not_added.lower()}, "
            "or were just before. The model is complete.",
            SearchInterruptedWarning,
        )


def run_records(dataset, scoring, stages, history, metafeatures):
    """Convert the results of a search to records.

    Parameters
    ----------
    dataset : Dataset
        As it was split into folds.
    scoring : Scoring
    stages : sequence of Stage
        With the validation rows of the folds.
    history : iterable of Evaluation
        With the predictions of their folds, as far as they were kept.
    metafeatures : MetaFeatures

    Returns
    -------
    record : DatasetRecord
        It holds no row, no name of a column and no label.
    evaluations : list of EvaluationRecord
    """
    task = dataset.task
    name = fingerprint(dataset, metafeatures)
    record = DatasetRecord(
        name=name,
        task=task.name,
        family=name,
        n_samples=dataset.n_samples,
        n_features=n_dense_columns(dataset.schema),
        n_classes=task.n_classes if task.is_classifier else 0,
        metafeatures=metafeatures.as_dict(),
    )
    # Their texts do not say to which level or power they were fitted.
    of_loss = {operator.name for operator in all_loss_operators()}
    evaluations = [
        EvaluationRecord(
            pipeline=evaluation.candidate.text,
            status=str(evaluation.status),
            scores=_scores(dataset, scoring, stages, evaluation),
            fit_seconds=_first_finite(evaluation.fit_seconds, evaluation.seconds),
            predict_seconds=_first_finite(evaluation.predict_seconds, np.nan),
            n_rows=dataset.n_samples,
        )
        for evaluation in history
        if evaluation.status not in NOT_RECORDED
        and not any(
            node.operator in of_loss for _, node in evaluation.candidate.tree.walk()
        )
    ]
    return record, evaluations


def fingerprint(dataset, metafeatures) -> str:
    """Return a name that is the same whenever the same table is fitted.

    Parameters
    ----------
    dataset : Dataset
    metafeatures : MetaFeatures

    Returns
    -------
    name : str
        With a digest of task, shape and meta-features, from which no row can be
        recovered.
    """
    values = [(name, f"{value:.6g}") for name, value in metafeatures.as_dict().items()]
    content = repr((dataset.task.name, dataset.X.shape, sorted(values)))
    return "table-" + hashlib.sha256(content.encode()).hexdigest()[:12]


def _scores(dataset, scoring, stages, evaluation):
    """Return mean and standard error in every metric that the predictions allow."""
    if evaluation.status is not Status.OK:
        return {}
    own = {}
    if scoring.name in get_scorer_names():
        # A metric without a public name would have no meaning in other searches.
        reported = evaluation.as_reported()
        own[scoring.name] = reported.score, reported.standard_error
    if any(fold.predictions is None for fold in evaluation.folds):
        return own
    folds = [
        fold_scores(
            dataset.task.name,
            dataset.y[stages[fold.stage].validation],
            np.asarray(fold.predictions, dtype=np.float64),
        )
        for fold in evaluation.folds
    ]
    return {**summarize(folds), **own}


def _first_finite(value, otherwise):
    return float(value if np.isfinite(value) else otherwise)
