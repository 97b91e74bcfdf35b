"""The fitted ensemble is an estimator of scikit-learn."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import (
    BaseEstimator,
    RegressorMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_meta.data._task import RegressionTask
from sklearn_meta.ensemble import (
    Combination,
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
)
from sklearn_meta.ensemble._combination import AVERAGE


@pytest.fixture
def classifiers():
    X, y = make_classification(200, 8, n_informative=5, n_classes=3, random_state=0)
    members = [
        LogisticRegression().fit(X, y),
        [
            DecisionTreeClassifier(max_depth=3, random_state=i).fit(X[i::2], y[i::2])
            for i in range(2)
        ],
    ]
    return X, y, members


def test_classifier_combines_probabilities(classifiers):
    X, _, members = classifiers
    combination = Combination("average", (4, 9), np.array([0.7, 0.3]))
    labels = np.array(["a", "b", "c"])
    ensemble = WeightedEnsembleClassifier(members, combination, labels)
    trees = np.mean([tree.predict_proba(X) for tree in members[1]], axis=0)
    expected = 0.7 * members[0].predict_proba(X) + 0.3 * trees
    assert_allclose(ensemble.predict_proba(X), expected)
    assert_array_equal(ensemble.predict(X), labels[np.argmax(expected, axis=1)])
    assert_array_equal(ensemble.classes_, labels)
    assert is_classifier(ensemble)
    assert ensemble.n_features_in_ == 8


def test_the_decision_threshold_decides(classifiers):
    X, y, members = classifiers
    offsets = np.array([2.0, 0.0, -1.0])
    ensemble = WeightedEnsembleClassifier(members, decision_threshold=offsets)
    expected = np.argmax(np.log(ensemble.predict_proba(X) + 1e-12) + offsets, axis=1)
    assert_array_equal(ensemble.predict(X), expected)
    assert_array_equal(ensemble.decision_threshold_, offsets)
    untuned = WeightedEnsembleClassifier(members)
    assert_array_equal(untuned.decision_threshold_, np.zeros(3))
    assert not np.array_equal(untuned.predict(X), expected)
    with pytest.raises(ValueError, match="offsets of 3 classes"):
        clone(ensemble).fit(X, y == 1)


def test_the_threshold_of_two_classes_is_of_the_second():
    X, y = make_classification(100, 5, random_state=0)
    ensemble = WeightedEnsembleClassifier(decision_threshold=0.8).fit(X, y)
    positive = ensemble.predict_proba(X)[:, 1]
    assert_array_equal(ensemble.predict(X), positive > 0.8)
    assert ensemble.decision_threshold_ == 0.8
    assert WeightedEnsembleClassifier().fit(X, y).decision_threshold_ == 0.5
    with pytest.raises(ValueError, match="a threshold of two classes"):
        ensemble.fit(X, np.arange(100) % 3)


def test_members_that_predict_labels_need_no_classes():
    X, y = make_classification(60, 5, random_state=0)
    y = np.array(["no", "yes"])[y]
    ensemble = WeightedEnsembleClassifier(
        [LogisticRegression().fit(X, y)], Combination.single(0)
    )
    assert_array_equal(ensemble.classes_, ["no", "yes"])
    assert ensemble.score(X, y) > 0.8


def test_a_model_that_has_not_seen_a_class_gives_it_nothing(classifiers):
    X, y, members = classifiers
    partial = LogisticRegression().fit(X[y != 1], y[y != 1])
    ensemble = WeightedEnsembleClassifier(
        [partial], Combination.single(0), np.array([10, 20, 30])
    )
    probabilities = ensemble.predict_proba(X)
    assert probabilities.shape == (200, 3)
    assert_array_equal(probabilities[:, 1], 0)
    assert set(ensemble.predict(X)) == {10, 30}
    # A member that lacks a class does not take it from the others.
    both = WeightedEnsembleClassifier(
        [partial, members[0]],
        Combination("average", (0, 1), np.array([0.5, 0.5])),
        np.arange(3),
    )
    assert 1 in both.predict(X)


class _Silent(LogisticRegression):
    """A model that must not be asked."""

    def predict_proba(self, X):
        raise AssertionError("asked a member without weight")


def test_members_without_weight_are_not_asked(classifiers):
    X, _, members = classifiers
    ensemble = WeightedEnsembleClassifier(
        [members[0], _Silent()],
        Combination("average", (0, 1), np.array([1.0, 0.0])),
        np.arange(3),
    )
    assert_allclose(ensemble.predict_proba(X), members[0].predict_proba(X))


def test_ensemble_pickles_and_predicts_in_threads(classifiers):
    X, _, members = classifiers
    combination = Combination(
        "stack", (0, 1), np.array([0.9, 0.2]), np.array([0.1, 0.0, -0.1])
    )
    ensemble = WeightedEnsembleClassifier(members, combination, np.arange(3))
    expected = ensemble.predict_proba(X)
    dumped = pickle.dumps(ensemble)
    assert len(dumped) < len(pickle.dumps(members)) + 2000
    assert_array_equal(pickle.loads(dumped).predict_proba(X), expected)
    with ThreadPoolExecutor(4) as threads:
        for result in threads.map(ensemble.predict_proba, [X] * 8):
            assert_array_equal(result, expected)


def test_regressor_combines_targets():
    X, y = make_regression(100, 5, noise=10, random_state=0)
    members = [Ridge().fit(X, y), DecisionTreeRegressor(max_depth=3).fit(X, y)]
    ensemble = WeightedEnsembleRegressor(
        members, Combination("stack", (3, 1), np.array([0.8, 0.3]), np.asarray(2.0))
    )
    expected = 2.0 + 0.8 * members[0].predict(X) + 0.3 * members[1].predict(X)
    assert_allclose(ensemble.predict(X), expected)
    assert is_regressor(ensemble)


def test_a_clone_fits_its_members_anew(classifiers):
    X, y, members = classifiers
    combination = Combination("average", (0, 1), np.array([0.5, 0.5]))
    labels = np.array(["a", "b", "c"])
    ensemble = WeightedEnsembleClassifier(members, combination, labels)
    copy = clone(ensemble)
    with pytest.raises(NotFittedError):
        copy.predict(X)
    copy.fit(X[:150], labels[y[:150]])
    assert copy.score(X[150:], labels[y[150:]]) > 0.5
    assert cross_val_score(ensemble, X, labels[y], cv=3).mean() > 0.5
    with pytest.raises(NotFittedError):
        WeightedEnsembleRegressor().predict(X)


def test_a_stack_is_not_fitted_to_other_classes(classifiers):
    X, y, members = classifiers
    combination = Combination("stack", (0, 1), np.array([0.5, 0.5]), np.zeros(3))
    ensemble = WeightedEnsembleClassifier(members, combination, np.arange(3))
    with pytest.raises(ValueError, match="3 classes.*Got 2"):
        clone(ensemble).fit(X, y > 0)


def test_vote_of_fold_models_is_plain_scikit_learn(classifiers):
    X, y, members = classifiers
    labels = np.array(["a", "b", "c"])
    ensemble = WeightedEnsembleClassifier(members, Combination.single(0), labels)
    lacking = LogisticRegression().fit(X[y != 1], y[y != 1])
    vote = ensemble.vote_of([*members[1], lacking])
    assert type(vote).__module__.startswith("sklearn.")
    trees = np.mean([tree.predict_proba(X) for tree in members[1]], axis=0)
    assert_allclose(vote.predict_proba(X), trees)
    assert_array_equal(vote.predict(X), labels[np.argmax(trees, axis=1)])
    regressors = [Ridge(a).fit(X, y) for a in (0.1, 100.0)]
    vote = WeightedEnsembleRegressor().vote_of(regressors)
    assert_allclose(
        vote.predict(X), np.mean([r.predict(X) for r in regressors], axis=0)
    )


class _Says(RegressorMixin, BaseEstimator):
    """Predicts a constant."""

    def __init__(self, value=0.0):
        self.value = value

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.full(len(X), self.value)


def test_a_member_that_extrapolates_wildly_is_cut_off():
    X, y = np.zeros((4, 1)), np.array([35.0, 46.0, 40.0, 41.0])
    sane, wild = _Says(40.0).fit(X, y), _Says(6.0).fit(X, y)
    limits = RegressionTask().limits(y)
    assert limits == (35 - 0.25 * 11, 46 + 0.25 * 11)
    mean = Combination(AVERAGE, (0, 1), np.array([0.8, 0.2]))
    ensemble = WeightedEnsembleRegressor([sane, wild], mean, limits)
    assert_allclose(ensemble.predict(X), 0.8 * 40 + 0.2 * limits[0])
    unlimited = WeightedEnsembleRegressor([sane, wild], mean)
    assert_allclose(unlimited.predict(X), 0.8 * 40 + 0.2 * 6)
    # The best single pipeline predicts what it predicts without us.
    alone = WeightedEnsembleRegressor([wild], Combination.single(0), limits)
    assert_allclose(alone.predict(X), 6.0)


def test_limits_are_those_of_each_output():
    y = np.array([[0.0, 100.0], [4.0, 500.0]])
    low, high = RegressionTask(n_outputs=2).limits(y)
    assert_allclose(low, [-1.0, 0.0])
    assert_allclose(high, [5.0, 600.0])


def test_least_prediction_holds_for_single_members_too():
    X, y = np.arange(10.0)[:, None], np.arange(10.0) - 5
    members = [LinearRegression().fit(X, y), LinearRegression().fit(X, 2 * y)]
    for combination in (
        Combination("single", (0,), [1.0]),
        Combination("average", (0, 1), [0.5, 0.5]),
    ):
        used = [members[m] for m in combination.members]
        free = WeightedEnsembleRegressor(used, combination).predict(X)
        bound = WeightedEnsembleRegressor(used, combination, least=0.5).predict(X)
        assert free.min() < 0
        np.testing.assert_allclose(bound, np.maximum(free, 0.5))
