"""Atomic writes: after a crash or on a full disk, a file holds either its old contents or its new ones.

    write NAME.part  ->  flush it to the disk  ->  rename it to NAME  ->  flush the folder

A rename is atomic. Without the first flush it could reach the disk before the contents, and a power cut would then
leave an empty file. Without the second flush a power cut could revert the rename.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from minidiff.errors import MinidiffError

UNFINISHED = ".part"


def write_whole(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file atomically; until the rename, the old file stays as it is.

    Args:
        path: of the file.
        write: called with a binary file to write to.

    Raises:
        MinidiffError: the disk is full, or the folder is missing or not writable.
    """
    path = Path(path)
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        try:
            with unfinished.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            flush_folder(path.parent)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise MinidiffError(f"cannot write {path}: {error.strerror or error}") from error


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file in UTF-8 atomically; arguments and errors as in `write_whole`."""
    write_whole(path, lambda file: file.write(text.encode("utf-8", "replace")))


def flush_folder(path: Path) -> None:
    """Flushes a folder's entries to the disk; Windows does so by itself."""
    if os.name == "nt":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
