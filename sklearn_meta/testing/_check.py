"""Checks with names, and helpers to write them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Check:
    """A check of a plugin (an operator, a strategy, or a function) with its arguments.

    Parameters
    ----------
    function : callable
        ``function(plugin, **arguments)``, which raises AssertionError if the plugin
        fails the check.
    arguments : mapping, default={}
        Keyword arguments, such as the task and the kind of table.

    Examples
    --------
    >>> from sklearn_meta.testing import Check
    >>> def check_name(plugin, *, length):
    ...     assert len(plugin.__name__) <= length
    >>> check = Check(check_name, {"length": 10})
    >>> check
    check_name[10]
    >>> check(print)
    """

    function: Callable
    arguments: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the function, and the arguments: ``check_cost[regression]``."""
        inside = "-".join(str(value) for value in self.arguments.values())
        return self.function.__name__ + (f"[{inside}]" if inside else "")

    def __call__(self, plugin):
        self.function(plugin, **self.arguments)

    def __repr__(self):
        return self.name


def require(condition, message):
    """Raise AssertionError with a message; unlike ``assert``, also under ``-O``."""
    if not condition:
        raise AssertionError(message)


@contextmanager
def failing_means(message):
    """Raise AssertionError with a message for any exception inside.

    Parameters
    ----------
    message : str
        What failed; type and text of the exception are added.
    """
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{message}: {type(error).__name__}: {error}") from error


@contextmanager
def global_seeds(seed):
    """Seed the global generators of numpy and Python inside, and restore them."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    np.random.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def global_state():
    """Return the states of the global generators of numpy and Python, to compare."""
    kind, keys, *rest = np.random.get_state()
    return (kind, keys.tolist(), rest), random.getstate()
