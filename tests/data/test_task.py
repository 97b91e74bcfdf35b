"""What differs between the tasks: codes, predictions, limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.data._target_scale import TargetScale
from sklearn_meta.data._task import (
    EXTRAPOLATION,
    EXTRAPOLATION_IN_TIME,
    LOWEST_SHARE,
    SMALLEST_PROBABILITY,
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
    decision_values,
    has_label,
    label_classes,
    label_probabilities,
)

X = np.arange(12.0).reshape(-1, 1)
LABELS = [
    st.lists(st.text(max_size=3), min_size=1),
    st.lists(st.integers(-3, 3), min_size=1),
    st.lists(st.booleans(), min_size=1),
]


@given(st.one_of(LABELS))
def test_classes_become_indices_and_labels_again(labels):
    y = np.array(labels)
    task = ClassificationTask(np.unique(y))
    encoded = task.encode(y)
    assert encoded.dtype.kind == "i" and encoded.max() < task.n_classes
    decoded = task.decode(encoded)
    assert decoded.dtype == y.dtype
    assert_array_equal(decoded, y)


@pytest.mark.parametrize("dtype", [bool, np.uint8, float])
def test_indicators_of_labels_come_back_in_their_type(dtype):
    y = np.array([[1, 0], [0, 1]]).astype(dtype)
    task = MultilabelTask(2, y.dtype)
    encoded = task.encode(y)
    assert encoded.dtype == np.int64
    assert task.decode(encoded).dtype == dtype
    assert_array_equal(task.decode(encoded), y)
    assert [c.tolist() for c in task.classes] == [[0, 1], [0, 1]]
    assert task.classes[0].dtype == dtype


def test_targets_are_floats():
    task = RegressionTask()
    encoded = task.encode(np.array([1, 2], dtype=np.int8))
    assert encoded.dtype == np.float64
    assert task.decode(encoded) is encoded


def test_probabilities_of_classes_that_were_not_seen_are_zero():
    task = ClassificationTask(np.array(["a", "b", "c", "d"]))
    model = GaussianNB().fit(X, np.tile([3, 1], 6))
    predictions = task.predict(model, X)
    assert predictions.shape == (12, 4) and predictions.dtype == np.float32
    assert_array_equal(predictions[:, [0, 2]], 0)
    assert_allclose(predictions[:, [1, 3]], model.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=1),  # a list, one for each label
        MultiOutputClassifier(DecisionTreeClassifier(max_depth=1)),
        OneVsRestClassifier(DecisionTreeClassifier(max_depth=1)),  # one array
    ],
)
@pytest.mark.parametrize("dtype", [np.int64, bool, float])
def test_labels_are_said_in_one_way(model, dtype):
    y = np.column_stack([X[:, 0] > 5, X[:, 0] <= 3]).astype(dtype)
    probabilities = label_probabilities(model.fit(X, y), X)
    expected = np.clip(y.astype(float), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    assert probabilities.shape == (12, 2) and probabilities.dtype == np.float64
    assert_allclose(has_label(probabilities[:, 0]), y[:, 0])
    if not isinstance(model, DecisionTreeClassifier):
        assert_allclose(probabilities, expected)


def test_a_label_on_which_all_rows_agree_has_one_column():
    y = np.column_stack([X[:, 0] > 5, np.ones(12), np.zeros(12)]).astype(int)
    model = DecisionTreeClassifier().fit(X, y)
    assert [p.shape[1] for p in model.predict_proba(X)] == [2, 1, 1]
    probabilities = label_probabilities(model, X)
    assert_allclose(probabilities[:, 0], np.clip(y[:, 0], 1e-7, 1 - 1e-7))
    assert_allclose(probabilities[:, 1], 1 - SMALLEST_PROBABILITY)
    assert_allclose(probabilities[:, 2], SMALLEST_PROBABILITY)
    task = MultilabelTask(3, y.dtype)
    assert task.predict(model, X).dtype == np.float32


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_predicted_targets_have_the_shape_of_the_target(n_outputs):
    y = np.repeat(X, n_outputs, axis=1)
    predictions = RegressionTask(n_outputs).predict(LinearRegression().fit(X, y), X)
    assert predictions.dtype == np.float64
    # Models of one output may answer with a column.
    assert predictions.shape == ((12,) if n_outputs == 1 else (12, 3))


TARGETS = arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6))


@given(TARGETS)
def test_limits_leave_room_beyond_the_targets(y):
    least, greatest = RegressionTask().limits(y)
    room = EXTRAPOLATION * np.ptp(y)
    assert least == y.min() - room and greatest == y.max() + room
    assert np.all((least <= y) & (y <= greatest))


@given(TARGETS, st.floats(0.1, 10), st.floats(-10, 10))
def test_limits_follow_the_unit_of_the_target(y, scale, shift):
    limits = np.array(RegressionTask().limits(y))
    of_other_unit = RegressionTask().limits(scale * y + shift)
    assert_allclose(of_other_unit, scale * limits + shift, rtol=1e-6, atol=1e-6)


def test_predicted_targets_keep_their_digits():
    y = 1.7e9 + X[:, 0]
    assert_array_equal(RegressionTask().predict(LinearRegression().fit(X, y), X), y)


def test_limits_of_later_rows_are_far():
    y = np.array([10.0, 20.0])
    assert RegressionTask().limits(y, EXTRAPOLATION_IN_TIME) == (-90, 120)


def test_predictions_of_several_outputs_are_compared_in_their_units():
    y = np.column_stack([X[:, 0], 1e9 + 1e3 * X[:, 0], np.full(12, 7.0)])
    task = RegressionTask(3, TargetScale.of(y))
    first, second, third = task.comparable(y).T
    assert_allclose(first, second)
    assert first.std() == pytest.approx(1)
    assert_array_equal(third, 0)
    one = RegressionTask(1, TargetScale.of(y[:, 1]))
    assert_array_equal(one.comparable(y[:, 1]), y[:, 1])


def test_limits_of_each_output():
    y = np.column_stack([[0.0, 4.0], [10.0, 10.0]])
    least, greatest = RegressionTask(2).limits(y)
    assert_allclose(least, [-1, 10])
    assert_allclose(greatest, [5, 10])


def test_known_probabilities_answer_as_a_fitted_classifier():
    task = ClassificationTask(np.array(["no", "yes"]))
    p = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    model = task.as_estimator(3 * p)
    check_is_fitted(model)
    assert_allclose(model.predict_proba(None).sum(axis=1), 1, rtol=1e-15)
    assert model.predict(None).tolist() == ["no", "yes"]
    assert model.classes_.tolist() == ["no", "yes"]
    score = get_scorer("neg_log_loss")(model, X[:2], ["no", "yes"])
    assert score == pytest.approx(-log_loss(["no", "yes"], p))


def test_known_labels_answer_as_a_fitted_classifier():
    y = np.array([[1, 0], [0, 1]], dtype=np.uint8)
    model = MultilabelTask(2, y.dtype).as_estimator(np.array([[0.9, 0.1], [0.2, 0.6]]))
    check_is_fitted(model)
    assert model.predict(None).dtype == np.uint8
    assert_array_equal(model.predict(None), y)
    assert get_scorer("f1_micro")(model, X[:2], y) == 1
    assert len(label_classes(2, y.dtype)) == len(model.classes_) == 2


def test_known_targets_answer_as_a_fitted_regressor():
    model = RegressionTask().as_estimator(np.array([1, 3], dtype=np.float32))
    check_is_fitted(model)
    assert model.predict(None).dtype == np.float64
    assert get_scorer("neg_mean_squared_error")(model, X[:2], [1, 2]) == -0.5


def test_a_scorer_may_change_the_predictions_that_it_gets():
    targets = np.array([1.0, 3.0])
    RegressionTask().as_estimator(targets).predict(None)[:] = 0
    assert targets.tolist() == [1.0, 3.0]
    labels = np.array([[0.9, 0.1], [0.2, 0.6]])
    MultilabelTask(2, np.dtype(int)).as_estimator(labels).predict_proba(None)[:] = 0
    assert labels.all()


def test_decision_values_are_log_odds_of_two_classes_and_logarithms_of_more():
    p = np.array([[0.2, 0.8], [1.0, 0.0]])
    decision = decision_values(p)
    assert decision[0] == pytest.approx(np.log(4))
    assert np.isfinite(decision).all() and decision[1] < -700
    three = np.array([[0.2, 0.3, 0.5]])
    assert_allclose(decision_values(three), np.log(three))
    model = ClassificationTask(np.array(["a", "b"])).as_deciding_estimator(p)
    assert_allclose(model.decision_function(None), decision)


def test_methods_are_those_of_the_public_estimators():
    for task, estimator in (
        (ClassificationTask(np.arange(3)), MetaAutoClassifier),
        (MultilabelTask(2, np.dtype(int)), MetaAutoClassifier),
        (RegressionTask(), MetaAutoRegressor),
    ):
        assert set(task.methods) <= set(dir(estimator))


@pytest.mark.parametrize(
    "task",
    [
        ClassificationTask(np.arange(3)),
        MultilabelTask(2, np.dtype(int)),
        RegressionTask(2),
    ],
)
def test_all_tasks_have_the_same_attributes(task):
    names = "name is_classifier n_classes n_outputs stratifies default_scoring"
    for name in (*names.split(), "fast_scorings"):
        assert getattr(task, name) is not None
    assert task.is_classifier == (task.name == "classification")
    assert task.target_scaler is None
    values = np.arange(20.0).reshape(-1, 2)
    assert task.comparable(values) is values


@pytest.mark.parametrize("least", [0.5, (0.5, 0.25)])
def test_bounds_of_predictions(least):
    X = np.array([[-1.0], [1.0]])
    several = isinstance(least, tuple)
    y = np.stack([X[:, 0]] * 2, axis=1) if several else X[:, 0]
    model = LinearRegression().fit(X, y)
    task = RegressionTask(2 if several else 1, least=least)
    # Learners of the loss may go nearer to zero than others, but not below.
    np.testing.assert_allclose(task.lowest, LOWEST_SHARE * np.array(least))
    predicted = task.predict(model, X)
    np.testing.assert_allclose(predicted[0], task.lowest, rtol=1e-6)
    np.testing.assert_allclose(predicted[1], 1.0)
    np.testing.assert_allclose(task.limits(np.abs(y) - 1)[0], task.lowest)
    assert RegressionTask().lowest is None
    assert RegressionTask(least=0.0).lowest == 0.0
