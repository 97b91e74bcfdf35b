"""Numerical libraries on one thread, where the matrices are small."""

from __future__ import annotations

import functools
import sys
import threading
from contextlib import contextmanager, nullcontext

from threadpoolctl import ThreadpoolController


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
        self._lock = threading.Lock()
        self._holders, self._watchers = set(), set()
        # Paths of the limited libraries: the library, and its threads before.
        self._before = {}
        self._of_thread = threading.local()

    @property
    def is_held(self):
        """Whether a thread holds the limit now."""
        return bool(self._holders)

    @contextmanager
    def held(self, libraries):
        """Return a context with the limit.

        Parameters
        ----------
        libraries : list
            Objects with an attribute `filepath` and methods `get_num_threads()` and
            `set_num_threads(n)`.
        """
        of_thread, context = self._of_thread, object()
        outer = getattr(of_thread, "held", ())
        try:
            # Within another context, for libraries that were loaded since.
            self._take([context], libraries)
            of_thread.held = (*outer, context)
            of_thread.libraries = libraries
            yield
        finally:
            of_thread.held = outer
            self._leave([context])

    @contextmanager
    def released(self):
        """Return a context in which the calling thread does not hold the limit."""
        of_thread = self._of_thread
        held = getattr(of_thread, "held", ())
        try:
            of_thread.held = ()
            self._leave(held)
            yield
        finally:
            of_thread.held = held
            if held:
                self._take(held, of_thread.libraries)

    @contextmanager
    def watched(self):
        """Return a context after which a limit does not stay that others restore."""
        context = object()
        try:
            self._watchers.add(context)
            yield
        finally:
            self._watchers.discard(context)
            self._leave([])

    def _take(self, contexts, libraries):
        with self._lock:
            self._holders.update(contexts)
            for library in libraries:
                n_threads = library.get_num_threads()
                if n_threads != 1:
                    self._before[library.filepath] = library, n_threads
                    library.set_num_threads(1)

    def _leave(self, contexts):
        with self._lock:
            self._holders.difference_update(contexts)
            if self._holders:
                return
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
