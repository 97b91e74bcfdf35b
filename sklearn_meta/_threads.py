"""Numerical libraries on one thread, where the matrices are small."""

from __future__ import annotations

from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread():
    """Return a context in which the numerical libraries use one thread.

    On small matrices, threads cost more than they bring: waiting for each other, they
    take ten times as long where another process uses the same cores.
    """
    return _controller().limit(limits=1)


@cache
def _controller():
    """Find the libraries that have threads, once: it takes as long as a tree."""
    return ThreadpoolController()
