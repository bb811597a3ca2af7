"""Atomic writes: after a crash or on a full disk, a file holds either its old contents or its new ones.

    write NAME.1a2b3c4d.part  ->  flush it to the disk  ->  rename it to NAME  ->  flush the folder

A rename is atomic. Without the first flush it could reach the disk before the contents, and a power cut would then
leave an empty file. Without the second flush a power cut could revert the rename.

Every writer has a temporary name of its own, so of two that write the same file at once, the last one to finish wins,
and the file is whole at any time. A writer that was killed leaves its temporary file; the next one removes it.
"""

import contextlib
import glob
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from minidiff.errors import MinidiffError

UNFINISHED = ".part"
LONGEST = 50  # characters of NAME in a temporary name, so that it is not too long for the file system


def write_whole(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file atomically; until the rename, the old file stays as it is.

    Args:
        path: of the file; a symbolic link stays, and the file that it points to is written.
        write: called with a binary file to write to.

    Raises:
        MinidiffError: the disk is full, the folder is missing or not writable, or the path is that of a device or
            something else that is not a file.
    """
    with _clear_error(path):
        target = _target(path)
        with _temporary(target) as (unfinished, file):
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()  # an open file cannot be renamed there; elsewhere, without its lock it could be removed
            unfinished.replace(target)
        flush_folder(target.parent)


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file in UTF-8 atomically; arguments and errors as in `write_whole`."""
    write_whole(path, lambda file: file.write(text.encode("utf-8", "replace")))


def check_writable(path: str | Path) -> None:
    """Raises the error of `write_whole` that a path would lead to, before the work that leads to its contents."""
    with _clear_error(path):
        target = _target(path)
        if not target.parent.is_dir():
            raise OSError(None, f"there is no folder {Path(path).parent}; make it first")
        if target.exists() and not os.access(target, os.W_OK):  # a rename would not mind
            raise OSError(None, "it is read-only")
        with _temporary(target):
            pass


def check_folder(path: str | Path) -> None:
    """Raises an error if files cannot be written to a folder, or if it does not exist and cannot be made."""
    above = next(folder for folder in (Path(path), *Path(path).absolute().parents) if os.path.lexists(folder))
    if not above.is_dir():
        raise MinidiffError(f"cannot make the folder {path}: {above} is not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise MinidiffError(f"cannot write to the folder {path}: {above} is read-only")


@contextlib.contextmanager
def free_name(path: str | Path) -> Iterator[Path]:
    """A name that no file has yet: NAME.png, NAME-2.png, ...

    An empty file reserves it, so that two processes do not choose the same one; after an error that file is removed.

    Raises:
        MinidiffError: the folder is missing or not writable.
    """
    for candidate in numbered(path):
        with _clear_error(candidate):
            try:
                os.close(os.open(candidate, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
                break
            except FileExistsError:
                continue
    with contextlib.ExitStack() as stack:
        stack.callback(candidate.unlink, missing_ok=True)
        yield candidate
        stack.pop_all()


def numbered(path: str | Path) -> Iterator[Path]:
    """NAME.png, NAME-2.png, NAME-3.png, ..., without end."""
    path, number = Path(path), 1
    yield path
    while True:
        number += 1
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def flush_folder(path: Path) -> None:
    """Flushes a folder's entries to the disk; Windows does so by itself."""
    if os.name == "nt":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def lock(file: int) -> None:
    """Requests an operating-system lock on an open file, without waiting; it ends with the process.

    Raises:
        BlockingIOError, PermissionError: another one has the lock.
        OSError: there are no locks on this file system.
    """
    if os.name == "nt":
        import msvcrt  # exists on Windows only

        # at the current position, so move it: always the same byte, and none that anybody wants to read
        os.lseek(file, 2**30, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # on other systems
        os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl  # exists elsewhere only

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def _clear_error(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MinidiffError(f"cannot write {path}: {error.strerror or error}") from error


def _target(path: str | Path) -> Path:
    """The file behind a path, links followed; refuses what a rename would replace although it is not a file."""
    target = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(target.stat().st_mode):
            raise OSError(None, "it is a folder" if target.is_dir() else "it is not a regular file")
    return target


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside the target, locked, and removed at the end if it still has its temporary name."""
    start = target.name[:LONGEST]
    for left in target.parent.glob(f"{glob.escape(start)}.{'[0-9a-f]' * 8}{UNFINISHED}"):
        _remove_if_left(left)
    while True:
        unfinished = target.with_name(f"{start}.{secrets.token_hex(4)}{UNFINISHED}")
        with contextlib.ExitStack() as stack:  # on a full disk, closing the file fails too
            file = unfinished.open("xb")
            stack.callback(unfinished.unlink, missing_ok=True)
            stack.enter_context(file)
            with contextlib.suppress(OSError):  # where there are no locks, nobody removes what is left
                lock(file.fileno())
            if unfinished.exists():  # unless another writer took it for one that was left, before it was locked
                yield unfinished, file
                return


def _remove_if_left(unfinished: Path) -> None:
    """Removes the temporary file of a writer that was killed: nobody has locked it (Windows keeps it: it is open)."""
    with contextlib.suppress(OSError), unfinished.open("rb") as file:
        lock(file.fileno())
        unfinished.unlink()
