"""Messages arrive whole and in order, whatever the socket makes of them."""

import contextlib
import socket
import struct
import threading
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_meta.parallel import _channel
from sklearn_meta.parallel._channel import (
    HEADER_SIZE,
    Channel,
    _pack_header,
    receive_frame,
    send_frame,
)
from sklearn_meta.parallel._messages import FROM_SERVER, FROM_WORKER
from tests.parallel.interrupts import interrupted_at

ALL = dict.fromkeys(range(256), 2**40)
FRAMES = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=6)


@pytest.fixture
def pair():
    with_channel, other = socket.socketpair()
    channel = Channel(with_channel, ALL)
    other.settimeout(10)
    with other:
        yield channel, other
    channel.close()


def frame(kind, body=b""):
    return _pack_header(kind, body) + body


def received(channel):
    """Return the new frames, and whether the channel is open."""
    is_open = channel.receive()
    frames, channel.frames = channel.frames, []
    return frames, is_open


def test_nothing_has_arrived_yet(pair):
    channel, _ = pair
    assert received(channel) == ([], True)
    assert not channel.has_unsent and not channel.has_unread


@given(FRAMES, st.integers(1, 50))
def test_messages_that_arrive_in_pieces_are_put_together(frames, size):
    ours, other = socket.socketpair()
    channel = Channel(ours, ALL)
    data = b"".join(frame(kind, body) for kind, body in frames)
    with other:
        for start in range(0, len(data), size):
            other.sendall(data[start : start + size])
            assert channel.receive()
    assert received(channel) == (frames, False)
    assert received(channel) == ([], False)
    channel.close()
    assert channel.is_closed
    channel.close()


@given(FRAMES)
def test_what_a_channel_sends_is_received(frames):
    ours, other = socket.socketpair()
    channel = Channel(ours, ALL)
    with other:
        for kind, body in frames:
            channel.send(kind, body)
        assert not channel.has_unsent
        assert [receive_frame(other) for _ in frames] == frames
        channel.close()
        assert receive_frame(other) == (None, b"")


def test_what_was_sent_before_the_other_end_closed_is_received(pair):
    channel, other = pair
    send_frame(other, 3, b"last words")
    other.close()
    assert received(channel) == ([(3, b"last words")], False)


def test_a_message_cut_short_is_none(pair):
    channel, other = pair
    other.sendall(frame(3, b"a whole one")[:-4])
    other.close()
    assert received(channel) == ([], False)


@pytest.mark.parametrize(
    "sent",
    [b"", frame(3)[:-1], frame(3, b"body")[:-4], frame(3, b"body")[:-1] + b"x"],
)
def test_a_worker_sees_the_end(sent):
    ours, other = socket.socketpair()
    with other:
        ours.sendall(sent)
        ours.close()
        assert receive_frame(other) == (None, b"")


def test_sending_never_blocks_and_flush_sends_the_rest(pair):
    channel, other = pair
    body = bytes(range(256)) * 20_000
    channel.send(1, body)
    channel.send(2, b"after it")
    assert channel.has_unsent
    received = []
    reader = threading.Thread(
        target=lambda: received.extend(receive_frame(other) for _ in range(2))
    )
    reader.start()
    while channel.has_unsent:
        channel.flush()
    reader.join(10)
    assert received == [(1, body), (2, b"after it")]


def test_sending_to_nobody_is_found_out_by_reading(pair):
    channel, other = pair
    other.close()
    channel.send(1, b"hello")
    assert not channel.has_unsent
    assert received(channel) == ([], False)


@pytest.mark.parametrize(
    "garbage",
    [
        struct.pack("=BQII", 3, 2**39, 0, 0),
        struct.pack("=BQ", 3, 2**39) + b"12345678",
        b"[LightGBM] [Info] Total Bins 255\n",
        bytes(HEADER_SIZE),
        frame(3, b"body")[:-1] + b"x",
        frame(3, b"body")[1:],
        frame(4, b"too long for its kind"),
        frame(5, b"a kind that no worker sends"),
    ],
)
def test_garbage_is_no_message(pair, garbage):
    channel, other = pair
    channel.limits = {1: 100, 3: 2**40, 4: 0}
    send_frame(other, 1, b"good")
    other.sendall(garbage)
    send_frame(other, 1, b"after it")
    assert received(channel) == ([(1, b"good")], False)
    assert channel.is_corrupt
    # It stays so.
    send_frame(other, 1, b"again")
    assert received(channel) == ([], False)


def test_a_long_message_takes_memory_as_it_arrives(pair):
    channel, other = pair
    tracemalloc.start()
    other.sendall(_pack_header(3, memoryview(b"x" * 2**20))[:HEADER_SIZE])
    assert received(channel) == ([], True)
    other.sendall(b"x" * 1000)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        assert received(channel) == ([], True)
    assert tracemalloc.get_traced_memory()[0] < before + 100_000
    tracemalloc.stop()


def test_a_message_of_many_pieces_is_joined_once(pair):
    channel, other = pair
    body = bytes(range(256)) * 40_000
    sender = threading.Thread(target=send_frame, args=(other, 1, body))
    sender.start()
    while not channel.frames:
        assert channel.receive()
    sender.join(10)
    assert received(channel) == ([(1, body)], True)


@settings(max_examples=60)
@given(FRAMES, st.integers(1, 60))
def test_what_was_interrupted_is_read_again(frames, line):
    ours, other = socket.socketpair()
    channel = Channel(ours, ALL)
    with other:
        for kind, body in frames:
            send_frame(other, kind, body)
        with contextlib.suppress(KeyboardInterrupt), interrupted_at(line, _channel):
            channel.receive()
        assert received(channel) == (frames, True)
    channel.close()


def test_one_channel_leaves_the_others_their_turn(pair, monkeypatch):
    channel, other = pair
    monkeypatch.setattr(_channel, "MAX_READS", 2)
    monkeypatch.setattr(_channel, "READ_SIZE", HEADER_SIZE + 4)
    for i in range(5):
        send_frame(other, i, b"body")
    assert [kind for kind, _ in received(channel)[0]] == [0, 1]
    assert [kind for kind, _ in received(channel)[0]] == [2, 3]
    assert [kind for kind, _ in received(channel)[0]] == [4]


def mutated(rng, data):
    """Return bytes with a few changed, left out, repeated or inserted."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        i, j = sorted(rng.integers(len(data) + 1, size=2))
        kind = rng.integers(5)
        if kind == 0 and i < len(data):
            data[i] ^= 1 << rng.integers(8)
        elif kind == 1:
            del data[i : min(j, i + 30)]
        elif kind == 2:
            data[i:i] = rng.bytes(rng.integers(1, 40))
        elif kind == 3:
            data[i:i] = data[i : i + 30]
        elif i + 8 <= len(data):
            data[i : i + 8] = struct.pack("=Q", 2 ** int(rng.integers(64)) - 1)
    return bytes(data)


@pytest.mark.parametrize(
    "n", [400, pytest.param(10_000, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_mutated_frames_are_refused_or_wait_for_more(rng, n):
    """No exception, no frame that was not sent, no more memory than what was sent."""
    kinds = (*FROM_WORKER, *FROM_SERVER)
    tracemalloc.start()
    for _ in range(n):
        sent = [(int(rng.choice(kinds)), rng.bytes(rng.integers(60))) for _ in range(4)]
        data = b"".join(frame(kind, body) for kind, body in sent)
        ours, other = socket.socketpair()
        channel = Channel(ours, {**FROM_WORKER, **FROM_SERVER})
        with other:
            other.sendall(mutated(rng, data))
            channel.receive()
        assert all((kind, bytes(body)) in sent for kind, body in channel.frames)
        channel.receive()
        channel.close()
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()
