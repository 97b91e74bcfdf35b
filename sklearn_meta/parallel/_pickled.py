"""Pickling of results, and values that stay pickled until they are needed."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field

import cloudpickle

from sklearn_meta.exceptions import SklearnMetaError
from sklearn_meta.parallel._pool import describe_exception


class UnpicklingError(SklearnMetaError, ValueError):
    """Raised when a value that a worker has pickled cannot be unpickled here."""


def dumps(value) -> bytes:
    """Pickle functions and classes by reference, or by value where that fails.

    Parameters
    ----------
    value : object

    Returns
    -------
    data : bytes
        From cloudpickle if the standard pickle fails, as for a class of ``__main__``.
    """
    try:
        return pickle.dumps(value, protocol=5)
    except Exception:
        return cloudpickle.dumps(value, protocol=5)


def loads(data):
    """Unpickle a value.

    Parameters
    ----------
    data : bytes-like

    Returns
    -------
    value : object

    Raises
    ------
    UnpicklingError
        If unpickling raises; the message contains that of the exception.
    """
    try:
        return pickle.loads(data)
    except KeyboardInterrupt:
        raise
    except BaseException as exception:
        # Unpickling runs code of the value, which may even exit or be canceled.
        _, reason, _ = describe_exception(exception)
        raise UnpicklingError(f"its result cannot be unpickled: {reason}") from None


@dataclass(frozen=True)
class Pickled:
    """A pickled value, such as a fitted model, which the receiver may leave pickled.

    Parameters
    ----------
    data : bytes
        As `dumps` returns them.
    """

    data: bytes = field(repr=False)

    @classmethod
    def of(cls, value) -> Pickled:
        """Return a value in pickled form."""
        return cls(dumps(value))
