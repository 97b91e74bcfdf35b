"""Pickled values that the receiver may leave pickled."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field

import cloudpickle

from sklearn_meta.exceptions import SklearnMetaError
from sklearn_meta.parallel._pool import describe_exception


class UnpicklingError(SklearnMetaError, ValueError):
    """A value that a worker has pickled cannot be loaded in this process."""


def dumps(value) -> bytes:
    """Pickle by reference where possible, by value where not (``__main__``)."""
    try:
        return pickle.dumps(value, protocol=5)
    except Exception:
        return cloudpickle.dumps(value, protocol=5)


def loads(data):
    """Load a pickled value.

    Raises
    ------
    UnpicklingError
        Whatever the value raised, in words.
    """
    try:
        return pickle.loads(data)
    except Exception as exception:
        _, reason, _ = describe_exception(exception)
        raise UnpicklingError(f"its result cannot be unpickled: {reason}") from None


@dataclass(frozen=True)
class Pickled:
    """A pickled value, such as a fitted model.

    Parameters
    ----------
    data : bytes
    """

    data: bytes = field(repr=False)

    @classmethod
    def of(cls, value) -> Pickled:
        """Pickle a value."""
        return cls(dumps(value))
