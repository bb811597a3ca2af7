"""Memory limits of the readers, and the exceptions that damaged files cause.

A small file can announce terabytes: in the header of an IDX or .npy file, or as a zip or gzip file that expands a
thousandfold. So before a reader allocates, it checks that the announced size is within `max_bytes`, and that the file
can contain that much at all: one byte of deflate data (gzip, zip, PNG) expands to at most 1032.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from minidiff.errors import MinidiffError

MAX_BYTES = 2**31  # of a whole data set in memory
MAX_PIXELS = 80_000_000  # of one image file
MAX_IMAGE_BYTES = 2**28  # of one image file
DEFLATE_LIMIT = 1032  # zlib, "Technical details"
CHUNK = 2**20

# What Python's readers of gzip, zip and tar files raise if a file is damaged (RuntimeError: if a zip is encrypted).
DAMAGED = (
    OSError, EOFError, ValueError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
    NotImplementedError, RuntimeError,
)  # fmt: skip


def check_size(num_bytes: int, most_bytes: int, max_bytes: int, where: str | Path) -> None:
    """Raises `MinidiffError` if a header announces more than the file can contain, or than the user allows."""
    if num_bytes > max_bytes:
        raise MinidiffError(f"{where}: contains {num_bytes:,} bytes, limit {max_bytes:,}; raise max_bytes if intended")
    if num_bytes > most_bytes:
        raise MinidiffError(f"{where}: truncated, its header announces {num_bytes:,} bytes; download the file again")


def read_exactly(stream: IO[bytes], num_bytes: int, where: str | Path) -> np.ndarray:
    """The rest of a stream, uint8 (num_bytes,); `MinidiffError` if its length differs. Call `check_size` first."""
    content = read_next(stream, num_bytes, where)
    if stream.read(1):
        raise MinidiffError(f"{where}: continues after the {num_bytes:,} announced bytes; download the file again")
    return content


def read_next(stream: IO[bytes], num_bytes: int, where: str | Path) -> np.ndarray:
    """The next bytes of a stream, uint8 (num_bytes,); `MinidiffError` if there are fewer."""
    content = np.empty(num_bytes, np.uint8)
    filled = 0
    while filled < num_bytes:
        chunk = stream.read(min(CHUNK, num_bytes - filled))
        if not chunk:
            raise MinidiffError(f"{where}: truncated after {filled:,} of {num_bytes:,} bytes; download the file again")
        content[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
    return content
