"""Cleanup that Ctrl-C does not prevent.

Python raises KeyboardInterrupt between any two lines, also between the end of a block
and the ``finally`` or ``__exit__`` that would clean up after it, and once more while
these run. Most blocks of this package need no more than them: what they hold is freed
with their frames. What outlives frames (worker processes, settings of the thread) is
cleaned up here.
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class ThreadSettings:
    """Settings of this thread that blocks change for a while.

    Parameters
    ----------
    of_sklearn, of_numpy : dict
        As `sklearn.get_config` and `numpy.geterr` return them.
    """

    of_sklearn: dict
    of_numpy: dict

    @classmethod
    def now(cls) -> ThreadSettings:
        """Return the present settings."""
        return cls(get_config(), np.geterr())

    def restore(self):
        """Make them the present ones again."""
        set_config(**self.of_sklearn)
        np.seterr(**self.of_numpy)
