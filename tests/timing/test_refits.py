"""Seconds of fits on all rows, predicted from those of the folds."""

import numpy as np
import pytest

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.evaluation._cross_validation import Stage, make_folds, make_stages
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.pipelines import Schema, X
from sklearn_meta.timing._refits import refit_seconds, rows_in_time

N = 30


@pytest.fixture
def context():
    y = np.arange(N, dtype=float)
    data = Dataset(np.zeros((N, 1)), y, Schema(1), RegressionTask())
    stages = make_stages(data, make_folds(data, None, 0), 0)
    return EvaluationContext(data, stages)


def add(history, context, offset, n_folds=None, status=Status.OK):
    """Add a candidate that predicts y + offset + the number of the fold."""
    stages = context.stages[:n_folds]
    folds = tuple(
        FoldResult(i, -1.0, context.dataset.y[s.validation] + offset + i, 0.5)
        for i, s in enumerate(stages)
    )
    number = len(history)
    candidate = Candidate(X, f"c{number}", "test")
    history.add(Evaluation(number, candidate, status, folds))


def test_refit_is_predicted_from_the_folds(context):
    history = History()
    add(history, context, 0.0)
    # 0.5 s on 24 of 30 rows.
    assert refit_seconds(history[0], context) > 0.5 * 30 / 24


def beside_a_holdout(n_train, seconds):
    """Return a context with one holdout, and a candidate that was fitted beside it."""
    y = np.arange(10 * n_train, dtype=float)
    data = Dataset(np.zeros((len(y), 1)), y, Schema(1), RegressionTask())
    stage = Stage(np.arange(n_train), np.arange(n_train, 2 * n_train))
    fold = FoldResult(0, -1.0, y[stage.validation], fit_seconds=seconds)
    evaluation = Evaluation(0, Candidate(X, "c", ""), Status.OK, (fold,))
    return EvaluationContext(data, (stage,)), evaluation


@pytest.mark.parametrize("share", [1.2, 0.9, 0.3, 0.15, 0.101, 0.05])
def test_a_model_of_a_holdout_is_fitted_on_the_rows_that_there_is_time_for(share):
    context, evaluation = beside_a_holdout(n_train=1_000, seconds=2.0)
    n_rows = rows_in_time(
        evaluation, context, share * refit_seconds(evaluation, context)
    )
    if share < 0.13:
        assert n_rows == 0  # hardly more than it had
    else:
        assert n_rows == pytest.approx(min(share, 1) * 10_000, abs=1)


def test_models_of_several_folds_have_seen_all_rows(context):
    history = History()
    add(history, context, 0.0)
    seconds = refit_seconds(history[0], context)
    assert rows_in_time(history[0], context, 0.99 * seconds) == 0
    assert rows_in_time(history[0], context, seconds) == N
