"""Warnings point at the line of the user."""

import inspect
import os
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_meta
from sklearn_meta._warnings import warn
from sklearn_meta.exceptions import SearchInterruptedWarning, SklearnMetaWarning

X, y = np.arange(6.0).reshape(-1, 1), np.arange(6.0)


@pytest.fixture(scope="module")
def Warns():
    """An estimator whose code lies within the package, two calls above `warn`."""
    source = """
from sklearn_meta._warnings import warn

class Warns(RegressorMixin, BaseEstimator):
    def __init__(self, parameter=0):
        self.parameter = parameter

    def fit(self, X, y):
        self._check()
        self.fitted_ = True
        return self

    def _check(self):
        warn("as it is")

    def predict(self, X):
        return [0.0] * len(X)
"""
    path = os.path.join(os.path.dirname(sklearn_meta.__file__), "data", "_made_up.py")
    names = {"BaseEstimator": BaseEstimator, "RegressorMixin": RegressorMixin}
    exec(compile(source, path, "exec"), names)
    return names["Warns"]


def line():
    """Return the line of the caller."""
    return inspect.currentframe().f_back.f_lineno


def places(record):
    """Return where the warnings point; nothing else warns."""
    assert {(str(w.message), w.category) for w in record} == {
        ("as it is", SklearnMetaWarning)
    }
    return {(w.filename, w.lineno) for w in record}


@pytest.fixture
def record():
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        yield record


def test_where_the_user_calls_the_estimator(record, Warns):
    Warns().fit(X, y)
    here = line() - 1
    assert places(record) == {(__file__, here)}


def test_where_a_function_of_the_user_does(record, Warns):
    def fitted():
        return Warns().fit(X, y), line()

    _, inside = fitted()
    assert places(record) == {(__file__, inside)}


def test_where_the_user_calls_scikit_learn_that_calls_the_estimator(record, Warns):
    make_pipeline(StandardScaler(), Warns()).fit(X, y)
    here = line() - 1
    assert places(record) == {(__file__, here)}
    record.clear()
    cross_val_score(Warns(), X, y, cv=2)
    here = line() - 1
    assert places(record) == {(__file__, here)} and len(record) == 2
    record.clear()
    search = GridSearchCV(make_pipeline(Warns()), {"warns__parameter": [1, 2]}, cv=2)
    search.fit(X, y)
    here = line() - 1
    assert places(record) == {(__file__, here)} and len(record) == 5


def test_a_user_between_two_calls_of_the_package(record, Warns):
    class Outer(BaseEstimator):
        def fit(self, X, y):
            self.inner_ = Warns().fit(X, y)
            self.line_ = line() - 1
            return self

    outer = make_pipeline(Outer()).fit(X, y)
    assert places(record) == {(__file__, outer[-1].line_)}


def test_the_direct_call(record):
    warn("as it is")
    here = line() - 1
    assert places(record) == {(__file__, here)}
    assert str(record[0].message) == "as it is"


def test_the_category_is_that_which_is_asked_for():
    with pytest.warns(SearchInterruptedWarning, match="as it is"):
        warn("as it is", SearchInterruptedWarning)


def test_only_the_package_itself_is_skipped(record):
    # A package of the user whose path begins with that of this one.
    path = os.path.dirname(sklearn_meta.__file__) + "_extension.py"
    exec(compile("warn('as it is')", path, "exec"), {"warn": warn})
    assert places(record) == {(path, 1)}
