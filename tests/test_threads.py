"""Small matrices are computed on one thread; afterwards all is as it was."""

import sys
import threading
import types

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from sklearn_meta import _threads
from sklearn_meta._threads import SharedLimit, one_thread, restores_threads


def n_threads():
    return [library["num_threads"] for library in threadpool_info()]


@pytest.fixture
def two_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2):
        if set(n_threads()) != {2}:
            pytest.skip("the libraries have no threads here")
        yield


def test_one_thread_within_and_as_many_as_before_afterwards(two_threads):
    with one_thread():
        assert set(n_threads()) == {1}
        with one_thread():
            assert set(n_threads()) == {1}
        assert set(n_threads()) == {1}
    assert set(n_threads()) == {2}


def test_also_after_an_error(two_threads):
    with pytest.raises(ZeroDivisionError), one_thread():
        1 / 0  # noqa: B018
    assert set(n_threads()) == {2}


def test_libraries_are_looked_for_only_when_modules_were_loaded(monkeypatch):
    looked = []

    def look():
        looked.append(1)
        return ThreadpoolController()

    monkeypatch.setattr(_threads, "ThreadpoolController", look)
    _threads._controller.cache_clear()
    try:
        for _ in range(2):
            with one_thread():
                assert len(looked) == 1
        monkeypatch.setitem(sys.modules, "made_up_here", types.ModuleType("made_up"))
        with one_thread():
            assert len(looked) == 2
    finally:
        _threads._controller.cache_clear()


class Library:
    """A library whose number of threads is one of the process."""

    filepath = "library"

    def __init__(self, n_threads=4):
        self.n_threads = n_threads

    def get_num_threads(self):
        return self.n_threads

    def set_num_threads(self, n_threads):
        self.n_threads = n_threads


@pytest.mark.parametrize("first_to_leave", [0, 1])
def test_of_contexts_that_overlap_the_last_one_restores(first_to_leave):
    library, limit = Library(), SharedLimit()
    contexts = [limit.held([library]), limit.held([library])]
    others = [threading.Thread(target=c.__enter__) for c in contexts]
    for thread in others:
        thread.start()
        thread.join()
        assert library.n_threads == 1
    contexts[first_to_leave].__exit__(None, None, None)
    assert library.n_threads == 1
    contexts[1 - first_to_leave].__exit__(None, None, None)
    assert library.n_threads == 4


def test_a_limit_that_a_user_sets_meanwhile_stays():
    library, limit = Library(), SharedLimit()
    with limit.held([library]):
        library.n_threads = 3
    assert library.n_threads == 3
    with limit.held([library]):
        library.n_threads = 2
        with limit.held([library]):
            assert library.n_threads == 1
    assert library.n_threads == 2


def test_no_limit_while_waiting():
    library, limit = Library(), SharedLimit()
    with limit.released():
        assert library.n_threads == 4
    with limit.held([library]), limit.held([library]):
        with limit.released():
            assert library.n_threads == 4
            with limit.held([library]):
                assert library.n_threads == 1
            assert library.n_threads == 4
        assert library.n_threads == 1
    assert library.n_threads == 4


def test_a_limit_that_is_put_back_too_late_does_not_stay():
    """scikit-learn's k-means restores what it found: the limit of another thread."""
    library, limit = Library(), SharedLimit()
    with limit.watched():
        with limit.held([library]):
            found = library.n_threads
        assert library.n_threads == 4
        library.set_num_threads(found)
    assert library.n_threads == 4


def test_limits_of_openmp_are_those_of_a_thread(two_threads):
    def of_openmp():
        found = threadpool_info()
        return {i["num_threads"] for i in found if i["user_api"] == "openmp"}

    if not of_openmp():
        pytest.skip("no OpenMP is loaded")
    entered, leave, inside = threading.Event(), threading.Event(), []

    def other():
        with one_thread():
            inside.append(of_openmp())
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(20)
    assert inside == [{1}] and of_openmp() == {2}
    leave.set()
    thread.join()
    assert set(n_threads()) == {2}


def test_a_decorated_method_holds_the_limit_that_another_thread_holds(two_threads):
    def of_blas():
        return [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]

    entered, leave = threading.Event(), threading.Event()

    def other():
        with one_thread():
            entered.set()
            leave.wait(20)

    def end_the_other():
        leave.set()
        thread.join()
        return of_blas()

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(20)
    assert set(restores_threads(end_the_other)()) == {1}
    assert set(n_threads()) == {2}
    assert set(restores_threads(of_blas)()) == {2}


def test_a_decorated_method_is_what_it_was():
    @restores_threads
    def method(self, a, *, b=1):
        """Add."""
        return a + b

    assert method(None, 2, b=3) == 5 and method.__doc__ == "Add."
