"""Scores of stored predictions agree with scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import (
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    roc_auc_score,
)

from sklearn_meta.data._task import ClassificationTask, RegressionTask
from sklearn_meta.evaluation._scoring import FastScoring, make_scoring, perfect_score


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def classification(rng, n_classes=3, n=40):
    task = ClassificationTask(np.array(["a", "b", "c", "d"][:n_classes]))
    y = np.arange(n) % n_classes
    p = rng.dirichlet(np.ones(n_classes), size=n)
    return task, y, p


@pytest.mark.parametrize("name", ["neg_log_loss", "accuracy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_fast_classification_metrics_equal_sklearn(name, weighted, rng):
    task, y, p = classification(rng)
    w = rng.uniform(size=len(y)) if weighted else None
    scoring = make_scoring(name, task)
    assert isinstance(scoring, FastScoring)
    expected = get_scorer(name)(
        task.as_estimator(p), np.zeros((len(y), 1)), task.decode(y), sample_weight=w
    )
    assert scoring(p, None, y, w) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "neg_root_mean_squared_error",
        "neg_mean_squared_error",
        "neg_mean_absolute_error",
        "r2",
        "neg_median_absolute_error",
    ],
)
def test_regression_metrics_equal_sklearn(name, rng):
    task = RegressionTask()
    y, p = rng.normal(size=(2, 50))
    w = rng.uniform(size=50)
    expected = get_scorer(name)(
        task.as_estimator(p), np.zeros((50, 1)), y, sample_weight=w
    )
    assert make_scoring(name, task)(p, np.zeros((50, 1)), y, w) == pytest.approx(
        expected
    )


def test_log_loss_of_a_fold_without_one_class_is_defined(rng):
    task, y, p = classification(rng)
    keep = y != 1
    expected = -log_loss(y[keep], p[keep], labels=[0, 1, 2])
    assert make_scoring(None, task)(p[keep], None, y[keep]) == pytest.approx(expected)


def test_named_scorer_sees_original_labels_and_probabilities(rng):
    task, y, p = classification(rng, n_classes=2)
    assert make_scoring("roc_auc", task)(p, np.zeros((40, 1)), y) == pytest.approx(
        roc_auc_score(y, p[:, 1])
    )
    scorer = make_scorer(f1_score, pos_label="a")
    assert make_scoring(scorer, task)(p, np.zeros((40, 1)), y) == pytest.approx(
        f1_score(y, p.argmax(axis=1), pos_label=0)
    )


def test_any_callable_with_the_scorer_signature_works(rng):
    task, y, p = classification(rng)

    def share_of_a(estimator, X, y):
        return np.mean(estimator.predict(X) == "a")

    assert make_scoring(share_of_a, task)(p, np.zeros((40, 1)), y) == pytest.approx(
        np.mean(p.argmax(axis=1) == 0)
    )


def test_unknown_scorer_says_where_to_look():
    with pytest.raises(ValueError, match="get_scorer_names"):
        make_scoring("acuracy", RegressionTask())


def test_a_perfect_prediction_is_beyond_the_perfect_score(rng):
    task, y, _ = classification(rng)
    certain = np.eye(3)[y]
    for name in ["neg_log_loss", "accuracy"]:
        scoring = make_scoring(name, task)
        assert scoring(certain, None, y) >= perfect_score(scoring, y)
    target = rng.normal(size=20)
    for name in ["neg_mean_squared_error", "neg_root_mean_squared_error"]:
        scoring = make_scoring(name, RegressionTask())
        assert scoring(target, None, target) >= perfect_score(scoring, target)
        assert scoring(0.9 * target, None, target) < perfect_score(scoring, target)
