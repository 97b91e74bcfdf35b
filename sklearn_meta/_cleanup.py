"""Cleanup that Ctrl-C does not prevent.

Python raises KeyboardInterrupt between any two lines, also between the end of a block
and the ``finally`` or ``__exit__`` that would clean up after it, and once more while
these run. Most blocks of this package need no more than them: what they hold is freed
with their frames. What outlives frames (worker processes, settings of the thread) is
cleaned up here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from sklearn import get_config, set_config


def call_then(function, cleanup, *, undo=lambda: None):
    """Call a function, then clean up, also after an exception.

    One interrupt of the function and another one of the cleanup, at whatever lines,
    leave nothing behind.

    Parameters
    ----------
    function : callable
    cleanup : callable
        It may be called again, also after a call that was interrupted.
    undo : callable, default=does nothing
        Called as well, before `cleanup`, if the result is not returned.

    Returns
    -------
    result : object
        Of `function`.
    """
    # Both are called within a `try` in every case: a `finally` would not be entered
    # after an interrupt at its first line.
    try:
        try:
            result = function()
            cleanup()
            return result
        except BaseException:
            undo()
            cleanup()
            raise
    except BaseException:
        undo()
        cleanup()
        raise


def while_locked(lock, function):
    """Call a function while a lock is held, which no interrupt leaves locked.

    Parameters
    ----------
    lock : threading.RLock
    function : callable

    Returns
    -------
    result : object
        Of `function`.
    """

    def release():
        try:
            lock.release()
        except RuntimeError:
            pass  # it was not acquired yet, or is released already

    return call_then(lambda: lock.acquire() and function(), release)


class SharedState:
    """Contexts of several threads that change something of the process together.

    What the first one has begun ends with the last one.

    Parameters
    ----------
    end : callable
        It may be called again, also after a call that was interrupted.
    """

    def __init__(self, end):
        self._end = end
        self._lock = threading.RLock()
        # The thread of each context.
        self._contexts: dict[object, int] = {}

    def enter(self, contexts, begin):
        """Add contexts of this thread; ``begin(is_first)`` is called after the check.

        Parameters
        ----------
        contexts : iterable of object
        begin : callable
        """

        def enter():
            begin(not self._contexts)
            self._contexts.update(dict.fromkeys(contexts, threading.get_ident()))

        while_locked(self._lock, enter)

    def leave(self, contexts):
        """Remove contexts, as far as they are there.

        Parameters
        ----------
        contexts : iterable of object
        """

        def leave():
            for context in contexts:
                self._contexts.pop(context, None)
            if not self._contexts:
                self._end()

        while_locked(self._lock, leave)

    def __len__(self):
        return len(self._contexts)

    def of_this_thread(self) -> frozenset:
        """Return the contexts of the calling thread."""
        here = threading.get_ident()
        return frozenset(c for c, thread in [*self._contexts.items()] if thread == here)

    def keep(self):
        """Return a function that leaves all contexts of this thread but the present."""
        kept = self.of_this_thread()
        return lambda: self.leave(self.of_this_thread() - kept)


# Functions that return a function to restore what a module changes in a thread or
# process; each module adds its own when it is imported.
KEEPERS: list = []


@dataclass(frozen=True)
class ThreadSettings:
    """Settings that blocks change for a while.

    Parameters
    ----------
    of_sklearn, of_numpy : dict
        As `sklearn.get_config` and `numpy.geterr` return them.
    restorers : tuple of callable
        Of `KEEPERS`.
    """

    of_sklearn: dict
    of_numpy: dict
    restorers: tuple

    @classmethod
    def now(cls) -> ThreadSettings:
        """Return the present settings."""
        return cls(get_config(), np.geterr(), tuple(keep() for keep in KEEPERS))

    def restore(self):
        """Make them the present ones again."""
        set_config(**self.of_sklearn)
        np.seterr(**self.of_numpy)
        for restore in self.restorers:
            restore()
