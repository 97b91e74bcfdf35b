"""Messages between a `ProcessPool`, its server and its workers.

A pool has one connection to the server, on which it sends requests of fixed size and
receives frames (`_channel`), and one connection to each worker, with frames both ways.
"""

from __future__ import annotations

import io
import pickle
import struct

# Frames from the server to the pool; bodies are pickled tuples.
READY, BROKEN, FORKED, EXITED = range(1, 5)
# Frames from a worker to the pool.
PAYLOAD, DONE, LEAVING, FAILED = range(11, 15)

# Longest bodies in bytes. Messages of exceptions and tracebacks are cut by
# `describe_exception`; a payload is further limited by the memory of its task.
MAX_REPORT, MAX_PAYLOAD = 2**20, 2**40
FROM_SERVER = {
    READY: 0,
    BROKEN: MAX_REPORT,
    FORKED: MAX_REPORT,
    EXITED: MAX_REPORT,
}
FROM_WORKER = {PAYLOAD: MAX_PAYLOAD, DONE: 0, LEAVING: 0, FAILED: MAX_REPORT}
# Types of the fields of the pickled tuples.
FIELDS = {
    BROKEN: (str, str),
    FORKED: (int, int),
    EXITED: (int, int | None, str),
    FAILED: (str, str, str),
}
# Kinds of failure that a worker may report of its task.
WORKER_FAILURES = ("raised", "memory")
# Frame from the pool to a worker: the memory limit, then the pickled call.
TASK = 21

# Request from the pool to the server: an action and the number of the worker. A fork
# request carries the worker's end of its connection as a file descriptor.
REQUEST = struct.Struct("=cQ")
FORK, KILL = b"F", b"K"

# Memory limit of a task in bytes; -1 for none.
_LIMIT = struct.Struct("=q")


class CorruptMessageError(ValueError):
    """Raised when the body of a frame is not what its kind says."""


class _PlainUnpickler(pickle.Unpickler):
    """Unpickle numbers, strings and tuples; nothing that runs code."""

    def find_class(self, module, name):
        raise CorruptMessageError(f"A message refers to {module}.{name}.")


def unpack_fields(kind, body) -> tuple:
    """Unpickle the body of a report of a server or a worker.

    Parameters
    ----------
    kind : {BROKEN, FORKED, EXITED, FAILED}
    body : bytes-like

    Returns
    -------
    fields : tuple
        Of the types in `FIELDS`.

    Raises
    ------
    CorruptMessageError
        If the body is anything else.
    """
    try:
        fields = _PlainUnpickler(io.BytesIO(body)).load()
    except Exception as error:
        raise CorruptMessageError(f"A message cannot be read: {error!r}") from None
    types = FIELDS[kind]
    if (
        not isinstance(fields, tuple)
        or len(fields) != len(types)
        or not all(map(isinstance, fields, types))
        or (kind == FAILED and fields[0] not in WORKER_FAILURES)
    ):
        raise CorruptMessageError(f"A message of kind {kind} has other fields.")
    return fields


def pack_limit(memory_limit) -> bytes:
    """Encode the memory limit of a task.

    Parameters
    ----------
    memory_limit : int or None
        Bytes; None for no limit.

    Returns
    -------
    data : bytes
        Beginning of the body of a `TASK` frame.
    """
    return _LIMIT.pack(-1 if memory_limit is None else memory_limit)


def unpack_limit(body):
    """Split the body of a `TASK` frame.

    Parameters
    ----------
    body : bytes-like

    Returns
    -------
    memory_limit : int or None
        Bytes; None for no limit.
    call : memoryview
        The pickled function name and arguments.
    """
    (limit,) = _LIMIT.unpack_from(body)
    return (None if limit < 0 else limit), memoryview(body)[_LIMIT.size :]
