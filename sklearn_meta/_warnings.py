"""Warnings that point at the user's line, and filters of warnings for one thread.

The filters of Python belong to the process (`warnings.filters`), and
`warnings.catch_warnings` replaces all of them: others see no warnings meanwhile, and
blocks that overlap in two threads restore them in the wrong order. Filters of this
module apply in the threads that are within their context; everywhere else they match
nothing. They are in the list while any thread is within such a context.
"""

from __future__ import annotations

import copyreg
import functools
import gc
import os
import re
import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

import joblib
import numpy as np
import sklearn

from sklearn_meta._cleanup import KEEPERS, SharedState
from sklearn_meta.exceptions import SklearnMetaWarning

# Frames of this package, and of those that call its estimators for the user.
INTERNAL = tuple(
    os.path.dirname(path) + os.sep
    for path in (__file__, sklearn.__file__, joblib.__file__)
)


def warn(message, category=SklearnMetaWarning):
    """Issue a warning at the first frame outside of this package and scikit-learn.

    Parameters
    ----------
    message : str
    category : type of Warning, default=SklearnMetaWarning
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(INTERNAL):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


class ThreadFilter:
    """Filter of warnings for the threads that are within its context.

    Of contexts within each other, the innermost counts.

    Parameters
    ----------
    action : {"ignore", "error"}
        What becomes of the warnings; they are not remembered as shown.
    message : str, default=""
        Regular expression that their text starts with.
    """

    def __init__(self, action, message=""):
        # The condition is the category, not an object in place of the message:
        # scikit-learn copies the filters for each tree of a forest, and only categories
        # are copied as they are.
        self._category = _ThreadCategory("ThreadCategory", (Warning,), {})
        pattern = re.compile(message, re.IGNORECASE) if message else None
        self.entry = (action, pattern, self._category, None, 0)

    @contextmanager
    def __call__(self):
        """Return a context in which the filter applies in this thread."""
        with _FILTERS.restored(self.entry):
            token = _category_in_force.set(self._category)
            try:
                yield
            finally:
                _category_in_force.reset(token)


_category_in_force: ContextVar = ContextVar("_category_in_force", default=None)


class _ThreadCategory(type):
    """Type of categories that contain all warnings, where their filter applies."""

    def __subclasscheck__(cls, category):
        return _category_in_force.get() is cls


# Other threads may send a copy of the filters to processes that lack this package.
# `bytes` matches no warning.
copyreg.pickle(_ThreadCategory, lambda category: (type, (b"",)))


class _Filters:
    """The filters of the process, and those from before the contexts now open."""

    def __init__(self):
        self.contexts = SharedState(self._restore)
        self._before = None

    @contextmanager
    def restored(self, entry=None):
        """Return a context with an entry, and without traces afterwards.

        scikit-learn replaces the filters whenever it validates an array or fits a tree
        of a forest. If it does so in two threads at once, filters of one thread stay,
        and others are lost. When no thread is within a context any more, the filters
        are those from before, and what users have added meanwhile.
        """
        context = object()

        def begin(is_first):
            if is_first:
                self._before = warnings.filters, _others(warnings.filters)
            if entry is not None:
                _put_first(entry)

        try:
            self.contexts.enter([context], begin)
            yield
        finally:
            self.contexts.leave([context])

    def _restore(self):
        if self._before is not None:
            _restore(*self._before)
            self._before = None


# There is one list of filters in a process.
_FILTERS = _Filters()


def _keep_category():
    """Return a function that restores which filter applies in this thread."""
    category = _category_in_force.get()
    return lambda: _category_in_force.set(category)


KEEPERS += [_FILTERS.contexts.keep, _keep_category]


def _put_first(entry):
    """Insert an entry before all that are not of this module."""
    for other in warnings.filters:
        if other == entry:
            return
        if not _is_own(other):
            break
    warnings.filters.insert(0, entry)


def _is_own(entry):
    return type(entry[2]) is _ThreadCategory


def _others(filters):
    """Return the filters that are not of this module."""
    return [entry for entry in filters if not _is_own(entry)]


def _restore(before, then):
    """Make the filters those that the list `before` had then, and additions."""
    now = warnings.filters
    is_back = now is before or _are_left_behind(now, then)
    for filters in (before, now):
        kept = _others(filters)
        if is_back and kept != then:
            kept = _with_additions(kept, then)
        if kept != filters:
            filters[:] = kept
    if is_back and now is not before and not _will_be_restored(before):
        warnings.filters = before


def _are_left_behind(now, then):
    """Whether a list of filters is one that scikit-learn has made of another.

    If not, it is that of a block of someone else, which has begun or ended.
    """
    keys, of_then = [_key(e) for e in now], [_key(e) for e in then]
    common = [key for key in keys if key in of_then]
    # Around each tree of a forest, the list is built anew, from the first entry on.
    return common == of_then[: len(common)]


def _with_additions(now, then):
    """Return the filters of then, after those that users have added."""
    of_then = {_key(entry) for entry in then}
    added = [
        entry
        for entry in now
        if _key(entry) not in of_then and (entry[0], entry[2]) not in _OF_VALIDATION
    ]
    return added + then


def _key(entry):
    """Return a filter with strings in place of compiled patterns.

    Where scikit-learn copies filters, it compiles patterns.
    """
    action, message, category, module, line = entry
    message, module = (getattr(p, "pattern", p) for p in (message, module))
    return action, message, category, module, line


# What scikit-learn adds for a moment in each validation of a table or target.
_OF_VALIDATION = (
    ("error", np.exceptions.ComplexWarning),
    ("error", np.exceptions.VisibleDeprecationWarning),
)


def _will_be_restored(filters):
    """Whether a ``catch_warnings`` is open that will restore a list of filters."""
    return any(
        issubclass(type(o), warnings.catch_warnings)
        and getattr(o, "_filters", None) is filters
        for o in gc.get_objects()
    )


restored_filters = _FILTERS.restored
ignored_warnings = ThreadFilter("ignore")
raised_warnings = ThreadFilter("error")


def restores_filters(method):
    """Decorate a method so that filters which others leave behind are removed."""

    @functools.wraps(method)
    def call(*args, **kwargs):
        with restored_filters():
            return method(*args, **kwargs)

    return call
