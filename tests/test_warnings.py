"""Warnings point at the line of the user."""

import inspect
import os
import pickle
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_meta
from sklearn_meta._warnings import (
    ThreadFilter,
    ignored_warnings,
    raised_warnings,
    restored_filters,
    restores_filters,
    warn,
)
from sklearn_meta.exceptions import SearchInterruptedWarning, SklearnMetaWarning

X, y = np.arange(6.0).reshape(-1, 1), np.arange(6.0)


@pytest.fixture(scope="module")
def Warns():
    """An estimator whose code lies within the package, two calls above `warn`."""
    source = """
from sklearn_meta._warnings import (
    ThreadFilter,
    ignored_warnings,
    raised_warnings,
    restored_filters,
    restores_filters,
    warn,
)

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


# Filters of threads


def in_thread(function):
    """Call a function in another thread, and return what it returns."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def shown(category=UserWarning, text="as it is"):
    """Return whether a warning is neither ignored nor an error."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn(text, category, stacklevel=1)
    except category:
        return "raised"
    return bool(caught)


@pytest.fixture
def filters():
    """The list of filters, and one of a user in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.filterwarnings("error", "serious")
        yield warnings.filters


def test_filters_apply_in_the_thread_that_is_within_their_context(filters):
    before = list(filters)
    with ignored_warnings():
        assert not shown() and not shown(text="serious")
        assert in_thread(shown) and in_thread(lambda: shown(text="serious")) == "raised"
        with raised_warnings():
            assert shown() == "raised" and in_thread(shown) is True
        assert not shown()
    assert shown() is True
    assert warnings.filters is filters and filters == before


def test_the_same_in_the_implementation_in_python(filters):
    """Also the module `warnings` without its accelerator calls the category."""
    code = (
        "import sys; sys.modules['_warnings'] = None\n"
        "import warnings, threading\n"
        "from sklearn_meta._warnings import ignored_warnings\n"
        "warnings.simplefilter('error')\n"
        "with ignored_warnings():\n"
        "    warnings.warn('as it is')\n"
        "try:\n"
        "    warnings.warn('as it is')\n"
        "except UserWarning:\n"
        "    print('raised')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "raised\n", done.stderr


def test_a_filter_may_be_limited_to_a_message(filters):
    of_some = ThreadFilter("ignore", "as it|or so")
    with of_some():
        assert not shown() and not shown(text="Or so it seems")
        assert shown(text="otherwise") and in_thread(shown)


def test_what_is_ignored_is_not_remembered_as_shown():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for context in (ignored_warnings, restored_filters):
            with context():
                warnings.warn_explicit("w", UserWarning, "file", 1, registry=REGISTRY)
    assert len(caught) == 1


REGISTRY: dict = {}


def test_filters_that_are_added_meanwhile_stay_and_come_second(filters):
    before = list(filters)
    with ignored_warnings():
        warnings.simplefilter("error", FutureWarning)
        with ignored_warnings():
            assert not shown(FutureWarning)
        assert in_thread(lambda: shown(FutureWarning)) == "raised"
    assert filters == [("error", None, FutureWarning, None, 0), *before]


@pytest.mark.parametrize("first", [0, 1])
def test_contexts_that_overlap_in_two_threads_leave_nothing(filters, first):
    before, both = list(filters), threading.Barrier(2, timeout=20)
    gone = threading.Event()

    def run(number):
        with ignored_warnings():
            both.wait()
            if number == first:
                both.wait()
            else:
                both.wait()
                gone.wait(20)
                assert not shown()
        gone.set()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters is filters and filters == before


def overlap(*blocks):
    """Begin blocks of `catch_warnings`, and end the first one first."""
    opened = []
    for block in blocks:
        context = warnings.catch_warnings()
        context.__enter__()
        opened.append(context)
        block()
    for context in opened:
        context.__exit__(None, None, None)


def validate():
    warnings.simplefilter("error", np.exceptions.ComplexWarning)


def copy_as_around_trees():
    """Do what `sklearn.utils.parallel` does around each task."""
    copied = list(warnings.filters)
    warnings.resetwarnings()
    for action, message, category, module, line in copied:
        if message is None and module is None:
            warnings.simplefilter(action, category, line, append=True)
        else:
            message, module = (getattr(p, "pattern", p) for p in (message, module))
            warnings.filterwarnings(
                action, message or "", category, module or "", line, append=True
            )


@pytest.mark.parametrize(
    "blocks",
    [
        (validate, validate),
        (copy_as_around_trees, validate),
        (validate, copy_as_around_trees),
        (copy_as_around_trees, copy_as_around_trees),
        (warnings.resetwarnings, copy_as_around_trees),
    ],
)
def test_what_overlapping_blocks_of_scikit_learn_leave_behind_is_removed(
    filters, blocks
):
    filters.append(("default", None, DeprecationWarning, "__main__", 0))
    before = list(filters)
    with restored_filters(), ignored_warnings():
        overlap(*blocks)
        if blocks[0] is not warnings.resetwarnings:
            assert not shown()
    assert warnings.filters is filters and filters == before


def test_a_list_that_was_wiped_is_restored_with_what_was_added(filters):
    before = list(filters)
    with restored_filters():
        with ignored_warnings():
            copy_as_around_trees()
        warnings.simplefilter("error", FutureWarning)
        validate()
    assert filters == [("error", None, FutureWarning, None, 0), *before]


def test_an_open_block_of_the_user_keeps_its_filters(filters):
    before = list(filters)
    context = restored_filters()
    context.__enter__()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.__exit__(None, None, None)
        assert not shown()
    assert warnings.filters is filters and filters == before


def test_a_block_of_the_user_that_ends_meanwhile_ends(filters):
    before = list(filters)
    context = restored_filters()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.__enter__()
    context.__exit__(None, None, None)
    assert warnings.filters is filters and filters == before


def test_warnings_in_the_trees_of_scikit_learn_are_ignored(filters):
    """They are computed under copies of the filters."""
    networks = BaggingRegressor(MLPRegressor(max_iter=1), n_estimators=2)
    with pytest.warns(ConvergenceWarning):
        networks.fit(X, y)
    with ignored_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with ignored_warnings():
            networks.fit(X, y)


def test_copies_in_other_processes_match_nothing():
    with ignored_warnings():
        copied = pickle.loads(pickle.dumps(warnings.filters[0]))
    assert b"sklearn_meta" not in pickle.dumps(ignored_warnings.entry)
    assert not issubclass(UserWarning, copied[2])


def test_a_decorated_method_restores_the_filters(filters):
    @restores_filters
    def method():
        """Leave a filter behind."""
        validate()

    before = list(filters)
    method()
    assert filters == before and method.__doc__ == "Leave a filter behind."
