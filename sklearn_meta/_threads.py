"""Numerical libraries on one thread, where the matrices are small."""

from __future__ import annotations

import functools
import sys
import threading
from contextlib import contextmanager, nullcontext

from threadpoolctl import ThreadpoolController

from sklearn_meta._cleanup import KEEPERS, SharedState


@contextmanager
def one_thread():
    """Return a context in which the numerical libraries use one thread.

    On small matrices, threads cost more than they bring: waiting for each other, they
    take ten to fifty times as long where another process uses the same cores.

    OpenMP has a limit for each thread. OpenBLAS has one for the process: the user's
    other threads have it too, while anything is computed within such a context.
    """
    libraries = _controller(len(sys.modules))
    with (
        libraries.select(user_api="openmp").limit(limits=1),
        _BLAS.held(libraries.select(user_api="blas").lib_controllers),
    ):
        yield


def released_threads():
    """Return a context that waits for others: it has no limit of the process."""
    return _BLAS.released()


def restores_threads(method):
    """Decorate a method within which limits may be set by scikit-learn.

    Some of its estimators limit BLAS and restore what they found. If that was the limit
    of another thread, it would stay; if another thread needs the limit meanwhile, it
    would end. So the limit of others is held as well, and is gone afterwards.
    """

    @functools.wraps(method)
    def call(*args, **kwargs):
        with _BLAS.watched(), one_thread() if _BLAS.is_held else nullcontext():
            return method(*args, **kwargs)

    return call


class SharedLimit:
    """A limit of libraries to one thread that is held by several threads.

    The first one that holds it sets it, and the last one restores what was before. A
    value above one that someone else sets meanwhile stays.
    """

    def __init__(self):
        self.holders = SharedState(self._restore)
        self._watchers = set()
        # Paths of the limited libraries: the library, and its threads before.
        self._before = {}
        self._of_thread = threading.local()

    @property
    def is_held(self):
        """Whether a thread holds the limit now."""
        return len(self.holders) > 0

    @contextmanager
    def held(self, libraries):
        """Return a context with the limit.

        Parameters
        ----------
        libraries : list
            Objects with an attribute `filepath` and methods `get_num_threads()` and
            `set_num_threads(n)`.
        """
        context = object()
        try:
            # Within another context, for libraries that were loaded since.
            self.holders.enter([context], lambda is_first: self._limit(libraries))
            self._of_thread.libraries = libraries
            yield
        finally:
            self.holders.leave([context])

    @contextmanager
    def released(self):
        """Return a context in which the calling thread does not hold the limit."""
        held = self.holders.of_this_thread()
        try:
            self.holders.leave(held)
            yield
        finally:
            if held:
                libraries = self._of_thread.libraries
                self.holders.enter(held, lambda is_first: self._limit(libraries))

    @contextmanager
    def watched(self):
        """Return a context after which a limit does not stay that others restore."""
        context = object()
        try:
            self._watchers.add(context)
            yield
        finally:
            self._watchers.discard(context)
            self.holders.leave([])

    def _limit(self, libraries):
        for library in libraries:
            n_threads = library.get_num_threads()
            if n_threads != 1:
                self._before[library.filepath] = library, n_threads
                library.set_num_threads(1)

    def _restore(self):
        for library, n_threads in self._before.values():
            if library.get_num_threads() == 1:
                library.set_num_threads(n_threads)
        if not self._watchers:
            self._before.clear()


# The limit is one of the process.
_BLAS = SharedLimit()


@functools.lru_cache(maxsize=1)
def _controller(n_modules):
    """Find the libraries that have threads.

    It takes as long as a tree: only when modules were loaded since.
    """
    return ThreadpoolController()


def _keep_openmp():
    """Return a function that restores the numbers of threads of OpenMP."""
    libraries = _controller(len(sys.modules)).select(user_api="openmp").lib_controllers
    now = [(library, library.get_num_threads()) for library in libraries]
    return lambda: [library.set_num_threads(n) for library, n in now]


KEEPERS += [_BLAS.holders.keep, _keep_openmp]
