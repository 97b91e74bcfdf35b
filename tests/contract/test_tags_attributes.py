"""What the tags promise is kept, and fitted estimators have what users expect."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import is_classifier, is_regressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer, hinge_loss, make_scorer, r2_score
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from tests.contract.small import (
    Favorites,
    classifier,
    people,
    prices,
    regressor,
    texts,
)

X, y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])

MAKERS = [classifier, regressor]


def only(*pipelines, **changes):
    """A classifier that evaluates these pipelines."""
    return classifier(
        meta_learner=Favorites(pipelines), max_evaluations=len(pipelines), **changes
    )


# Tags


@pytest.mark.parametrize("make", MAKERS)
def test_tags_of_the_kind(make):
    estimator = make()
    tags = get_tags(estimator)
    assert is_classifier(estimator) == (make is classifier)
    assert is_regressor(estimator) == (make is regressor)
    assert tags.target_tags.required
    assert tags.requires_fit
    assert not tags.no_validation
    assert not tags._skip_test


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok"])
def test_sparse_tables_as_promised(make, kind):
    estimator = make()
    assert get_tags(estimator).input_tags.sparse
    table = sparse.csr_array(X).asformat(kind)
    estimator.fit(table, y)
    np.testing.assert_allclose(
        estimator.predict(table), estimator.predict(sparse.csr_matrix(X))
    )
    assert estimator.score(table, y) > 0.8


@pytest.mark.parametrize("make", MAKERS)
def test_missing_values_as_promised(make):
    estimator = make()
    assert get_tags(estimator).input_tags.allow_nan
    holes = X.copy()
    holes[::4, 1] = np.nan
    estimator.fit(holes, y)
    assert np.isfinite(np.asarray(estimator.predict(holes), dtype=float)).all()
    assert estimator.score(holes, y) > 0.8
    with pytest.raises(ValueError, match="infinity"):
        estimator.fit(np.where(np.isnan(holes), np.inf, holes), y)


@pytest.mark.parametrize("data, make", [(people, classifier), (prices, regressor)])
def test_categories_as_promised(data, make):
    estimator = make()
    assert get_tags(estimator).input_tags.categorical
    frame, target = data()
    with_city = estimator.fit(frame, target).score(frame, target)
    assert with_city > estimator.fit(frame.drop(columns="city"), target).score(
        frame.drop(columns="city"), target
    )


def test_strings_in_an_array_as_promised():
    assert get_tags(classifier()).input_tags.string
    frame, target = people()
    table = frame.astype({"city": object}).to_numpy()
    assert classifier().fit(table, target).score(table, target) > 0.85
    cities = frame[["city"]].to_numpy().astype(str)
    assert classifier().fit(cities, target).predict(cities).shape == target.shape


def test_many_classes_as_promised():
    assert get_tags(classifier()).classifier_tags.multi_class
    many = np.arange(150) // 15
    clf = classifier().fit(X, many)
    assert clf.predict_proba(X).shape == (150, 10)


@pytest.mark.parametrize("n, promised", [(None, True), (3, False)])
def test_the_same_run_twice_as_promised(n, promised):
    clf = classifier(max_evaluations=n)
    # Without a number of evaluations, the clock decides.
    assert get_tags(clf).non_deterministic is promised


@pytest.mark.parametrize("make", MAKERS)
def test_the_order_of_rows_to_predict_does_not_matter(make):
    estimator = make()
    estimator.fit(X, y)
    order = np.random.default_rng(0).permutation(150)
    np.testing.assert_array_equal(
        estimator.predict(X[order]), estimator.predict(X)[order]
    )
    np.testing.assert_allclose(estimator.predict(X[:1]), estimator.predict(X)[:1])


# Attributes


@pytest.mark.parametrize("make", MAKERS)
def test_fitted_attributes(make):
    estimator = make()
    frame = load_iris(as_frame=True).data
    estimator.fit(frame, y)
    assert estimator.n_features_in_ == 4
    assert list(estimator.feature_names_in_) == list(frame.columns)
    assert estimator.feature_names_in_.dtype == object
    assert estimator.n_iter_ == estimator.n_evaluations_ == 3
    assert estimator.n_splits_ == 2
    estimator.fit(X, y)
    assert not hasattr(estimator, "feature_names_in_")


@pytest.mark.parametrize("make", MAKERS)
def test_everything_before_fit_says_that_it_is_not_fitted(make):
    estimator = make()
    names = ["predict", "predict_proba", "predict_log_proba", "score"]
    for name in names:
        if hasattr(estimator, name):
            with pytest.raises(NotFittedError):
                getattr(estimator, name)(*([X, y] if name == "score" else [X]))
    for name in ("leaderboard_", "cv_results_", "to_source"):
        with pytest.raises(NotFittedError):
            value = getattr(estimator, name)
            value()
    assert not hasattr(estimator, "classes_")
    assert not hasattr(estimator, "decision_function")


def test_after_a_fit_that_failed_nothing_is_fitted():
    clf = classifier().fit(X, y)
    # A model of the old table with the columns of the new one would predict nonsense.
    with pytest.raises(ValueError, match="n_splits=100"):
        clf.set_params(cv=100).fit(X[:, :2], NAMES[y])
    with pytest.raises(NotFittedError):
        clf.predict(X)
    with pytest.raises(NotFittedError):
        check_is_fitted(clf)


def test_a_wrong_parameter_leaves_the_fitted_model_alone():
    clf = classifier().fit(X, y)
    expected = clf.predict_proba(X)
    with pytest.raises(ValueError, match="ensemble_size"):
        clf.set_params(ensemble_size=0).fit(X[:, :2], y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


# Labels


LABELS = {
    "integers from -5": y - 5,
    "large integers": y + 2**60,
    "bytes": y.astype(np.uint8),
    "floats": y / 1.0,
    "booleans": y > 0,
    "strings": NAMES[y],
    "objects": NAMES[y].astype(object),
    "booleans as objects": (y > 0).astype(object),
    "integers as objects": y.astype(object),
    "list": y.tolist(),
    "list of strings": NAMES[y].tolist(),
    "dates": np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "M8[D]")[y],
    "pandas": pd.Series(y + 7, index=np.arange(150)[::-1]),
    "pandas category": pd.Series(NAMES[y], dtype="category"),
    "pandas string": pd.Series(NAMES[y], dtype="string"),
    "pandas Int64": pd.Series(y, dtype="Int64"),
    "pandas boolean": pd.Series(y > 0, dtype="boolean"),
    "pandas arrow": pd.Series(y, dtype="int64[pyarrow]"),
    "polars": pl.Series(y),
    "polars string": pl.Series(NAMES[y]),
    "polars boolean": pl.Series(y > 0),
    "polars category": pl.Series(NAMES[y], dtype=pl.Categorical),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_any_type(labels):
    clf = classifier(scoring="accuracy").fit(X, labels)
    expected = np.array(list(labels))
    np.testing.assert_array_equal(clf.classes_, np.unique(expected))
    # Text may come back as an array of strings or of objects, but nothing else changes.
    is_text = expected.dtype.kind in "UO"
    assert clf.classes_.dtype.kind in ("UO" if is_text else expected.dtype.kind)
    prediction = clf.predict(X)
    assert prediction.dtype == clf.classes_.dtype
    assert np.mean(prediction == expected) == pytest.approx(clf.score(X, labels))
    assert clf.score(X, labels) > 0.9
    assert clf.best_estimator_.predict(X[:1])[0] in expected


TARGETS = {
    "integers": y,
    "booleans": y > 1,
    "float32": X[:, 3].astype(np.float32),
    "list": X[:, 3].tolist(),
    "pandas Float64": pd.Series(X[:, 3], dtype="Float64"),
    "polars": pl.Series(X[:, 3]),
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_numeric_targets_of_any_type(target):
    reg = regressor().fit(X, target)
    assert reg.predict(X).dtype == np.float64
    assert reg.score(X, np.asarray(list(target), dtype=float)) > 0.5


@pytest.mark.parametrize(
    "target, match",
    [
        (pd.Series([0, 1, None] * 50, dtype="Int64"), "y contains NaN"),
        (pd.Series(["a", None, "b"] * 50), "y contains NaN"),
        (np.array([0, "a", 1] * 50, dtype=object), "Unknown label type|mix"),
        (np.where(y == 1, np.nan, y), "y contains NaN"),
        (np.array([[0, 1], [2]] * 75, dtype=object), "legacy multi-label"),
    ],
    ids=["missing integers", "missing strings", "mixed", "NaN", "ragged"],
)
def test_labels_that_make_no_sense_are_refused(target, match):
    with pytest.raises((ValueError, TypeError), match=match):
        classifier().fit(X, target)


# Predicting


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_must_be_those_of_fit_in_their_order(method, library):
    frame = load_iris(as_frame=True).data
    if library == "polars":
        frame = pl.from_pandas(frame)
    clf = only("logistic_regression(X)").fit(frame, y)
    ask = getattr(clf, method)
    assert len(ask(frame)) == 150
    names = list(frame.columns)
    with pytest.raises(ValueError, match="same order"):
        ask(frame[names[::-1]])
    with pytest.raises(ValueError, match="(?s)feature names.*missing"):
        ask(frame[names[:3]])
    renamed = frame.rename(
        **{"columns" if library == "pandas" else "mapping": {names[0]: "new"}}
    )
    with pytest.raises(ValueError, match="(?s)feature names.*unseen.*\n- new"):
        ask(renamed)
    no_names = "does not have valid feature names"
    with (
        pytest.warns(UserWarning, match=no_names),
        pytest.raises(ValueError, match="3"),
    ):
        ask(X[:, :3])
    with pytest.warns(UserWarning, match=no_names):
        from_array = ask(X)
    np.testing.assert_array_equal(from_array, ask(frame))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_an_array_may_stand_for_the_frame_of_fit(library):
    frame, target = people()
    frame = library.DataFrame({name: column.tolist() for name, column in frame.items()})
    clf = classifier().fit(frame, target)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        from_array = clf.predict_proba(frame.to_numpy())
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        from_list = clf.predict_proba(frame.to_numpy().tolist())
    np.testing.assert_array_equal(from_array, clf.predict_proba(frame))
    np.testing.assert_array_equal(from_list, clf.predict_proba(frame))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_frame_may_stand_for_the_array_of_fit(library):
    clf = classifier().fit(X, y)
    frame = library.DataFrame({f"x{i}": column for i, column in enumerate(X.T)})
    with pytest.warns(UserWarning, match="fitted without feature names"):
        from_frame = clf.predict_proba(frame)
    np.testing.assert_array_equal(from_frame, clf.predict_proba(X))


def test_log_probabilities_are_logarithms():
    clf = classifier().fit(X, y)
    with np.errstate(divide="ignore"):
        expected = np.log(clf.predict_proba(X))
    np.testing.assert_array_equal(clf.predict_log_proba(X), expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decision_function_agrees_with_predictions(n_classes):
    rows = y < n_classes
    clf = only("logistic_regression(X)", "logistic_regression(standard_scaler(X))").fit(
        X[rows], NAMES[y[rows]]
    )
    decision = clf.decision_function(X[rows])
    probabilities = clf.predict_proba(X[rows])
    assert np.isfinite(decision).all()
    if n_classes == 2:
        assert decision.shape == (100,)
        chosen = (decision > 0).astype(int)
        np.testing.assert_allclose(
            1 / (1 + np.exp(-decision)), probabilities[:, 1], atol=1e-12
        )
    else:
        assert decision.shape == (150, 3)
        chosen = decision.argmax(axis=1)
        np.testing.assert_allclose(
            np.exp(decision) / np.exp(decision).sum(axis=1, keepdims=True),
            probabilities,
            atol=1e-12,
        )
    np.testing.assert_array_equal(clf.classes_[chosen], clf.predict(X[rows]))


def test_decision_function_of_one_logistic_regression_is_its_own():
    data, target = load_breast_cancer(return_X_y=True)
    data = data[:, :4]
    clf = only("logistic_regression(standard_scaler(X))", ensemble_size=1)
    clf.fit(data, target)
    np.testing.assert_allclose(
        clf.decision_function(data),
        clf.best_estimator_.decision_function(data),
        rtol=1e-6,
        atol=1e-6,
    )


def test_decision_function_needs_none_of_the_members():
    clf = only("gaussian_nb(X)").fit(X, y)
    chosen = clf.decision_function(X).argmax(axis=1)
    np.testing.assert_array_equal(clf.classes_[chosen], clf.predict(X))
    with pytest.raises(AttributeError, match="decision_function"):
        classifier().decision_function(X)
    assert not hasattr(regressor().fit(X, y), "decision_function")


def test_a_scorer_may_ask_for_the_decision_function():
    scorer = make_scorer(
        hinge_loss, greater_is_better=False, response_method="decision_function"
    )
    rows = y < 2
    clf = classifier(scoring=scorer).fit(X[rows], NAMES[y[rows]])
    assert np.isfinite(clf.best_score_)
    expected = -hinge_loss(NAMES[y[rows]], clf.decision_function(X[rows]))
    assert clf.score(X[rows], NAMES[y[rows]]) == pytest.approx(expected)


# Scores


def half_right(estimator, X, y):
    """A scorer of the user's own."""
    return 0.5 * np.mean(estimator.predict(X) == y)


@pytest.mark.parametrize(
    "scoring, name",
    [
        (None, "accuracy"),
        ("accuracy", "accuracy"),
        ("neg_log_loss", "neg_log_loss"),
        ("f1_macro", "f1_macro"),
        ("roc_auc_ovr", "roc_auc_ovr"),
        (get_scorer("neg_log_loss"), "neg_log_loss"),
    ],
    ids=str,
)
def test_score_follows_scoring(scoring, name):
    clf = classifier(scoring=scoring).fit(X, NAMES[y])
    expected = get_scorer(name)(clf, X, NAMES[y])
    assert clf.score(X, NAMES[y]) == pytest.approx(expected)


def test_score_follows_a_callable():
    clf = classifier(scoring=half_right).fit(X, NAMES[y])
    assert 0.4 < clf.score(X, NAMES[y]) <= 0.5
    assert 0.4 < clf.best_score_ <= 0.5


@pytest.mark.parametrize(
    "scoring, name",
    [(None, "r2"), ("neg_mean_absolute_error", "neg_mean_absolute_error")],
)
def test_score_of_the_regressor_follows_scoring(scoring, name):
    data, target = load_diabetes(return_X_y=True)
    reg = regressor(scoring=scoring).fit(data, target)
    assert reg.score(data, target) == pytest.approx(get_scorer(name)(reg, data, target))


def test_what_is_optimized_is_what_scoring_says():
    # A scorer that likes bad predictions.
    data, target = load_diabetes(return_X_y=True)
    worst = make_scorer(r2_score, greater_is_better=False)
    pipelines = ("ridge(X)", "decision_tree(X)")
    kwargs = {"meta_learner": Favorites(pipelines), "max_evaluations": 2}
    good = regressor(**kwargs, scoring="r2").fit(data, target)
    bad = regressor(**kwargs, scoring=worst).fit(data, target)
    assert texts(good) == texts(bad) == list(pipelines)
    assert good.best_pipeline_ == "ridge(X)"
    assert bad.best_pipeline_ == "decision_tree(X)"


# Settings of scikit-learn


@pytest.mark.parametrize(
    "settings",
    [
        {"transform_output": "pandas"},
        {"transform_output": "polars"},
        {"enable_metadata_routing": True},
        {"assume_finite": True},
        {"skip_parameter_validation": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("data, make", [(people, classifier), (prices, regressor)])
def test_settings_of_scikit_learn_do_not_change_the_result(settings, data, make):
    frame, target = data()
    expected = make(max_evaluations=6).fit(frame, target)
    with sklearn.config_context(**settings):
        estimator = make(max_evaluations=6).fit(frame, target)
        np.testing.assert_array_equal(estimator.predict(frame), expected.predict(frame))
    assert texts(estimator) == texts(expected)
    assert estimator.best_score_ == expected.best_score_
    np.testing.assert_array_equal(estimator.predict(frame), expected.predict(frame))
