"""Candidates that predict what another one predicts."""

import numpy as np
import pytest

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.data._target_scale import TargetScale
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._duplicates import (
    DUPLICATE_SHARE,
    MIN_ROWS,
    N_VALUES,
    PredictionIndex,
    compared_values,
)
from sklearn_meta.evaluation._history import (
    MAX_COMPARED,
    SHARE_OF_A_DUPLICATE,
    History,
    new_history,
)
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.pipelines._tree import X
from sklearn_meta.search import EvolutionarySearch


@pytest.fixture
def predictions():
    return np.random.default_rng(0).normal(3, 2, size=(4, 500)).astype(np.float32)


def evaluation(number, score, predictions, status=Status.OK):
    fold = FoldResult(0, score, predictions)
    return Evaluation(number, Candidate(X, f"c{number}", "test"), status, (fold, fold))


def history_of(predictions):
    history = History()
    for number, p in enumerate(predictions):
        history.add(evaluation(number, -float(number), p))
    return history


def test_who_predicts_the_same_is_found(predictions):
    index = history_of(predictions).racing_rule().prediction_index
    assert index.numbers == (0, 1, 2, 3)
    for number, p in enumerate(predictions):
        noise = np.random.default_rng(1).normal(size=p.shape) * p.std()
        assert index.duplicate_of(p) == number
        assert index.duplicate_of(p + 0.3 * DUPLICATE_SHARE * noise) == number
        assert index.duplicate_of(p + 3 * DUPLICATE_SHARE * noise) is None


def test_predictions_far_from_zero_are_told_apart(predictions):
    far = predictions.astype(np.float64) + 1.7e9
    index = history_of(far).racing_rule().prediction_index
    noise = np.random.default_rng(1).normal(size=500) * far[0].std()
    assert index.duplicate_of(far[0] + 0.3 * DUPLICATE_SHARE * noise) == 0
    assert index.duplicate_of(far[0] + 3 * DUPLICATE_SHARE * noise) is None


def test_outputs_are_compared_in_the_units_of_the_task():
    rng = np.random.default_rng(0)
    y = np.column_stack([1e9 + 1e3 * rng.normal(size=60), rng.normal(size=60)])
    task = RegressionTask(2, TargetScale.of(y))
    history = new_history(Budget(10.0, lambda: 0.0), task)
    history.add(evaluation(0, 0.0, y))
    index = history.racing_rule().prediction_index
    assert index.duplicate_of(task.comparable(y)) == 0
    other = y + np.array([0.0, 0.1])
    assert index.duplicate_of(task.comparable(other)) is None


def test_the_shape_of_predictions_does_not_matter():
    rng = np.random.default_rng(0)
    for shape in [(40, 3), (400, 2, 2), (MIN_ROWS,)]:
        p = rng.random(shape)
        assert len(compared_values(p)) == min(p.size, N_VALUES)
        assert PredictionIndex((7,), compared_values(p)[None]).duplicate_of(p) == 7


def test_constants_are_the_same_only_if_they_are_equal():
    index = PredictionIndex((0,), compared_values(np.full(50, 2.0))[None])
    assert index.duplicate_of(np.full(50, 2.0)) == 0
    assert index.duplicate_of(np.full(50, 2.1)) is None


def test_few_rows_prove_nothing():
    few = np.arange(MIN_ROWS - 1.0)
    assert compared_values(few) is None
    assert (
        history_of([few, few]).racing_rule().prediction_index.duplicate_of(few) is None
    )


def test_nothing_is_known_at_first(predictions):
    assert History().racing_rule().prediction_index.duplicate_of(predictions[0]) is None


def test_only_finished_ones_are_known_and_of_many_the_best(predictions):
    history = History()
    history.add(evaluation(0, 0.0, predictions[0], Status.PRUNED))
    assert history.racing_rule().prediction_index.duplicate_of(predictions[0]) is None
    rng = np.random.default_rng(0)
    for number in range(1, MAX_COMPARED + 20):
        history.add(evaluation(number, float(number), rng.normal(size=20)))
    numbers = history.racing_rule().prediction_index.numbers
    assert len(numbers) == MAX_COMPARED and min(numbers) == 20


def test_duplicates_hardly_use_up_the_patience(predictions):
    history = history_of(predictions[:1])
    for number in range(1, 5):
        duplicate = evaluation(number, 5.0, predictions[0], Status.DUPLICATE)
        history.add(duplicate)
    assert history.evaluations_since_gain() == 4 * SHARE_OF_A_DUPLICATE
    assert history.best().number == 0


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_stops_duplicates_after_one_fold(n_jobs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=120)
    # The prior of the precision is outweighed by the rows.
    texts = ["ard(X)", "ard(X, lambda_1=1e-08)", "ridge(X)", "ard(X, lambda_1=1e-07)"]
    reg = MetaAutoRegressor(
        search_space=SearchSpace(include=["ard", "ridge"]),
        search=EvolutionarySearch(initial_pipelines=texts, look_ahead=1),
        max_evaluations=len(texts),
        n_jobs=n_jobs,
        random_state=0,
    ).fit(X, y)
    results = {
        e.candidate.text: (e.status, len(e.folds), e.reason) for e in reg.history_
    }
    assert results["ard(X)"][0] == results["ridge(X)"][0] == "ok"
    duplicates = [r for r in results.values() if r[0] == "duplicate"]
    assert [r[1:] for r in duplicates] == [(1, "predicts the same as number 0")] * 2
    statuses = reg.leaderboard_["status"]
    assert (statuses[-2:] == "duplicate").all()
