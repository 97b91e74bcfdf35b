"""Fits on all rows at the end."""

import numpy as np

from sklearn_meta.ensemble._refits import mean_iterations
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.pipelines import X


def test_rounds_of_early_stopping_are_averaged():
    folds = tuple(FoldResult(i, 0.0, np.zeros(1), iterations=n) for i, n in
                  enumerate([10, 20, 33]))  # fmt: skip
    evaluation = Evaluation(0, Candidate(X, "c", ""), Status.OK, folds)
    assert mean_iterations(evaluation) == 21
    plain = Evaluation(0, Candidate(X, "c", ""), Status.OK, ())
    assert mean_iterations(plain) is None
