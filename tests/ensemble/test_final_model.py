"""Out-of-fold predictions are put together row by row."""

import pickle

import numpy as np
import pytest

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.ensemble._final_model import build_final_model
from sklearn_meta.ensemble._out_of_fold import out_of_fold
from sklearn_meta.ensemble._refits import mean_iterations
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import Stage, make_folds, make_stages
from sklearn_meta.evaluation._fit_and_score import EvaluationContext, refit_candidate
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.evaluation._scoring import FastScoring
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.pipelines import Node, Schema, X, default_catalog
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


def test_a_fit_on_some_rows_is_one_on_a_sample():
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    data = Dataset(rng.normal(size=(400, 1)), y, Schema(1), RegressionTask())
    context = EvaluationContext(data, (), None, default_catalog("regression"))
    tree = Node("decision_tree", (X,))
    models = [
        pickle.loads(next(refit_candidate(context, tree, "t", None, n)).data)
        for n in (None, 400, 100)
    ]
    n_leaves = [model[-1].get_n_leaves() for model in models]
    assert n_leaves[0] == n_leaves[1] > n_leaves[2]


class StoppedClock:
    """A clock that jumps to the end of the budget."""

    now = 0.0

    def __call__(self):
        return self.now


def test_a_model_is_built_though_the_time_is_over():
    rng = np.random.default_rng(0)
    data = Dataset(
        rng.normal(size=(N, 2)), rng.normal(size=N), Schema(2), RegressionTask()
    )
    stages = make_stages(data, make_folds(data, None, 0), 0)
    context = EvaluationContext(
        data,
        stages,
        FastScoring("neg_mean_squared_error"),
        default_catalog("regression"),
    )
    history = History()
    for name, seconds in [("extra_trees", 5.0), ("ridge", 0.1)]:
        tree = Node(name, (X,))
        folds = tuple(
            FoldResult(i, -1.0, np.zeros(len(s.validation)), seconds)
            for i, s in enumerate(stages)
        )
        history.add(
            Evaluation(len(history), Candidate(tree, name, ""), Status.OK, folds)
        )
    clock = StoppedClock()
    budget = Budget(1.0, clock)
    clock.now = 2.0
    model = build_final_model(
        history,
        context,
        ensemble_size=5,
        pool=InProcessPool(state=context, clock=clock),
        budget=budget,
    )
    assert model.best.evaluation.candidate.text == "ridge"
    assert np.isfinite(model.best.models[0].predict(data.X)).all()


def test_rounds_of_early_stopping_are_averaged():
    folds = tuple(FoldResult(i, 0.0, np.zeros(1), iterations=n) for i, n in
                  enumerate([10, 20, 33]))  # fmt: skip
    evaluation = Evaluation(0, Candidate(X, "c", ""), Status.OK, folds)
    assert mean_iterations(evaluation) == 21
    plain = Evaluation(0, Candidate(X, "c", ""), Status.OK, ())
    assert mean_iterations(plain) is None
