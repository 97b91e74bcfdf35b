"""The history keeps what may still be needed, and knows what to beat."""

import numpy as np
import pytest

from sklearn_meta.evaluation import _history
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.pipelines._tree import X


def evaluation(number, scores, status=Status.OK, screening=None, model=None, size=4):
    folds = tuple(
        FoldResult(i, s, np.zeros(size, np.float32), model=model)
        for i, s in enumerate(scores)
    )
    screened = () if screening is None else (FoldResult(0, screening, np.zeros(size)),)
    candidate = Candidate(X, f"c{number}", "test")
    return Evaluation(number, candidate, status, folds, screened)


def test_best_is_the_finished_one_with_the_highest_mean():
    history = History()
    history.add(evaluation(0, [0.1, 0.3]))
    history.add(evaluation(1, [0.9], Status.PRUNED))
    history.add(evaluation(2, [0.4, 0.2]))
    history.add(evaluation(3, [0.3, 0.3]))
    assert history.best().number == 2
    assert history.racing_rule().floor == pytest.approx(0.2)
    assert history.racing_rule().best_scores == (0.4, 0.2)


def test_screening_floor_is_the_best_third():
    history = History()
    for i, score in enumerate([0.1, 0.2]):
        history.add(evaluation(i, [], Status.PRUNED, screening=score))
    assert history.racing_rule().screening_floor == -np.inf
    for i, score in enumerate([0.3, 0.4, 0.5, 0.6, 0.7]):
        history.add(evaluation(2 + i, [], Status.PRUNED, screening=score))
    assert history.racing_rule().screening_floor == pytest.approx(0.5)


def test_a_gain_within_the_noise_is_no_gain():
    history = History()
    assert history.evaluations_since_gain() == 0
    history.add(evaluation(0, [0.0, 1.0]))
    history.add(evaluation(1, [0.001, 1.001]))
    history.add(evaluation(2, [], Status.FAILED))
    history.add(evaluation(2, [], Status.SKIPPED))
    assert history.evaluations_since_gain() == 2
    history.add(evaluation(3, [0.3, 1.3]))
    assert history.evaluations_since_gain() == 0


def test_fold_models_of_the_best_few_only():
    history = History()
    for i in range(30):
        history.add(evaluation(i, [i / 30] * 2, model=b"model"))
    kept = [e.number for e in history if e.folds[0].model is not None]
    assert kept == list(range(30))[-_history.MAX_CANDIDATES_WITH_MODELS :]


def test_predictions_of_the_worst_go_first(monkeypatch):
    monkeypatch.setattr(_history, "MAX_PREDICTION_BYTES", 5 * 2 * 16)
    history = History()
    for i in [3, 1, 4, 0, 5, 2, 6]:
        history.add(evaluation(i, [i / 10] * 2))
    kept = sorted(e.number for e in history if _history.has_predictions(e))
    assert kept == [2, 3, 4, 5, 6]
    # Scores stay.
    assert all(len(e.scores) == 2 for e in history)


def test_predictions_of_lost_races_are_dropped_once_one_has_finished():
    history = History()
    history.add(evaluation(0, [0.5], Status.TIMEOUT))
    assert _history.has_predictions(history[0])
    history.add(evaluation(1, [0.5, 0.5]))
    assert not _history.has_predictions(history[0])
    assert _history.has_predictions(history[1])


def test_the_racing_rule_leaves_out_scores_that_are_undefined():
    history = History()
    history.add(evaluation(0, [np.nan, 0.4, 0.6]))
    assert history.racing_rule().floor == 0.4
    for i, score in enumerate((np.nan, 0.1, 0.2, 0.3), 1):
        history.add(evaluation(i, [0.1], screening=score))
    assert np.isfinite(history.racing_rule().screening_floor)
