"""Frames over a stream socket: a kind, a body of bytes, and checksums of both.

A worker uses `send_frame` and `receive_frame`, which block. The pool uses a `Channel`,
which never blocks, because a worker may be stopped or killed in the middle of a frame.

A task may write into the connection of its worker, by a file descriptor that it takes
for its own. The checksums tell such bytes from frames: what is unpickled is what
`send_frame` was given, and a length is believed only from an intact header.
"""

from __future__ import annotations

import math
import socket
import struct
import zlib
from collections import deque
from collections.abc import Mapping

# Kind, length and checksum of the body; then the checksum of these three.
_FIELDS = struct.Struct("=BQI")
_CHECKSUM = struct.Struct("=I")
HEADER_SIZE = _FIELDS.size + _CHECKSUM.size

# Maximum number of reads in one call of `Channel.receive`, so that a worker that sends
# much does not keep the pool from the other workers.
MAX_READS = 64
READ_SIZE = 2**18


def _pack_header(kind, body):
    """Return the header of a frame."""
    fields = _FIELDS.pack(kind, len(body), zlib.crc32(body))
    return fields + _CHECKSUM.pack(zlib.crc32(fields))


def _unpack_header(header):
    """Return kind, length and checksum of the body; None if the header is corrupt."""
    (checksum,) = _CHECKSUM.unpack_from(header, _FIELDS.size)
    if zlib.crc32(header[: _FIELDS.size]) != checksum:
        return None
    return _FIELDS.unpack_from(header)


def send_frame(connection: socket.socket, kind: int, body=b""):
    """Send one frame; block until the system has accepted all of it.

    Parameters
    ----------
    connection : socket.socket
    kind : int
        Between 0 and 255, see `_messages`.
    body : bytes-like, default=b""

    Raises
    ------
    OSError
        If the other end is closed.
    """
    connection.sendall(_pack_header(kind, body))
    connection.sendall(body)


def receive_frame(connection: socket.socket):
    """Receive one frame; block until it is complete.

    Parameters
    ----------
    connection : socket.socket

    Returns
    -------
    kind : int or None
        None when the other end is closed, or has sent what is no frame.
    body : bytes-like
    """
    header = _receive_exactly(connection, HEADER_SIZE)
    fields = None if header is None else _unpack_header(header)
    if fields is None:
        return None, b""
    kind, length, checksum = fields
    body = _receive_exactly(connection, length)
    if body is None or zlib.crc32(body) != checksum:
        return None, b""
    return kind, body


def _receive_exactly(connection, n):
    """Return `n` bytes; None when the other end is closed."""
    data = bytearray(n)
    view = memoryview(data)
    while view:
        received = connection.recv_into(view)
        if not received:
            return None
        view = view[received:]
    return data


class Channel:
    """Non-blocking end of a stream socket.

    Ctrl-C between two statements loses nothing that has arrived: each step of the state
    is one statement.

    Parameters
    ----------
    connection : socket.socket
        Closed by `close`; nothing else may use it.
    limits : mapping of int to int
        Kinds of frames that may arrive, and the longest body of each in bytes.

    Attributes
    ----------
    frames : list of (int, memoryview)
        Kind and body of the frames that have arrived; the user removes them.
    is_corrupt : bool
        Whether something has arrived that is no frame.
    """

    def __init__(self, connection: socket.socket, limits: Mapping[int, int]):
        connection.setblocking(False)
        self.connection = connection
        self.limits = limits
        self.frames: list[tuple[int, memoryview]] = []
        self.is_corrupt = False
        self._unsent: deque[memoryview] = deque()
        # What has arrived of the next frame, and the bytes that it needs.
        self._pieces: list[bytes] = []
        self._needed = HEADER_SIZE

    @property
    def has_unsent(self) -> bool:
        """Whether a part of what was sent is still in the buffer of the channel."""
        return bool(self._unsent)

    @property
    def has_unread(self) -> bool:
        """Whether `receive` or its user was interrupted, and has something to do."""
        return bool(self.frames) or self._has_frame()

    def send(self, kind: int, body=b""):
        """Send as much of a frame as the system accepts now; `flush` sends the rest.

        Parameters
        ----------
        kind : int
            Between 0 and 255, see `_messages`.
        body : bytes, default=b""
        """
        self._unsent.append(memoryview(_pack_header(kind, body) + body))
        self.flush()

    def flush(self):
        """Send as much of the buffer as the system accepts now."""
        while self._unsent:
            # Taken out first: what an interrupt leaves behind is an incomplete frame,
            # which the checksum of the next one tells, and not one that is sent twice.
            data = self._unsent.popleft()
            try:
                sent = self.connection.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                # The other end is closed, which `receive` will report.
                self._unsent.clear()
                return
            if sent < len(data):
                self._unsent.appendleft(data[sent:])
            if not sent:
                return

    def receive(self) -> bool:
        """Add the frames that have arrived to `frames`.

        Returns
        -------
        is_open : bool
            False when no further frame can arrive.
        """
        is_open = True
        for _ in range(MAX_READS):
            try:
                # Read and kept in one statement.
                self._pieces.append(self.connection.recv(READ_SIZE))
            except BlockingIOError:
                break
            except (OSError, MemoryError):
                is_open = False
                break
            if not self._pieces[-1]:
                is_open = False
                break
        if self._has_frame():
            self._split()
        return is_open and not self.is_corrupt

    def _has_frame(self):
        return sum(map(len, self._pieces)) >= self._needed

    def _split(self):
        """Take the complete frames out of what has arrived."""
        data = memoryview(b"".join(self._pieces))
        frames, start, needed = [], 0, HEADER_SIZE
        while len(data) - start >= HEADER_SIZE:
            fields = _unpack_header(data[start : start + HEADER_SIZE])
            if fields is None or fields[1] > self.limits.get(fields[0], -1):
                needed = math.inf
                break
            kind, length, checksum = fields
            end = start + HEADER_SIZE + length
            if end > len(data):
                needed = HEADER_SIZE + length
                break
            body = data[start + HEADER_SIZE : end]
            if zlib.crc32(body) != checksum:
                needed = math.inf
                break
            frames.append((kind, body))
            start = end
        self.frames, self._pieces, self._needed, self.is_corrupt = (
            self.frames + frames,
            [] if needed == math.inf else [bytes(data[start:])],
            needed,
            needed == math.inf,
        )

    @property
    def is_closed(self) -> bool:
        """Whether the socket is closed."""
        return self.connection.fileno() == -1

    def close(self):
        """Close the socket; without effect if it is closed."""
        self.connection.close()
