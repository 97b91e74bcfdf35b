"""Scores of stored predictions agree with scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import (
    check_scoring,
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    mean_pinball_loss,
    mean_tweedie_deviance,
    roc_auc_score,
)

from sklearn_meta.data._loss import loss_of
from sklearn_meta.data._task import ClassificationTask, RegressionTask
from sklearn_meta.evaluation._scoring import (
    FastScoring,
    fast_metric,
    make_scoring,
    perfect_score,
)


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


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "scoring",
    [
        "neg_mean_poisson_deviance",
        "neg_mean_gamma_deviance",
        "neg_mean_squared_log_error",
        "neg_root_mean_squared_log_error",
        make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False),
        *(
            make_scorer(mean_tweedie_deviance, power=power, greater_is_better=False)
            for power in (-1, 1, 1.5, 2, 3)
        ),
    ],
    ids=str,
)
def test_fast_metrics_of_losses_equal_sklearn(scoring, weighted, rng):
    y, p = rng.gamma(2.0, size=(2, 50))
    task = RegressionTask(loss=loss_of(scoring))
    w = rng.uniform(size=50) if weighted else None
    here = make_scoring(scoring, task)
    assert here.fast is not None
    expected = check_scoring(task.as_estimator(p), scoring)(
        task.as_estimator(p), np.zeros((50, 1)), y, sample_weight=w
    )
    assert here(p, None, y, w) == pytest.approx(expected)


def test_a_poisson_deviance_of_no_events(rng):
    task = RegressionTask(loss=loss_of("neg_mean_poisson_deviance"))
    y, p = np.array([0.0, 0.0, 2.0]), np.array([0.1, 0.2, 2.0])
    score = make_scoring("neg_mean_poisson_deviance", task)(p, None, y)
    assert score == pytest.approx(-0.2)


@pytest.mark.parametrize(
    "scorer",
    [
        get_scorer("neg_median_absolute_error"),
        get_scorer("d2_absolute_error_score"),
        make_scorer(mean_pinball_loss, greater_is_better=False, multioutput="raw"),
        make_scorer(mean_pinball_loss),
        len,
    ],
    ids=str,
)
def test_other_scorers_are_called(scorer):
    assert fast_metric(scorer) is None
