"""The files below a folder.

Links are followed, to files and to folders, wherever they lead: downloads of model hubs consist of links. A link to a
folder that contains it is not followed, since it would lead to an endless loop.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from minidiff.data.readers.files import Files, sha256
from minidiff.data.readers.names import counted, is_ignored
from minidiff.errors import MinidiffError
from minidiff.regular import open_regular

MAX_ENTRIES = 10_000_000  # files and folders: nested links can multiply them


class FolderFiles(Files):
    """The files below a folder, or, with `only`, one file and those beside it."""

    is_packed = False

    def __init__(self, path: str | Path, only: str | None = None) -> None:
        super().__init__(path, only)
        self.names = []
        if only is None:
            self._walk()
        else:
            with contextlib.suppress(OSError), os.scandir(self.path) as entries:  # the folder may not be listable
                self.names = [entry.name for entry in entries if entry.is_file() and not is_ignored(entry.name)]
            self.names = sorted({*self.names, only})

    def _walk(self) -> None:
        hidden, loops, broken, special = [], [], [], []
        num_entries = 0
        folders = [("", frozenset({self._identity(self.path)}))]  # name, and identities of the folders around it
        while folders:
            below, around = folders.pop()
            for entry_name in self._list(self.path / below):
                name = f"{below}/{entry_name}".lstrip("/")
                num_entries += 1
                if num_entries > MAX_ENTRIES:
                    raise MinidiffError(f"{self.path}: more than {MAX_ENTRIES:,} files; give a smaller folder")
                if is_ignored(entry_name):
                    hidden.append(name)
                    continue
                try:
                    mode = os.stat(self.path / name).st_mode
                except OSError as error:
                    if not os.path.islink(self.path / name):
                        raise unreadable(self.path / name, error) from error
                    broken.append(name)
                    continue
                if stat.S_ISREG(mode):
                    self.names.append(name)
                elif not stat.S_ISDIR(mode):
                    special.append(name)
                elif (identity := self._identity(self.path / name)) in around:
                    loops.append(name)
                else:
                    folders.append((name, around | {identity}))
        self.names.sort()
        self.notes = (
            *counted(hidden, "hidden or system files ignored"),
            *counted(loops, "links to folders around them not followed"),
            *counted(broken, "links that lead nowhere ignored"),
            *counted(special, "devices, pipes or sockets ignored"),
        )

    def _list(self, folder: Path) -> list[str]:
        try:
            return os.listdir(folder)
        except OSError as error:
            raise unreadable(folder, error) from error

    def _identity(self, folder: Path) -> tuple[int, int]:
        status = os.stat(folder)
        return status.st_dev, status.st_ino

    def open(self, name: str) -> IO[bytes]:
        return open_regular(self.path / name)

    def size(self, name: str) -> int:
        return (self.path / name).stat().st_size

    def content_hash(self, names: Iterable[str]) -> str:
        digest = hashlib.sha256()
        for name in names:
            digest.update(f"{name}\0{sha256(self.open(name))}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()


def unreadable(path: Path, error: OSError) -> MinidiffError:
    """The error for a file or folder that cannot be read."""
    return MinidiffError(f"cannot read {path} ({error.strerror or error}); make it readable, or move it away")
