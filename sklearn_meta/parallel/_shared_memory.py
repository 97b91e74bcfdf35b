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

import mmap
import os
import pickle
import struct
import tempfile
from dataclasses import dataclass

import cloudpickle

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
    descriptor : int
        File descriptor of the memory, which `close` closes.
    """

    descriptor: int

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
        descriptor = _anonymous_file()
        try:
            header = _COUNT.pack(len(parts))
            header += b"".join(_EXTENT.pack(*extent) for extent in extents)
            os.ftruncate(descriptor, position)
            _write(descriptor, memoryview(header), 0)
            for (start, _), part in zip(extents, parts, strict=True):
                _write(descriptor, part, start)
            _seal(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

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
        """Close the descriptor; objects that were loaded stay valid."""
        os.close(self.descriptor)


def _anonymous_file() -> int:
    """Return the descriptor of a new file without a name."""
    if hasattr(os, "memfd_create"):
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        return above_standard_streams(os.memfd_create("sklearn_meta", flags))
    # On other systems than Linux: a temporary file that is already unlinked.
    with tempfile.TemporaryFile() as file:
        return above_standard_streams(os.dup(file.fileno()))


def above_standard_streams(descriptor) -> int:
    """Return a descriptor that no standard stream of a new process can replace.

    A process whose standard input is closed, such as a daemon, gives its number to the
    next file that it opens.

    Parameters
    ----------
    descriptor : int

    Returns
    -------
    descriptor : int
        The same above 2; otherwise a copy, and the given one is closed.
    """
    if descriptor > 2:
        return descriptor
    import fcntl

    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return copy


def _seal(descriptor):
    """Forbid writing to the memory and changing its size, where the system can."""
    if not hasattr(os, "memfd_create"):
        return
    import fcntl

    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def _write(descriptor, data, position):
    """Write all of `data` at a position."""
    while data:
        # Linux writes at most 2 GiB in one call.
        written = os.pwrite(descriptor, data, position)
        data = data[written:]
        position += written
