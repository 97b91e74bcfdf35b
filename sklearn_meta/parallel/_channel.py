"""Frames over a stream socket: a kind, a length and a body of bytes.

A worker uses `send_frame` and `receive_frame`, which block. The pool uses a `Channel`,
which never blocks, because a worker may be stopped or killed in the middle of a frame.
"""

from __future__ import annotations

import socket
import struct
from collections import deque

HEADER = struct.Struct("=BQ")

# Maximum number of reads in one call of `Channel.receive`, so that a worker that sends
# much does not keep the pool from the other workers.
MAX_READS = 512
READ_SIZE = 2**18
# A longer frame means that the header is corrupt.
MAX_BODY = 2**40


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
    connection.sendall(HEADER.pack(kind, len(body)))
    connection.sendall(body)


def receive_frame(connection: socket.socket):
    """Receive one frame; block until it is complete.

    Parameters
    ----------
    connection : socket.socket

    Returns
    -------
    kind : int or None
        None when the other end is closed.
    body : bytes-like
    """
    header = _receive_exactly(connection, HEADER.size)
    if header is None:
        return None, b""
    kind, length = HEADER.unpack(header)
    body = _receive_exactly(connection, length)
    return (None, b"") if body is None else (kind, body)


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

    Parameters
    ----------
    connection : socket.socket
        Closed by `close`; nothing else may use it.
    """

    def __init__(self, connection: socket.socket):
        connection.setblocking(False)
        self.connection = connection
        self._unsent: deque[memoryview] = deque()
        self._kind = None
        self._expect(HEADER.size)

    def _expect(self, n):
        """Prepare to receive the next `n` bytes."""
        self._body = bytearray(n)
        self._missing = memoryview(self._body)

    @property
    def has_unsent(self) -> bool:
        """Whether a part of what was sent is still in the buffer of the channel."""
        return bool(self._unsent)

    def send(self, kind: int, body=b""):
        """Send as much of a frame as the system accepts now; `flush` sends the rest.

        Parameters
        ----------
        kind : int
            Between 0 and 255, see `_messages`.
        body : bytes, default=b""
        """
        self._unsent.append(memoryview(HEADER.pack(kind, len(body)) + body))
        self.flush()

    def flush(self):
        """Send as much of the buffer as the system accepts now."""
        while self._unsent:
            data = self._unsent[0]
            try:
                sent = self.connection.send(data)
            except BlockingIOError:
                return
            except OSError:
                # The other end is closed, which `receive` will report.
                self._unsent.clear()
                return
            if sent == len(data):
                self._unsent.popleft()
            else:
                self._unsent[0] = data[sent:]

    def receive(self):
        """Return the frames that have arrived.

        Returns
        -------
        frames : list of (int, bytearray)
            Kind and body of each complete frame.
        is_open : bool
            False when no further frame can arrive.
        """
        frames = []
        for _ in range(MAX_READS):
            try:
                received = self.connection.recv_into(self._missing[:READ_SIZE])
            except BlockingIOError:
                break
            except OSError:
                return frames, False
            if not received:
                return frames, False
            self._missing = self._missing[received:]
            while not self._missing:
                if self._kind is None:
                    self._kind, length = HEADER.unpack(self._body)
                    if length > MAX_BODY:
                        return frames, False
                    self._expect(length)
                else:
                    frames.append((self._kind, self._body))
                    self._kind = None
                    self._expect(HEADER.size)
        return frames, True

    def close(self):
        """Close the socket."""
        self.connection.close()
