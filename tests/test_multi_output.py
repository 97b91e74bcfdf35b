"""Several numbers or several labels, through the same search."""

import pickle
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import get_scorer, log_loss, root_mean_squared_error
from sklearn.model_selection import GroupKFold, PredefinedSplit
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_classifier_multioutput,
    check_classifiers_multilabel_output_format_predict,
    check_classifiers_multilabel_output_format_predict_proba,
    check_classifiers_multilabel_representation_invariance,
    check_regressor_multioutput,
)

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.data._task import MultilabelTask, RegressionTask, label_probabilities
from sklearn_meta.ensemble import (
    Combination,
    LogLoss,
    RootSquaredErrors,
    SquaredError,
    WeightedEnsembleRegressor,
    combine,
    greedy_selection,
)
from sklearn_meta.ensemble._stacking import fit_linear_pool, fit_linear_pools
from sklearn_meta.ensemble._weighted_ensemble import _WeightedEnsembleMultilabel
from sklearn_meta.evaluation._scoring import make_scoring
from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.pipelines import Operator, SearchSpace
from tests.faulty_learners import FAULTY

# One that takes several outputs, some that are fitted once for each.
SPACE = SearchSpace(
    include=[
        "logistic_regression", "gaussian_nb", "decision_tree", "bayesian_ridge",
        "standard_scaler", "select_percentile",
    ],
    max_size=3,
)  # fmt: skip
SMALL = {"search_space": SPACE, "max_evaluations": 4, "random_state": 0}


def labels(n=120, n_labels=3, seed=0):
    return make_multilabel_classification(
        n, 8, n_classes=n_labels, n_labels=2, random_state=seed
    )


def numbers(n=120, seed=0):
    """Three targets of very different sizes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    signal = np.column_stack([X[:, 0], X[:, 1] - X[:, 2], X[:, 3] + X[:, 0]])
    return X, (signal + 0.3 * rng.normal(size=(n, 3))) * [1, 10, 1000] + [0, 5, -300]


def classifier(**kwargs):
    return MetaAutoClassifier(**{**SMALL, **kwargs})


def regressor(**kwargs):
    return MetaAutoRegressor(**{**SMALL, **kwargs})


@pytest.fixture(scope="module")
def fitted_labels():
    X, Y = labels()
    return classifier(max_evaluations=6).fit(X[:80], Y[:80]), X, Y


@pytest.fixture(scope="module")
def fitted_numbers():
    X, Y = numbers()
    return regressor(max_evaluations=6).fit(X[:80], Y[:80]), X, Y


# The main job


def test_labels_are_predicted_with_their_probabilities(fitted_labels):
    clf, X, Y = fitted_labels
    probabilities = clf.predict_proba(X[80:])
    assert probabilities.shape == (40, 3)
    assert (probabilities > 0).all() and (probabilities < 1).all()
    predicted = clf.predict(X[80:])
    assert_array_equal(predicted, probabilities > 0.5)
    assert predicted.dtype == Y.dtype
    share = np.broadcast_to(Y[:80].mean(axis=0), (40, 3))
    assert loss(Y[80:], probabilities) < 0.85 * loss(Y[80:], share)
    assert_allclose(clf.predict_log_proba(X[80:]), np.log(probabilities))
    assert [c.tolist() for c in clf.classes_] == [[0, 1]] * 3
    assert not hasattr(clf, "decision_function")


def loss(Y, probabilities):
    return np.mean([log_loss(y, p) for y, p in zip(Y.T, probabilities.T, strict=True)])


def test_numbers_are_predicted(fitted_numbers):
    reg, X, Y = fitted_numbers
    assert reg.predict(X[80:]).shape == (40, 3)
    assert reg.score(X[80:], Y[80:]) > 0.8


@pytest.mark.parametrize("name", ["fitted_labels", "fitted_numbers"])
def test_best_estimator_works_without_this_package(name, request, tmp_path):
    model, X, _ = request.getfixturevalue(name)
    path = tmp_path / "best.pickle"
    path.write_bytes(pickle.dumps((model.best_estimator_, X)))
    code = (
        "import pickle, sys\n"
        f"model, X = pickle.loads(open({str(path)!r}, 'rb').read())\n"
        "print(model.predict(X).shape)\n"
        "assert not [m for m in sys.modules if m.startswith('sklearn_meta')]\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == str((120, len(model.predict(X)[0])))


@pytest.mark.parametrize("name", ["fitted_labels", "fitted_numbers"])
def test_source_makes_the_best_pipeline(name, request):
    model, X, Y = request.getfixturevalue(name)
    module = {}
    exec(model.to_source(), module)
    assert isinstance(model.best_estimator_, Pipeline)
    best = clone(model.best_estimator_).fit(X, Y)
    assert_allclose(module["pipeline"].fit(X, Y).predict(X), best.predict(X))


@pytest.mark.parametrize("name", ["fitted_labels", "fitted_numbers"])
def test_pickle_gives_the_same_predictions(name, request):
    model, X, _ = request.getfixturevalue(name)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def test_a_single_model_is_the_best_estimator():
    X, Y = numbers()
    reg = regressor(ensemble_size=1).fit(X, Y)
    assert_allclose(reg.predict(X), reg.best_estimator_.predict(X))


def test_best_score_is_that_of_scikit_learn():
    X, Y = numbers()
    folds = PredefinedSplit(np.arange(120) % 4)
    space = SearchSpace(include=["ridge"], max_size=1)
    reg = regressor(cv=folds, search_space=space, max_evaluations=1).fit(X, Y)
    scores = [
        get_scorer("neg_root_mean_squared_error")(
            clone(reg.best_estimator_).fit(X[train], Y[train]), X[test], Y[test]
        )
        for train, test in folds.split()
    ]
    assert_allclose(reg.history_[0].scores, scores, rtol=1e-5)


def test_rich_tables():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "city": pd.Series(rng.choice(["Oslo", "Rome"], 150), dtype="category"),
            "age": np.where(rng.uniform(size=150) < 0.1, np.nan, rng.normal(size=150)),
        }
    )
    Y = np.column_stack([X["city"] == "Rome", X["age"].fillna(1) > 0]).astype(int)
    clf = classifier().fit(X, Y)
    assert clf.score(X, Y) > 0.8
    assert np.isfinite(clf.predict_proba(X.assign(city="Lima", age=np.nan))).all()


def test_sparse_tables():
    rng = np.random.default_rng(0)
    X = sparse.random_array((150, 40), density=0.1, random_state=rng, format="csr")
    Y = np.column_stack([X[:, :20].sum(axis=1), X[:, 20:].sum(axis=1)])
    assert regressor().fit(X, Y).score(X, Y) > 0.5
    assert classifier().fit(X, (Y > 1).astype(int)).score(X, Y > 1) > 0.5


# Targets in every form


@pytest.mark.parametrize(
    "form",
    [
        lambda Y: Y.tolist(),
        lambda Y: list(Y),
        lambda Y: Y.astype(object),
        pd.DataFrame,
        lambda Y: pd.DataFrame(Y).astype("Int64"),
        pl.DataFrame,
    ],
)
def test_targets_in_every_form(form):
    X, Y = labels(80)
    expected = classifier(max_evaluations=2).fit(X, Y).predict_proba(X)
    assert_array_equal(
        classifier(max_evaluations=2).fit(X, form(Y)).predict_proba(X), expected
    )


@pytest.mark.parametrize("dtype", [bool, float, np.int8])
def test_labels_come_back_in_the_type_they_had(dtype):
    X, Y = labels(80)
    clf = classifier(max_evaluations=3).fit(X, Y.astype(dtype))
    assert clf.predict(X).dtype == dtype
    expected = classifier(max_evaluations=3).fit(X, Y).predict_proba(X)
    assert_array_equal(clf.predict_proba(X), expected)


def test_a_column_is_one_output():
    X, Y = numbers(60)
    with pytest.warns(UserWarning, match="column-vector y"):
        reg = regressor(max_evaluations=2).fit(X, Y[:, [0]])
    assert reg.predict(X).shape == (60,)


@pytest.mark.parametrize(
    "values", [[0, 1, 2], [1, 2], [-1, 1], ["a", "b"]], ids=["012", "12", "-11", "ab"]
)
def test_columns_of_classes_are_rejected_with_a_way_out(values):
    X, _ = labels(60)
    Y = np.random.default_rng(0).choice(values, size=(60, 2))
    with pytest.raises(ValueError, match=r"MultiOutputClassifier\(MetaAutoClassifier"):
        classifier().fit(X, Y)


def test_the_way_out_works():
    X, _ = labels(60)
    Y = np.random.default_rng(0).choice(["a", "b", "c"], size=(60, 2))
    wrapped = MultiOutputClassifier(classifier(max_evaluations=2)).fit(X, Y)
    assert wrapped.predict(X).shape == (60, 2)


@pytest.mark.parametrize(
    "estimator, Y, error, match",
    [
        (classifier(), np.full((20, 2), 0.5) * np.arange(2), ValueError, "continuous"),
        (classifier(), np.ones((20, 2), dtype=int), ValueError, "some rows of y have"),
        (classifier(), sparse.eye_array(20).tocsr(), TypeError, "toarray"),
        (classifier(), np.eye(19, dtype=int), ValueError, "inconsistent numbers"),
        (regressor(), np.full((20, 2), np.nan), ValueError, "NaN"),
        (regressor(), np.full((20, 2), "a"), ValueError, "could not convert"),
    ],
)
def test_bad_targets_get_a_clear_error(estimator, Y, error, match):
    X = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(error, match=match):
        estimator.fit(X, Y)


# What may be in the data


def test_a_label_that_some_training_fold_lacks():
    X, Y = labels(60)
    Y[:, 1] = np.arange(60) == 7  # one row has it
    Y[:, 2] = np.arange(60) != 8  # one row lacks it
    clf = classifier(max_evaluations=8).fit(X, Y)
    assert {str(e.status) for e in clf.history_} <= {"ok", "pruned"}
    assert np.isfinite(clf.predict_proba(X)).all()


def test_a_constant_label_is_predicted_with_a_warning():
    X, Y = labels(60)
    Y[:, 2] = 1
    with pytest.warns(UserWarning, match=r"agree on the labels \[2\]"):
        clf = classifier().fit(X, Y)
    assert (clf.predict(X)[:, 2] == 1).all()


def test_a_constant_target_is_predicted_with_a_warning():
    X, Y = numbers(60)
    Y[:, 1] = 7.0
    with pytest.warns(UserWarning, match=r"columns \[1\] of y are constant"):
        reg = regressor().fit(X, Y)
    assert_allclose(reg.predict(X)[:, 1], 7, rtol=1e-3)


def test_integer_weights_are_repetitions():
    X, Y = numbers(80)
    weight = np.random.default_rng(0).integers(0, 3, size=80)
    a = regressor(max_evaluations=3).fit(X, Y, sample_weight=weight)
    b = regressor(max_evaluations=3)
    with pytest.warns(SklearnMetaWarning, match="rows are copies of other rows"):
        b.fit(X.repeat(weight, 0), Y.repeat(weight, 0))
    assert_array_equal(a.predict(X), b.predict(X))


def test_weights_reach_candidates_and_scores():
    X, Y = labels()
    rng = np.random.default_rng(0)
    noisy = Y.copy()
    noisy[::2] = rng.integers(2, size=noisy[::2].shape)
    weight = np.where(np.arange(120) % 2, 1.0, 1e-3)
    weighted = classifier().fit(X, noisy, sample_weight=weight)
    plain = classifier().fit(X, noisy)
    assert weighted.best_score_ > plain.best_score_ + 0.02
    assert loss(Y, weighted.predict_proba(X)) < loss(Y, plain.predict_proba(X))


def test_fit_does_not_depend_on_the_order_of_rows():
    X, Y = labels(80)
    order = np.random.default_rng(0).permutation(80)
    a = classifier(max_evaluations=3).fit(X, Y)
    b = classifier(max_evaluations=3).fit(X[order], Y[order])
    assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@pytest.mark.parametrize("cv", [None, GroupKFold(3)])
def test_groups_are_kept_together(cv):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 4)
    # Near copies, which only the groups tell of.
    X = rng.normal(size=(60, 3))[groups] + 1e-3 * rng.normal(size=(240, 3))
    Y = rng.integers(2, size=(60, 2))[groups]
    space = SearchSpace(include=["decision_tree"], max_size=1)
    kwargs = {"search_space": space, "max_evaluations": 12, "scoring": "accuracy"}
    grouped = classifier(cv=cv, **kwargs).fit(X, Y, groups=groups)
    plain = classifier(**kwargs).fit(X, Y)
    # Labels are coin tosses for each group: without groups, folds leak them.
    assert plain.best_score_ > 0.8 > 0.5 > grouped.best_score_


# The search


@pytest.mark.parametrize("make", [labels, numbers])
def test_same_result_for_every_number_of_workers(make):
    X, Y = make(300)
    estimator = MetaAutoClassifier if make is labels else MetaAutoRegressor
    # An operator that is not built in makes the search start its workers.
    kind = "Classifier" if make is labels else "Regressor"
    own = Operator(
        "own_tree", "learner", f"sklearn.tree.ExtraTree{kind}", random_state=True
    )
    space = SearchSpace(
        include=["gaussian_nb", "bayesian_ridge", "decision_tree", "standard_scaler"],
        operators=[own],
    )
    fits = [
        estimator(
            max_evaluations=8, random_state=0, n_jobs=n_jobs, time_budget=600,
            search_space=space,
        ).fit(X, Y)
        for n_jobs in (1, 2)
    ]  # fmt: skip
    first, second = (
        [(e.candidate.text, e.status, e.scores) for e in fit.history_] for fit in fits
    )
    assert first == second
    assert_array_equal(fits[0].predict(X), fits[1].predict(X))


def test_warm_start_continues_the_search():
    X, Y = labels(80)
    clf = classifier(warm_start=True, max_evaluations=3)
    first = [e.candidate.text for e in clf.fit(X, Y).history_]
    both = [e.candidate.text for e in clf.fit(X, Y).history_]
    assert both[:3] == first and len(both) == 6
    with pytest.warns(SklearnMetaWarning, match="begins anew"):
        clf.fit(X, Y[:, 0])
    assert clf.predict(X).shape == (80,)


def test_one_output_after_several_and_back():
    X, Y = labels(80)
    clf = classifier(max_evaluations=2)
    assert clf.fit(X, Y).predict(X).shape == (80, 3)
    assert list(clf.fit(X, Y[:, 0]).classes_) == [0, 1]
    assert clf.fit(X, Y).predict_proba(X).shape == (80, 3)


@pytest.mark.parametrize("make", [labels, numbers])
def test_without_time_for_a_refit_a_fold_model_stands_in(make):
    import sklearn_meta.ensemble._refits

    X, Y = make()
    model = (classifier if make is labels else regressor)(time_budget=30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sklearn_meta.ensemble._refits.Refits, "run", lambda self, evaluations: None
        )
        patch.setattr(
            "sklearn_meta.evaluation._history.History.racing_rule",
            lambda self: sklearn_meta.evaluation._racing.RacingRule(
                keep_models_from=0.0
            ),
        )
        model.fit(X, Y)
    assert isinstance(model.ensemble_.members[0], tuple)
    assert model.predict(X).shape == Y.shape
    assert model.best_estimator_.predict(X).shape == Y.shape
    assert type(model.best_estimator_).__module__ == "sklearn.pipeline"


@pytest.mark.parametrize("make", [labels, numbers])
def test_without_a_candidate_a_constant_is_predicted(make):
    X, Y = make(80)
    hanging = replace(FAULTY["hanging"], tasks=("classification", "regression"))
    space = SearchSpace(include=["standard_scaler"], operators=(hanging,))
    model = (classifier if make is labels else regressor)(
        time_budget=1, search_space=space
    )
    with pytest.warns(SklearnMetaWarning, match="predicts a constant"):
        model.fit(X, Y)
    predicted = model.predict(X)
    assert predicted.shape == Y.shape
    assert (predicted == predicted[0]).all()


# scikit-learn's own checks


def test_tags_are_truthful():
    assert get_tags(MetaAutoClassifier()).classifier_tags.multi_label
    # What scikit-learn means by that is several columns of classes.
    assert not get_tags(MetaAutoClassifier()).target_tags.multi_output
    assert get_tags(MetaAutoRegressor()).target_tags.multi_output


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator, check",
    [
        (MetaAutoRegressor, check_regressor_multioutput),
        (MetaAutoClassifier, check_classifier_multioutput),
        (MetaAutoClassifier, check_classifiers_multilabel_representation_invariance),
        (MetaAutoClassifier, check_classifiers_multilabel_output_format_predict),
        (MetaAutoClassifier, check_classifiers_multilabel_output_format_predict_proba),
    ],
)
def test_common_checks(estimator, check):
    check(estimator.__name__, estimator(**{**SMALL, "max_evaluations": 2}))


# Scores


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "neg_root_mean_squared_error", "neg_mean_squared_error",
        "neg_mean_absolute_error", "r2",
    ],
)  # fmt: skip
def test_scores_of_several_targets_are_those_of_scikit_learn(name, weighted):
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(2, 40, 3)) * [1, 10, 1000]
    w = rng.uniform(size=40) if weighted else None
    task = RegressionTask(3)
    expected = get_scorer(name)(
        task.as_estimator(p), np.zeros((40, 1)), y, sample_weight=w
    )
    score = make_scoring(name, task)(p, np.zeros((40, 1)), y, w)
    assert score == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_default_score_of_labels_is_the_mean_of_their_log_losses(weighted):
    rng = np.random.default_rng(0)
    Y, P = rng.integers(2, size=(40, 3)), rng.uniform(0.01, 0.99, size=(40, 3))
    w = rng.uniform(size=40) if weighted else None
    expected = -np.mean(
        [log_loss(y, p, sample_weight=w) for y, p in zip(Y.T, P.T, strict=True)]
    )
    scoring = make_scoring(None, MultilabelTask(3, Y.dtype))
    assert scoring(P, None, Y, w) == pytest.approx(expected)
    # Defined where all rows agree, and where a probability is 0.
    assert np.isfinite(scoring(np.zeros((4, 1)), None, np.ones((4, 1), int), None))


@pytest.mark.filterwarnings("ignore:F-score is ill-defined")
@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize(
    "name",
    ["f1_micro", "f1_samples", "accuracy", "roc_auc", "average_precision",
     "jaccard_macro"],
)  # fmt: skip
def test_scores_of_labels_are_those_of_scikit_learn(name, n_labels):
    X, Y = labels(120, n_labels)
    forest = RandomForestClassifier(n_estimators=10, random_state=0).fit(X[:80], Y[:80])
    expected = get_scorer(name)(forest, X[80:], Y[80:])
    task = MultilabelTask(n_labels, Y.dtype)
    predictions = np.column_stack([p[:, 1] for p in forest.predict_proba(X[80:])])
    scoring = make_scoring(name, task)
    assert scoring(predictions, X[80:], Y[80:]) == pytest.approx(expected)


@pytest.mark.parametrize("scoring", ["f1_micro", "roc_auc"])
def test_any_scorer_that_takes_labels(scoring):
    X, Y = labels(n_labels=2)
    clf = classifier(scoring=scoring, max_evaluations=4).fit(X, Y)
    assert 0 < clf.best_score_ <= 1
    assert clf.score(X, Y) == pytest.approx(get_scorer(scoring)(clf, X, Y))


@pytest.mark.parametrize(
    "estimator, make, scoring",
    [
        (classifier, labels, "f1"),
        (classifier, labels, "balanced_accuracy"),
        (classifier, labels, "neg_log_loss"),
        (classifier, labels, "neg_brier_score"),
        (regressor, numbers, "neg_max_error"),
        (regressor, numbers, "roc_auc"),
    ],
)
def test_other_scorers_are_refused_before_the_search(estimator, make, scoring):
    X, Y = make(60)
    with pytest.raises(ValueError, match=f"'scoring' parameter .*{scoring!r}"):
        estimator(scoring=scoring).fit(X, Y)


# Probabilities of labels


def test_both_conventions_of_probabilities_are_understood():
    X, Y = labels(60)
    Y[:, 1], Y[:, 2] = 0, 1
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, Y)
    p = label_probabilities(forest, X)
    assert_allclose(p[:, 0], forest.predict_proba(X)[0][:, 1], atol=1e-6)
    assert (p[:, 1] < 1e-6).all() and (p[:, 2] > 1 - 1e-6).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = MLPClassifier(random_state=0).fit(X, Y)
    assert_allclose(label_probabilities(network, X), network.predict_proba(X))


# Ensembles


def candidates_of_labels(n=200, n_labels=3, n_candidates=5, seed=0):
    rng = np.random.default_rng(seed)
    Y = rng.integers(2, size=(n, n_labels))
    logits = 1.5 * (2 * Y - 1) + 2 * rng.normal(size=(n_candidates, n, n_labels))
    return Y, 1 / (1 + np.exp(-logits))


def candidates_of_numbers(n=200, n_candidates=5, seed=0):
    rng = np.random.default_rng(seed)
    scale = np.array([1.0, 10.0, 1000.0])
    Y = rng.normal(size=(n, 3)) * scale + [0, 5, -300]
    return Y, Y + rng.normal(size=(n_candidates, n, 3)) * scale


FOLDS = np.split(np.arange(200), 5)


def test_a_label_is_combined_as_two_classes():
    Y, P = candidates_of_labels()
    for kind, weights, b in (
        ("average", np.array([0.5, 0.3, 0.2]), None),
        ("stack", np.array([1.2, 0.3, 0.2]), np.array([0.1, -0.1])),
    ):
        combination = Combination(kind, (0, 1, 2), weights, b)
        members = [Known(p) for p in P[:3]]
        ensemble = _WeightedEnsembleMultilabel(members, combination, 3, np.dtype(int))
        combined = ensemble.predict_proba(None)
        for k in range(3):
            pairs = [np.column_stack([1 - p[:, k], p[:, k]]) for p in P[:3]]
            assert_allclose(combined[:, k], combination.apply(pairs)[:, 1])
        assert_array_equal(ensemble.predict(None), combined > 0.5)


class Known(BaseEstimator):
    """A fitted model whose predictions are known."""

    def __init__(self, predictions):
        self.predictions = predictions

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return self.predictions

    predict = predict_proba


def test_numbers_are_combined_output_by_output():
    Y, F = candidates_of_numbers()
    combination = Combination(
        "stack", (0, 1), np.array([0.7, 0.4]), np.array([1, 2, 3])
    )
    ensemble = WeightedEnsembleRegressor([Known(f) for f in F[:2]], combination)
    assert_allclose(ensemble.predict(None), 0.7 * F[0] + 0.4 * F[1] + [1, 2, 3])
    mean = Combination("average", (0, 1), np.array([0.5, 0.5]))
    ensemble = WeightedEnsembleRegressor([Known(f) for f in F[:2]], mean)
    assert_allclose(ensemble.predict(None), (F[0] + F[1]) / 2)


@pytest.mark.parametrize("weighted", [False, True])
def test_vectorized_scores_equal_plain_ones(weighted):
    w = np.random.default_rng(1).uniform(size=200) if weighted else None
    Y, F = candidates_of_numbers()
    error = root_mean_squared_error(Y, F[0], sample_weight=w)
    assert RootSquaredErrors(Y, w)(F[0]) == pytest.approx(-error)
    Y_labels, P = candidates_of_labels()
    pairs = np.stack([1 - P, P], axis=-1)
    scoring = make_scoring(None, MultilabelTask(3, Y_labels.dtype))
    score = LogLoss(Y_labels, w)(pairs[0])
    assert score == pytest.approx(scoring(P[0], None, Y_labels, w))
    for loss, candidates in (
        (RootSquaredErrors(Y, w), F),
        (SquaredError(Y, w), F),
        (LogLoss(Y_labels, w), pairs),
    ):
        fast = greedy_selection(candidates, loss, size=9)
        slow = greedy_selection(candidates, lambda p, loss=loss: loss(p), size=9)
        # As shares: twice as many of each are the same average.
        assert_allclose(fast / fast.sum(), slow / slow.sum())


def test_greedy_selection_minds_the_small_output_as_the_score_does():
    # Candidate 1 is better in the sum of squares, which the large output decides.
    y = np.zeros((40, 2))
    f = np.array([[1.0, 10.0], [8.0, 9.9]])[:, None, :] * np.ones((2, 40, 1))
    assert_array_equal(greedy_selection(f, RootSquaredErrors(y), size=1), [1, 0])
    assert_array_equal(greedy_selection(f, SquaredError(y), size=1), [1, 0])
    f[1, :, 0] = 1.2
    assert_array_equal(greedy_selection(f, SquaredError(y), size=1), [0, 1])
    assert_array_equal(greedy_selection(f, RootSquaredErrors(y), size=1), [1, 0])


def test_linear_pools_do_not_depend_on_the_units_of_an_output():
    Y, F = candidates_of_numbers()
    rows, center = np.ones(200), np.full(5, 0.2)
    w, b = fit_linear_pools(F, Y, rows, center, 0.4)
    factor, shift = np.array([1e3, 1.0, 1e-3]), np.array([7.0, -1e4, 0.0])
    w2, b2 = fit_linear_pools(F * factor + shift, Y * factor + shift, rows, center, 0.4)
    assert_allclose(w2, w, rtol=1e-6)
    combined = np.tensordot(w, F, axes=1) + b
    other = np.tensordot(w2, F * factor + shift, axes=1) + b2
    assert_allclose(other, combined * factor + shift, rtol=1e-6, atol=1e-6)
    assert combined.shape == Y.shape
    # Of one output, it is the fit for one.
    w1, b1 = fit_linear_pool(F[..., 0], Y[:, 0], rows, center, 0.4)
    w2, b2 = fit_linear_pools(F[..., :1], Y[:, :1], rows, center, 0.4)
    assert_allclose(w2, w1, rtol=1e-6)
    assert_allclose(b2, [b1], rtol=1e-6, atol=1e-9)


def test_a_combination_of_candidates_that_err_differently_is_better():
    Y, F = candidates_of_numbers()
    new_Y, new_F = candidates_of_numbers(seed=1)
    combination = combine(
        F, Y, task="regression", folds=FOLDS, metric="neg_root_mean_squared_error",
        score=lambda f, rows: RootSquaredErrors(Y[rows])(f),
    )  # fmt: skip
    combined = combination.apply_to_targets([new_F[m] for m in combination.members])
    score = RootSquaredErrors(new_Y)
    assert len(combination.members) > 2
    assert score(combined) > 0.7 * max(score(f) for f in new_F)

    Y, P = candidates_of_labels()
    new_Y, new_P = candidates_of_labels(seed=1)
    scoring = make_scoring(None, MultilabelTask(3, Y.dtype))
    combination = combine(
        P, Y, task="classification", folds=FOLDS, metric=scoring.name,
        score=lambda p, rows: scoring(p, None, Y[rows]),
    )  # fmt: skip
    ensemble = _WeightedEnsembleMultilabel(
        [Known(new_P[m]) for m in combination.members], combination, 3, Y.dtype
    )
    best = max(scoring(p, None, new_Y) for p in new_P)
    assert scoring(ensemble.predict_proba(None), None, new_Y) > 0.8 * best


@pytest.mark.parametrize("folds", [FOLDS, FOLDS[:1]])
@pytest.mark.parametrize("metric", [None, "neg_mean_squared_error"])
def test_any_score_of_outputs_can_be_combined(folds, metric):
    Y, F = candidates_of_numbers()
    combination = combine(
        F, Y, task="regression", folds=folds, metric=metric,
        score=lambda f, rows: -float(np.mean(np.abs(f - Y[rows]) / [1, 10, 1000])),
        sample_weight=np.random.default_rng(0).uniform(size=200),
    )  # fmt: skip
    combined = combination.apply_to_targets([F[m] for m in combination.members])
    assert combined.shape == Y.shape and len(combination.members) > 1


def test_a_copy_is_one_that_agrees_on_every_output():
    # The two differ in the small output only, which the large one must not hide.
    Y, F = candidates_of_numbers(n_candidates=1)
    other = F[0] + [1.0, 0, 0] * np.random.default_rng(3).normal(size=(200, 1))
    score = lambda f, rows: -float(np.abs((f - Y[rows])[:, 0]).mean())  # noqa: E731
    combination = combine(
        [F[0], other], Y, task="regression", folds=FOLDS, score=score, size=5
    )
    average = (F[0] + other) / 2
    everything = np.arange(200)
    gains = score(average, everything) > score(F[0], everything)
    assert (len(combination.members) > 1) == gains
