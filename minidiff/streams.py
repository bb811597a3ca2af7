"""Standard streams that never stop a command.

If nobody reads the output any more (`minidiff train | head -1`, a closed terminal), the work continues without it.
If it cannot be written (a full disk), the error is kept and reported at the end.
"""

import errno
import io
import os
import select
import sys

NOBODY_READS = (errno.EPIPE, errno.EIO)  # a closed pipe, a closed terminal


class LastingFile(io.FileIO):
    """A file that discards what cannot be written, and keeps the first error.

    Attributes:
        error: the error, or None.
    """

    error: OSError | None = None

    def write(self, content: memoryview) -> int:  # type: ignore[override]  # of the buffer above it
        try:
            while (written := super().write(content)) is None:  # it does not block, and is full
                select.select([], [self], [])
            return written
        except OSError as error:
            self.error = self.error or error
            return memoryview(content).nbytes


def open_standard_streams() -> tuple[LastingFile, LastingFile]:
    """Replaces `sys.stdout` and `sys.stderr`, and opens those that are closed, as after `minidiff ... >&-`.

    A closed one is opened first of all: the first file that is opened would get its number, and whatever is printed.

    Returns:
        The files of standard output and standard error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # until the process ends
    return _replace("stdout", 1), _replace("stderr", 2)


def _replace(name: str, number: int) -> LastingFile:
    file, old = LastingFile(number, "w", closefd=False), getattr(sys, name)
    if os.name == "nt" and old is not None and old.isatty():
        return file  # a console of Windows takes text, not bytes
    encoding, by_line = ("utf-8", False) if old is None else (old.encoding, old.line_buffering)
    buffer = io.BufferedWriter(file)  # type: ignore[type-var]  # a FileIO whose `write` takes any buffer
    stream = io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=by_line)
    setattr(sys, name, stream)
    return file


def failure(file: LastingFile) -> str | None:
    """Why a stream could not be written, or None if it could, or if nobody reads it."""
    return None if file.error is None or file.error.errno in NOBODY_READS else str(file.error.strerror)
