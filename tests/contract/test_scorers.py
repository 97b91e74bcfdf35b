"""Scorers of the user: the table they get, and what they may do in a fit."""

import contextlib

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import KFold, LeaveOneOut, StratifiedKFold, cross_val_score

from sklearn_meta.exceptions import NoCandidateError
from sklearn_meta.parallel._shared_memory import SharedObject
from tests.contract.small import Favorites, classifier, people, prices, regressor

FRAME, TARGET = people()
COSTS, PRICES = prices()


def only(*pipelines, **changes):
    """A classifier that tries these pipelines alone."""
    return classifier(
        **{
            "meta_learner": Favorites(pipelines),
            "max_evaluations": len(pipelines),
            **changes,
        }
    )


class Watched:
    """The accuracy, and what the scorer was given."""

    def __init__(self):
        self.tables = []

    def __call__(self, estimator, X, y):
        self.tables.append(X)
        return accuracy_score(y, estimator.predict(X))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_scorer_gets_rows_of_the_users_frame(library):
    frame = FRAME if library is pd else pl.from_pandas(FRAME)
    scorer = Watched()
    clf = classifier(scoring=scorer).fit(frame, TARGET)
    in_fit = len(scorer.tables)
    clf.score(frame, TARGET)
    assert in_fit > 3
    for table in scorer.tables:
        assert type(table) is type(frame)
        assert list(table.columns) == list(frame.columns)
        assert list(table.dtypes) == list(frame.dtypes)
    if library is pd:
        # Their index tells which rows they are.
        for table in scorer.tables:
            pd.testing.assert_frame_equal(table, frame.loc[table.index])


@pytest.mark.parametrize(
    "X",
    [
        FRAME.to_numpy(),
        FRAME[["age", "height"]].to_numpy(),
        FRAME[["age", "age"]].to_numpy(dtype=np.float32),
        FRAME[["age"]].to_numpy().tolist(),
        sparse.csr_matrix(FRAME[["age"]].to_numpy()),
    ],
    ids=["objects", "numbers", "float32", "list", "sparse"],
)
def test_a_scorer_gets_the_users_array(X):
    scorer = Watched()
    clf = classifier(scoring=scorer).fit(X, TARGET)
    for table in scorer.tables:
        assert sparse.issparse(table) or isinstance(table, np.ndarray)
        assert table.shape[1] == np.shape(X)[1] if not sparse.issparse(X) else 1
    assert clf.best_score_ > 0.5


def test_a_scorer_gets_the_target_with_its_index():
    seen = []

    def scorer(estimator, X, y):
        seen.append(y)
        assert y.index.equals(X.index)
        return accuracy_score(y, estimator.predict(X))

    target = pd.Series(TARGET, name="customer", index=FRAME.index)
    clf = classifier(scoring=scorer).fit(FRAME, target)
    clf.score(FRAME, target)
    for y in seen:
        pd.testing.assert_series_equal(y, target[y.index], check_dtype=False)
    # Nullable types are converted, as scikit-learn does not support all of them.
    numbers = pd.Series(TARGET == "yes", index=FRAME.index).astype("Int64")
    clf = classifier(scoring=scorer).fit(FRAME, numbers)
    clf.score(FRAME, numbers)
    assert seen[-1].dtype == np.int64


def sum_saved(estimator, X, y):
    """Depends on a column, and asks for rows in groups and backwards."""
    saved = 0.0
    for city in ("Rome", "Oslo", "Lima"):
        part = X[X["city"] == city].iloc[::-1]
        if len(part):
            right = estimator.predict(part) == y[(X["city"] == city).to_numpy()][::-1]
            saved += float((part["age"] * right).sum())
    return saved / len(X)


def test_the_score_of_a_fold_is_that_of_the_fitted_pipeline():
    def saved(estimator, X, y):
        right = estimator.predict(X) == y
        return float(np.sum(X["age"] * right)) / len(X)

    cv = list(StratifiedKFold(3, shuffle=True, random_state=0).split(FRAME, TARGET))
    numbers = FRAME[["age"]].assign(other=np.arange(120.0))
    for scorer in (saved, lambda e, X, y: saved(e, X.iloc[::-1], y[::-1])):
        clf = only("logistic_regression(standard_scaler(X))", cv=cv, scoring=scorer)
        clf.fit(numbers, TARGET)
        expected = cross_val_score(
            clf.best_estimator_, numbers, TARGET, cv=cv, scoring=scorer
        )
        assert clf.history_[0].scores == pytest.approx(expected)


def test_parts_of_the_table_may_be_predicted_one_by_one():
    def together(estimator, X, y):
        return float(np.sum(X["age"] * (estimator.predict(X) == y))) / len(X)

    clf = classifier(scoring=sum_saved).fit(FRAME, TARGET)
    same = classifier(scoring=together).fit(FRAME, TARGET)
    for one, other in zip(clf.history_, same.history_, strict=True):
        assert one.scores == pytest.approx(other.scores)
    assert clf.score(FRAME, TARGET) == pytest.approx(same.score(FRAME, TARGET))


@pytest.mark.filterwarnings("ignore:.*takes no sample_weight")
def test_rows_without_weight_are_not_given_to_a_scorer():
    scorer = Watched()
    weight = (np.arange(120) % 3).astype(float)
    classifier(scoring=scorer).fit(FRAME, TARGET, sample_weight=weight)
    seen = set().union(*(table.index for table in scorer.tables))
    assert seen == set(np.flatnonzero(weight))


def test_a_scorer_that_changes_its_table_changes_nothing_else():
    def spoils(estimator, X, y):
        score = accuracy_score(y, estimator.predict(X))
        X["age"] = 0.0
        del X["city"]
        predicted = estimator.predict_proba(X.assign(city="Rome")[list(FRAME)])
        predicted[:] = 0.0
        y[:] = "no"
        return score

    before = FRAME.copy()
    clf = classifier(scoring=spoils).fit(FRAME, TARGET)
    plain = classifier(scoring=Watched()).fit(FRAME, TARGET)
    pd.testing.assert_frame_equal(FRAME, before)
    assert [e.scores for e in clf.history_] == [e.scores for e in plain.history_]


def test_a_scorer_that_clips_predictions_in_place_changes_nothing_else():
    def clips(y_true, y_pred):
        np.clip(y_pred, 0, 1, out=y_pred)
        return -np.mean(np.abs(y_true - y_pred))

    settings = {"scoring": make_scorer(clips), "cv": 3, "max_evaluations": 4}
    reg = regressor(**settings).fit(COSTS, PRICES)
    assert np.ptp(reg.predict(COSTS)) > 1


def test_a_scorer_may_ask_how_predictions_change_with_a_column():
    def robust(estimator, X, y):
        older = X.assign(age=X["age"] + 5.0)
        return np.mean(estimator.predict(older) == estimator.predict(X))

    clf = classifier(scoring=robust).fit(FRAME, TARGET)
    assert 0 < clf.best_score_ < 1
    # Combinations cannot be scored before they are fitted.
    assert len(clf.ensemble_weights_) == 1


def test_a_regressor_scorer_reads_columns():
    def by_city(estimator, X, y):
        errors = pd.Series(np.abs(estimator.predict(X) - y)).groupby(
            np.asarray(X["city"])
        )
        return -errors.mean().max()

    reg = regressor(scoring=by_city).fit(COSTS, PRICES)
    assert -1 < reg.best_score_ < 0
    assert reg.score(COSTS, PRICES) == by_city(reg, COSTS, PRICES)


def test_the_table_reaches_worker_processes():
    from sklearn.utils._testing import ignore_warnings

    from sklearn_meta.data._describe import describe_table
    from sklearn_meta.data._target import classification_task
    from sklearn_meta.evaluation._scorer_trial import try_scorer
    from sklearn_meta.evaluation._scoring import make_scoring
    from sklearn_meta.evaluation._search_plan import trial_context

    with ignore_warnings():
        table = describe_table(classifier(), FRAME, TARGET, task_of=classification_task)
    suffix = "me"
    scoring = make_scoring(
        lambda e, X, y: (
            np.mean(e.predict(X) == "yes") + (X["city"] == f"Ro{suffix}").sum()
        ),
        table.dataset.task,
    )
    context = trial_context(table, scoring)
    shared = SharedObject.create(context)
    try:
        loaded = shared.load()
    finally:
        shared.close()
    assert try_scorer(loaded) > 0
    rows = np.arange(30)
    predictions = np.tile([[0.2, 0.8]], (30, 1))
    assert loaded.score(predictions, rows) == context.score(predictions, rows)


# Faults


class WornOut:
    """Works a number of times, then raises."""

    def __init__(self, n, error):
        self.left, self.error = n, error

    def __call__(self, estimator, X, y):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return accuracy_score(y, estimator.predict(X))


@pytest.mark.parametrize(
    "error", [KeyError("gone"), ZeroDivisionError(), SystemExit(3)]
)
def test_no_error_of_a_scorer_ends_a_fit_with_finished_candidates(error):
    # The trial, whether it judges labels, and two candidates on two folds.
    clf = classifier(scoring=WornOut(7, error)).fit(FRAME, TARGET)
    assert [e.status for e in clf.history_] == ["ok", "ok", "failed"]
    assert type(error).__name__ in clf.history_[2].reason
    assert clf.predict(FRAME).shape == (120,)


def test_where_every_candidate_fails_the_error_names_the_reason():
    with pytest.raises(NoCandidateError, match="3 × KeyError: 'gone'"):
        classifier(scoring=WornOut(1, KeyError("gone"))).fit(FRAME, TARGET)


def test_ctrl_c_in_a_scorer_is_that_of_the_user():
    with pytest.raises(KeyboardInterrupt):
        classifier(scoring=WornOut(1, KeyboardInterrupt())).fit(FRAME, TARGET)


def mean_recall(estimator, X, y):
    """A balanced accuracy that divides by the number of rows of a class."""
    predicted = estimator.predict(X)
    return sum(np.sum(predicted[y == c] == c) / int(sum(y == c)) for c in ("no", "yes"))


def test_folds_that_lack_a_class_do_not_count():
    order = np.argsort(TARGET, kind="stable")
    folds = [order[:20], order[20::2], order[21::2]]
    cv = [(np.setdiff1d(order, fold), fold) for fold in folds]
    with np.errstate(all="ignore"), contextlib.suppress(RuntimeWarning):
        clf = classifier(scoring=mean_recall, cv=cv).fit(FRAME, TARGET)
    assert np.isfinite(clf.best_score_)
    assert np.isnan(clf.history_[0].scores[0])
    assert clf.best_score_ == pytest.approx(
        max(np.nanmean(e.scores) for e in clf.history_)
    )
    assert np.isfinite(clf.cv_results_["std_test_score"]).all()


@pytest.mark.parametrize("scoring", ["roc_auc", make_scorer(f1_score, pos_label="yes")])
def test_pooled_scores_stand_in_where_no_fold_has_one(scoring):
    rows = np.arange(0, 120, 4)
    clf = classifier(scoring=mean_recall, cv=LeaveOneOut())
    clf.fit(FRAME.iloc[rows], TARGET[rows])
    assert np.isnan(clf.history_[0].scores).all()
    assert 0 < clf.best_score_ <= 2
    named = classifier(scoring=scoring, cv=KFold(3)).fit(FRAME, TARGET)
    assert np.isfinite(named.best_score_)
