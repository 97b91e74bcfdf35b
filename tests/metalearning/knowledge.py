"""Records of small pieces of knowledge."""

import math
from dataclasses import replace

from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)


def dataset(name="iris", task="classification", **changes):
    record = DatasetRecord(
        name=name,
        task=task,
        family=name.partition("_")[0],
        n_samples=150,
        n_features=4,
        n_classes=3 if task == "classification" else 0,
        metafeatures={"skew": 0.1, "kurtosis": math.nan},
    )
    return replace(record, **changes)


def evaluation(pipeline="lda(X)", **changes):
    record = EvaluationRecord(
        pipeline=pipeline,
        scores={"accuracy": (0.9, 0.01), "neg_log_loss": (-0.2, 0.02)},
        fit_seconds=0.25,
        predict_seconds=0.001,
        n_rows=150,
    )
    return replace(record, **changes)


def failure(pipeline="lda(X)", **changes):
    return evaluation(pipeline, **{"status": Status.TIMEOUT, "scores": {}, **changes})


def same(a, b):
    """Whether two lists of records are equal, where NaN equals NaN."""
    return repr(a) == repr(b)
