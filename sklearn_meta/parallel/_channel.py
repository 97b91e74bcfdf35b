"""Messages over a stream socket: a kind, a length and a body of bytes.

`send_frame` and `receive_frame` block; a worker uses them. The other end is a `Channel`
that never blocks: a worker may be stopped or killed in the middle of a message.
"""

from __future__ import annotations

import socket
import struct
from collections import deque

HEADER = struct.Struct("=BQ")

# Reads before a channel gives the others their turn.
MAX_READS = 512
READ_SIZE = 2**18
# A longer message can only be garbage.
MAX_BODY = 2**40


def send_frame(connection: socket.socket, kind: int, body=b""):
    """Send one message; blocks until the other end has taken it."""
    connection.sendall(HEADER.pack(kind, len(body)))
    connection.sendall(body)


def receive_frame(connection: socket.socket):
    """Receive one message; blocks.

    Returns
    -------
    kind : int or None
        None when the other end is closed.
    body : bytearray
    """
    header = _receive_exactly(connection, HEADER.size)
    if header is None:
        return None, b""
    kind, length = HEADER.unpack(header)
    body = _receive_exactly(connection, length)
    return (None, b"") if body is None else (kind, body)


def _receive_exactly(connection, n):
    data = bytearray(n)
    view = memoryview(data)
    while view:
        received = connection.recv_into(view)
        if not received:
            return None
        view = view[received:]
    return data


class Channel:
    """The end of a stream socket that never blocks.

    Parameters
    ----------
    connection : socket.socket
        Owned by the channel from now on.
    """

    def __init__(self, connection: socket.socket):
        connection.setblocking(False)
        self.connection = connection
        self._unsent: deque[memoryview] = deque()
        self._kind = None
        self._expect(HEADER.size)

    def _expect(self, n):
        self._body = bytearray(n)
        self._missing = memoryview(self._body)

    @property
    def has_unsent(self) -> bool:
        """Whether the other end has not yet taken everything."""
        return bool(self._unsent)

    def send(self, kind: int, body=b""):
        """Send a message as far as possible now; `flush` sends the rest."""
        self._unsent.append(memoryview(HEADER.pack(kind, len(body)) + body))
        self.flush()

    def flush(self):
        """Send what the other end has room for."""
        while self._unsent:
            data = self._unsent[0]
            try:
                sent = self.connection.send(data)
            except BlockingIOError:
                return
            except OSError:
                # The other end is gone, which reading will find out.
                self._unsent.clear()
                return
            if sent == len(data):
                self._unsent.popleft()
            else:
                self._unsent[0] = data[sent:]

    def receive(self):
        """Take the messages that have arrived.

        Returns
        -------
        frames : list of (int, bytearray)
        is_open : bool
            False when nothing more can come.
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
