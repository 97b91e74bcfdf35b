"""As a step of other estimators, and inside them."""

import matplotlib
import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import BaggingRegressor, StackingClassifier, VotingClassifier
from sklearn.inspection import (
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from tests.contract.small import classifier, people, prices, regressor


def check_classifies(estimator, X, y, at_least):
    """Shapes, labels and a score that a constant prediction cannot reach."""
    np.testing.assert_array_equal(estimator.classes_, np.unique(y))
    probabilities = estimator.predict_proba(X)
    assert probabilities.shape == (len(y), len(estimator.classes_))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.mean(estimator.predict(X) == y) >= at_least


def check_regresses(estimator, X, y, at_least):
    prediction = estimator.predict(X)
    assert prediction.shape == y.shape
    assert 1 - np.var(y - prediction) / np.var(y) >= at_least


# Pipelines


def test_last_step_of_a_pipeline():
    X, y = load_iris(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), classifier())
    check_classifies(pipeline.fit(X, y), X, y, at_least=0.9)


def test_the_only_step_of_a_pipeline_gets_the_frame_as_it_is():
    X, y = people()
    pipeline = make_pipeline(classifier()).fit(X, y)
    check_classifies(pipeline, X, y, at_least=0.85)
    assert list(pipeline.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_after_a_column_transformer(output):
    X, y = people()
    scaled = ColumnTransformer(
        [("scale", StandardScaler(), ["age", "height"])], remainder="passthrough"
    ).set_output(transform=output)
    pipeline = make_pipeline(scaled, classifier()).fit(X, y)
    check_classifies(pipeline, X, y, at_least=0.85)


# Classifiers


@pytest.mark.parametrize("stack_method", ["auto", "predict_proba", "predict"])
def test_below_a_stack(stack_method):
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:200, :5], y[:200]
    stack = StackingClassifier(
        [("first", classifier()), ("second", classifier(random_state=1))],
        final_estimator=LogisticRegression(),
        stack_method=stack_method,
        cv=2,
    )
    if stack_method == "predict":
        y = np.where(y, 1, -1)
    check_classifies(stack.fit(X, y), X, y, at_least=0.85)
    assert stack.transform(X).shape == (200, 2)


def test_below_a_stack_that_gets_a_frame():
    X, y = people()
    stack = StackingClassifier([("ours", classifier())], classifier(), cv=2)
    check_classifies(stack.fit(X, y), X, y, at_least=0.85)


def test_in_a_vote():
    X, y = people()
    vote = VotingClassifier(
        [("first", classifier()), ("second", classifier(random_state=1))],
        voting="soft",
    ).fit(X, y)
    check_classifies(vote, X, y, at_least=0.85)
    members = [member.predict_proba(X) for member in vote.estimators_]
    np.testing.assert_allclose(vote.predict_proba(X), np.mean(members, axis=0))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibrated(method, ensemble):
    X, y = people()
    calibrated = CalibratedClassifierCV(
        classifier(), method=method, ensemble=ensemble, cv=2
    ).fit(X, y)
    check_classifies(calibrated, X, y, at_least=0.8)


def test_calibrated_with_several_classes():
    X, y = load_iris(return_X_y=True)
    check_classifies(CalibratedClassifierCV(classifier(), cv=2).fit(X, y), X, y, 0.9)


def test_threshold_is_tuned():
    X, y = people()
    tuned = TunedThresholdClassifierCV(
        classifier(), scoring="balanced_accuracy", cv=2, thresholds=20
    ).fit(X, y)
    check_classifies(tuned, X, y, at_least=0.8)
    assert 0 < tuned.best_threshold_ < 1
    assert balanced_accuracy_score(y, tuned.predict(X)) > 0.8


def test_threshold_is_fixed():
    X, y = people()
    kwargs = {"pos_label": "yes", "response_method": "predict_proba"}
    low, middle, high = (
        FixedThresholdClassifier(classifier(), threshold=t, **kwargs).fit(X, y)
        for t in (0.0, 0.5, 1.0)
    )
    assert set(low.predict(X)) == {"yes"}
    assert np.mean(middle.predict(X) == y) > 0.85
    assert set(high.predict(X)) == {"no"}


def test_self_training():
    X, y = load_iris(return_X_y=True)
    X[::7, 0] = np.nan
    known = np.arange(150) % 5 == 0
    trained = SelfTrainingClassifier(classifier(), max_iter=3).fit(
        X, np.where(known, y, -1)
    )
    check_classifies(trained, X, y, at_least=0.8)
    assert (trained.labeled_iter_ > 0).sum() > 50


# Regressors


def test_bagged():
    X, y = prices()
    bag = BaggingRegressor(regressor(), n_estimators=2, random_state=0).fit(X, y)
    check_regresses(bag, X, y, at_least=0.7)


def test_several_outputs_one_by_one():
    X, y = prices()
    both = np.column_stack([y, -y])
    wrapped = MultiOutputRegressor(regressor()).fit(X, both)
    check_regresses(wrapped, X, both, at_least=0.7)


def test_transformed_target():
    X, y = prices()
    plain = regressor().fit(X, np.log(y))
    wrapped = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp)
    wrapped.fit(X, y)
    check_regresses(wrapped, X, y, at_least=0.7)
    np.testing.assert_allclose(wrapped.predict(X), np.exp(plain.predict(X)))


# Model selection and inspection


def test_cross_validate():
    X, y = people()
    results = cross_validate(
        classifier(),
        X,
        y,
        cv=3,
        scoring=["accuracy", "roc_auc", "neg_log_loss"],
        return_estimator=True,
        return_train_score=True,
        error_score="raise",
    )
    assert results["test_accuracy"].shape == (3,)
    assert (results["test_roc_auc"] > 0.8).all()
    assert all(e.n_evaluations_ == 3 for e in results["estimator"])


def test_cross_val_predict():
    X, y = people()
    out_of_fold = cross_val_predict(classifier(), X, y, cv=2, method="predict_proba")
    assert out_of_fold.shape == (len(y), 2)
    assert np.mean(np.where(out_of_fold[:, 1] > 0.5, "yes", "no") == y) > 0.8


def test_learning_curve():
    X, y = prices()
    sizes, train, test = learning_curve(
        regressor(), X, y, train_sizes=[0.3, 1.0], cv=2, error_score="raise"
    )
    assert train.shape == test.shape == (2, 2)
    assert test[1].mean() > test[0].mean() - 0.1


def test_permutation_importance_finds_the_columns_that_count():
    X, y = people()
    X = X.assign(noise=np.random.default_rng(1).normal(size=len(X)))
    clf = classifier().fit(X, y)
    importance = permutation_importance(
        clf, X, y, n_repeats=3, random_state=0
    ).importances_mean
    by_column = dict(zip(X.columns, importance, strict=True))
    assert min(by_column["city"], by_column["age"]) > 0.05
    assert max(by_column["height"], by_column["noise"]) < 0.05


@pytest.mark.parametrize("method", ["auto", "brute"])
def test_partial_dependence(method):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    reg = regressor().fit(X, y)
    result = partial_dependence(reg, X, ["bmi"], grid_resolution=5, method=method)
    assert result["average"].shape == (1, 5)
    # More weight, more disease.
    assert result["average"][0, -1] > result["average"][0, 0]


def test_partial_dependence_of_a_category():
    X, y = people()
    clf = classifier().fit(X, y)
    result = partial_dependence(clf, X, ["city"], categorical_features=["city"])
    average = dict(zip(result["grid_values"][0], result["average"][0], strict=True))
    assert max(average, key=average.get) == "Rome"


def test_partial_dependence_display():
    matplotlib.use("agg")
    X, y = people()
    display = PartialDependenceDisplay.from_estimator(
        classifier().fit(X, y),
        X,
        ["age", "city"],
        categorical_features=["city"],
        kind=["both", "average"],
        grid_resolution=4,
        response_method="predict_proba",
    )
    assert display.axes_.ravel()[0].get_xlabel() == "age"
    matplotlib.pyplot.close(display.figure_)


def test_a_frame_with_another_index_is_predicted_in_its_order():
    X, y = people()
    clf = classifier().fit(X, y)
    turned = X.iloc[::-1]
    np.testing.assert_array_equal(clf.predict(turned), clf.predict(X)[::-1])
    y = pd.Series(y, index=X.index[::-1])
    np.testing.assert_array_equal(
        classifier().fit(X, y).predict_proba(X), clf.predict_proba(X)
    )
