"""Records know their means and standard errors."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from sklearn_meta.evaluation._records import (
    GIVEN_UP,
    INITIAL,
    STATUS_OF_FAILURE,
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.pipelines._tree import X
from tests.evaluation.records import evaluation


def test_score_and_standard_error_are_those_of_the_folds():
    scored = evaluation(0, [1.0, 2.0, 6.0])
    assert scored.scores == (1.0, 2.0, 6.0)
    assert scored.score == 3.0
    assert scored.standard_error == pytest.approx(np.sqrt(7.0) / np.sqrt(3))
    assert (scored.fit_seconds, scored.predict_seconds) == (1.0, 0.5)


def test_without_a_fold_the_score_is_the_worst_and_the_seconds_unknown():
    empty = evaluation(0)
    assert empty.score == -np.inf
    assert np.isnan([empty.fit_seconds, empty.predict_seconds]).all()
    assert np.isnan(empty.standard_error)


def test_one_fold_has_no_standard_error():
    one = evaluation(0, [0.5])
    assert one.score == 0.5 and np.isnan(one.standard_error)


def test_the_remembered_score_is_no_part_of_the_record():
    first, second = evaluation(0, [1.0]), evaluation(0, [1.0])
    assert first.score == 1.0 and first == second
    assert pickle.loads(pickle.dumps(first)) == second


def test_predictions_and_models_do_not_distinguish_results():
    first, second = evaluation(0, [1.0]), evaluation(0, [1.0])
    second.folds[0].predictions[0] = 7
    assert first == second
    assert "predictions" not in repr(first) and "model" not in repr(first)


def test_pipelines_of_the_user_are_known_by_their_origin():
    assert Candidate(X, "X", INITIAL).is_initial
    assert not Candidate(X, "X", "portfolio").is_initial


def test_every_failure_of_a_pool_has_a_status():
    assert set(STATUS_OF_FAILURE) == {"raised", "timeout", "memory", "crashed"}
    assert len(set(STATUS_OF_FAILURE.values())) == 4
    assert not set(GIVEN_UP) & {Status.OK, *STATUS_OF_FAILURE.values()}
    assert str(Status.OK) == "ok"


def test_folds_on_which_the_metric_is_undefined_do_not_count():
    scored = evaluation(0, [1.0, np.nan, 3.0])
    assert scored.score == 2.0 and scored.defined_scores == [1.0, 3.0]
    assert scored.standard_error == pytest.approx(1.0)


def test_the_pooled_score_stands_in_where_no_fold_has_one():
    one = evaluation(0, [np.nan, np.nan])
    assert one.score == -np.inf and one.defined_scores == []
    pooled = replace(one, folds=(one.folds[0], replace(one.folds[1], pooled_score=0.7)))
    assert pooled.score == 0.7 and np.isnan(pooled.standard_error)


def test_what_is_reported_are_the_scores_by_the_metric_of_the_user():
    folds = (
        FoldResult(1, -0.3, None, reported=0.5),
        FoldResult(2, -0.5, None, reported=0.7),
    )
    compared = Evaluation(0, Candidate(X, "X", ""), Status.OK, folds)
    assert compared.score == pytest.approx(-0.4)
    reported = compared.as_reported()
    assert reported.scores == (0.5, 0.7) and reported.score == pytest.approx(0.6)
    assert reported.as_reported() == reported
    same = evaluation(0, (0.1, 0.2))
    assert same.as_reported() == same
