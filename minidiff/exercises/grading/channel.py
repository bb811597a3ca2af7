"""Messages between the grader and the process of a hand-in: JSON and a list of arrays, over a socket.

Each begins with the length of its JSON and that of all its arrays, 8 bytes each. The JSON is a list of the message and
the length of each array. The arrays follow.
"""

import json
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

HEADER = struct.Struct(">QQ")
LARGEST_JSON = 2**24  # bytes that the grader accepts in one message
LARGEST_ARRAYS = 2**25
CHUNK = 2**20


class BrokenMessageError(Exception):
    """Something else than a message has arrived, or one that is too large."""


class ClosedError(Exception):
    """The other side has closed the connection."""


class Channel:
    """Sends and receives messages.

    Args:
        connection: a connected socket.
        limited: whether large messages are refused.
        wait: called before each part that is sent or received, and again after each timeout of the socket; may raise.
    """

    def __init__(self, connection: socket.socket, limited: bool, wait: Callable[[], None] = lambda: None) -> None:
        self._connection, self._limited, self._wait = connection, limited, wait

    def send(self, message: Any, arrays: Sequence[bytes] = ()) -> None:
        """Sends a message."""
        content = json.dumps([message, [len(one) for one in arrays]]).encode()
        self._write(HEADER.pack(len(content), sum(map(len, arrays))) + content)
        for one in arrays:
            self._write(one)

    def receive(self) -> tuple[Any, list[bytes]]:
        """The next message and its arrays."""
        of_json, of_arrays = HEADER.unpack(self._read(HEADER.size))
        if self._limited and (of_json > LARGEST_JSON or of_arrays > LARGEST_ARRAYS):
            raise BrokenMessageError(f"the result is too large: {of_json + of_arrays:,} bytes")
        content, joined = self._read(of_json), self._read(of_arrays)
        try:
            message, lengths = json.loads(content)
            if not all(type(one) is int and one >= 0 for one in lengths) or sum(lengths) != of_arrays:
                raise ValueError("wrong lengths")
        except (ValueError, TypeError, RecursionError) as error:
            raise BrokenMessageError("it wrote to the connection to the grader") from error
        arrays, start = [], 0
        for length in lengths:
            arrays.append(joined[start : start + length])
            start += length
        return message, arrays

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            self._wait()
            try:
                left = left[self._connection.send(left[:CHUNK]) :]
            except TimeoutError:
                continue
            except OSError as error:
                raise ClosedError from error

    def _read(self, length: int) -> bytes:
        content = bytearray()
        while len(content) < length:
            self._wait()
            try:
                part = self._connection.recv(min(CHUNK, length - len(content)))
            except TimeoutError:
                continue
            except OSError as error:
                raise ClosedError from error
            if not part:
                raise ClosedError
            content += part
        return bytes(content)
