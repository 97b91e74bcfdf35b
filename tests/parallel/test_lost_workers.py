"""Whole fits whose workers are lost: what ran is never begun in the user's process."""

import os
import warnings

import numpy as np
import pytest
from sklearn.datasets import make_classification

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.exceptions import NoCandidateError, SklearnMetaWarning
from sklearn_meta.metalearning import FixedPortfolio
from sklearn_meta.parallel import _process_pool
from sklearn_meta.parallel._process_pool import can_start_processes
from sklearn_meta.pipelines import SearchSpace
from tests.parallel.killers import (
    KILLS_ALWAYS,
    KILLS_ON_ALL_ROWS,
    MARK,
    USER,
    score_and_kill,
)

pytestmark = pytest.mark.skipif(
    not can_start_processes(), reason="processes do not fork here"
)


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    monkeypatch.setenv(USER, str(os.getpid()))
    monkeypatch.setenv(MARK, str(tmp_path))
    monkeypatch.setattr(_process_pool, "MAX_LOST_SERVERS", 0)


@pytest.fixture
def data():
    return make_classification(100, 4, class_sep=2.0, flip_y=0.1, random_state=0)


def fit(data, *operators, include=(), **changes):
    space = SearchSpace(include=list(include), operators=operators, max_size=1)
    settings = {
        "search_space": space,
        "meta_learner": FixedPortfolio(),
        "cv": 2,
        "random_state": 0,
        "n_jobs": 2,
        "max_evaluations": 4,
        "time_budget": 60,
        "search": "random",
    }
    clf = MetaAutoClassifier(**{**settings, **changes})
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        clf.fit(*data)
    return clf, [w for w in said if issubclass(w.category, SklearnMetaWarning)]


def test_in_the_search(data, tmp_path):
    clf, (warning,) = fit(data, KILLS_ALWAYS, include=["gaussian_nb"])
    assert "Worker processes are not available" in str(warning.message)
    statuses = {(e.candidate.text, str(e.status)) for e in clf.history_}
    assert statuses >= {("kills_always(X)", "crashed"), ("gaussian_nb(X)", "ok")}
    assert clf.score(*data) > 0.8 and not os.listdir(tmp_path)


@pytest.mark.slow
def test_in_a_search_of_nothing_else(data, tmp_path):
    with pytest.raises(NoCandidateError, match="workers? process"):
        fit(data, KILLS_ALWAYS)
    assert not os.listdir(tmp_path)


def test_while_the_final_model_is_fitted_fold_models_take_its_place(data, tmp_path):
    clf, (warning,) = fit(data, KILLS_ON_ALL_ROWS, max_evaluations=1)
    assert "Worker processes are not available" in str(warning.message)
    assert [str(e.status) for e in clf.history_] == ["ok"]
    assert clf.best_pipeline_ == "kills_on_all_rows(X)"
    assert clf.score(*data) > 0.8 and not os.listdir(tmp_path)


@pytest.mark.slow
def test_while_candidates_are_combined(data, tmp_path):
    clf, said = fit(
        data, include=["gaussian_nb", "decision_tree"], scoring=score_and_kill
    )
    assert len(said) == 1
    assert "Worker processes are not available" in str(said[0].message)
    assert np.isfinite(clf.best_score_)
    assert clf.score(*data) > 0.8 and not os.listdir(tmp_path)


def test_without_a_search(data, tmp_path):
    clf, said = fit(
        data, KILLS_ON_ALL_ROWS, include=["gaussian_nb"], search=None, ensemble_size=2
    )
    assert clf.score(*data) > 0.8 and not os.listdir(tmp_path)
    statuses = {(e.candidate.text, str(e.status)) for e in clf.history_}
    assert ("gaussian_nb(X)", "ok") in statuses
