"""How much a reader may take in, and the mistakes that damaged files cause.

A file of a few bytes can promise terabytes: a header with three numbers in an IDX or .npy file, a zip or gzip file that
unpacks to a thousand times its size. So every reader asks before it allocates: is the promise within `max_bytes`, and
can the file hold that much at all? Packed by deflate (gzip, zip, PNG), a byte holds 1032 bytes at the very most.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib

import numpy as np

from minidiff.errors import MinidiffError

MAX_BYTES = 2**31  # of a whole set in memory
MAX_PIXELS = 80_000_000  # in one image
DEFLATE_LIMIT = 1032  # zlib, "Technical details"
CHUNK = 2**20

# What Python's own readers of gzip, zip and tar files raise on damaged ones.
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    NotImplementedError,
    RuntimeError,  # zip files with a password
)


def check_promise(num_bytes, most_bytes, max_bytes, where):
    """Refuse what a header promises if it is too much.

    Args:
        num_bytes: what the header promises.
        most_bytes: what the file can hold at the very most.
        max_bytes: what the caller wants at the very most.
        where: names the file in the message.

    Raises:
        MinidiffError: it is too much.
    """
    if num_bytes > max_bytes:
        raise MinidiffError(
            f"{where}: holds {num_bytes:,} bytes of numbers, more than {max_bytes:,}; raise max_bytes if that is right"
        )
    if num_bytes > most_bytes:
        raise MinidiffError(f"{where}: truncated, its header promises {num_bytes:,} bytes; fetch the file again")


def read_all(stream):
    """What is in a stream, as bytes. `stream.read(n)` would take n bytes of memory first, whatever is there."""
    return b"".join(iter(lambda: stream.read(CHUNK), b""))


def read_exactly(stream, num_bytes, where):
    """The rest of a stream, which must be `num_bytes` long; call `check_promise` first.

    Returns:
        uint8 array (num_bytes,).

    Raises:
        MinidiffError: it is shorter or longer.
    """
    content = np.empty(num_bytes, np.uint8)
    filled = 0
    while filled < num_bytes:
        chunk = stream.read(min(CHUNK, num_bytes - filled))
        if not chunk:
            raise MinidiffError(
                f"{where}: truncated, {filled:,} of {num_bytes:,} bytes are there; fetch the file again"
            )
        content[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
    if stream.read(1):
        raise MinidiffError(f"{where}: goes on after the {num_bytes:,} bytes its header gives; fetch the file again")
    return content
