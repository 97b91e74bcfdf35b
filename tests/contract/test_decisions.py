"""Where the metric judges labels, the decision between classes is tuned."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import f1_score, get_scorer, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, train_test_split

from sklearn_meta import MetaAutoClassifier
from tests.contract.small import SETTINGS, Favorites
from tests.ensemble.candidates import some_labels

LINEAR = {**SETTINGS, "meta_learner": Favorites(("logistic_regression(X)",))}
LINEAR |= {"max_evaluations": 1, "cv": 4}


def rare(n=1_200, classes=("no", "yes"), odds=(-3.5,)):
    """Features that tell rare classes apart in part, and the classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    logits = np.column_stack(
        [np.zeros(n), *(o + 1.5 * X[:, i] for i, o in enumerate(odds))]
    )
    return X, np.array(classes)[np.argmax(logits + rng.gumbel(size=logits.shape), 1)]


def halves(X, y, **kwargs):
    return train_test_split(X, y, test_size=0.5, random_state=0, **kwargs)


@pytest.fixture(scope="module")
def two():
    X, X_new, y, y_new = halves(*rare())
    scorer = make_scorer(f1_score, pos_label="yes", zero_division=0)
    clf = MetaAutoClassifier(**LINEAR, scoring=scorer).fit(X, y)
    return clf, X, y, X_new, y_new


def test_two_classes_have_a_threshold(two):
    clf, _, _, X_new, y_new = two
    threshold = clf.decision_threshold_
    assert isinstance(threshold, float) and 0.05 < threshold < 0.4
    positive = clf.predict_proba(X_new)[:, 1]
    np.testing.assert_array_equal(clf.predict(X_new) == "yes", positive > threshold)
    untuned = np.where(positive > 0.5, "yes", "no")
    gain = clf.score(X_new, y_new) - f1_score(
        y_new, untuned, pos_label="yes", zero_division=0
    )
    assert gain > 0.05


def test_scores_are_those_of_the_metric(two):
    clf, *_ = two
    # Of the most probable class, as `best_estimator_` predicts it.
    assert 0 <= clf.best_score_ < 0.5
    assert clf.best_score_ == clf.leaderboard_["score"].max()
    assert clf.cv_results_["mean_test_score"].max() == clf.best_score_


def test_the_decision_function_agrees_with_the_labels(two):
    clf, _, _, X_new, _ = two
    decision = clf.decision_function(X_new)
    np.testing.assert_array_equal(decision > 0, clf.predict(X_new) == "yes")
    assert 0 < (decision > 0).mean() < 0.5
    classes = ("a", "b", "c")
    X, y = rare(classes=classes, odds=(-2.5, -3.0))
    clf = MetaAutoClassifier(**LINEAR, scoring="balanced_accuracy").fit(X, y)
    decided = clf.classes_[np.argmax(clf.decision_function(X), axis=1)]
    np.testing.assert_array_equal(decided, clf.predict(X))


def test_probabilities_are_those_of_the_search_by_log_loss(two):
    clf, X, y, X_new, _ = two
    plain = MetaAutoClassifier(**LINEAR).fit(X, y)
    assert plain.decision_threshold_ == 0.5
    np.testing.assert_allclose(plain.predict_proba(X_new), clf.predict_proba(X_new))
    assert clf.best_pipeline_ == plain.best_pipeline_


def test_more_classes_have_offsets():
    X, X_new, y, y_new = halves(*rare(2_000, ("a", "b", "c"), (-2.5, -3.0)))
    clf = MetaAutoClassifier(**LINEAR, scoring="balanced_accuracy").fit(X, y)
    assert clf.decision_threshold_.shape == (3,)
    assert clf.decision_threshold_.argmin() == 0
    score = clf.score(X_new, y_new)
    plain = MetaAutoClassifier(**LINEAR).fit(X, y)
    assert not plain.decision_threshold_.any()
    assert score > get_scorer("balanced_accuracy")(plain, X_new, y_new) + 0.1


def test_each_label_has_a_threshold():
    p, y = some_labels(np.random.default_rng(0))
    X = np.log(p / (1 - p))
    X, X_new, y, y_new = halves(X, y)
    clf = MetaAutoClassifier(**LINEAR, scoring="f1_macro").fit(X, y)
    thresholds = clf.decision_threshold_
    assert thresholds.shape == (3,) and thresholds[1:].max() < 0.45
    positive = clf.predict_proba(X_new)
    np.testing.assert_array_equal(clf.predict(X_new), positive > thresholds)
    untuned = f1_score(y_new, positive > 0.5, average="macro", zero_division=0)
    assert clf.score(X_new, y_new) > untuned + 0.05


@pytest.mark.parametrize("scoring", [None, "accuracy", "roc_auc", "average_precision"])
def test_metrics_of_probabilities_and_accuracy_keep_the_most_probable_class(scoring):
    X, y = rare(300, classes=(0, 1))
    clf = MetaAutoClassifier(**LINEAR, scoring=scoring).fit(X, y)
    assert clf.decision_threshold_ == 0.5
    expected = np.argmax(clf.predict_proba(X), axis=1)
    np.testing.assert_array_equal(clf.predict(X), expected)


def net_gain(estimator, X, y):
    """What decisions are worth: a missed one costs twenty times a false alarm."""
    predicted = estimator.predict(X)
    missed = (y == "yes") & (predicted == "no")
    return -np.mean(20 * missed + ((y == "no") & (predicted == "yes")))


def test_a_callable_that_predicts_labels_has_a_threshold():
    X, y = rare()
    clf = MetaAutoClassifier(**LINEAR, scoring=net_gain).fit(X, y)
    # For calibrated probabilities, the best threshold is 1 / (1 + 20).
    assert 0.01 < clf.decision_threshold_ < 0.15
    assert clf.score(X, y) == net_gain(clf, X, y)


def test_without_a_search_the_most_probable_class_is_predicted():
    X, y = rare(300)
    clf = MetaAutoClassifier(**LINEAR | {"search": None}, scoring="balanced_accuracy")
    assert clf.fit(X, y).decision_threshold_ == 0.5


def test_a_copy_decides_alike(two):
    clf, _, _, X_new, _ = two
    copy = pickle.loads(pickle.dumps(clf))
    assert copy.decision_threshold_ == clf.decision_threshold_
    np.testing.assert_array_equal(copy.predict(X_new), clf.predict(X_new))
    assert not hasattr(clone(clf), "decision_threshold_")


def test_scikit_learn_may_set_another_threshold(two):
    clf, _, _, X_new, _ = two
    fixed = FixedThresholdClassifier(
        clf, threshold=0.3, response_method="predict_proba", pos_label="yes"
    )
    expected = clf.predict_proba(X_new)[:, 1] >= 0.3
    np.testing.assert_array_equal(fixed.predict(X_new) == "yes", expected)
