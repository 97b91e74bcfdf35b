"""Numerical libraries on one thread, where the matrices are small."""

from __future__ import annotations

import sys
from functools import lru_cache

from threadpoolctl import ThreadpoolController


def one_thread():
    """Return a context in which the numerical libraries use one thread.

    On small matrices, threads cost more than they bring: waiting for each other, they
    take ten times as long where another process uses the same cores.
    """
    return _controller(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _controller(n_modules):
    """Find the libraries that have threads.

    It takes as long as a tree: only when modules were loaded since.
    """
    return ThreadpoolController()
