"""The estimate of the score on new rows, for fits of all kinds."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import get_scorer, roc_auc_score
from sklearn.model_selection import ShuffleSplit, TimeSeriesSplit

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import ClassificationTask
from sklearn_meta.ensemble._estimate_score import fast_roc_auc, fast_score, row_metric
from sklearn_meta.evaluation._scoring import make_scoring
from sklearn_meta.pipelines import Schema
from tests.contract import small


def classifier(**changes):
    # On a busy machine, there would be time for few draws.
    return small.classifier(time_budget=None, **changes)


def regressor(**changes):
    return small.regressor(time_budget=None, **changes)


X = np.random.default_rng(0).normal(size=(90, 3))
TARGET = X[:, 0] + 0.5 * np.random.default_rng(1).normal(size=90)
CLASSES = (TARGET > 0).astype(int)
LABELS = np.column_stack([CLASSES, (X[:, 1] > 0).astype(int)])


@pytest.mark.parametrize(
    "make, y, changes",
    [
        (classifier, CLASSES, {}),
        (classifier, CLASSES, {"ensemble_size": 1}),
        (classifier, CLASSES, {"scoring": "accuracy"}),
        (classifier, CLASSES, {"scoring": "roc_auc"}),
        (classifier, CLASSES, {"scoring": "average_precision", "cv": 4}),
        (classifier, CLASSES, {"scoring": "balanced_accuracy"}),
        (classifier, LABELS, {}),
        (classifier, LABELS, {"scoring": "f1_micro"}),
        (regressor, TARGET, {"cv": None}),
        (regressor, TARGET, {"scoring": "r2"}),
        (regressor, TARGET, {"cv": ShuffleSplit(3, random_state=0)}),
        (regressor, np.column_stack([TARGET, X[:, 1]]), {}),
        (regressor, np.exp(TARGET), {"scoring": "neg_mean_poisson_deviance"}),
    ],
)
def test_every_kind_of_fit_has_an_estimate(make, y, changes):
    model = make(**({"cv": 3} | changes)).fit(X, y)
    low, high = model.honest_interval_
    assert model.honest_note_ == ""
    assert low <= model.honest_score_ <= high
    assert low < high
    scores = [s for e in model.history_ for s in e.scores]
    assert min(scores) - np.ptp(scores) < model.honest_score_


def test_of_pure_noise_the_best_score_is_too_good_and_the_estimate_is_not():
    scores = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        table, y = rng.normal(size=(80, 5)), rng.integers(0, 2, size=80)
        model = classifier(
            max_evaluations=40, scoring="accuracy", search="random", cv=5,
            random_state=seed,
        ).fit(table, y)  # fmt: skip
        scores.append((model.best_score_, model.honest_score_))
        assert model.honest_interval_[0] < 0.5 < model.honest_interval_[1]
    best, honest = np.mean(scores, axis=0)
    assert best > 0.53
    assert 0.4 < honest < best - 0.03


@pytest.mark.parametrize(
    "changes, note",
    [
        ({"cv": TimeSeriesSplit(3)}, "temporal order"),
        ({"search": None}, "search=None"),
    ],
)
def test_fits_without_an_estimate_say_why(changes, note):
    model = regressor(**changes).fit(X, TARGET)
    assert note in model.honest_note_
    assert np.isnan(model.honest_score_)
    assert np.isnan(model.honest_interval_).all()
    assert model.honest_interval_.shape == (2,)


def test_with_counted_evaluations_it_is_the_same_for_any_number_of_workers():
    one, two = (classifier(cv=3, n_jobs=n).fit(X, CLASSES) for n in (1, 2))
    assert one.honest_score_ == two.honest_score_
    assert_array_equal(one.honest_interval_, two.honest_interval_)


def test_groups_and_weights():
    groups = np.arange(90) // 10
    model = regressor(cv=3).fit(X, TARGET, groups=groups)
    assert "There are 9." in model.honest_note_
    weight = 1.0 + np.arange(90) % 2
    weighted = regressor(cv=3).fit(X, TARGET, sample_weight=weight)
    plain = regressor(cv=3).fit(X, TARGET)
    assert not weighted.honest_note_
    assert weighted.honest_score_ != plain.honest_score_


def test_a_scorer_of_the_user_has_an_estimate_as_well():
    def error(estimator, X, y):
        return -np.mean(np.abs(estimator.predict(X) - y))

    own = regressor(cv=3, scoring=error).fit(X, TARGET)
    named = regressor(cv=3, scoring="neg_mean_absolute_error").fit(X, TARGET)
    assert own.honest_note_ == ""
    assert own.honest_score_ == pytest.approx(named.honest_score_, rel=0.1)


# Metrics that need no call of a scorer


def test_the_area_under_the_curve_is_that_of_scikit_learn(rng):
    y = rng.integers(0, 2, size=80)
    p = rng.integers(0, 9, size=80) / 10  # with ties
    expected = roc_auc_score(y, p)
    assert fast_roc_auc(y, np.column_stack([1 - p, p])) == pytest.approx(expected)
    assert np.isnan(fast_roc_auc(np.zeros(3, int), np.ones((3, 2))))


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy", "roc_auc"])
@pytest.mark.parametrize("weighted", [False, True])
def test_fast_scores_are_those_of_scorers(rng, scoring, weighted):
    y, p = rng.integers(0, 2, size=50), rng.uniform(0.1, 0.9, size=50)
    predictions = np.column_stack([1 - p, p])
    weight = rng.uniform(1, 2, size=50) if weighted else None
    task = ClassificationTask(np.array([0, 1]))
    data = Dataset(np.zeros((50, 1)), y, Schema(1), task, weight)
    fast = fast_score(make_scoring(scoring, task), data)
    if weighted and scoring == "roc_auc":
        assert fast is None
        return
    scorer = get_scorer(scoring)
    expected = scorer(task.as_estimator(predictions), None, y, sample_weight=weight)
    assert fast(y, predictions, weight) == pytest.approx(expected)


def test_other_metrics_of_the_same_name_are_called():
    # Of several labels, accuracy is that of all labels of a row.
    model = classifier(cv=3, scoring="accuracy").fit(X, LABELS)
    assert model.honest_note_ == ""
    task = ClassificationTask(np.arange(3))
    data = Dataset(np.zeros((3, 1)), np.arange(3), Schema(1), task)
    assert fast_score(make_scoring("roc_auc_ovr", task), data) is None
    assert row_metric(make_scoring("roc_auc_ovr", task)) is None
    assert row_metric(make_scoring("accuracy", task)) is not None
