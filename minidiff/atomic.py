"""Files that are there whole or not at all.

A program can be killed at any moment, and a disk can run full in the middle of a file. So a file is never written in
its place: it is written beside it, flushed to the disk, and then renamed, and a rename happens at once or not at all.
Whoever looks at the place sees the old file or the new one.

    write NAME.part  ->  flush it to the disk  ->  rename it to NAME  ->  flush the folder, which knows the names

Without the flush the rename might reach the disk before the contents, and after a power cut there would be an empty
file in the place of a good one.
"""

import os
from pathlib import Path

from minidiff.errors import MinidiffError

UNFINISHED = ".part"


def write_whole(path, write):
    """Writes a file whole or not at all; what was there before stays until then.

    Args:
        path: of the file.
        write: called with a binary file to write to.

    Raises:
        MinidiffError: the disk is full, or the folder is missing or may not be written to.
    """
    path = Path(path)
    beside = path.with_name(path.name + UNFINISHED)
    try:
        try:
            with beside.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            flush_folder(path.parent)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise MinidiffError(f"cannot write {path}: {error.strerror or error}") from error


def flush_folder(path):
    """Makes sure that a folder's list of names is on the disk; Windows does so by itself."""
    if os.name == "nt":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
