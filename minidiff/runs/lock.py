"""One writer a folder.

Two processes that train in the same folder would overwrite each other's checkpoints. So the one that writes holds a
lock on the file `.lock` in the folder. The operating system keeps the lock, and takes it back when the process ends,
however it ends: a lock can never outlive its process. What the file holds is only for people: who has the lock. If
there is a name in it and no lock on it, then that process died before it could wipe its name out.
"""

import json
import os
import platform
import time
from pathlib import Path

from minidiff.errors import MinidiffError

LOCK_FILE = ".lock"


class FolderLock:
    """The right to write to a folder, from here until `release` or the end of the process.

    Args:
        folder: an existing one.

    Attributes:
        left_by: who held the lock before and died, such as "process 4711 on laptop", or None.

    Raises:
        MinidiffError: another process has the lock, or the file cannot be written.
    """

    def __init__(self, folder):
        path = Path(folder) / LOCK_FILE
        try:
            self._file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise MinidiffError(f"cannot write to the folder {folder}: {error.strerror}") from error
        try:
            _lock(self._file)
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
        self._write(json.dumps({"process": os.getpid(), "computer": platform.node(), "since": since}))

    def release(self):
        """Wipes the name out and gives the lock back."""
        if not self._file.closed:
            self._write("")
            self._file.close()

    def _holder(self):
        self._file.seek(0)
        try:
            content = json.loads(self._file.read(1000))
            return f"process {content['process']:d} on {content['computer']}, since {content['since']},"
        except (ValueError, KeyError, TypeError, OSError):
            return None

    def _write(self, text):
        try:
            self._file.truncate(0)
            self._file.write(text)
            self._file.flush()
        except OSError as error:  # the name is a courtesy, the lock is what counts; but the disk must not be full
            raise MinidiffError(f"cannot write {self._file.name}: {error.strerror}") from error


def _lock(file):
    """Asks the operating system for the lock, without waiting."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
