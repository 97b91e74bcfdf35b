"""Small matrices are computed on one thread; afterwards all is as it was."""

import sys
import types

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from sklearn_meta import _threads
from sklearn_meta._threads import one_thread


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
