"""A fit with a checkpoint goes on where an earlier one has ended, whatever ended it."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit

import sklearn_meta.parallel._start_pool as start_pool
from sklearn_meta.evaluation import _checkpoint_file, _search_plan
from sklearn_meta.evaluation._checkpoint_file import FILE_NAME, CheckpointFile
from sklearn_meta.evaluation._records import Status
from sklearn_meta.evaluation._replay import is_unfinished
from sklearn_meta.exceptions import (
    CheckpointError,
    CheckpointMismatchError,
    SklearnMetaWarning,
)
from sklearn_meta.metalearning import FixedPortfolio
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.search import EvolutionarySearch
from tests.contract.small import Favorites, people, texts
from tests.contract.small import classifier as small_classifier
from tests.contract.small import regressor as small_regressor

SPACE = SearchSpace(
    include=["logistic_regression", "gaussian_nb", "decision_tree", "lda", "pca"],
    max_size=3,
)
N = 12
X, _ = people()
y = np.where(np.random.default_rng(3).random(len(X)) < 0.4, "no", "yes")
target = X["age"].to_numpy() + np.random.default_rng(4).normal(size=len(X))


def classifier(**changes):
    """A search that mutates pipelines and does not end early."""
    settings = {
        "max_evaluations": N,
        "search_space": SPACE,
        "meta_learner": Favorites(),
        "search": EvolutionarySearch(look_ahead=3),
    }
    return small_classifier(**{**settings, **changes})


def regressor(**changes):
    """The same for a regressor."""
    space = SearchSpace(include=["ridge", "decision_tree", "pca", "lasso"], max_size=3)
    return small_regressor(**{"search_space": space, "max_evaluations": N, **changes})


def outcome(estimator):
    """Everything that a fit has found, seconds apart."""
    evaluations = [
        (e.number, e.candidate.text, e.candidate.origin, e.status, e.scores)
        for e in estimator.history_
    ]
    return evaluations, estimator.ensemble_weights_, estimator.stop_reason_


def assert_same_model(first, second, X=X):
    assert outcome(first) == outcome(second)
    assert first.best_score_ == second.best_score_
    np.testing.assert_array_equal(first.predict(X), second.predict(X))
    if hasattr(first, "predict_proba"):
        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.fixture(scope="module")
def whole():
    fitted = classifier().fit(X, y)
    assert fitted.n_evaluations_ == N
    assert {e.status for e in fitted.history_} > {Status.OK}
    return fitted


@pytest.fixture
def path(tmp_path):
    return tmp_path / "search.sqlite"


class Killed(BaseException):
    """Ends a fit at once."""


def kill_at(monkeypatch, n, before=False, method="add"):
    """Let a fit end at a write of the checkpoint."""
    original, calls = getattr(CheckpointFile, method), []

    def killed(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == n and before:
            raise Killed
        original(self, *args, **kwargs)
        if len(calls) == n:
            raise Killed

    monkeypatch.setattr(CheckpointFile, method, killed)
    return calls


def interrupted(estimator, n, path, y=y, **kwargs):
    """A fit that ends at a write of its checkpoint."""
    estimator = clone(estimator).set_params(checkpoint=path)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, n, **kwargs)
        with pytest.raises(Killed):
            estimator.fit(X, y)
    return estimator


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("n", [1, 4, N])
def test_a_fit_that_was_interrupted_ends_as_without(n, before, whole, path):
    estimator = interrupted(classifier(), n, path, before=before)
    with pytest.MonkeyPatch.context() as patch:
        calls = kill_at(patch, None)
        estimator.fit(X, y)
    assert len(calls) == N - n + before
    assert_same_model(estimator, whole)


def test_a_fit_may_be_interrupted_many_times(whole, path):
    for _ in range(4):
        estimator = interrupted(classifier(), 2, path)
    assert_same_model(estimator.fit(X, y), whole)


def test_a_checkpoint_changes_nothing(whole, path):
    with pytest.MonkeyPatch.context() as patch:
        calls = kill_at(patch, None)
        estimator = classifier(checkpoint=path).fit(X, y)
        assert len(calls) == N
        assert_same_model(estimator, whole)
        # Everything is there already.
        assert_same_model(clone(estimator).fit(X, y), whole)
        assert len(calls) == N
    assert os.listdir(path.parent) == [path.name]


def test_a_regressor_goes_on(path):
    whole = regressor().fit(X, target)
    estimator = interrupted(regressor(), 5, path, y=target)
    assert_same_model(estimator.fit(X, target), whole)


def test_more_evaluations_continue_a_finished_fit(whole, path):
    classifier(checkpoint=path, max_evaluations=5).fit(X, y)
    assert_same_model(classifier(checkpoint=path).fit(X, y), whole)
    fewer = classifier(checkpoint=path, max_evaluations=5).fit(X, y)
    assert texts(fewer) == texts(whole)[:5]


def test_a_folder_gets_a_file(tmp_path, whole):
    interrupted(classifier(), 3, tmp_path)
    assert (tmp_path / FILE_NAME).is_file()
    assert_same_model(classifier(checkpoint=str(tmp_path)).fit(X, y), whole)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_find_the_same(n_jobs, whole, path, monkeypatch):
    monkeypatch.setattr(start_pool, "IN_PROCESS_SECONDS", 0.0)
    monkeypatch.setattr(start_pool, "IN_PROCESS_SECONDS_OF_ONE", 0.0)
    interrupted(classifier(n_jobs=n_jobs), 4, path)
    assert_same_model(classifier(checkpoint=path, n_jobs=3 - n_jobs).fit(X, y), whole)


# Killed processes

CHILD = """
    import os, signal
    import sklearn_meta.parallel._start_pool as start_pool
    from tests.contract import test_checkpoint as t

    n, n_jobs, method, before = {arguments}
    original, calls = getattr(t.CheckpointFile, method), []

    def killed(self, *args, **kwargs):
        calls.append(args)
        last = len(calls) == n
        if last and before:
            os.kill(os.getpid(), signal.SIGKILL)
        original(self, *args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(t.CheckpointFile, method, killed)
    if n_jobs == 2:
        start_pool.IN_PROCESS_SECONDS = 0.0
    t.classifier(n_jobs=n_jobs, checkpoint={path!r}, **{changes}).fit(t.X, t.y)
"""


def run_killed(path, *arguments, **changes):
    """Kill a process that runs a fit; its strings have other hashes than ours."""
    code = textwrap.dedent(CHILD).format(
        arguments=arguments, path=str(path), changes=changes
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    child = subprocess.run(
        [sys.executable, "-c", code], check=False, timeout=120, env=environment
    )
    assert child.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX")
@pytest.mark.parametrize(
    ("n", "n_jobs", "before"),
    [(1, 1, False), (6, 1, True), (4, 2, False), (9, 2, True)],
)
def test_a_process_that_is_killed_loses_nothing_it_has_told(
    n, n_jobs, before, whole, path
):
    run_killed(path, n, n_jobs, "add", before)
    with pytest.MonkeyPatch.context() as patch:
        calls = kill_at(patch, None)
        estimator = classifier(checkpoint=path, n_jobs=n_jobs).fit(X, y)
    assert len(calls) == N - n + before
    assert_same_model(estimator, whole)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX")
@pytest.mark.parametrize("workers", [True, False])
def test_what_may_have_killed_the_process_is_not_begun_in_it(
    workers, whole, path, monkeypatch
):
    run_killed(path, 3, 1, "begin_here", False)
    begun = []
    monkeypatch.setattr(
        CheckpointFile, "begin_here", lambda self, candidate: begun.append(candidate)
    )
    if not workers:
        monkeypatch.setattr(start_pool, "can_start_processes", lambda: False)
    estimator = classifier(checkpoint=path).fit(X, y)
    text = texts(whole)[2]
    assert text not in [candidate.text for candidate in begun]
    if workers:
        assert_same_model(estimator, whole)
    else:
        (suspect,) = [e for e in estimator.history_ if e.candidate.text == text]
        assert suspect.status is Status.CRASHED
        assert "process of an earlier fit ended" in suspect.reason


# Something else than at first


def other_cell():
    changed = X.copy()
    changed.loc[7, "age"] += 1e-9
    return changed


def other_category():
    return X.assign(city=X["city"].cat.rename_categories({"Rome": "Roma"}))


def own_scorer(estimator, X, y):
    return estimator.score(X, y)


def other_scorer(estimator, X, y):
    return -estimator.score(X, y)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "search.sqlite"
    classifier(checkpoint=path, max_evaluations=2).fit(X, y)
    return path


@pytest.mark.parametrize(
    ("names", "params", "arguments"),
    [
        ("X", {}, {"X": other_cell()}),
        ("X", {}, {"X": other_category()}),
        ("X", {"column_kinds": {"age": "category"}}, {}),
        ("X", {}, {"X": X[["age", "city", "height"]]}),
        ("X", {}, {"X": X.rename(columns={"age": "years"})}),
        ("y", {}, {"y": np.roll(y, 1)}),
        ("y", {}, {"y": np.where(y == "no", "never", y)}),
        ("sample_weight", {}, {"sample_weight": 1 + np.arange(len(y)) % 2}),
        ("groups", {}, {"groups": np.arange(len(y)) % 7}),
        ("scoring", {"scoring": "accuracy"}, {}),
        ("scoring", {"scoring": own_scorer}, {}),
        ("cv", {"cv": 3}, {}),
        ("cv", {"cv": KFold(2)}, {}),
        ("search_space", {"search_space": SearchSpace(max_size=2)}, {}),
        ("search", {"search": "random"}, {}),
        ("meta_learner", {"meta_learner": FixedPortfolio()}, {}),
        ("random_state", {"random_state": 1}, {}),
        ("random_state", {"random_state": None}, {}),
        ("cv, random_state", {"cv": 3, "random_state": 1}, {}),
    ],
)
def test_what_differs_is_named(names, params, arguments, finished):
    estimator = classifier(checkpoint=finished).set_params(**params)
    with pytest.raises(CheckpointMismatchError, match="Pass another path") as caught:
        estimator.fit(**{"X": X, "y": y, **arguments})
    assert caught.value.differences == tuple(names.split(", "))
    assert f"begun: {names}." in str(caught.value)
    assert not hasattr(estimator, "ensemble_")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.differences) == (
        str(caught.value),
        caught.value.differences,
    )


def test_functions_are_compared_by_their_code(path):
    classifier(checkpoint=path, max_evaluations=1, scoring=own_scorer).fit(X, y)
    classifier(checkpoint=path, max_evaluations=1, scoring=own_scorer).fit(X, y)
    with pytest.raises(CheckpointMismatchError, match="scoring"):
        classifier(checkpoint=path, max_evaluations=1, scoring=other_scorer).fit(X, y)


def test_what_may_change(finished):
    classifier(
        checkpoint=finished, max_evaluations=2, time_budget=30, ensemble_size=1,
        memory_limit=4000, n_jobs=2,
    ).fit(X.copy(), list(y))  # fmt: skip


def test_the_task_is_part_of_the_target(finished):
    estimator = regressor(checkpoint=finished, meta_learner=Favorites())
    with pytest.raises(CheckpointMismatchError, match="y, "):
        estimator.fit(X, target)


# Without a seed


@pytest.mark.parametrize("cv", [2, KFold(2, shuffle=True), ShuffleSplit(2)])
@pytest.mark.parametrize("seed", [None, "generator"])
def test_splits_and_seed_are_those_of_the_first_fit(cv, seed, path):
    def estimator():
        state = None if seed is None else np.random.RandomState(5)
        return classifier(cv=cv, random_state=state, checkpoint=path)

    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, 4)
        with pytest.raises(Killed):
            estimator().fit(X, y)
    first = estimator().fit(X, y)
    again = estimator().fit(X, y)
    assert_same_model(first, again)
    assert first.n_evaluations_ == N


def test_an_iterator_is_known_by_its_splits(path):
    splits = list(KFold(2, shuffle=True, random_state=0).split(X))
    classifier(cv=iter(splits), checkpoint=path, max_evaluations=2).fit(X, y)
    classifier(cv=iter(splits), checkpoint=path, max_evaluations=3).fit(X, y)
    with pytest.raises(CheckpointMismatchError, match="begun: cv"):
        classifier(cv=iter(splits[::-1]), checkpoint=path).fit(X, y)


# Time


def test_the_seconds_of_earlier_fits_are_part_of_the_budget(path, monkeypatch):
    monkeypatch.setattr(_search_plan, "patience", lambda n_samples, n_features: 10**6)
    fitted = classifier(max_evaluations=None, time_budget=1.0, checkpoint=path)
    fitted.fit(X, y)
    # The same budget leaves no second for a search.
    again = clone(fitted).fit(X, y)
    assert tried(again) == tried(fitted)
    assert again.ensemble_weights_ == fitted.ensemble_weights_
    n = fitted.n_evaluations_
    assert again.n_evaluations_ == n
    more = clone(fitted).set_params(max_evaluations=n + 5, time_budget=60).fit(X, y)
    assert tried(more)[: len(tried(fitted))] == tried(fitted)
    # What was skipped for lack of time is evaluated now.
    assert len(tried(more)) == more.n_evaluations_ == n + 5
    assert set(texts(fitted)) < set(texts(more))


def tried(estimator):
    """What a fit has evaluated to the end, in order."""
    return [
        (e.number, e.candidate.text, e.status, e.scores)
        for e in estimator.history_
        if not is_unfinished(e.status, e.reason)
    ]


# Another search


def test_what_was_stored_is_used_where_the_search_is_another(path, whole):
    interrupted(classifier(), 6, path)

    with pytest.MonkeyPatch.context() as patch:
        # As where the knowledge base has grown.
        recall = Favorites.recall
        patch.setattr(
            Favorites,
            "recall",
            lambda self, *args, **kwargs: recall(
                Favorites(("lda(X)", "decision_tree(X)")), *args, **kwargs
            ),
        )
        calls = kill_at(patch, None)
        with pytest.warns(SklearnMetaWarning, match="proposes other pipelines"):
            estimator = classifier(checkpoint=path).fit(X, y)
    assert len(calls) == N - 6
    tried = texts(estimator)
    assert set(tried) > set(texts(whole)[:6])
    assert len(tried) == len(set(tried)) == N


def test_a_knowledge_base_that_grows(path, tmp_path):
    settings = {
        "knowledge_base": tmp_path / "own.sqlite",
        "meta_learner": None,
        "checkpoint": path,
    }
    first = classifier(max_evaluations=3, **settings).fit(X, y)
    with warnings.catch_warnings():
        # It knows this table now.
        warnings.simplefilter("ignore", SklearnMetaWarning)
        more = classifier(max_evaluations=6, **settings).fit(X, y)
    assert set(texts(more)) > set(texts(first)) and more.n_evaluations_ == 6


# Around a fit


def test_every_fit_needs_a_path_of_its_own(path):
    search = GridSearchCV(
        classifier(checkpoint=path, max_evaluations=1),
        {"ensemble_size": [1, 2]},
        cv=2,
        error_score="raise",
    )
    with pytest.raises(CheckpointMismatchError, match="X, y"):
        search.fit(X, y)


def test_two_fits_at_the_same_time_are_an_error(path, monkeypatch):
    errors, add = [], CheckpointFile.add
    monkeypatch.setattr(_checkpoint_file, "LOCK_TIMEOUT", 0.01)

    def fit_meanwhile(self, *args):
        add(self, *args)
        if not errors:
            try:
                classifier(checkpoint=path).fit(X, y)
            except CheckpointError as error:
                errors.append(str(error))

    monkeypatch.setattr(CheckpointFile, "add", fit_meanwhile)
    classifier(checkpoint=path, max_evaluations=2).fit(X, y)
    assert "another fit is running with it" in errors[0]


def test_in_a_thread(path, whole):
    interrupted(classifier(), 3, path)
    fitted = []
    thread = threading.Thread(
        target=lambda: fitted.append(classifier(checkpoint=path).fit(X, y))
    )
    thread.start()
    thread.join()
    assert_same_model(fitted[0], whole)


def test_cloned_and_pickled(path, whole):
    estimator = interrupted(classifier(), 3, path)
    loaded = pickle.loads(pickle.dumps(estimator))
    assert loaded.checkpoint == path
    assert_same_model(clone(loaded).fit(X, y), whole)


def test_a_checkpoint_takes_the_place_of_a_warm_start(path, whole):
    estimator = classifier(checkpoint=path, warm_start=True)
    estimator.set_params(max_evaluations=4).fit(X, y)
    estimator.set_params(max_evaluations=N).fit(X, y)
    assert_same_model(estimator, whole)
    assert estimator.set_params(checkpoint=None).fit(X, y).n_evaluations_ == N


def test_without_a_search_there_is_no_file(path):
    classifier(search=None, checkpoint=path).fit(X, y)
    assert os.listdir(path.parent) == []


def test_no_row_of_the_table_is_in_the_file(path):
    frame = X.assign(name=[f"Nobody{i}" for i in range(len(X))], age=X["age"].round(8))
    classifier(checkpoint=path, column_kinds={"name": "drop"}).fit(frame, y)
    data = path.read_bytes()
    assert b"Nobody" not in data and b"Oslo" not in data
    for number in frame["age"]:
        assert np.float64(number).tobytes() not in data


def test_a_failed_write_costs_no_fit(path, whole):
    add, n = CheckpointFile.add, 0

    def fail(self, *args):
        nonlocal n
        n += 1
        if n == 3:
            self._connection.execute("PRAGMA query_only = ON")
        add(self, *args)
        # What was running is no suspect: the file is closed as usual.
        self._connection.execute("PRAGMA query_only = OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointFile, "add", fail)
        with pytest.warns(SklearnMetaWarning, match="from now on are not") as caught:
            estimator = classifier(checkpoint=path).fit(X, y)
        assert len(caught) == 1
    assert_same_model(estimator, whole)
    assert_same_model(classifier(checkpoint=path).fit(X, y), whole)


def test_ctrl_c_ends_the_search_and_the_next_fit_goes_on(path, whole):
    with pytest.MonkeyPatch.context() as patch:
        add, n = CheckpointFile.add, 0

        def interrupting(self, *args):
            nonlocal n
            n += 1
            add(self, *args)
            if n == 7:
                raise KeyboardInterrupt

        patch.setattr(CheckpointFile, "add", interrupting)
        with pytest.warns(SklearnMetaWarning, match="Interrupted"):
            estimator = classifier(checkpoint=path).fit(X, y)
    assert estimator.stop_reason_ == "interrupted"
    assert estimator.predict(X).shape == y.shape
    assert_same_model(classifier(checkpoint=path).fit(X, y), whole)
