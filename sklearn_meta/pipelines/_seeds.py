"""Seeds for estimators that would draw from the global random generators."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from sklearn.base import BaseEstimator

# Their classes draw from the generator that `random_state` gives, and from no other.
LIBRARIES = ("sklearn", "lightgbm", "sklearn_meta")

# Longest wait for fits in other threads, in seconds.
MAX_WAIT = 10.0


def may_draw_globally(estimator) -> bool:
    """Return whether an estimator may draw from the global random generators.

    Parameters
    ----------
    estimator : estimator
        The estimators in its parameters count as well.

    Returns
    -------
    may_draw : bool
        True if a class outside of `LIBRARIES` has no parameter `random_state`.
    """
    return any(
        type(part).__module__.partition(".")[0] not in LIBRARIES
        and not hasattr(part, "random_state")
        for part in _parts(estimator)
    )


@contextmanager
def alone_if_it_must(estimator):
    """Return a context for a fit that no other such fit of the process overlaps with.

    liblinear and libsvm have one generator for the process. scikit-learn seeds it for
    each fit; but of two fits at once, each draws numbers of the other's sequence.

    Parameters
    ----------
    estimator : estimator
        What is fitted inside of the context. Others have nothing to wait for.
    """
    if not any(map(_draws_from_library, _parts(estimator))):
        yield
        return
    # Longer than almost any such fit: results are then as good, but not the same.
    taken = _ONE_AT_A_TIME.acquire(timeout=MAX_WAIT)
    try:
        yield
    finally:
        if taken:
            _ONE_AT_A_TIME.release()


# The libraries have one generator for all threads. A fit may contain another one.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def seeds_for_all(estimator, seed):
    """Return a context in which no part of an estimator has ``random_state=None``.

    With None, scikit-learn draws from numpy's global generator, on which the user's own
    code depends; often a number of no consequence, as for the lasso. Support vector
    regression does so without having the parameter: it has an attribute of this name.

    Parameters
    ----------
    estimator : estimator
        What is fitted inside of the context. Afterwards, its parts and their clones
        that lack the parameter are as they would be without the context.
    seed : int
    """
    given, without_parameter = [], []

    def give(part):
        if "random_state" in part.get_params(deep=False):
            given.append(part)
        else:
            # A clone would not have the attribute.
            part.__sklearn_clone__ = lambda: give(BaseEstimator.__sklearn_clone__(part))
            without_parameter.append(part)
        part.random_state = seed
        return part

    for part in list(_parts(estimator)):
        if isinstance(part, BaseEstimator) and getattr(part, "random_state", 0) is None:
            give(part)
    try:
        yield
    finally:
        for part in without_parameter:
            del part.__sklearn_clone__
        for part in (*given, *without_parameter):
            part.random_state = None


def _parts(estimator):
    """Yield an estimator and those in its parameters."""
    # Not by `get_params(deep=True)`, which also makes a name for each parameter.
    if isinstance(estimator, list | tuple):
        for value in estimator:
            yield from _parts(value)
    elif hasattr(estimator, "get_params") and not isinstance(estimator, type):
        yield estimator
        for name, value in getattr(estimator, "__dict__", {}).items():
            # Not what was fitted: the trees of a forest, for instance.
            if not name.startswith("_") and not name.endswith("_"):
                yield from _parts(value)


def _draws_from_library(part):
    classes = {cls.__name__ for cls in type(part).__mro__}
    return (
        not classes.isdisjoint({"LinearSVC", "LinearSVR"})
        or getattr(part, "solver", None) == "liblinear"
        or ("BaseLibSVM" in classes and getattr(part, "probability", False) is True)
    )
