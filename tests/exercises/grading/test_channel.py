"""Messages over a socket: whole, in order, and refused if they are too large or no messages."""

import socket
import struct
import threading

import pytest

from minidiff.exercises.grading.channel import LARGEST_ARRAYS, LARGEST_JSON, BrokenMessageError, Channel, ClosedError


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_messages_arrive_in_order_with_their_arrays(ends):
    one, other = (Channel(end, limited=True) for end in ends)
    large = bytes(range(256)) * 20_000
    sender = threading.Thread(target=lambda: [one.send({"a": [1, "ü"]}, [b"", large, b"x"]), one.send(None)])
    sender.start()
    assert other.receive() == ({"a": [1, "ü"]}, [b"", large, b"x"])
    assert other.receive() == (None, [])
    sender.join()


@pytest.mark.parametrize(
    "content",
    [
        struct.pack(">QQ", LARGEST_JSON + 1, 0), struct.pack(">QQ", 0, LARGEST_ARRAYS + 1),
        struct.pack(">QQ", 3, 0) + b"[1]", struct.pack(">QQ", 2, 0) + b"{]",
        struct.pack(">QQ", 11, 1) + b"[null, [2]]x", struct.pack(">QQ", 13, 0) + b"[null, [0.0]]",
        struct.pack(">QQ", 14, 1) + b"[null, [true]]x", struct.pack(">QQ", 12, 0) + b'[null, [""]]',
        struct.pack(">QQ", 14, 0) + b"[null, [1,-1]]", struct.pack(">QQ", 10**5, 0) + b"[" * 10**5,
        struct.pack(">QQ", 3, 0) + b"\xff\xff\xff",
    ],
)  # fmt: skip
def test_other_contents_are_refused(ends, content):
    ends[0].sendall(content)
    with pytest.raises(BrokenMessageError):
        Channel(ends[1], limited=True).receive()


def test_a_closed_connection_is_an_error(ends):
    one, other = (Channel(end, limited=True) for end in ends)
    ends[0].send(b"half")
    ends[0].close()
    for use in (other.receive, lambda: [other.send("x" * 10_000_000) for _ in range(9)], lambda: one.send(1)):
        with pytest.raises(ClosedError):
            use()


def test_the_limits_are_checked_while_nothing_arrives(ends):
    class StopError(Exception):
        pass

    calls = []

    def wait():
        calls.append(0)
        if len(calls) > 3:
            raise StopError

    ends[1].settimeout(0.01)
    with pytest.raises(StopError):
        Channel(ends[1], limited=True, wait=wait).receive()
    calls.clear()
    with pytest.raises(StopError):  # nobody reads
        Channel(ends[1], limited=True, wait=wait).send("x" * 10_000_000)
