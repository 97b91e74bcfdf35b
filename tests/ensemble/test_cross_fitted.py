"""Out-of-fold predictions of the final model, aligned with the rows of `fit`."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import (
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_predict,
)

from sklearn_meta.ensemble import _cross_fitted
from sklearn_meta.ensemble._choose_combination import choose
from sklearn_meta.ensemble._combination import STACK
from sklearn_meta.ensemble._contenders import CombinationProblem, contenders
from sklearn_meta.ensemble._cross_fitted import (
    CrossFitted,
    pickled_state,
    unpickled_state,
)
from sklearn_meta.ensemble._fold_scores import fold_scores
from sklearn_meta.ensemble._greedy_selection import SquaredError
from tests.contract.small import Favorites, classifier, regressor
from tests.ensemble.candidates import class_candidates, target_candidates

N = 90
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 3))
TARGET = X[:, 0] + 0.3 * rng.normal(size=N)
CLASSES = np.array(["no", "yes"])[(TARGET > 0).astype(int)]
SPLIT = PredefinedSplit(np.arange(N) % 3)


def one(make, pipeline, **changes):
    """An estimator that evaluates one pipeline."""
    return make(meta_learner=Favorites((pipeline,)), max_evaluations=1, **changes)


# Weights


def squared(y):
    return lambda f, rows: SquaredError(y[rows])(f)


def problem_of(y):
    return CombinationProblem(
        classifies=False,
        y=y,
        sample_weight=None,
        rows=np.arange(len(y)),
        score=squared(y),
        loss_type=SquaredError,
        vectorized=True,
        loss_judged=None,
        size=25,
        stop=lambda: False,
    )


def test_no_weight_depends_on_the_rows_that_it_predicts(rng):
    y, f = target_candidates(rng, n=90, noise=(1.0, 1.2, 1.5))
    folds = [np.arange(i, 90, 3) for i in range(3)]

    def elsewhere(y):
        singles = fold_scores(squared(y), f, folds)
        found = list(contenders(problem_of(y), f, [0, 1, 2], singles, folds))
        assert len(found) == 3
        return [contender.elsewhere for contender in found]

    other = y.copy()
    other[folds[1]] = rng.normal(size=30)
    for before, after in zip(elsewhere(y), elsewhere(other), strict=True):
        assert_allclose(before[1].weights, after[1].weights)
        assert before[1].members == after[1].members
        if before[1].kind == STACK:
            assert_allclose(before[1].intercept, after[1].intercept)
            assert not np.allclose(before[0].intercept, after[0].intercept)


def test_of_one_candidate_each_fold_gets_the_best_one_on_the_others(rng):
    y = rng.normal(size=90)
    folds = [np.arange(30), np.arange(30, 60), np.arange(60, 90)]
    # Best on the folds 1 and 2, on 0 and 2, and on none.
    errors = np.array([[3.0, 0.1, 0.2], [0.1, 3.1, 0.3], [4.0, 4.0, 4.0]])
    sign = np.where(np.arange(90) % 2, 1, -1)
    f = [y + sign * np.repeat(e, 30) for e in errors]
    choice = choose(
        f, y, task="regression", score=squared(y), folds=folds, size=1,
        metric="neg_mean_squared_error",
    )  # fmt: skip
    mean = -(errors**2)
    without = [np.argmax(np.delete(mean, i, axis=1).mean(axis=1)) for i in range(3)]
    assert without == [0, 1, 0]
    assert [c.members for c in choice.elsewhere] == [(m,) for m in without]
    assert choice.combination.members == (0,)


@pytest.mark.parametrize("n_folds", [1, 2, 4])
def test_every_sample_is_in_one_part(rng, n_folds):
    y, p = class_candidates(rng, n=200)
    # A fifth of the samples is in no fold.
    folds = np.array_split(rng.permutation(160), n_folds)
    for size, deadline in ((25, np.inf), (1, np.inf), (25, -np.inf)):
        choice = choose(
            p, y, task="classification", metric="neg_log_loss", folds=folds, size=size,
            score=lambda p, rows: np.log(p[np.arange(len(rows)), y[rows]]).mean(),
            deadline=deadline,
        )  # fmt: skip
        assert_array_equal(np.sort(np.concatenate(choice.folds)), np.arange(200))
        assert len(choice.folds) == len(choice.elsewhere) >= 4
        assert_array_equal(np.sort(choice.folds[-1]), np.arange(160, 200))


# Rows of fit


@pytest.mark.parametrize(
    "make, y, pipeline, method",
    [
        (classifier, CLASSES, "gaussian_nb(X)", "predict_proba"),
        (regressor, TARGET, "ridge(X)", "predict"),
        (regressor, np.column_stack([TARGET, -X[:, 1]]), "ridge(X)", "predict"),
    ],
    ids=["classes", "target", "targets"],
)
def test_of_one_pipeline_they_are_those_of_scikit_learn(make, y, pipeline, method):
    model = one(make, pipeline, cv=SPLIT).fit(X, y)
    expected = cross_val_predict(
        clone(model.best_estimator_), X, y, cv=SPLIT, method=method
    )
    assert_allclose(model.oof_predictions_, expected, atol=1e-6)
    assert_array_equal(model._out_of_fold.fold, np.arange(N) % 3)
    encoded = y if y.dtype.kind == "f" else np.searchsorted(model.classes_, y)
    assert_array_equal(model._out_of_fold.y, encoded)
    assert model._out_of_fold.sample_weight is None


def test_several_labels():
    y = (np.column_stack([TARGET, X[:, 1], X[:, 2]]) > 0).astype(int)
    model = classifier(cv=3).fit(X, y)
    assert model.oof_predictions_.shape == (N, 3)
    assert ((model.oof_predictions_ > 0.5) == y).mean() > 0.8


def test_several_pipelines_predict_new_rows_as_well_as_they_say():
    model = classifier(cv=3, max_evaluations=4).fit(X, CLASSES)
    oof = model.oof_predictions_
    assert oof.shape == (N, 2) and oof.dtype == np.float64
    assert_allclose(oof.sum(axis=1), 1)
    assert (model.classes_[oof.argmax(axis=1)] == CLASSES).mean() > 0.8


def test_rows_follow_their_permutation():
    model = regressor(cv=3).fit(X, TARGET)
    order = np.random.default_rng(1).permutation(N)
    other = regressor(cv=3).fit(X[order], TARGET[order])
    assert_allclose(other.oof_predictions_, model.oof_predictions_[order])
    assert_array_equal(other._out_of_fold.fold, model._out_of_fold.fold[order])


def test_weights_are_repetitions():
    weight = np.arange(N) % 3
    model = regressor(cv=3).fit(X, TARGET, sample_weight=weight)
    rows = np.repeat(np.arange(N), weight)
    repeated = regressor(cv=3)
    with pytest.warns(UserWarning, match="are copies of other rows"):
        repeated.fit(X[rows], TARGET[rows])
    assert_allclose(model.oof_predictions_[rows], repeated.oof_predictions_)
    record, unused = model._out_of_fold, weight == 0
    assert_array_equal(np.isnan(model.oof_predictions_), unused)
    assert_array_equal(np.isnan(record.y), unused)
    assert_array_equal(record.fold == -1, unused)
    assert_allclose(record.sample_weight, weight / weight[~unused].mean())


def test_weights_of_zero_are_left_out_of_classes_too():
    weight = np.ones(N)
    weight[:5] = 0
    y = np.where(weight == 0, "other", CLASSES)
    model = classifier(cv=3).fit(X, y, sample_weight=weight)
    record = model._out_of_fold
    assert_array_equal(record.y[:5], -1)
    assert np.isnan(record.predictions[:5]).all()
    assert_array_equal(model.classes_[record.y[5:]], CLASSES[5:])


def test_a_table_that_is_given_twice_is_predicted_twice():
    once = regressor(cv=3).fit(X, TARGET)
    with pytest.warns(UserWarning, match="are copies of other rows"):
        twice = regressor(cv=3).fit(np.tile(X, (2, 1)), np.tile(TARGET, 2))
    assert_allclose(twice.oof_predictions_, np.tile(once.oof_predictions_, 2))


def test_rows_before_the_first_split_have_no_predictions():
    model = regressor(cv=TimeSeriesSplit(4)).fit(X, TARGET)
    first = N - 4 * (N // 5)
    expected = np.concatenate([np.full(first, -1), np.repeat(range(4), N // 5)])
    assert_array_equal(model._out_of_fold.fold, expected)
    assert_array_equal(np.isnan(model.oof_predictions_), expected < 0)


def test_of_overlapping_splits_every_validated_row_is_predicted():
    cv = ShuffleSplit(4, test_size=0.3, random_state=0)
    model = regressor(cv=cv).fit(X, TARGET)
    validated = np.unique(np.concatenate([v for _, v in cv.split(X)]))
    assert_array_equal(np.flatnonzero(~np.isnan(model.oof_predictions_)), validated)


def test_repeated_folds_are_averaged():
    cv = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    model = one(regressor, "ridge(X)", cv=cv).fit(X, TARGET)
    total = np.zeros(N)
    for train, test in cv.split(X):
        fold = clone(model.best_estimator_).fit(X[train], TARGET[train])
        total[test] += fold.predict(X[test]) / 2
    assert_allclose(model.oof_predictions_, total)


def test_a_holdout_part_is_split_into_blocks():
    cv = ShuffleSplit(1, test_size=0.4, random_state=0)
    model = regressor(cv=cv).fit(X, TARGET)
    ((_, test),) = cv.split(X)
    assert_array_equal(np.flatnonzero(~np.isnan(model.oof_predictions_)), np.sort(test))
    assert_array_equal(np.unique(model._out_of_fold.fold), range(-1, 5))


def test_rows_of_a_group_are_in_one_fold():
    groups = np.arange(N) % 9
    model = regressor(cv=3).fit(X, TARGET, groups=groups)
    fold = model._out_of_fold.fold
    assert all(len(np.unique(fold[groups == g])) == 1 for g in range(9))


# Estimators without a record


def test_without_a_search_there_are_none():
    model = regressor(search=None).fit(X, TARGET)
    assert model._out_of_fold is None
    with pytest.raises(AttributeError, match="fit had search=None"):
        model.oof_predictions_  # noqa: B018
    assert not hasattr(model, "oof_predictions_")


def test_small_records_are_pickled_and_large_ones_are_not(monkeypatch):
    model = regressor(cv=3).fit(X, TARGET)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.oof_predictions_, model.oof_predictions_)
    assert_array_equal(loaded._out_of_fold.fold, model._out_of_fold.fold)
    size = len(pickle.dumps(model))
    monkeypatch.setattr(_cross_fitted, "MAX_PICKLED_BYTES", N * 8 * 3 - 1)
    data = pickle.dumps(model)
    # What is left says why.
    assert len(data) < size - 8 * N * 3 + 1000
    loaded = pickle.loads(data)
    with pytest.raises(AttributeError, match="not pickled with the estimator"):
        loaded.oof_predictions_  # noqa: B018
    assert_array_equal(loaded.predict(X), model.predict(X))
    # The estimator itself still has them, and the loaded one can be pickled again.
    assert model.oof_predictions_.shape == (N,)
    assert pickle.loads(pickle.dumps(loaded))._out_of_fold is None


@pytest.mark.parametrize(
    "shape, kept",
    [
        ((100_000, 2), True),
        ((170_000,), True),
        ((1_000_000, 2), False),
        ((10_000, 500), False),
    ],
)
def test_the_limit_of_what_is_pickled(shape, kept):
    n = shape[0]
    record = CrossFitted(np.zeros(shape), np.zeros(n), None, np.zeros(n, int))
    state = pickled_state({"_out_of_fold": record, "other": 1})
    assert state["other"] == 1
    if kept:
        assert state["_out_of_fold"] == record.arrays
        assert unpickled_state(state)["_out_of_fold"].arrays == record.arrays
    else:
        assert state["_out_of_fold"] is None
        assert "take more than 4 MiB" in state["_no_out_of_fold"]


def test_records_that_would_take_too_much_memory_are_not_made(monkeypatch):
    monkeypatch.setattr(_cross_fitted, "MAX_BYTES", 8 * N * 3 - 1)
    model = regressor(cv=3).fit(X, TARGET)
    with pytest.raises(AttributeError, match="would take more than"):
        model.oof_predictions_  # noqa: B018


def test_a_fit_that_goes_on_replaces_them(tmp_path):
    model = regressor(cv=3, warm_start=True, max_evaluations=1).fit(X, TARGET)
    before = model.oof_predictions_
    model.set_params(max_evaluations=3).fit(X, TARGET)
    assert_allclose(
        model.oof_predictions_,
        regressor(cv=3, max_evaluations=model.n_evaluations_)
        .fit(X, TARGET)
        .oof_predictions_,
    )
    assert before.shape == model.oof_predictions_.shape
    path = tmp_path / "c.sqlite"
    first = regressor(cv=3, checkpoint=path).fit(X, TARGET)
    again = regressor(cv=3, checkpoint=path).fit(X, TARGET)
    assert_allclose(again.oof_predictions_, first.oof_predictions_)
