"""Fingerprint of what defines a search: named parts, each as a digest.

Two fits with equal fingerprints evaluate the same candidates in the same way, so that
the evaluations of one can be used in the other. A digest takes the place of a copy of
the data. It is of values: equal objects have equal digests, also in another process.
Functions are compared by their code, defaults and enclosed variables, other objects by
their parameters or by the state that would be pickled. Of random number generators and
iterators, whose state changes when they are used, the type is compared only.
"""

from __future__ import annotations

import hashlib
import os
import random
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from numbers import Integral, Real

import numpy as np
from scipy import sparse

# Types of objects whose state changes when they are used.
CHANGING = (
    np.random.RandomState,
    np.random.Generator,
    np.random.BitGenerator,
    random.Random,
    Iterator,
)
BLOCK_BYTES = 2**24


@dataclass(frozen=True)
class Fingerprint:
    """Digests of the parts of something.

    Parameters
    ----------
    parts : tuple of (str, str)
        Name and digest of each part.
    """

    parts: tuple[tuple[str, str], ...]


def fingerprint(parts: Mapping[str, object]) -> Fingerprint:
    """Return the fingerprint of named values.

    Parameters
    ----------
    parts : dict of str to object

    Returns
    -------
    fingerprint : Fingerprint
    """
    return Fingerprint(tuple((name, digest(value)) for name, value in parts.items()))


def differences(first: Fingerprint, second: Fingerprint) -> list[str]:
    """Return the names of the parts in which two fingerprints differ.

    Parameters
    ----------
    first, second : Fingerprint

    Returns
    -------
    names : list of str
        Parts that only one of them has are among them.
    """
    a, b = dict(first.parts), dict(second.parts)
    return [name for name in {**a, **b} if a.get(name) != b.get(name)]


def digest(value) -> str:
    """Return a hexadecimal digest of a value.

    Parameters
    ----------
    value : object

    Returns
    -------
    digest : str
    """
    hasher = hashlib.sha1(usedforsecurity=False)
    _Writer(hasher.update).write(value)
    return hasher.hexdigest()


class _Writer:
    """Writes values as bytes, such that different values have different bytes."""

    def __init__(self, update):
        self._update = update
        # Objects that are being written, which may refer to themselves.
        self._open = set()

    def write(self, value):
        """Write a value."""
        if value is None or isinstance(value, bool | np.bool_):
            self._tag(repr(bool(value)) if value is not None else "None")
        elif isinstance(value, Integral):
            self._tag(f"int {int(value)}")
        elif isinstance(value, Real) and isinstance(value, float | np.floating):
            self._tag(f"float {float(value)!r}")
        elif isinstance(value, str):
            self._bytes("str", value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, bytes | bytearray):
            self._bytes("bytes", value)
        elif id(value) in self._open:
            self._tag("an object that contains itself")
        else:
            self._open.add(id(value))
            self._write_object(value)
            self._open.discard(id(value))

    def _tag(self, text):
        self._bytes("", text.encode())

    def _bytes(self, kind, data):
        self._update(f"{kind}:{len(data)}:".encode())
        self._update(data)

    def _sequence(self, kind, values):
        self._tag(f"{kind} of {len(values)}")
        for value in values:
            self.write(value)

    def _write_object(self, value):
        """Write a value that consists of others."""
        if isinstance(value, np.ndarray) and type(value) is np.ndarray:
            self._write_array(value)
        elif sparse.issparse(value):
            rows = value.tocsr()
            self._sequence("sparse", [rows.shape, rows.data, rows.indices, rows.indptr])
        elif isinstance(value, list | tuple):
            self._sequence(type(value).__qualname__, value)
        elif isinstance(value, dict):
            # The order of the keys is kept: it may matter.
            self._sequence("dict", [part for item in value.items() for part in item])
        elif isinstance(value, set | frozenset):
            self._sequence("set", sorted(map(digest, value)))
        elif isinstance(value, os.PathLike):
            self.write(os.fspath(value))
        elif isinstance(value, type | types.BuiltinFunctionType | types.ModuleType):
            self._tag(_name_of(value))
        elif isinstance(value, types.FunctionType):
            cells = [c.cell_contents for c in value.__closure__ or () if _is_full(c)]
            parts = [value.__code__, value.__defaults__, value.__kwdefaults__, cells]
            self._sequence(f"function {_name_of(value)}", parts)
        elif isinstance(value, types.CodeType):
            parts = [value.co_code, value.co_names, value.co_varnames, value.co_consts]
            self._sequence("code", parts)
        elif isinstance(value, types.MethodType):
            self._sequence("method", [value.__self__, value.__func__])
        elif isinstance(value, CHANGING):
            self._tag(f"a {_name_of(type(value))}")
        else:
            self._tag(f"object {_name_of(type(value))}")
            self._write_state(value)

    def _write_array(self, array):
        """Write an array."""
        self._tag(f"array {array.dtype.str} {array.shape}")
        if array.dtype.hasobject:
            self._sequence("objects", array.ravel().tolist())
        else:
            # In blocks, so that a large table need not be copied as a whole.
            for block in _blocks(array):
                self._update(np.ascontiguousarray(block).view(np.uint8).data)

    def _write_state(self, value):
        """Write the parameters or the state of any other object."""
        if is_dataclass(value):
            self.write([(f.name, getattr(value, f.name)) for f in fields(value)])
            return
        if hasattr(value, "get_params"):
            try:
                self.write(value.get_params(deep=False))
                return
            except Exception:
                self._tag("no parameters")
        try:
            reduced = value.__reduce_ex__(4)
        except Exception:
            # It cannot be pickled; its type is all that is known.
            return
        if isinstance(reduced, str):
            self._tag(reduced)
            return
        # Function, arguments and state; then iterators over items.
        self.write(list(reduced[:3]))
        for items in reduced[3:5]:
            self.write(None if items is None else list(items))


def _blocks(array):
    """Yield consecutive rows of an array, as much as `BLOCK_BYTES`."""
    if array.ndim == 0 or array.flags.c_contiguous:
        yield array
        return
    n_rows = max(1, BLOCK_BYTES * len(array) // max(array.nbytes, 1))
    for start in range(0, len(array), n_rows):
        yield array[start : start + n_rows]


def _name_of(value):
    """Return the name of a class, function or module."""
    name = getattr(value, "__qualname__", getattr(value, "__name__", ""))
    return f"{getattr(value, '__module__', '')}.{name}"


def _is_full(cell):
    """Whether a variable of an enclosing function has a value yet."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
