"""Scores of folds against scikit-learn, and related metrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.metrics import get_scorer_names

from sklearn_meta.metalearning.knowledge_base._metrics import (
    RELATED_METRICS,
    STORED_METRICS,
    fold_scores,
    related_metric,
    summarize,
)

TASKS = sorted(STORED_METRICS)


@pytest.mark.parametrize("task", TASKS)
def test_metrics_are_names_of_scorers(task):
    related = RELATED_METRICS[task]
    assert set(related) | set(STORED_METRICS[task]) <= set(get_scorer_names())
    for name, nearest in related.items():
        assert sorted(nearest) == sorted(STORED_METRICS[task])
        if name in STORED_METRICS[task]:
            assert nearest[0] == name


def test_every_scorer_for_predictions_has_a_relative():
    clusterings = {
        name
        for name in get_scorer_names()
        if name.endswith(("rand_score", "mutual_info_score", "mallows_score"))
        or name in ("completeness_score", "homogeneity_score", "v_measure_score")
    }
    known = set().union(*RELATED_METRICS.values())
    assert set(get_scorer_names()) - clusterings <= known


@pytest.mark.parametrize(
    ("name", "task", "expected"),
    [
        ("accuracy", "classification", "accuracy"),
        ("f1_macro", "classification", "balanced_accuracy"),
        ("f1_micro", "classification", "accuracy"),
        ("average_precision", "classification", "roc_auc"),
        ("roc_auc_ovr_weighted", "classification", "roc_auc"),
        ("neg_brier_score", "classification", "neg_log_loss"),
        ("neg_mean_squared_error", "regression", "neg_root_mean_squared_error"),
        ("neg_median_absolute_error", "regression", "neg_mean_absolute_error"),
        ("explained_variance", "regression", "r2"),
        ("unheard_of", "regression", "neg_root_mean_squared_error"),
        (None, "classification", "neg_log_loss"),
        (lambda estimator, X, y: 0.0, "regression", "neg_root_mean_squared_error"),
    ],
)
def test_other_metrics_fall_back_to_a_related_one(name, task, expected):
    assert related_metric(name, task, STORED_METRICS[task]) == expected
    assert related_metric(name, task, ()) == expected


def test_fallback_takes_what_there_is():
    assert related_metric("f1_macro", "classification", ["accuracy"]) == "accuracy"
    assert related_metric("f1_macro", "classification", ["own"]) == "own"
    assert related_metric("own", "classification", ["own", "accuracy"]) == "own"


CLASSIFICATION, REGRESSION = "classification", "regression"


@given(st.integers(2, 5), st.integers(1, 6), st.integers(0, 2**31 - 1))
@settings(deadline=None)
def test_classification_scores_are_those_of_scikit_learn(n_classes, decimals, seed):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=25)])
    # Rounded, so that there are ties.
    p = rng.dirichlet(np.ones(n_classes), size=len(y)).round(decimals) + 0.01
    p /= p.sum(axis=1, keepdims=True)
    scores = fold_scores(CLASSIFICATION, y, p)
    if n_classes == 2:
        auc = sk.roc_auc_score(y, p[:, 1])
    else:
        auc = sk.roc_auc_score(y, p, multi_class="ovr", average="weighted")
    expected = {
        "neg_log_loss": -sk.log_loss(y, p),
        "roc_auc": auc,
        "balanced_accuracy": sk.balanced_accuracy_score(y, p.argmax(axis=1)),
        "accuracy": sk.accuracy_score(y, p.argmax(axis=1)),
    }
    assert scores == pytest.approx(expected, rel=1e-10)
    assert tuple(scores) == STORED_METRICS[CLASSIFICATION]


@given(st.integers(2, 30), st.integers(0, 2**31 - 1))
@settings(deadline=None)
def test_regression_scores_are_those_of_scikit_learn(n, seed):
    rng = np.random.default_rng(seed)
    y, predicted = rng.normal(3.0, 10.0, size=(2, n))
    expected = {
        "neg_root_mean_squared_error": -sk.root_mean_squared_error(y, predicted),
        "neg_mean_absolute_error": -sk.mean_absolute_error(y, predicted),
        "r2": sk.r2_score(y, predicted),
    }
    scores = fold_scores(REGRESSION, y, predicted)
    assert scores == pytest.approx(expected, rel=1e-10)
    assert tuple(scores) == STORED_METRICS[REGRESSION]


@pytest.mark.parametrize("predicted", [[2.0, 2.0], [1.0, 3.0]])
def test_r2_of_a_constant_target_is_that_of_scikit_learn(predicted):
    y = np.array([2.0, 2.0])
    scores = fold_scores(REGRESSION, y, np.array(predicted))
    assert scores["r2"] == sk.r2_score(y, predicted)


def test_class_that_a_fold_lacks_has_no_weight():
    y = np.array([0, 0, 2, 2, 0])
    p = np.array([[7, 1, 2], [5, 1, 4], [2, 2, 6], [6, 1, 3], [4, 5, 1]]) / 10
    areas = [sk.roc_auc_score(y == c, p[:, c]) for c in (0, 2)]
    scores = fold_scores(CLASSIFICATION, y, p)
    assert scores["roc_auc"] == pytest.approx(np.average(areas, weights=[3, 2]))
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_area_of_one_class_is_not_defined():
    y = np.zeros(4, dtype=int)
    for n_classes in (2, 3):
        p = np.full((4, n_classes), 1 / n_classes)
        assert np.isnan(fold_scores(CLASSIFICATION, y, p)["roc_auc"])


def test_summary_passes_over_what_is_not_defined():
    folds = [{"a": 1.0, "b": np.nan}, {"a": 2.0, "b": np.nan}, {"a": 6.0, "b": np.nan}]
    summary = summarize(folds)
    assert summary == {"a": (3.0, pytest.approx(np.sqrt(7 / 3)))}
    mean, error = summarize([{"a": 1.0}, {"a": np.nan}])["a"]
    assert mean == 1.0 and np.isnan(error)
