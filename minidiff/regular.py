"""Reads regular files only: a device or a pipe could block or never end, and opening it may have effects.

The errors are instances of `OSError`, as for a file that cannot be read for another reason.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MAX_TEXT_BYTES = 2**26


class NotRegularError(OSError):
    """The path leads to a device, a pipe or a socket."""


def check_regular(path: str | Path) -> os.stat_result:
    """The status of a file or folder, links followed; raises an `OSError` for anything else."""
    try:
        status = os.stat(path)
    except ValueError as error:  # a NUL character
        raise OSError(errno.EINVAL, "not a possible path") from error
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise NotRegularError(errno.EINVAL, "a device, pipe or socket instead of a file")
    return status


def open_regular(path: str | Path) -> BinaryIO:
    """Opens a regular file for reading."""
    check_regular(path)
    return open(path, "rb")


def read_text(path: str | Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Reads a text file in UTF-8; a byte-order mark at its start, which some editors add, is left out.

    Raises:
        OSError: it is not a regular file, cannot be read, or is larger than `max_bytes`.
        UnicodeDecodeError: it is not UTF-8.
    """
    with open_regular(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes:,} bytes")
    return content.decode("utf-8-sig")
