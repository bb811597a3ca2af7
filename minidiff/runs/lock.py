"""A lock that gives one process at a time the right to write to a run folder.

Two processes that train in the same folder would overwrite each other's checkpoints. So the one that writes holds an
operating-system lock on the file `.lock`, and one on the folder itself, because the file may be deleted by hand. The
system releases the locks when the process ends, however it ends. The file's contents only inform people who holds the
lock. If they name a process and the file is not locked, that process died before it could clear them.
"""

import json
import os
import platform
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

from minidiff.atomic import lock
from minidiff.errors import MinidiffError
from minidiff.text import clean

LOCK_FILE = ".lock"


class FolderLock:
    """The right to write to a folder, until `release` or the end of the process.

    Args:
        folder: an existing one.

    Attributes:
        left_by: the process that held the lock and died, such as "process 4711 on laptop", or None.

    Raises:
        MinidiffError: another process has the lock, or the file cannot be written.
    """

    def __init__(self, folder: str | Path) -> None:
        path = Path(folder) / LOCK_FILE
        try:
            self._file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise MinidiffError(f"cannot write to the folder {folder}: {error.strerror}") from error
        try:
            lock(self._file.fileno())
            self._unlock_folder = weakref.finalize(self, _lock_folder(folder))
        except OSError as error:
            holder = self._holder() or "another process"
            self._file.close()
            if not isinstance(error, (BlockingIOError, PermissionError)):
                raise MinidiffError(f"cannot lock {path}: {error.strerror}; use a folder on a local disk") from error
            raise MinidiffError(
                f"{holder} is writing to {folder}; wait until it is done, stop it, or use another folder"
            ) from error
        self.left_by = self._holder()
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            self._write(json.dumps({"process": os.getpid(), "computer": platform.node(), "since": since}))
        except MinidiffError:
            self._file.close()
            self._unlock_folder()
            path.unlink()
            raise

    def __repr__(self) -> str:
        return f"FolderLock({self._file.name!r}, {'released' if self._file.closed else 'held'})"

    def release(self) -> None:
        """Clears the file's contents and releases the lock."""
        if not self._file.closed:
            self._write("")
            self._file.close()
            self._unlock_folder()

    def _holder(self) -> str | None:
        self._file.seek(0)
        try:
            content = json.loads(self._file.read(1000))
            return clean(f"process {content['process']:d} on {content['computer']}, since {content['since']},")
        except (ValueError, KeyError, TypeError, OSError):
            return None

    def _write(self, text: str) -> None:
        try:
            self._file.truncate(0)
            self._file.write(text)
            self._file.flush()
        except OSError as error:  # the lock would work without its contents, but the disk must not be full
            raise MinidiffError(f"cannot write {self._file.name}: {error.strerror}") from error


def _lock_folder(folder: str | Path) -> Callable[[], object]:
    """Locks the folder itself, and returns a function that releases it; raises BlockingIOError as `lock` does."""
    if os.name == "nt":  # folders cannot be opened there, and an open file cannot be deleted
        return lambda: None
    number = os.open(folder, os.O_RDONLY)
    try:
        lock(number)
    except BlockingIOError:
        os.close(number)
        raise
    except OSError:  # network file systems lock only what is open for writing
        pass
    return partial(os.close, number)
