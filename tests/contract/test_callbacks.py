"""scikit-learn's callbacks on our estimators, and on what is around them."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_meta.search import RandomSearch
from tests.contract.small import (
    Witness,
    classifier,
    foreign_space,
    people,
    regressor,
    texts,
)

callback = pytest.importorskip(
    "sklearn.callback", reason="scikit-learn has callbacks since 1.9"
)
ProgressBar, ScoringMonitor = callback.ProgressBar, callback.ScoringMonitor

X, y = load_iris(return_X_y=True)


class Diary:
    """Notes every call: what, of whose task, and which one."""

    def __init__(self):
        self.pages = []

    def _note(self, what, context):
        self.pages.append((what, context.estimator_name, context.task_name))

    def setup(self, estimator, context):
        self._note("setup", context)

    def on_fit_task_begin(self, estimator, context):
        self._note("begin", context)

    def on_fit_task_end(self, estimator, context):
        self._note("end", context)

    def teardown(self, estimator, context):
        self._note("teardown", context)

    def of_ours(self):
        return [
            (what, task) for what, name, task in self.pages if name.startswith("Meta")
        ]


class PropagatedDiary(Diary):
    """Reaches estimators inside of the one that it is set on."""

    max_propagation_depth = None


class StopAfter(Diary):
    """Stops each search after some evaluations."""

    def __init__(self, n):
        super().__init__()
        self.n = n

    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        return context.task_name == "evaluation" and context.task_id + 1 >= self.n


class PropagatedStopAfter(StopAfter):
    max_propagation_depth = None


class Raising(Diary):
    """Raises in one of the hooks."""

    def __init__(self, hook, task, error=RuntimeError):
        super().__init__()
        self.hook, self.task, self.error = hook, task, error

    def _note(self, what, context):
        super()._note(what, context)
        if (what, context.task_name) == (self.hook, self.task):
            raise self.error("this callback raises")


@pytest.mark.parametrize("make", [classifier, regressor])
def test_every_evaluation_is_a_task(make):
    diary = Diary()
    make().set_callbacks(diary).fit(X, y)
    assert diary.of_ours() == [
        ("setup", "fit"),
        ("begin", "fit"),
        *[("begin", "evaluation"), ("end", "evaluation")] * 3,
        ("end", "fit"),
        ("teardown", "fit"),
    ]


def test_evaluations_in_processes_are_tasks_too(tmp_path):
    diary = Diary()
    clf = classifier(
        search_space=foreign_space(Witness, tmp_path), search=RandomSearch(), n_jobs=2
    )
    clf.set_callbacks(diary).fit(X, y)
    assert diary.of_ours().count(("end", "evaluation")) == 3
    assert diary.of_ours()[-2:] == [("end", "fit"), ("teardown", "fit")]


@pytest.mark.parametrize("n", [None, 3])
def test_the_number_of_tasks_is_told_if_it_is_known(n):
    seen = []

    class Looking(StopAfter):
        def on_fit_task_begin(self, estimator, context):
            if context.task_name == "fit":
                seen.append(context.max_subtasks)

    classifier(max_evaluations=n).set_callbacks(Looking(3)).fit(X, y)
    assert seen == [n]


def test_callbacks_get_the_data_and_the_fitted_estimator():
    frame, target = people()
    weights = np.linspace(0.5, 1.5, len(target))
    seen = []

    class Looking(Diary):
        def on_fit_task_end(
            self, estimator, context, *, X, y, metadata, fitted_estimator
        ):
            seen.append((context.task_name, X, y, metadata, fitted_estimator))

    clf = classifier().set_callbacks(Looking())
    clf.fit(frame, target, sample_weight=weights)
    assert [name for name, *_ in seen] == ["evaluation"] * 3 + ["fit"]
    assert all(X is frame and y is target for _, X, y, *_ in seen)
    assert all(metadata["sample_weight"] is weights for *_, metadata, _ in seen)
    # There is no model before all of them are combined.
    assert [fitted is None for *_, fitted in seen] == [True] * 3 + [False]
    np.testing.assert_array_equal(seen[-1][-1].predict(frame), clf.predict(frame))


def test_callbacks_change_nothing():
    plain = classifier(max_evaluations=6).fit(X, y)
    watched = classifier(max_evaluations=6).set_callbacks(Diary()).fit(X, y)
    assert texts(watched) == texts(plain)
    np.testing.assert_array_equal(watched.predict_proba(X), plain.predict_proba(X))
    assert watched.get_params().keys() == plain.get_params().keys()


def test_a_warm_start_tells_of_the_new_evaluations():
    diary = Diary()
    clf = classifier(warm_start=True).set_callbacks(diary)
    clf.fit(X, y).fit(X, y)
    assert diary.of_ours().count(("end", "evaluation")) == clf.n_evaluations_ == 6
    assert diary.of_ours().count(("teardown", "fit")) == 2


def test_callbacks_survive_cloning_and_pickling():
    clf = classifier().set_callbacks(Diary())
    for copied in (clone(clf), pickle.loads(pickle.dumps(clf.fit(X, y)))):
        (diary,) = copied._skl_callbacks
        before = len(diary.pages)
        copied.fit(X, y)
        assert len(diary.pages) == before + 10


# Stopping


@pytest.mark.parametrize("make", [classifier, regressor])
@pytest.mark.parametrize("max_evaluations", [None, 50])
def test_a_callback_that_returns_true_stops_the_search(make, max_evaluations):
    estimator = make(max_evaluations=max_evaluations)
    estimator.set_callbacks(StopAfter(4)).fit(X, y)
    assert estimator.n_evaluations_ == 4
    assert estimator.stop_reason_ == "stopped by a callback"
    assert estimator.score(X, y) > 0.8


def test_the_first_of_several_callbacks_to_say_so_stops():
    clf = classifier(max_evaluations=50)
    clf.set_callbacks(Diary(), StopAfter(5), StopAfter(2), Diary()).fit(X, y)
    assert clf.n_evaluations_ == 2


# Around ours


def test_callbacks_of_a_grid_search_reach_ours():
    diary = PropagatedDiary()
    search = GridSearchCV(classifier(), {"max_evaluations": [2, 4]}, cv=2)
    search.set_callbacks(diary).fit(X, y)
    # Two folds for each setting, then the best one on all rows.
    expected = 2 * (2 + 4) + search.best_params_["max_evaluations"]
    assert diary.of_ours().count(("end", "evaluation")) == expected
    # They are the outer estimator's to set up and to tear down.
    assert diary.pages[0] == ("setup", "GridSearchCV", "fit")
    assert diary.pages[-1] == ("teardown", "GridSearchCV", "fit")
    assert not {("setup", "fit"), ("teardown", "fit")} & set(diary.of_ours())
    assert not hasattr(search.best_estimator_, "_skl_callbacks")


def test_a_callback_of_a_grid_search_stops_each_of_ours():
    search = GridSearchCV(
        classifier(max_evaluations=50),
        {"random_state": [0, 1]},
        cv=2,
        scoring=lambda estimator, X, y: estimator.n_evaluations_,
    )
    search.set_callbacks(PropagatedStopAfter(3)).fit(X, y)
    assert (search.cv_results_["mean_test_score"] == 3).all()
    assert search.best_estimator_.n_evaluations_ == 3


def test_callbacks_of_a_pipeline_reach_ours():
    diary = PropagatedDiary()
    pipeline = make_pipeline(StandardScaler(), classifier())
    pipeline.set_callbacks(diary).fit(X, y)
    assert diary.of_ours().count(("end", "evaluation")) == 3
    assert diary.pages[-1] == ("teardown", "Pipeline", "fit")


# scikit-learn's own callbacks


def test_progress_bar(capsys):
    classifier().set_callbacks(ProgressBar()).fit(X, y)
    shown = capsys.readouterr().out
    assert "MetaAutoClassifier - fit" in shown
    assert "100%" in shown


def test_progress_bar_of_a_parallel_grid_search(capsys):
    search = GridSearchCV(classifier(), {"max_evaluations": [2, 4]}, cv=2, n_jobs=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=2)).fit(X, y)
    shown = capsys.readouterr().out
    assert "GridSearchCV - fit" in shown
    assert "MetaAutoClassifier - fit" in shown


def test_progress_bar_of_a_search_that_is_stopped(capsys):
    clf = classifier(max_evaluations=None).set_callbacks(ProgressBar(), StopAfter(2))
    assert clf.fit(X, y).n_evaluations_ == 2
    assert "MetaAutoClassifier - fit" in capsys.readouterr().out


@pytest.mark.parametrize("weighted", [False, True])
def test_scoring_monitor_scores_the_final_model(weighted):
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    weights = {"sample_weight": np.linspace(0.1, 2, 150)} if weighted else {}
    noisy = np.where(np.arange(150) % 5 == 0, (y + 1) % 3, y)
    clf = classifier(scoring="accuracy").set_callbacks(monitor)
    clf.fit(X, noisy, **weights)
    (entry,) = monitor.get_logs().data
    assert entry["task_name"] == "fit"
    assert entry["accuracy"] == pytest.approx(clf.score(X, noisy, **weights))
    assert entry["neg_log_loss"] < 0


def test_scoring_monitor_below_a_parallel_grid_search():
    monitor = ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(
        classifier().set_callbacks(monitor),
        {"max_evaluations": [2, 4]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)
    data = monitor.get_logs().data
    assert len(data) == 5
    assert all(entry["accuracy"] > 0.9 for entry in data)
    assert search.best_estimator_.n_evaluations_ in (2, 4)


# Tearing down


@pytest.mark.parametrize(
    "hook, task",
    [("begin", "fit"), ("begin", "evaluation"), ("end", "evaluation"), ("end", "fit")],
)
@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_every_callback_is_torn_down_when_one_raises(hook, task, error):
    diary = Diary()
    clf = classifier().set_callbacks(diary, Raising(hook, task, error))
    with pytest.raises(error, match="this callback raises"):
        clf.fit(X, y)
    assert diary.pages[-1] == ("teardown", "MetaAutoClassifier", "fit")
    assert not hasattr(clf, "_callback_fit_ctx")
    # Nothing of it is left.
    clf.set_callbacks().fit(X, y)
    assert clf.n_evaluations_ == 3


@pytest.mark.parametrize(
    "table, target, params",
    [
        (X, y[:-1], {}),
        (np.full_like(X, np.inf), y, {}),
        (X, np.zeros(150), {}),
        (X, y, {"cv": 100}),
        (X, y, {"scoring": "acuracy"}),
    ],
    ids=["lengths", "infinity", "one class", "too many folds", "unknown scorer"],
)
def test_callbacks_are_torn_down_when_fit_fails(table, target, params):
    diary = Diary()
    with pytest.raises(ValueError):
        classifier(**params).set_callbacks(diary).fit(table, target)
    assert diary.pages[0][0] == "setup"
    assert diary.pages[-1][0] == "teardown"


def test_callbacks_that_are_none_are_refused():
    with pytest.raises(TypeError, match="FitCallback"):
        classifier().set_callbacks("progress")
    with pytest.raises(TypeError, match="FitCallback"):
        classifier().set_callbacks(Diary)
