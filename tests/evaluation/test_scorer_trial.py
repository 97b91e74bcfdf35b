"""Scorers are tried before the search, and only what always fails is refused."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, fbeta_score, log_loss, make_scorer, roc_auc_score

from sklearn_meta._sklearn_compat import InvalidParameterError
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import ClassificationTask, MultilabelTask, RegressionTask
from sklearn_meta.evaluation import _scorer_trial
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._scorer_trial import (
    TRIAL_ROWS,
    check_pickles,
    is_defined,
    trial_predictions,
    try_scorer,
)
from sklearn_meta.evaluation._scoring import make_scoring
from sklearn_meta.pipelines import Catalog, Operator, Schema

N = 90


def context_of(scoring, y, task):
    dataset = Dataset(np.zeros((len(y), 1)), y, Schema(1), task)
    return EvaluationContext(dataset, (), make_scoring(scoring, task))


def classes(scoring, labels=("no", "yes"), n=N):
    task = ClassificationTask(np.array(labels))
    return context_of(scoring, np.arange(n) % len(labels), task)


def targets(scoring, n=N):
    y = np.random.default_rng(0).normal(size=n)
    return context_of(scoring, y, RegressionTask())


def labels(scoring):
    Y = np.random.default_rng(0).integers(2, size=(N, 3))
    return context_of(scoring, Y, MultilabelTask(3, Y.dtype))


def several_targets(scoring):
    y = np.random.default_rng(0).normal(size=(N, 2))
    return context_of(scoring, y, RegressionTask(2))


def raises(*args):
    raise KeyError("no such column")


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (classes("f1"), r"'f1'.*make_scorer\(f1_score, pos_label='yes'\)"),
        (classes("neg_brier_score"), "pos_label='yes'"),
        (
            classes(make_scorer(fbeta_score, beta=2)),
            r"make_scorer\(fbeta_score, pos_label='yes'\)",
        ),
        (classes("f1", (0, 1, 2)), "'f1'.*scoring='f1_macro'"),
        (classes("roc_auc", (0, 1, 2)), "scoring='roc_auc_ovr'"),
        (targets("neg_mean_squared_log_error"), "'neg_root_mean_squared_error'"),
        (targets("neg_mean_poisson_deviance"), "transform the target"),
        (classes(raises), "KeyError: 'no such column'"),
        (classes(lambda *args: None), "must return a number.*NoneType"),
        (classes(lambda *args: {"score": 1.0}), "must return a number.*dict"),
        (classes(lambda *args: np.nan), "The score is nan"),
        (classes(lambda estimator, X: 1.0), "2 positional arguments"),
        (labels("f1"), "several outputs, such as 'f1_micro'"),
        (labels("neg_log_loss"), "must be a metric of several labels"),
        (several_targets("neg_max_error"), "several outputs, such as 'r2'"),
    ],
    ids=range(15),
)
def test_what_a_scorer_cannot_do_is_told_with_the_way_out(context, words):
    with pytest.raises(InvalidParameterError, match=f"The 'scoring' .*{words}"):
        try_scorer(context)


@pytest.mark.parametrize(
    ("scoring", "task", "words"),
    [
        ("roc_auc", RegressionTask(), "'roc_auc', which asks for decision_function or"),
        (
            make_scorer(log_loss, response_method="decision_function"),
            MultilabelTask(2, np.dtype(int)),
            "by predict or predict_proba .*asks for decision_function",
        ),
    ],
)
def test_a_method_that_the_estimator_does_not_have_is_told(scoring, task, words):
    with pytest.raises(InvalidParameterError, match=words):
        make_scoring(scoring, task)


def correlation(estimator, X, y):
    return spearmanr(estimator.predict(X), y).statistic


def only_perfect(estimator, X, y):
    predicted = estimator.predict(X)
    assert len(set(predicted)) == 1 or (predicted == y).all()
    return 1.0 / len(set(predicted))


def only_constant(estimator, X, y):
    assert len(set(estimator.predict(X))) == 1
    return 0.0


@pytest.mark.parametrize(
    "context",
    [
        classes(make_scorer(f1_score, pos_label="no")),
        classes("roc_auc"),
        classes("balanced_accuracy", (0, 1, 2)),
        classes(only_perfect),
        classes(only_constant),
        targets(correlation),
        targets("r2"),
        labels("roc_auc"),
        several_targets("neg_mean_squared_error"),
        several_targets("r2"),
    ],
    ids=range(10),
)
def test_a_scorer_that_can_be_computed_for_some_predictions_is_accepted(context):
    assert try_scorer(context) >= 0


def test_rows_that_a_part_of_the_table_lacks_are_no_fault():
    def rare(estimator, X, y):
        return 1 / np.sum(y == 7.0)

    n = 3 * TRIAL_ROWS
    y = np.zeros(n)
    y[-1] = 7.0
    assert try_scorer(context_of(rare, y, RegressionTask())) >= 0


def test_metrics_that_are_built_in_are_not_tried():
    assert try_scorer(classes(None)) == 0
    assert try_scorer(targets("neg_mean_absolute_error")) == 0


def test_the_trial_passes_weights_and_metadata():
    seen = []

    def weighted(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight)
        return 0.5

    context = classes(make_scorer(weighted))
    weight = np.arange(N) + 0.5
    try_scorer(replace(context, dataset=replace(context.dataset, sample_weight=weight)))
    np.testing.assert_array_equal(seen[0], weight)


def test_kinds_of_predictions():
    task = ClassificationTask(np.array(["a", "b", "c"]))
    y = np.arange(N) % 3
    mostly, perfect, _, constant = trial_predictions(y, task)
    np.testing.assert_array_equal(mostly.argmax(axis=1), y)
    assert mostly.sum(axis=1) == pytest.approx(1) and (mostly > 0).all()
    np.testing.assert_array_equal(perfect, np.eye(3)[y])
    assert np.ptp(constant, axis=0) == pytest.approx(0)
    positive = np.random.default_rng(0).exponential(size=N)
    for predictions in trial_predictions(positive, RegressionTask()):
        assert predictions.min() > 0


def test_folds_on_which_nothing_is_defined():
    context = classes(
        make_scorer(
            roc_auc_score, response_method="predict_proba", labels=["no", "yes"]
        )
    )
    assert is_defined(context, np.arange(4))
    mean_recall = classes(
        lambda estimator, X, y: 1 / np.sum(y == "no") + 1 / np.sum(y == "yes")
    )
    assert is_defined(mean_recall, np.arange(4))
    with np.errstate(divide="ignore"):
        assert not is_defined(mean_recall, np.arange(0, N, 2))


class Locked:
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, estimator, X, y):
        return 0.0


def test_a_scorer_that_cannot_be_sent_to_workers_is_told():
    check_pickles(classes(lambda *args: 0.0))
    match = "'scoring' parameter .* can be pickled.*lock"
    with pytest.raises(InvalidParameterError, match=match):
        check_pickles(classes(Locked()))


def test_whatever_else_cannot_be_sent_to_workers_is_told():
    context = classes(lambda *args: 0.0)
    lock = threading.Lock()

    def check(**changes):
        check_pickles(replace(context, **changes))

    def build(params, context, lock=lock):
        return None

    mine = Operator("mine", "learner", "m.Mine", ("classification",), build=build)
    with pytest.raises(
        InvalidParameterError, match="'search_space' .*the operator 'mine', .*lock"
    ):
        check(catalog=Catalog([mine], "classification"))
    dataset = replace(context.dataset, metadata={"prices": [lock] * N})
    with pytest.raises(InvalidParameterError, match="'prices' .*a list, .*lock"):
        check(dataset=dataset)
    with pytest.raises(InvalidParameterError, match=f"'X' .* with {N} rows, .*lock"):
        check(given=lock)


def test_a_scorer_that_takes_long_to_fail_is_not_tried_on_everything(monkeypatch):
    clock, calls = [0.0], []
    fake = SimpleNamespace(perf_counter=lambda: clock[0])
    monkeypatch.setattr(_scorer_trial, "time", fake)

    def slow(estimator, X, y):
        calls.append(len(y))
        clock[0] += 3.0
        raise KeyError

    context = classes(slow, n=2 * TRIAL_ROWS)
    with pytest.raises(InvalidParameterError, match="KeyError"):
        try_scorer(context)
    assert calls == [TRIAL_ROWS] * 2
    calls.clear()
    assert not is_defined(context, np.arange(30))
    assert calls == [30]
