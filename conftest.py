"""What pytest collects, and which tests share the machine with no other test."""

import contextlib
from importlib.util import find_spec
from pathlib import Path

import pytest

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

collect_ignore_glob = []
if find_spec("torch") is None or find_spec("skorch") is None:
    collect_ignore_glob += ["sklearn_meta/maml/*", "doc/maml.rst"]

ROOT = Path(__file__).parent


class Turns:
    """Turns of the tests of several processes: one `alone`, or any number of others.

    The locks are on files that are there anyway.
    """

    def __init__(self):
        self._queue = open(ROOT / "conftest.py")
        self._running = open(ROOT / "pyproject.toml")

    @contextlib.contextmanager
    def turn(self, alone):
        # First come, first served: other tests must not keep one waiting for ever.
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._running, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            # Not left to the closing of the files, which processes that a test has
            # forked have open too.
            fcntl.flock(self._running, fcntl.LOCK_UN)

    def close(self):
        self._queue.close()
        self._running.close()


TURNS = pytest.StashKey[Turns]()


def pytest_configure(config):
    # Only workers of pytest-xdist: a test that runs pytest must not wait for itself.
    if fcntl is not None and hasattr(config, "workerinput"):
        config.stash[TURNS] = Turns()
        config.add_cleanup(config.stash[TURNS].close)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    # Around the timeout of the test, which does not include waiting for its turn.
    turns = item.config.stash.get(TURNS, None)
    if turns is None:
        return (yield)
    with turns.turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)
