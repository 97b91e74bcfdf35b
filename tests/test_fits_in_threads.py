"""Fits in several threads disturb neither each other nor anyone else."""

import os
import pickle
import random
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.metalearning import FixedPortfolio
from sklearn_meta.parallel import _start_pool
from sklearn_meta.pipelines import SearchSpace

TABLES = (load_iris(return_X_y=True), load_diabetes(return_X_y=True))
# Bagging copies the filters of warnings, k-means limits BLAS, support vector regression
# and the lasso draw from numpy's global generator, linear support vector machines from
# the only generator of their library.
CLASSIFIERS = ["bagging", "decision_tree", "linear_svc", "kmeans", "standard_scaler"]
REGRESSORS = ["bagging", "svr", "linear_svr", "select_by_l1", "standard_scaler"]


def make(number, **changes):
    """Return an estimator and its table; odd numbers are of regression."""
    names = REGRESSORS if number % 2 else CLASSIFIERS
    parameters = {
        "search_space": SearchSpace(include=names, max_size=3),
        "meta_learner": FixedPortfolio(),
        "search": "random",
        "max_evaluations": 3,
        "time_budget": None,
        "cv": 2,
        "n_jobs": 1,
        "random_state": number,
    }
    estimator = MetaAutoRegressor if number % 2 else MetaAutoClassifier
    X, y = TABLES[number % 2]
    return estimator(**{**parameters, **changes}), X[::3], y[::3]


def result(number, **changes):
    """Return the predictions of a fit, and what it was made of."""
    estimator, X, y = make(number, **changes)
    estimator.fit(X, y)
    history = [(e.candidate.text, e.scores) for e in estimator.history_]
    return estimator.predict(X).tolist(), history, estimator.ensemble_weights_


def of_process():
    """Return what belongs to the process, and nothing of the fits may change."""
    return {
        "numpy": pickle.dumps(np.random.get_state()),
        "python": random.getstate(),
        # pytest sets a variable.
        "environment": {k: v for k, v in os.environ.items() if "PYTEST" not in k},
        "directory": os.getcwd(),
        "openmp": n_threads("openmp"),
    }


def n_threads(of):
    return [i["num_threads"] for i in threadpool_info() if i["user_api"] == of]


def is_silenced(category):
    """Whether the filters ignore all warnings of a category in this thread."""
    for entry in list(warnings.filters):
        if entry[1] is None and entry[3] is None and issubclass(category, entry[2]):
            return entry[0] == "ignore"
    return False


@pytest.fixture
def watched():
    """Watch the process from another thread; yield the differences."""
    warnings.simplefilter("always")
    with threadpool_limits(2):
        before = {**of_process(), "warnings": is_silenced(UserWarning)}
        blas = n_threads("blas")
        seen, differences, end = [], set(), threading.Event()

        def watch():
            of_this_thread = n_threads("openmp")
            while not end.wait(0.005):
                now = {**of_process(), "warnings": is_silenced(UserWarning)}
                now["openmp"] = now["openmp"][: len(of_this_thread)]
                expected = {**before, "openmp": of_this_thread}
                differences.update(k for k in now if now[k] != expected[k])
                seen.append(1)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield differences
        finally:
            end.set()
            thread.join()
        assert seen
        assert n_threads("blas")[: len(blas)] == blas
        assert of_process()["openmp"][: len(before["openmp"])] == before["openmp"]


@pytest.fixture
def kept_filters(watched):
    """Check that the filters of warnings are as before."""
    filters, before = warnings.filters, list(warnings.filters)
    yield
    assert warnings.filters is filters and filters == before


def check_fits(n_fits):
    """Check that fits in as many threads give what single ones do."""
    with ThreadPoolExecutor(n_fits) as pool:
        together = list(pool.map(result, range(n_fits)))
    assert together == [result(number) for number in range(n_fits)]


@pytest.mark.parametrize("n_fits", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_fits_in_threads(n_fits, watched, kept_filters):
    check_fits(n_fits)
    assert watched == set()


@pytest.mark.slow
def test_fits_with_workers_in_threads(watched, kept_filters, monkeypatch):
    monkeypatch.setattr(_start_pool, "IN_PROCESS_SECONDS_OF_ONE", 0.0)
    check_fits(8)
    assert watched == set()


def test_fits_in_threads_of_a_grid_search(watched):
    """The filters are not checked: the search itself replaces them in each thread."""
    estimator, X, y = make(1, max_evaluations=1)

    def scores(n_jobs):
        with joblib.parallel_config(backend="threading", n_jobs=n_jobs):
            search = GridSearchCV(estimator, {"random_state": [1, 3]}, cv=2)
            return search.fit(X, y).cv_results_["mean_test_score"].tolist()

    assert scores(2) == scores(1)
    assert watched == set()


def test_fits_in_tasks_of_asyncio(watched, kept_filters):
    import asyncio

    async def gather():
        return await asyncio.gather(*(asyncio.to_thread(result, i) for i in range(2)))

    assert asyncio.run(gather()) == [result(0), result(1)]
    assert watched == set()
