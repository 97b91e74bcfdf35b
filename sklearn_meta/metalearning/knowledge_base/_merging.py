"""Combination of the records of one dataset from two files, in whichever order.

Every function is commutative, associative and idempotent: machines that merge each
other's files, in any order and as often as they like, end with the same records.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from sklearn_meta.evaluation._records import Status


def merged_datasets(first, second):
    """Return one of two descriptions of a dataset: that with more meta-features.

    Parameters
    ----------
    first, second : (DatasetRecord, str)
        Records of one dataset and their sources.

    Returns
    -------
    description : (DatasetRecord, str)
    """
    return max(first, second, key=_completeness)


def _completeness(description):
    dataset, source = description
    values = dataset.metafeatures.values()
    content = replace(dataset, metafeatures=dict(sorted(dataset.metafeatures.items())))
    return sum(map(math.isfinite, values)), repr(content), source


def merged_evaluations(first, second):
    """Return the evaluations on one dataset that are in either of two lists.

    Parameters
    ----------
    first, second : list of EvaluationRecord

    Returns
    -------
    evaluations : list of EvaluationRecord
        One for each pipeline, those of `first` before others.
    """
    merged = {evaluation.pipeline: evaluation for evaluation in first}
    for other in second:
        known = merged.get(other.pipeline)
        merged[other.pipeline] = other if known is None else _merged(known, other)
    return list(merged.values())


def _merged(first, second):
    """Merge two evaluations of one pipeline: scores on more rows are kept."""
    if _rank(first) != _rank(second):
        return max(first, second, key=_rank)
    scores = dict(first.scores)
    for metric, score in second.scores.items():
        scores[metric] = max(scores.get(metric, score), score, key=_certainty)
    # Machines differ; the seconds of the slower one are safe on both.
    return replace(
        first,
        scores=scores,
        fit_seconds=float(np.fmax(first.fit_seconds, second.fit_seconds)),
        predict_seconds=float(np.fmax(first.predict_seconds, second.predict_seconds)),
    )


def _rank(evaluation):
    return evaluation.status == Status.OK, evaluation.n_rows, evaluation.status


def _certainty(score):
    """Order scores: the smaller standard error first, then the smaller score."""
    mean, standard_error = score
    known = math.isfinite(standard_error)
    return known, -standard_error if known else 0.0, -mean
