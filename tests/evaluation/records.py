"""Made-up records of evaluations, for the tests that read them."""

import numpy as np

from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.pipelines._tree import X


def evaluation(number=0, scores=(), status=Status.OK, *, seconds=1.0, **changes):
    """An evaluation with these fold scores, each fit taking `seconds`."""
    text = changes.pop("text", f"c{number}")
    origin = changes.pop("origin", "test")
    folds = tuple(
        FoldResult(i, score, np.full(3, score, np.float32), seconds, 0.5)
        for i, score in enumerate(scores)
    )
    return Evaluation(number, Candidate(X, text, origin), status, folds, **changes)
