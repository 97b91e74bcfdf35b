"""Names are short, scores that matter are visible, and matplotlib is asked for."""

import sys

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_pinball_loss

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.inspection._plot import (
    check_matplotlib,
    learner_of,
    metric_name,
    names_of,
    number_text,
    score_name_of,
    visible_range,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ridge(splines(standard_scaler(X), n_knots=3), alpha=0.3)", "ridge"),
        ("gradient_boosting(X)", "gradient boosting"),
        ("transformed_target(ridge(X), transformer='asinh')", "ridge"),
        ("calibrated(bagging(svc(pca(X))))", "svc"),
        ("dummy", "dummy"),
    ],
)
def test_a_pipeline_is_called_by_its_learner(text, name):
    assert learner_of(text) == name


def test_names_differ():
    texts = ["ridge(X)", "svr(X)", "ridge(pca(X))"]
    assert names_of(texts, [3, 0, 12]) == ["ridge #3", "svr", "ridge #12"]


@pytest.mark.parametrize(
    ("scoring", "name"),
    [
        ("neg_log_loss", "Negative log loss"),
        ("r2", "R²"),
        ("roc_auc_ovr", "ROC AUC ovr"),
        ("f1_macro", "F1 macro"),
        (make_scorer(mean_pinball_loss, greater_is_better=False),
         "Negative mean pinball loss"),
        (lambda estimator, X, y: 0.0, "Score"),
    ],
)  # fmt: skip
def test_metrics_in_words(scoring, name):
    assert metric_name(scoring) == name


def test_the_default_metric_is_that_of_the_task():
    clf = MetaAutoClassifier()
    clf.classes_ = np.array([0, 1])
    assert score_name_of(clf) == "Negative log loss"
    clf.classes_ = [np.array([0, 1])] * 2
    assert score_name_of(clf) == "Negative log loss of the labels"
    assert score_name_of(MetaAutoRegressor()) == "Negative root mean squared error"
    assert score_name_of(MetaAutoRegressor(scoring="r2")) == "R²"


def test_one_bad_score_does_not_hide_the_others():
    low, high = visible_range([0.9, 0.8, 0.85, -1e9, np.nan])
    assert 0.6 < low < 0.8 and 0.9 < high < 1.0
    low, high = visible_range([0.9, 0.8, 0.85], within=[0.5, np.nan])
    assert low < 0.5


@pytest.mark.parametrize("scores", [[], [0.0], [-2.0, -2.0], [np.nan]])
def test_a_range_is_never_empty(scores):
    low, high = visible_range(scores)
    assert low < high


def test_numbers_have_a_minus_sign():
    assert number_text(-53.41999) == "\N{MINUS SIGN}53.42"


def test_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"Some needs .*sklearn-meta\[plot\]"):
        check_matplotlib(type("Some", (), {}))
