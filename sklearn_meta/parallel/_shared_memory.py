"""Objects with large arrays in anonymous shared memory.

An object is pickled with protocol 5, which keeps the buffers of its arrays out of the
pickle. Pickle and buffers are written one after the other to anonymous memory, and only
its file descriptor is passed to the other process. There, the arrays of the loaded
object are read-only views of the memory, so that all processes share one copy. This
includes nested arrays (in dataclasses, sparse matrices, data frames). The memory has no
name that could outlive the processes: the system frees it with the last descriptor and
the last view.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
import socket
import struct
import tempfile
from dataclasses import dataclass

import cloudpickle

from sklearn_meta.parallel._memory_limit import default_memory_limit

# Smaller arrays stay in the pickle: copying them is cheaper than a view.
MIN_SHARED_BYTES = 16 * 2**10
# Size of a cache line, on which vectorized loops are fastest.
ALIGNMENT = 64

_COUNT = struct.Struct("=Q")
_EXTENT = struct.Struct("=QQ")


@dataclass(frozen=True)
class SharedObject:
    """An object in shared memory.

    Parameters
    ----------
    file : io.FileIO
        The memory, which `close` frees here.
    """

    file: io.FileIO

    @classmethod
    def of(cls, descriptor: int) -> SharedObject:
        """Return the object that another process has created.

        Parameters
        ----------
        descriptor : int
            File descriptor of the memory.

        Returns
        -------
        shared : SharedObject
        """
        return cls(io.FileIO(descriptor))

    @property
    def descriptor(self) -> int:
        """File descriptor of the memory."""
        return self.file.fileno()

    @classmethod
    def create(cls, value) -> SharedObject:
        """Write an object into new shared memory.

        Parameters
        ----------
        value : object
            Functions and classes of ``__main__`` in it are pickled by value.

        Returns
        -------
        shared : SharedObject

        Raises
        ------
        OSError
            If the system has no descriptor, no anonymous file or no room for it.
        MemoryError
            If less memory is free than the object needs.
        Exception
            If the value cannot be pickled.
        """
        buffers = []

        def keep_in_pickle(buffer):
            view = buffer.raw()
            if view.nbytes < MIN_SHARED_BYTES:
                return True
            buffers.append(view)
            return False

        data = cloudpickle.dumps(value, protocol=5, buffer_callback=keep_in_pickle)
        parts = [memoryview(data), *buffers]
        position = _COUNT.size + _EXTENT.size * len(parts)
        extents = []
        for part in parts:
            position = -(-position // ALIGNMENT) * ALIGNMENT
            extents.append((position, part.nbytes))
            position += part.nbytes
        free = default_memory_limit(1)
        if free is not None and position > free:
            # Beyond a limit of the container, writing would not raise, but kill.
            raise MemoryError(
                f"shared memory of {position:,} bytes is needed, {free:,} are free"
            )
        header = _COUNT.pack(len(parts))
        header += b"".join(_EXTENT.pack(*extent) for extent in extents)
        file = _anonymous_file()
        try:
            os.ftruncate(file.fileno(), position)
            _write(file.fileno(), memoryview(header), 0)
            for (start, _), part in zip(extents, parts, strict=True):
                _write(file.fileno(), part, start)
            _seal(file.fileno())
        except BaseException:
            file.close()
            raise
        return cls(file)

    def load(self):
        """Return the object.

        Returns
        -------
        value : object
            Its large arrays are read-only views of the memory.
        """
        memory = memoryview(mmap.mmap(self.descriptor, 0, access=mmap.ACCESS_READ))
        (n_parts,) = _COUNT.unpack_from(memory)
        extents = [
            _EXTENT.unpack_from(memory, _COUNT.size + _EXTENT.size * i)
            for i in range(n_parts)
        ]
        data, *buffers = (memory[start : start + size] for start, size in extents)
        return pickle.loads(data, buffers=buffers)

    def close(self):
        """Close the descriptor, if it is open; loaded objects stay valid."""
        self.file.close()


def anonymous_memory(name) -> io.FileIO:
    """Return new memory without a file.

    Parameters
    ----------
    name : str
        For display only.

    Returns
    -------
    file : io.FileIO
        It closes the descriptor if it is dropped, whatever interrupts its owner.

    Raises
    ------
    OSError
        If the system has no such memory, or no descriptor.
    """
    if not hasattr(os, "memfd_create"):
        raise OSError("This system has no anonymous memory.")
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    return io.FileIO(os.memfd_create(name, flags), "r+")


def _anonymous_file() -> io.FileIO:
    """Return a new file without a name."""
    try:
        file = anonymous_memory("sklearn_meta")
    except OSError:
        # Other systems than Linux, and containers that forbid the system call: a
        # temporary file that is already unlinked.
        file = tempfile.TemporaryFile(buffering=0)
    return above_standard_streams(file)


def above_standard_streams(file: io.FileIO | socket.socket):
    """Return a file whose descriptor no standard stream of a new process can replace.

    A process whose standard input is closed, such as a daemon, gives its number to the
    next file that it opens.

    Parameters
    ----------
    file : io.FileIO or socket.socket

    Returns
    -------
    file : io.FileIO or socket.socket
        The same if its descriptor is above 2; otherwise a copy, and the given one is
        closed.
    """
    if file.fileno() > 2:
        return file
    import fcntl

    number = fcntl.fcntl(file.fileno(), fcntl.F_DUPFD_CLOEXEC, 3)
    is_socket = isinstance(file, socket.socket)
    copy = socket.socket(fileno=number) if is_socket else io.FileIO(number, "r+")
    file.close()
    return copy


def _seal(descriptor):
    """Forbid writing to the memory and changing its size, where the system can."""
    if not hasattr(os, "memfd_create"):
        return
    import fcntl

    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    # A temporary file has none.
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def _write(descriptor, data, position):
    """Write all of `data` at a position."""
    while data:
        # Linux writes at most 2 GiB in one call.
        written = os.pwrite(descriptor, data, position)
        data = data[written:]
        position += written
