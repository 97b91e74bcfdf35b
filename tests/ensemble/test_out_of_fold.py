"""Out-of-fold predictions are put together row by row."""

from dataclasses import replace

import numpy as np
import pytest

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.ensemble._out_of_fold import out_of_fold
from sklearn_meta.evaluation._cross_validation import make_folds, make_stages
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.pipelines import Schema, X

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


def test_repeated_folds_are_averaged_for_each_row(context):
    history = History()
    add(history, context, 0.0)
    oof = out_of_fold(history, context)
    assert len(context.stages) == 10  # five folds, twice
    which = np.zeros((2, N))
    for i, stage in enumerate(context.stages):
        which[i // 5, stage.validation] = i
    np.testing.assert_array_equal(oof.rows, np.arange(N))
    np.testing.assert_allclose(
        oof.predictions[0], context.dataset.y + which.mean(axis=0)
    )


def test_folds_of_the_comparison_are_disjoint_and_cover_all_rows(context):
    history = History()
    add(history, context, 0.0)
    folds = out_of_fold(history, context).folds
    assert sorted(np.concatenate(folds)) == list(range(N))


def test_finished_candidates_alone_are_combined(context):
    history = History()
    add(history, context, 0.0)
    add(history, context, 1.0, n_folds=3, status=Status.PRUNED)
    assert [e.number for e in out_of_fold(history, context).evaluations] == [0]


def test_without_a_finished_candidate_those_with_the_most_folds_are(context):
    history = History()
    add(history, context, 0.0, n_folds=2, status=Status.TIMEOUT)
    add(history, context, 1.0, n_folds=3, status=Status.TIMEOUT)
    add(history, context, 2.0, n_folds=3, status=Status.TIMEOUT)
    oof = out_of_fold(history, context)
    assert [e.number for e in oof.evaluations] == [1, 2]
    expected = np.sort(np.concatenate([s.validation for s in context.stages[:3]]))
    np.testing.assert_array_equal(oof.rows, expected)


def test_no_fold_at_all(context):
    assert out_of_fold(History(), context) is None


def test_scores_of_the_folds_are_known_unless_they_are_repeated(context):
    history = History()
    add(history, context, 0.0)
    assert out_of_fold(history, context).scores is None
    once = replace(context, stages=context.stages[:5])
    history = History()
    add(history, once, 0.0)
    add(history, once, 1.0)
    np.testing.assert_array_equal(
        out_of_fold(history, once).scores, np.full((2, 5), -1.0)
    )


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMEOUT])
def test_candidates_that_could_not_be_scored_are_left_out(context, status):
    history = History()
    add(history, context, 0.0, 4, status)
    scored = history[0]
    assert out_of_fold([scored], context).evaluations == (scored,)
    undefined = replace(
        scored, folds=tuple(replace(f, score=np.nan) for f in scored.folds)
    )
    assert out_of_fold([undefined], context) is None


def test_repetitions_are_told_apart(context):
    history = History()
    add(history, context, 0.0)
    oof = out_of_fold(history, context)
    y, ((first, second),) = context.dataset.y, oof.repeats
    np.testing.assert_array_equal(first - y, oof.numbers[0])
    np.testing.assert_array_equal(second - y, oof.numbers[1])
    np.testing.assert_array_equal(np.unique(oof.numbers[1]), range(5, 10))
    assert oof.fold_scores.shape == (1, 5)
    # Two folds of the second repetition are missing.
    part = replace(context, stages=context.stages[:8])
    history = History()
    add(history, part, 0.0)
    oof = out_of_fold(history, part)
    assert oof.repeats == () and oof.numbers.shape == (1, N)
    for number, fold in enumerate(oof.folds):
        assert (oof.numbers[0, fold] == number).all()
