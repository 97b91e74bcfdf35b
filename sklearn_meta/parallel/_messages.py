"""Messages between a `ProcessPool`, its server and its workers.

A pool has one connection to the server, on which it sends requests of fixed size and
receives frames (`_channel`), and one connection to each worker, with frames both ways.
"""

from __future__ import annotations

import struct

# Frames from the server to the pool; bodies are pickled tuples.
READY, BROKEN, FORKED, EXITED = range(1, 5)
# Frames from a worker to the pool.
PAYLOAD, DONE, LEAVING, FAILED = range(11, 15)
# Frame from the pool to a worker: the memory limit, then the pickled call.
TASK = 21

# Request from the pool to the server: an action and the number of the worker. A fork
# request carries the worker's end of its connection as a file descriptor.
REQUEST = struct.Struct("=cQ")
FORK, KILL = b"F", b"K"

# Memory limit of a task in bytes; -1 for none.
_LIMIT = struct.Struct("=q")


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
