"""The files of a data set: one interface for a folder, a .zip and a .tgz."""

import contextlib
import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from minidiff.data.dataset import Notes
from minidiff.data.readers.limits import CHUNK, DAMAGED, check_size, read_exactly
from minidiff.data.readers.names import counted, runs_among
from minidiff.errors import MinidiffError
from minidiff.regular import open_regular
from minidiff.text import clean

REMEDY = "check the path or download the file again"
GZIP_MAGIC = b"\x1f\x8b"


class Files:
    """Base class of the three kinds.

    Attributes:
        names: with "/" between folders; sorted, except those of a .tar, which keep their order in the archive.
        notes: what was ignored.
        only: the name of the one file that was opened, or None.
        is_packed: whether this is an archive.
        claimed: names of the files that a reader has read, or accounts for in its own notes.
    """

    is_packed = True
    names: list[str]

    def __init__(self, path: str | Path, only: str | None = None) -> None:
        self.path, self.only = Path(path), only
        self.notes: Notes = ()
        self.claimed: set[str] = set()

    def __enter__(self) -> "Files":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the archive; a folder has nothing to close."""

    def open(self, name: str) -> IO[bytes]:
        """Opens a file for reading; raises one of DAMAGED if it cannot be read."""
        raise NotImplementedError

    def size(self, name: str) -> int:
        """The size of a file in bytes, according to the archive's headers."""
        raise NotImplementedError

    def most_bytes(self, name: str) -> int:
        """Upper bound on the size of a file, whatever the headers say."""
        return self.size(name)

    def claim(self, names: Iterable[str]) -> None:
        """Records files that a reader accounts for, so that they are not reported as not read."""
        self.claimed.update(names)

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """Opens a file for reading; damage found while it is open becomes a `MinidiffError`."""
        self.claimed.add(name)
        try:
            with self.open(name) as stream:
                yield stream
        except DAMAGED as error:
            raise MinidiffError(f"{self.where(name)}: cannot be read ({error}); {REMEDY}") from error

    def read(self, name: str, max_bytes: int) -> np.ndarray:
        """The content of a file as uint8 (n,); raises `MinidiffError` if it is damaged or larger than `max_bytes`."""
        with self.reading(name) as stream:
            check_size(self.size(name), self.most_bytes(name), max_bytes, self.where(name))
            return read_exactly(stream, self.size(name), self.where(name))

    def leave_out_runs(self) -> None:
        """Removes the files of runs of minidiff: what a network has generated is no data to learn from."""
        if not (runs := runs_among(self.names)):
            return
        if runs[0] == "":
            raise MinidiffError(f"{self.path}: a run of minidiff; give the images that it was trained on")
        self.names = [name for name in self.names if not any(name.startswith(f"{run}/") for run in runs)]
        self.notes += counted(runs, "runs of minidiff ignored")

    def not_read(self) -> Notes:
        """A note on the files that no reader has claimed."""
        return counted([name for name in self.names if name not in self.claimed], "other files not read")

    @property
    def source(self) -> str:
        """The path that was opened, printable."""
        return clean(str(self.path / self.only if self.only else self.path))

    @property
    def title(self) -> str:
        """A short name for the data set: that of the file or folder, without its extension."""
        name = clean(self.only or self.path.resolve().name)
        return re.sub(r"(\.(npy|npz|zip|tgz|tar|gz|bin))+$", "", name) or "images"

    def where(self, name: str) -> Path:
        """The path of a file, for messages."""
        return self.path / name

    def content_hash(self, names: Iterable[str]) -> str:
        """SHA-256 of the names and contents of these files, 64 hexadecimal digits; of an archive, of all of it."""
        return sha256(open_regular(self.path))


def decompressed(raw: Any) -> IO[bytes]:
    """A stream that decompresses `raw` if its content is gzip, or `raw` itself."""
    return gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP_MAGIC else raw  # type: ignore[return-value]


def sha256(stream: IO[bytes]) -> str:
    """The hash of the rest of a stream, which is closed: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
