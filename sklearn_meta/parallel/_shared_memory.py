"""Hand an object with large arrays to another process without copying them twice.

The object is pickled with protocol 5, which keeps the memory of its arrays out of the
pickle. Pickle and arrays lie one after the other in anonymous memory, whose file
descriptor is all that travels. Where the object is loaded, its arrays are read-only
views of that memory: processes share one copy. Nested arrays (in dataclasses, sparse
matrices, data frames) need no special care, and nothing has a name that could outlive
the processes: the memory goes when the last descriptor and the last view go.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct
import tempfile
from dataclasses import dataclass

import cloudpickle

# Arrays below this size stay in the pickle: a view is not worth its bookkeeping.
MIN_SHARED_BYTES = 16 * 2**10
# Cache line: the arithmetic of numpy is fastest on aligned arrays.
ALIGNMENT = 64

_COUNT = struct.Struct("=Q")
_EXTENT = struct.Struct("=QQ")


@dataclass(frozen=True)
class SharedObject:
    """An object in shared memory.

    Parameters
    ----------
    descriptor : int
        File descriptor of the memory; owned by this object, see `close`.
    """

    descriptor: int

    @classmethod
    def create(cls, value) -> SharedObject:
        """Write an object into new shared memory.

        Parameters
        ----------
        value : object
            Pickled by value where it is defined in ``__main__`` (cloudpickle).

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
        """Return the object; its large arrays are read-only views of the memory."""
        memory = memoryview(mmap.mmap(self.descriptor, 0, access=mmap.ACCESS_READ))
        (n_parts,) = _COUNT.unpack_from(memory)
        extents = [
            _EXTENT.unpack_from(memory, _COUNT.size + _EXTENT.size * i)
            for i in range(n_parts)
        ]
        data, *buffers = (memory[start : start + size] for start, size in extents)
        return pickle.loads(data, buffers=buffers)

    def close(self):
        """Close the descriptor; what has been loaded stays valid."""
        os.close(self.descriptor)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("sklearn_meta", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    # Elsewhere than on Linux: a file without a name, gone when it is closed.
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _seal(descriptor):
    """Let nobody write to the memory, or cut it under the feet of the others."""
    if not hasattr(os, "memfd_create"):
        return
    import fcntl

    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def _write(descriptor, data, position):
    while data:
        # One call writes at most 2 GiB.
        written = os.pwrite(descriptor, data, position)
        data = data[written:]
        position += written
