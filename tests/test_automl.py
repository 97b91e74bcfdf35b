"""The public estimators, end to end on small real tables."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import f1_score, log_loss, make_scorer, mean_squared_error
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
    TimeSeriesSplit,
    train_test_split,
)
from sklearn.pipeline import Pipeline

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.exceptions import (
    NoCandidateError,
    SearchInterruptedWarning,
    SklearnMetaWarning,
)
from sklearn_meta.metalearning import FixedPortfolio
from sklearn_meta.parallel import _start_pool as _start
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.search import EvolutionarySearch, RandomSearch
from tests.contract.small import texts
from tests.faulty_learners import FAULTY

FAST = [
    "logistic_regression",
    "ridge",
    "gaussian_nb",
    "decision_tree",
    "standard_scaler",
]


# Kinds of learners whose results could depend on threads, seeds or processes, and that
# are quick enough for a test.
DETERMINED = SearchSpace(
    include=[
        "ridge", "extra_trees", "decision_tree", "hist_gradient_boosting", "lightgbm",
        "standard_scaler", "pca", "quantile_transform", "nystroem",
    ],
    max_size=3,
)  # fmt: skip


def fast_space(*extra):
    """A space of cheap operators, plus some of the faulty learners."""
    operators = tuple(FAULTY[name] for name in extra)
    return SearchSpace(include=FAST, operators=operators)


# All but networks, of which a fit takes a second.
QUICK = SearchSpace(exclude=["bagged_mlp"])


def classifier(**kwargs):
    kwargs = {
        "max_evaluations": 6, "search_space": QUICK, "random_state": 0, **kwargs
    }  # fmt: skip
    return MetaAutoClassifier(**kwargs)


@pytest.fixture(scope="module")
def fitted():
    """The default space, networks included."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, random_state=0, stratify=y
    )
    clf = classifier(max_evaluations=8, search_space=None).fit(X_train, y_train)
    return clf, X_train, X_test, y_train, y_test


# The main job


def test_classifier_beats_the_constant_predictor_by_far(fitted):
    clf, X_train, X_test, y_train, y_test = fitted
    dummy = DummyClassifier().fit(X_train, y_train)
    loss = log_loss(y_test, clf.predict_proba(X_test))
    assert loss < 0.3 * log_loss(y_test, dummy.predict_proba(X_test))
    np.testing.assert_allclose(clf.predict_proba(X_test).sum(axis=1), 1)
    assert clf.score(X_test, y_test) > 0.9


def test_regressor_beats_the_constant_predictor():
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    reg = MetaAutoRegressor(max_evaluations=6, random_state=0).fit(X_train, y_train)
    dummy = DummyRegressor().fit(X_train, y_train)
    error = mean_squared_error(y_test, reg.predict(X_test))
    assert error < 0.7 * mean_squared_error(y_test, dummy.predict(X_test))


def test_results_have_the_names_of_a_grid_search(fitted):
    clf, X_train, X_test, *_ = fitted
    results = clf.cv_results_
    best = int(np.argmin(results["rank_test_score"]))
    assert results["rank_test_score"][best] == 1
    assert results["mean_test_score"][best] == pytest.approx(clf.best_score_)
    assert results["params"][best] == {"pipeline": clf.best_pipeline_}
    splits = [results[f"split{i}_test_score"][best] for i in range(clf.n_splits_)]
    assert np.mean(splits) == pytest.approx(clf.best_score_)
    assert len(results["params"]) == clf.n_evaluations_ == clf.n_iter_ == 8
    assert isinstance(clf.best_estimator_, Pipeline)


def test_leaderboard_tells_the_whole_story(fitted):
    clf = fitted[0]
    table = clf.leaderboard_
    assert isinstance(table, pd.DataFrame)
    assert len(table) == clf.n_evaluations_
    assert {
        "score", "standard_error", "weight", "folds", "fit_seconds", "predict_seconds",
        "status", "origin", "pipeline", "reason",
    } <= set(table.columns)  # fmt: skip
    ok = table[table.status == "ok"]
    assert ok.score.is_monotonic_decreasing
    assert ok.score.iloc[0] == pytest.approx(clf.best_score_)
    assert table.weight.sum() == pytest.approx(1.0)
    members = set(table.number[table.weight > 0])
    assert members == {n for n, w in clf.ensemble_weights_.items() if w > 0}
    assert members <= set(ok.number)


def test_time_report_adds_up(fitted):
    report = fitted[0].time_report_
    parts = ["plan", "recall", "start workers", "search", "combine"]
    assert all(report[part] >= 0 for part in parts)
    assert sum(report[part] for part in parts) <= report["fit"]
    assert 0 < report["candidates"]


def test_best_estimator_works_without_this_package(fitted, tmp_path):
    clf, X_train, X_test, *_ = fitted
    path = tmp_path / "best.pickle"
    path.write_bytes(pickle.dumps((clf.best_estimator_, X_test)))
    code = (
        "import pickle, sys\n"
        f"model, X = pickle.loads(open({str(path)!r}, 'rb').read())\n"
        "print(float(model.predict_proba(X)[:, 1].sum()))\n"
        "assert not [m for m in sys.modules if m.startswith('sklearn_meta')]\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    expected = clf.best_estimator_.predict_proba(X_test)[:, 1].sum()
    assert float(out.stdout) == pytest.approx(expected)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_source_makes_the_best_pipeline(seed):
    X, y = people()
    clf = classifier(random_state=seed, max_evaluations=5, cv=3).fit(X, y)
    module = {}
    exec(clf.to_source(), module)
    assert "sklearn_meta" not in clf.to_source()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = module["pipeline"].fit(X, y)
        best = clone(clf.best_estimator_).fit(X, y)
    np.testing.assert_allclose(pipeline.predict_proba(X), best.predict_proba(X))


def test_ensemble_size_one_is_the_single_best_pipeline():
    X, y = load_iris(return_X_y=True)
    clf = classifier(ensemble_size=1, search_space=fast_space()).fit(X, y)
    np.testing.assert_allclose(
        clf.predict_proba(X), clf.best_estimator_.predict_proba(X), atol=1e-6
    )


# Determinism


@pytest.mark.parametrize("strategy", [EvolutionarySearch(), RandomSearch()])
def test_same_result_for_every_number_of_workers(strategy, monkeypatch):
    # Worker processes are started for a short search too.
    monkeypatch.setattr(_start, "IN_PROCESS_SECONDS", 0.0)
    X, y = load_diabetes(return_X_y=True)
    fits = [
        MetaAutoRegressor(
            max_evaluations=14, random_state=0, n_jobs=n_jobs, search=clone(strategy),
            time_budget=600, search_space=DETERMINED, cv=3,
        ).fit(X, y)
        for n_jobs in (1, 2)
    ]  # fmt: skip
    first, second = (
        [(e.candidate.text, e.status, e.scores) for e in fit.history_] for fit in fits
    )
    assert first == second
    np.testing.assert_array_equal(fits[0].predict(X), fits[1].predict(X))


# Real data


def people(n=120):
    rng = np.random.default_rng(0)
    city = rng.choice(["Oslo", "Rome", "Lima"], size=n)
    age = rng.normal(40, 10, size=n)
    member = rng.uniform(size=n) < 0.5
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D")
    y = np.where((city == "Rome") ^ (age > 45), "yes", "no")
    frame = pd.DataFrame(
        {
            "city": pd.Series(city, dtype="category"),
            "age": np.where(rng.uniform(size=n) < 0.1, np.nan, age),
            "member": member,
            "joined": joined,
            "note": rng.choice(["a", "b", None], size=n),
            "empty": np.nan,
        }
    )
    return frame, y


def test_frames_need_no_preparation():
    X, y = people()
    clf = classifier(scoring="accuracy").fit(X, y)
    assert clf.score(X, y) > 0.75
    assert list(clf.feature_names_in_) == list(X.columns)
    assert set(clf.predict(X)) <= {"yes", "no"}
    unseen = X.assign(city="Paris", age=np.nan)
    assert np.isfinite(clf.predict_proba(unseen)).all()


@pytest.mark.parametrize(
    "learner", ["logistic_regression", "k_neighbors", "extra_trees", "lightgbm"]
)
def test_values_may_be_missing_for_the_first_time_in_predict(learner):
    X, y = people()
    X = X[["city", "member"]].assign(height=np.arange(120.0), weight=np.arange(120) % 7)
    space = SearchSpace(include=[learner], max_size=1)
    clf = classifier(search_space=space, max_evaluations=1).fit(X, y)
    X.loc[:3, "height"] = np.nan
    X.loc[2:5, "city"] = None
    assert np.isfinite(clf.predict_proba(X)).all()


def test_polars_gives_the_same_as_pandas():
    X, y = people()
    X = X.drop(columns="empty")
    other = pl.from_pandas(X)
    a = classifier(max_evaluations=4, cv=3).fit(X, y)
    b = classifier(max_evaluations=4, cv=3).fit(other, pl.Series(y))
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(other))


def test_sparse_input():
    rng = np.random.default_rng(0)
    X = sparse.random_array((150, 40), density=0.1, random_state=rng, format="coo")
    y = np.asarray(X.sum(axis=1)).ravel() > 2
    clf = classifier().fit(X, y)
    assert clf.score(X.tocsr(), y) > 0.7
    assert set(clf.predict(X)) <= {True, False}


def test_rare_classes_are_never_dropped():
    X, y = load_iris(return_X_y=True)
    keep = np.r_[0:100, 100:101]
    clf = classifier(search_space=fast_space()).fit(X[keep], y[keep])
    assert list(clf.classes_) == [0, 1, 2]
    assert clf.predict_proba(X).shape == (150, 3)


def test_sample_weight_reaches_candidates_and_scores():
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(0)
    noisy = y.copy()
    noisy[::2] = rng.permutation(y[::2])
    weight = np.where(np.arange(150) % 2, 1.0, 0.0)
    kwargs = {"search_space": fast_space(), "ensemble_size": 1}
    weighted = classifier(**kwargs).fit(X, noisy, sample_weight=weight)
    plain = classifier(**kwargs).fit(X, noisy)
    assert weighted.best_score_ > plain.best_score_ + 0.1
    assert weighted.score(X, y) > 0.9


def test_rows_without_weight_do_not_count_at_all():
    X, y = load_iris(return_X_y=True)
    weight = (y < 2).astype(float)
    kwargs = {"search_space": fast_space(), "max_evaluations": 3}
    a = classifier(**kwargs).fit(X, y, sample_weight=weight)
    b = classifier(**kwargs).fit(X[:100], y[:100])
    assert list(a.classes_) == [0, 1]
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def test_fit_does_not_depend_on_the_order_of_rows():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    kwargs = {"search_space": fast_space(), "max_evaluations": 3}
    a = classifier(**kwargs).fit(X, y)
    b = classifier(**kwargs).fit(X[order], y[order])
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def noisy(n, seed=0):
    """A table of which nobody can predict much."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, (X[:, 0] + 2 * rng.logistic(size=n) > 0).astype(int)


# Learners of which some remember every row.
REMEMBERING = {
    "search_space": SearchSpace(
        include=["logistic_regression", "k_neighbors", "decision_tree", "lightgbm"],
        max_size=1,
    ),
    "meta_learner": FixedPortfolio(),
    "max_evaluations": 5,
}


def loss_on_new_rows(clf):
    X, y = noisy(3000, seed=1)
    return log_loss(y, clf.predict_proba(X))


@pytest.mark.parametrize("how", ["weights", "small weights", "copies"])
def test_a_repeated_table_is_the_table(how):
    X, y = noisy(150)
    once = classifier(**REMEMBERING).fit(X, y)
    assert abs(-once.best_score_ - loss_on_new_rows(once)) < 0.05
    again = classifier(**REMEMBERING)
    if how == "copies":
        with pytest.warns(SklearnMetaWarning, match="600 of the 750 rows are copies"):
            again.fit(np.tile(X, (5, 1)), np.tile(y, 5))
    else:
        again.fit(X, y, sample_weight=np.full(150, 5 if how == "weights" else 0.37))
    assert again.best_score_ == once.best_score_
    assert again.best_pipeline_ == once.best_pipeline_
    np.testing.assert_array_equal(again.predict_proba(X), once.predict_proba(X))


@pytest.mark.parametrize("factor", [0.37, 1e6])
def test_weights_times_a_constant_are_the_same_weights(factor):
    X, y = noisy(150)
    rng = np.random.default_rng(0)
    for weight in (1 + np.arange(150) % 3, rng.uniform(0.1, 3, size=150)):
        first, second = (
            classifier(**REMEMBERING).fit(X, y, sample_weight=w)
            for w in (weight, factor * weight)
        )
        assert first.best_score_ == second.best_score_
        assert texts(first) == texts(second)
        assert abs(-first.best_score_ - loss_on_new_rows(first)) < 0.05


@pytest.mark.parametrize("n", [150, 2_500])
def test_scores_of_an_oversampled_table_are_honest(n):
    X, y = noisy(n)
    often = np.random.default_rng(0).choice(n, size=n // 3, replace=False)
    rows = np.r_[np.arange(n), np.repeat(often, 4)]
    clf = classifier(**REMEMBERING)
    with pytest.warns(SklearnMetaWarning, match="rows are copies of other rows"):
        clf.fit(X[rows], y[rows])
    assert abs(-clf.best_score_ - loss_on_new_rows(clf)) < 0.06


def test_equal_rows_of_few_categories_are_no_copies():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(900, 3)).astype(float)
    y = (X[:, 0] + 2 * rng.logistic(size=900) > 1).astype(int)
    # Warnings are errors.
    clf = classifier(**REMEMBERING).fit(X, y)
    new = rng.integers(0, 3, size=(3000, 3)).astype(float)
    y_new = (new[:, 0] + 2 * rng.logistic(size=3000) > 1).astype(int)
    assert abs(-clf.best_score_ - log_loss(y_new, clf.predict_proba(new))) < 0.03


def test_integer_weights_are_repetitions_also_with_splits_of_the_users_own():
    X, y = load_iris(return_X_y=True)
    weight = np.random.default_rng(0).integers(0, 3, size=150)
    half = np.arange(150) % 2
    kwargs = {"search_space": fast_space(), "max_evaluations": 3}
    a = classifier(cv=PredefinedSplit(half), **kwargs)
    b = classifier(cv=PredefinedSplit(half.repeat(weight)), **kwargs)
    a.fit(X, y, sample_weight=weight)
    b.fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@pytest.mark.parametrize("search", ["evolution", None])
@pytest.mark.parametrize("make", [MetaAutoClassifier, MetaAutoRegressor])
def test_groups_that_cannot_be_used_are_refused_before_the_search(make, search):
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    # Whatever is searched fails.
    model = make(search=search, search_space=fast_space(), time_budget=1e-9)
    missing = pd.Series(["a", "b"] * 10).mask(np.arange(20) == 3)
    for groups in (missing, missing.astype("string"), ["clinic A"] * 20, [1, 2]):
        with pytest.raises(ValueError, match="^groups must"):
            model.fit(X, y, groups=groups)


def test_groups_are_kept_together():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 4)
    X = rng.normal(size=(100, 3))[groups] + 0.01 * rng.normal(size=(400, 3))
    y = rng.integers(2, size=100)[groups]
    kwargs = {
        "search_space": SearchSpace(include=["k_neighbors"], max_size=1),
        "scoring": "accuracy",
        "ensemble_size": 1,
    }
    grouped = classifier(**kwargs).fit(X, y, groups=groups)
    plain = classifier(**kwargs).fit(X, y)
    # The label is a coin toss for each group: without groups, folds leak it.
    assert plain.best_score_ > 0.8 > 0.7 > grouped.best_score_


@pytest.mark.parametrize("scoring", ["roc_auc", "f1_macro", "neg_brier_score"])
def test_any_scorer_name(scoring):
    X, y = load_breast_cancer(return_X_y=True)
    kwargs = {"search_space": fast_space(), "max_evaluations": 3, "cv": 3}
    clf = classifier(scoring=scoring, **kwargs).fit(X, y)
    assert np.isfinite(clf.best_score_)
    assert np.isfinite(clf.score(X, y))


def test_scorer_object_and_callable():
    X, y = load_diabetes(return_X_y=True)

    def within_fifty(estimator, X, y):
        return np.mean(np.abs(estimator.predict(X) - y) < 50)

    reg = MetaAutoRegressor(
        scoring=within_fifty, max_evaluations=3, ensemble_size=1, random_state=0,
        search_space=fast_space(),
    ).fit(X, y)  # fmt: skip
    assert 0 < reg.best_score_ <= 1
    assert reg.score(X, y) == pytest.approx(within_fifty(reg, X, y))


# Faults


@pytest.mark.alone
@pytest.mark.parametrize(
    "name, status, budget",
    [
        ("raising", "failed", 60),
        ("not_finite", "failed", 60),
        ("exiting", "crashed", 60),
        ("eating", "memory", 60),
        # Stopped when its share of the budget is used.
        ("hanging", "timeout", 8),
        ("warning", "ok", 60),
    ],
)
def test_a_faulty_candidate_costs_only_itself(name, status, budget):
    X, y = load_iris(return_X_y=True)
    X, y = X[:100], y[:100] ^ (np.arange(100) % 7 == 0)
    began = time.monotonic()
    clf = classifier(
        # A forest waits for the workers, so that the faulty learner is not left behind.
        search_space=SearchSpace(
            include=["random_forest"], operators=(FAULTY[name],), max_size=1
        ),
        search=EvolutionarySearch(initial_pipelines=[f"{name}(X)"]),
        max_evaluations=4,
        cv=3,
        time_budget=budget,
        memory_limit=250,
        n_jobs=2,
    ).fit(X, y)
    assert time.monotonic() - began < budget * 1.02 + 0.3
    bad = [e for e in clf.history_ if name in e.candidate.text]
    assert status in {str(e.status) for e in bad}
    assert all(e.reason for e in bad if e.status != "ok")
    good = [e for e in clf.history_ if "random_forest" in e.candidate.text]
    assert "ok" in {str(e.status) for e in good}


def test_no_working_candidate_is_an_error_that_counts_the_causes():
    X, y = load_iris(return_X_y=True)
    space = SearchSpace(include=["standard_scaler"], operators=(FAULTY["raising"],))
    with pytest.raises(NoCandidateError, match="RuntimeError: this learner always"):
        classifier(search_space=space).fit(X, y)


class InterruptAfter:
    """A callback that acts like Ctrl-C."""

    def __init__(self, n):
        self.n = n

    def setup(self, estimator, context):
        self.count = 0

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.count += 1
        if self.count == self.n:
            raise KeyboardInterrupt

    def teardown(self, estimator, context):
        pass


def test_interrupt_keeps_what_was_found():
    pytest.importorskip("sklearn.callback")
    X, y = load_iris(return_X_y=True)
    clf = classifier(max_evaluations=500)
    clf.set_callbacks(InterruptAfter(3))
    with pytest.warns(SearchInterruptedWarning, match="after 3 evaluations"):
        clf.fit(X, y)
    assert clf.n_evaluations_ == 3
    assert clf.score(X, y) > 0.9


def test_interrupt_while_the_final_model_is_fitted(monkeypatch):
    import sklearn_meta.ensemble._final_model

    build, calls = sklearn_meta.ensemble._final_model.build_final_model, []

    def interrupted_once(*args, **kwargs):
        calls.append(kwargs["budget"])
        if len(calls) == 1:
            raise KeyboardInterrupt
        return build(*args, **kwargs)

    monkeypatch.setattr(
        sklearn_meta.ensemble._final_model, "build_final_model", interrupted_once
    )
    X, y = load_iris(return_X_y=True)
    with pytest.warns(SearchInterruptedWarning):
        clf = classifier(search_space=fast_space(), max_evaluations=3).fit(X, y)
    assert clf.stop_reason_ == "interrupted"
    assert clf.score(X, y) > 0.9


@pytest.mark.alone
@pytest.mark.filterwarnings("ignore::sklearn_meta.exceptions.SearchInterruptedWarning")
def test_a_real_interrupt_signal_ends_fit_at_once():
    X, y = load_breast_cancer(return_X_y=True)
    threading.Timer(5.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    clf = MetaAutoClassifier(time_budget=60, random_state=0, n_jobs=2).fit(X, y)
    assert time.monotonic() - began < 12
    assert clf.stop_reason_ == "interrupted"
    assert clf.score(X, y) > 0.9


def test_html_and_text_repr():
    clf = classifier(search_space=fast_space())
    assert "MetaAutoClassifier(max_evaluations=6" in repr(clf)
    assert "MetaAutoClassifier" in clf._repr_html_()
    X, y = load_iris(return_X_y=True)
    assert "MetaAutoClassifier" in clf.fit(X, y)._repr_html_()


# Budget


@pytest.mark.alone
def test_tiny_table_ends_early():
    X, y = load_iris(return_X_y=True)
    began = time.monotonic()
    clf = MetaAutoClassifier(random_state=0).fit(X[::3], y[::3])
    assert time.monotonic() - began < 25
    assert clf.stop_reason_ != "time budget used"


@pytest.mark.alone
@pytest.mark.parametrize("budget", [0.5, 3])
@pytest.mark.filterwarnings("ignore::sklearn_meta.exceptions.SklearnMetaWarning")
def test_short_budget_is_kept(budget):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 20))
    y = X[:, 0] * X[:, 1] + rng.normal(size=3_000)
    began = time.monotonic()
    reg = MetaAutoRegressor(time_budget=budget, n_jobs=2, random_state=0).fit(X, y)
    assert time.monotonic() - began < budget * 1.02 + 0.3
    assert np.isfinite(reg.predict(X)).all()


def test_without_a_finished_candidate_there_is_no_source_to_write():
    X, y = load_iris(return_X_y=True)
    space = SearchSpace(include=["standard_scaler"], operators=(FAULTY["hanging"],))
    clf = classifier(time_budget=1, search_space=space)
    with pytest.warns(SklearnMetaWarning, match="predicts a constant"):
        clf.fit(X, y)
    with pytest.raises(NoCandidateError, match="Raise time_budget"):
        clf.to_source()


def test_warm_start_continues_the_search():
    X, y = load_iris(return_X_y=True)
    clf = classifier(warm_start=True, max_evaluations=4, search_space=fast_space())
    first = [e.candidate.text for e in clf.fit(X, y).history_]
    both = [e.candidate.text for e in clf.fit(X, y).history_]
    assert both[:4] == first
    assert len(both) == len(set(both)) == 8
    with pytest.warns(SklearnMetaWarning, match="begins anew"):
        # Classes that no tree tells apart: a perfect score would end the search.
        clf.fit(X[50:], y[50:])
    assert clf.n_evaluations_ == 4


def other(X):
    """A table that differs in one cell."""
    X = X.copy()
    X[7, 2] += 0.5
    return X


def own_scorer(estimator, X, y):
    return estimator.score(X, y)


GROUPS = np.arange(150) % 7
HALF = np.arange(150) % 2
# What changes from one fit to the next: parameters, and arguments of `fit`.
CHANGES = {
    "X": ({}, {"X": other(load_iris().data)}),
    "y": ({}, {"y": np.roll(load_iris().target, 1)}),
    "sample_weight": ({}, {"sample_weight": 1 + HALF}),
    "groups": ({}, {"groups": GROUPS}),
    "scoring": ({"scoring": "accuracy"}, {}),
    "cv": ({"cv": 3}, {}),
    "search_space": ({"search_space": SearchSpace(include=FAST[:-1])}, {}),
    "search": ({"search": EvolutionarySearch(population_size=7)}, {}),
    "meta_learner": ({"meta_learner": FixedPortfolio()}, {}),
    "random_state": ({"random_state": 1}, {}),
}


@pytest.mark.parametrize(("name", "change"), CHANGES.items())
def test_warm_start_begins_anew_where_the_search_is_another(name, change):
    given = dict(zip(("X", "y"), load_iris(return_X_y=True), strict=True))
    clf = classifier(warm_start=True, max_evaluations=2, search_space=fast_space())
    params, arguments = change
    clf.fit(**given).set_params(**params)
    with pytest.warns(SklearnMetaWarning, match=f"previous fit: {name}. The search"):
        clf.fit(**{**given, **arguments})
    assert clf.n_evaluations_ == 2
    # And goes on from there.
    assert clf.fit(**{**given, **arguments}).n_evaluations_ == 4


def test_warm_start_names_everything_that_differs():
    X, y = load_iris(return_X_y=True)
    clf = classifier(warm_start=True, max_evaluations=2, search_space=fast_space())
    clf.fit(X, y, groups=GROUPS).set_params(scoring=own_scorer)
    with pytest.warns(SklearnMetaWarning, match="previous fit: X, groups, scoring."):
        clf.fit(other(X), y)


def test_warm_start_notices_levels_of_equal_codes():
    frame = pd.DataFrame({"a": ["x", "y", "z"] * 20, "b": np.arange(60) % 7})
    y = np.arange(60) % 2
    clf = classifier(warm_start=True, max_evaluations=1, search_space=fast_space())
    clf.fit(frame, y)
    with pytest.warns(SklearnMetaWarning, match="previous fit: X. "):
        clf.fit(frame.replace({"a": {"z": "zz"}}), y)


@pytest.mark.parametrize(
    ("at_first", "then"),
    [
        ({"time_budget": 60, "n_jobs": 1}, {"time_budget": 50, "n_jobs": 2}),
        ({}, {"ensemble_size": 1, "memory_limit": 4000, "verbose": 1}),
        ({"scoring": None}, {"scoring": "neg_log_loss"}),
        ({"scoring": own_scorer}, {}),
        (
            {"scoring": make_scorer(f1_score, average="macro")},
            {"scoring": make_scorer(f1_score, average="macro")},
        ),
        ({"cv": KFold(3)}, {"cv": KFold(3)}),
        ({"cv": PredefinedSplit(HALF)}, {"cv": PredefinedSplit(HALF)}),
        ({"random_state": None}, {}),
        ({"random_state": np.random.RandomState(0)}, {}),
        ({"search": "evolution"}, {"search": EvolutionarySearch()}),
        ({}, {"search_space": fast_space()}),
    ],
)
def test_warm_start_goes_on_where_the_search_is_the_same(at_first, then, capfd):
    X, y = load_iris(return_X_y=True)
    clf = classifier(warm_start=True, max_evaluations=2, search_space=fast_space())
    clf.set_params(**at_first).fit(X, y).set_params(**then)
    # Warnings are errors.
    clf.fit(X.copy(), list(y))
    assert clf.n_evaluations_ == 4


def test_warm_start_goes_on_with_a_knowledge_base_that_grows(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = classifier(warm_start=True, max_evaluations=2, search_space=fast_space())
    clf.set_params(knowledge_base=tmp_path / "own.sqlite").fit(X, y)
    assert clf.fit(X, y).n_evaluations_ == 4


# No side effects


def test_fit_leaves_no_trace(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    state = np.random.get_state()[1].copy()
    environment = dict(os.environ)
    X, y = load_iris(return_X_y=True)
    classifier().fit(X, y)
    assert not list(tmp_path.iterdir())
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert dict(os.environ) == environment
    assert capfd.readouterr() == ("", "")


def test_verbose_shows_progress(capfd):
    X, y = load_iris(return_X_y=True)
    classifier(verbose=1).fit(X, y)
    err = capfd.readouterr().err
    assert "evaluations" in err and "best " in err


# Bad input


def test_bad_parameters_are_named():
    X, y = load_iris(return_X_y=True)
    for kwargs in (
        {"time_budget": 0}, {"time_budget": -5}, {"ensemble_size": 0},
        {"max_evaluations": 0}, {"scoring": "acuracy"}, {"search": "annealing"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(kwargs))):
            MetaAutoClassifier(**kwargs).fit(X, y)


@pytest.mark.parametrize(
    "X, y, match",
    [
        (np.empty((0, 3)), [], "0 sample"),
        (np.empty((5, 0)), [0, 1, 0, 1, 0], "0 feature"),
        (np.ones((1, 3)), [1], "1 sample|one sample|n_samples = 1|1 class"),
        (np.ones((5, 3)), [1, 1, 1, 1, 1], "1 class"),
        (np.ones((5, 3)), [0, 1, 0], "inconsistent numbers of samples"),
        (np.array([[1.0], [np.inf], [2.0], [3.0]]), [0, 1, 0, 1], "infinity"),
        (np.ones((4, 1)), [0.1, 0.2, 0.3, 0.4], "Unknown label type"),
        (np.ones((4, 1)), [0, 1, None, 1], "NaN|None|unknown|Unknown"),
    ],
)
def test_bad_tables_get_a_clear_error(X, y, match):
    with pytest.raises(ValueError, match=match):
        classifier().fit(X, y)


def test_missing_target_is_an_error():
    with pytest.raises(ValueError, match="NaN"):
        MetaAutoRegressor().fit(np.ones((4, 1)), [1.0, np.nan, 2.0, 3.0])


def test_constant_target_is_predicted_with_a_warning():
    X = np.random.default_rng(0).normal(size=(40, 2))
    with pytest.warns(UserWarning, match="y is constant"):
        reg = MetaAutoRegressor(max_evaluations=3, random_state=0).fit(
            X, np.full(40, 7)
        )
    np.testing.assert_allclose(reg.predict(X), 7, rtol=1e-3)


def test_column_without_values_is_harmless():
    X, y = load_iris(return_X_y=True)
    X = np.c_[X, np.full(150, np.nan)]
    assert classifier().fit(X, y).score(X, y) > 0.9


def test_more_folds_than_members_is_an_error():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="n_splits=60"):
        classifier(cv=60).fit(X, y)


def test_a_short_search_is_the_same_every_time():
    X, y = load_iris(return_X_y=True)
    fits = [
        MetaAutoClassifier(
            # So much that a busy machine needs less.
            time_budget=600, search_space=DETERMINED, cv=3, random_state=0,
            n_jobs=n_jobs,
        ).fit(X[::2], y[::2])
        for n_jobs in (1, 2)
    ]  # fmt: skip
    first, second = (
        [(e.candidate.text, e.scores, e.status) for e in fit.history_] for fit in fits
    )
    assert "time" not in fits[0].stop_reason_
    assert first == second
    np.testing.assert_allclose(*(fit.predict_proba(X) for fit in fits))


UNITS = [(1.0, 0.0), (1.0, 1.7e9), (1e-9, 0.0), (1e12, 0.0)]
TEXTS = ["ridge(X)", "lightgbm(X, early_stopping=True)", "extra_trees(X)", "svr(X)"]


def of_unit(X, y, **changes):
    settings = {
        "search": EvolutionarySearch(initial_pipelines=TEXTS),
        "max_evaluations": len(TEXTS),
        "cv": 3,
        "random_state": 0,
    }
    return MetaAutoRegressor(**{**settings, **changes}).fit(X, y)


def test_location_and_scale_of_the_target_change_nothing_but_the_unit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(260, 3))
    y = X[:, 0] - 0.6 * X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=260)
    y /= y.std()
    fits = [of_unit(X[:180], scale * y[:180] + offset) for scale, offset in UNITS]
    r2, errors = [], []
    for model, (scale, offset) in zip(fits, UNITS, strict=True):
        r2.append(model.score(X[180:], scale * y[180:] + offset))
        errors.append(model.best_score_ / scale)
    np.testing.assert_allclose(r2, r2[0], atol=0.02)
    assert r2[0] > 0.8
    np.testing.assert_allclose(errors, errors[0], rtol=0.02)
    order = [m.leaderboard_["pipeline"].tolist() for m in fits]
    assert order == [order[0]] * 4
    statuses = {e.status for m in fits for e in m.history_}
    assert statuses == {"ok"}


def test_a_target_far_from_zero_is_scaled_in_what_is_exported():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    y = 1.7e9 + X[:, 0]
    model = of_unit(X, y, ensemble_size=1)
    module = {}
    exec(model.to_source(), module)
    assert repr(module["pipeline"]) == repr(clone(model.best_estimator_))
    for pipeline in (model.best_estimator_, module["pipeline"].fit(X, y)):
        assert pipeline.score(X, y) > 0.95
    shot = of_unit(X, y, search=None, max_evaluations=2)
    assert shot.score(X, y) > 0.9


def test_usual_targets_are_not_scaled():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    model = of_unit(X, 2000 + 10 * X[:, 0])
    assert "TransformedTarget" not in repr(model.best_estimator_)


def linear_trend(n):
    t = np.arange(n, dtype=float)
    rng = np.random.default_rng(0)
    return t[:, None], 20 + 0.5 * t + 0.5 * rng.normal(size=n)


@pytest.mark.parametrize("rows", ["in order", "shuffled"])
def test_a_trend_continues_where_folds_are_in_time(rows):
    X, y = linear_trend(240)
    folds = list(TimeSeriesSplit(4).split(X[:160]))
    where = np.arange(160)
    if rows == "shuffled":
        where = np.random.default_rng(1).permutation(160)
        place = np.argsort(where)
        folds = [(place[a], place[b]) for a, b in folds]
    texts = [
        "ridge(X)",
        "ridge(X, alpha=10)",
        "bayesian_ridge(X)",
        "huber(X)",
    ]
    model = of_unit(
        X[where],
        y[where],
        cv=folds,
        search=EvolutionarySearch(initial_pipelines=texts),
    )
    assert len(model.ensemble_.members) > 1
    assert model.score(X[160:], y[160:]) > 0.95
    # What explodes is still cut.
    assert model.predict([[1e9]])[0] < y.max() + 12 * np.ptp(y)


def test_members_do_not_extrapolate_where_folds_are_random():
    X, y = linear_trend(160)
    texts = ["ridge(X)", "ridge(X, alpha=100)", "bayesian_ridge(X)", "huber(X)"]
    model = of_unit(X, y, search=EvolutionarySearch(initial_pipelines=texts))
    if len(model.ensemble_.members) > 1:
        assert model.predict([[1e3]])[0] < y.max() + np.ptp(y)
