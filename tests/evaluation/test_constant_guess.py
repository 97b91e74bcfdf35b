"""The constant guess is that of scikit-learn's dummies, and so is its score."""

import numpy as np
import pytest
from scipy.special import entr
from sklearn.metrics import make_scorer, mean_pinball_loss, mean_squared_error

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._loss import loss_of
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)
from sklearn_meta.evaluation._constant_guess import constant_guess
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._scoring import make_scoring
from sklearn_meta.pipelines._schema import Schema


def guess(y, task, scoring=None, weight=None):
    X = np.zeros((len(y), 1))
    dataset = Dataset(X, y, Schema(1), task, sample_weight=weight)
    return constant_guess(EvaluationContext(dataset, (), make_scoring(scoring, task)))


def test_log_loss_is_the_entropy_of_the_classes():
    y = np.repeat([0, 1, 2], [10, 20, 70])
    shares, score = guess(y, ClassificationTask(np.array(["a", "b", "c"])))
    assert shares == pytest.approx((0.1, 0.2, 0.7))
    assert score == pytest.approx(-entr([0.1, 0.2, 0.7]).sum())


def test_weights_count():
    y, weight = np.array([0, 1, 1]), np.array([2.0, 0.5, 0.5])
    shares, score = guess(y, ClassificationTask(np.array([0, 1])), weight=weight)
    assert shares == pytest.approx((2 / 3, 1 / 3))
    assert score == pytest.approx(-entr([2 / 3, 1 / 3]).sum())


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [("accuracy", 0.7), ("balanced_accuracy", 1 / 3), ("roc_auc_ovr", 0.5)],
)
def test_other_metrics_of_classes(scoring, expected):
    y = np.repeat([0, 1, 2], [10, 20, 70])
    _, score = guess(y, ClassificationTask(np.arange(3)), scoring)
    assert score == pytest.approx(expected)


def test_errors_of_numbers(rng):
    y = rng.exponential(size=101)
    mean, score = guess(y, RegressionTask())
    assert mean == pytest.approx((y.mean(),))
    assert score == pytest.approx(-y.std())
    median, score = guess(y, RegressionTask(), "neg_mean_absolute_error")
    assert median == pytest.approx((np.median(y),))
    assert score == pytest.approx(-np.abs(y - np.median(y)).mean())
    assert guess(y, RegressionTask(), "r2")[1] == pytest.approx(0)


def test_quantiles(rng):
    y = rng.exponential(size=101)
    scoring = make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)
    quantile, score = guess(y, RegressionTask(loss=loss_of(scoring)), scoring)
    assert quantile == pytest.approx((np.quantile(y, 0.9),))
    # Of a scorer that scikit-learn does not name, the score is not computed.
    assert np.isnan(score)


def test_several_outputs(rng):
    y = rng.normal(size=(50, 2)) * [1, 10]
    means, score = guess(y, RegressionTask(2))
    assert means == pytest.approx(tuple(y.mean(axis=0)))
    assert score == pytest.approx(-y.std(axis=0).mean())
    labels = (y > 0).astype(int)
    shares, score = guess(labels, MultilabelTask(2, labels.dtype))
    assert shares == pytest.approx(tuple(labels.mean(axis=0)))
    p = labels.mean(axis=0)
    assert score == pytest.approx(-(entr(p) + entr(1 - p)).mean())


def test_undefined_scores_and_those_of_users_are_nan(rng):
    y = rng.normal(size=50)
    own = make_scorer(mean_squared_error, greater_is_better=False)
    assert np.isnan(guess(y, RegressionTask(), own)[1])
    y = np.zeros(20, dtype=int)
    assert np.isnan(guess(y, ClassificationTask(np.arange(2)), "roc_auc")[1])


def test_of_very_many_rows_some_are_scored(rng):
    y = rng.integers(0, 2, size=100_000)
    shares, score = guess(y, ClassificationTask(np.arange(2)))
    assert shares[1] == pytest.approx(y.mean())
    assert score == pytest.approx(-np.log(2), abs=1e-3)
