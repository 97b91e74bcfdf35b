"""Messages arrive whole and in order, whatever the socket makes of them."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.parallel import _channel
from sklearn_meta.parallel._channel import (
    HEADER,
    MAX_BODY,
    Channel,
    receive_frame,
    send_frame,
)

FRAMES = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=6)


@pytest.fixture
def pair():
    with_channel, other = socket.socketpair()
    channel = Channel(with_channel)
    other.settimeout(10)
    with other:
        yield channel, other
    channel.close()


def test_nothing_has_arrived_yet(pair):
    channel, _ = pair
    assert channel.receive() == ([], True) and not channel.has_unsent


@given(FRAMES, st.integers(1, 50))
def test_messages_that_arrive_in_pieces_are_put_together(frames, size):
    ours, other = socket.socketpair()
    channel = Channel(ours)
    data = b"".join(HEADER.pack(kind, len(body)) + body for kind, body in frames)
    received = []
    with other:
        for start in range(0, len(data), size):
            other.sendall(data[start : start + size])
            new, is_open = channel.receive()
            assert is_open
            received += new
    assert received == frames
    assert channel.receive() == ([], False)
    channel.close()


@given(FRAMES)
def test_what_a_channel_sends_is_received(frames):
    ours, other = socket.socketpair()
    channel = Channel(ours)
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
    assert channel.receive() == ([(3, b"last words")], False)


def test_a_message_cut_short_is_none(pair):
    channel, other = pair
    other.sendall(HEADER.pack(3, 10) + b"half")
    other.close()
    assert channel.receive() == ([], False)


@pytest.mark.parametrize("sent", [b"", HEADER.pack(3, 10)[:-1], HEADER.pack(3, 9)])
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
    assert channel.receive() == ([], False)


def test_garbage_is_no_message(pair):
    channel, other = pair
    send_frame(other, 1, b"good")
    other.sendall(HEADER.pack(3, MAX_BODY + 1))
    assert channel.receive() == ([(1, b"good")], False)


def test_one_channel_leaves_the_others_their_turn(pair, monkeypatch):
    channel, other = pair
    monkeypatch.setattr(_channel, "MAX_READS", 4)
    for i in range(5):
        send_frame(other, i, b"body")
    # Each takes two reads.
    assert [kind for kind, _ in channel.receive()[0]] == [0, 1]
    assert [kind for kind, _ in channel.receive()[0]] == [2, 3]
    assert [kind for kind, _ in channel.receive()[0]] == [4]
