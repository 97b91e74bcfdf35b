"""What a run has learned, in the form in which a knowledge base keeps it."""

from __future__ import annotations

import hashlib

import numpy as np
from sklearn.metrics import get_scorer_names

from sklearn_meta._warnings import warn
from sklearn_meta.building._metrics import fold_scores, summarize
from sklearn_meta.evaluation._records import GIVEN_UP, Status
from sklearn_meta.metalearning import KnowledgeBase, KnowledgeBaseError
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)
from sklearn_meta.metalearning.metafeatures import describe

# A candidate that was not started, or was given up, has no score that could be
# compared with others on the same folds.
WITHOUT_RESULT = (Status.SKIPPED, *GIVEN_UP)


def learned(context, history, metafeatures):
    """Return the records of a run.

    Parameters
    ----------
    context : EvaluationContext
    history : iterable of Evaluation
        With the predictions of their folds, as far as they were kept.
    metafeatures : MetaFeatures

    Returns
    -------
    dataset : DatasetRecord
        Numbers that describe the table; no row, no name of a column, no label.
    evaluations : list of EvaluationRecord
    """
    dataset = context.dataset
    name = fingerprint(dataset, metafeatures)
    record = DatasetRecord(
        name=name,
        task=dataset.task.name,
        family=name,
        n_samples=dataset.n_samples,
        n_features=dataset.n_features,
        n_classes=dataset.task.n_classes if dataset.task.is_classifier else 0,
        metafeatures=metafeatures.as_dict(),
    )
    evaluations = [
        EvaluationRecord(
            pipeline=evaluation.candidate.text,
            status=str(evaluation.status),
            scores=_scores(context, evaluation),
            fit_seconds=_finite(evaluation.fit_seconds, evaluation.seconds),
            predict_seconds=_finite(evaluation.predict_seconds, np.nan),
            n_rows=dataset.n_samples,
        )
        for evaluation in history
        if evaluation.status not in WITHOUT_RESULT
    ]
    return record, evaluations


def fingerprint(dataset, metafeatures) -> str:
    """Return a name that is the same whenever the same table is fitted.

    A digest of its shape and of its meta-features, which tells nothing of the rows.
    """
    values = [(name, f"{value:.6g}") for name, value in metafeatures.as_dict().items()]
    content = repr((dataset.task.name, dataset.X.shape, sorted(values)))
    return "table-" + hashlib.sha256(content.encode()).hexdigest()[:12]


def _scores(context, evaluation):
    """Mean and standard error in every metric that the predictions allow."""
    if evaluation.status is not Status.OK:
        return {}
    dataset, name = context.dataset, context.scoring.name
    own = {}
    if name in get_scorer_names():
        # A metric without a public name would mean nothing to anyone else.
        own[name] = evaluation.score, evaluation.standard_error
    if any(fold.predictions is None for fold in evaluation.folds):
        return own
    folds = [
        fold_scores(
            dataset.task.name,
            dataset.y[context.stages[fold.stage].validation],
            np.asarray(fold.predictions, dtype=np.float64),
        )
        for fold in evaluation.folds
    ]
    return {**summarize(folds), **own}


def _finite(value, otherwise):
    return float(value if np.isfinite(value) else otherwise)


def metafeatures_of(dataset, prior):
    """Return the meta-features of a table, those of its recall if it has any.

    Parameters
    ----------
    dataset : Dataset
    prior : Prior

    Returns
    -------
    metafeatures : MetaFeatures or None
        None for several outputs: what is known of datasets is about one.
    """
    if dataset.task.n_outputs > 1:
        return None
    if prior.metafeatures is not None:
        return prior.metafeatures
    return describe(dataset)


def add_to_knowledge_base(path, context, history, metafeatures):
    """Add the evaluations of a run to a knowledge base of the user's own.

    A file that cannot be written any more costs a warning, not the model.

    Parameters
    ----------
    path : path-like
    context : EvaluationContext
    history : iterable of Evaluation
    metafeatures : MetaFeatures
        See `metafeatures_of`.
    """
    try:
        KnowledgeBase(path).add(*learned(context, history, metafeatures))
    except KnowledgeBaseError as error:
        warn(f"The evaluations were not added to the knowledge base: {error}")
