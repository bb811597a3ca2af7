"""The files of a data set, with one interface for a folder, a .zip and a .tgz.

    with open_files("photos.zip") as files:
        files.names                     # "cats/1.png", "cats/2.png", ...
        with files.open("cats/1.png") as stream: ...

Archives are read in memory, one file at a time, and never extracted to the disk, so a hostile name such as
`../../.profile` is harmless. Such names are ignored all the same, as are hidden files, files of the operating system
(Thumbs.db and the like) and links that point outside the folder.
"""

import contextlib
import gzip
import hashlib
import os
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from minidiff.data.dataset import Notes
from minidiff.data.readers.limits import CHUNK, DAMAGED, DEFLATE_LIMIT, check_size, read_exactly
from minidiff.errors import MinidiffError
from minidiff.text import clean

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}
REMEDY = "check the path or download the file again"
GZIP_MAGIC = b"\x1f\x8b"
MAX_READ = 2**26  # bytes per read from a .tgz
MAX_TAR_BYTES = 2**36  # limit on the position within a .tgz; it is streamed, not held in memory


def open_files(path: str | Path) -> "Files":
    """Opens the files at a path; `MinidiffError` if there is none, or if an archive is damaged.

    The path is that of a folder; of a .zip, .tar or .tgz file, recognized by its content; or of any other file, which
    opens the folder that contains it with `only` set to its name.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _FolderFiles(path, os.walk(path))
        if zipfile.is_zipfile(path):
            return _ZipFiles(path)
        if _is_tar(path):
            return _TarFiles(path)
        names = sorted(file.name for file in path.parent.iterdir() if file.is_file())
        return _FolderFiles(path.parent, [(str(path.parent), [], names)], only=path.name)
    except DAMAGED as error:
        raise MinidiffError(f"{path}: cannot be read ({error}); {REMEDY}") from error


class Files:
    """Base class of the three kinds.

    Attributes:
        names: with "/" between folders; sorted, except those of a .tar, which keep their order in the archive.
        notes: what was ignored.
        only: the name of the one file that was opened, or None.
        is_packed: whether this is an archive.
    """

    is_packed = True
    names: list[str]

    def __init__(self, path: str | Path, only: str | None = None) -> None:
        self.path, self.only = Path(path), only
        self.notes: Notes = ()

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

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """Opens a file for reading; damage found while it is open becomes a `MinidiffError`."""
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

    @property
    def source(self) -> str:
        """The path that was opened, printable."""
        return printable(str(self.path / self.only if self.only else self.path))

    @property
    def title(self) -> str:
        """A short name for the data set: that of the file or folder, without its extension."""
        name = printable(self.only or self.path.resolve().name)
        return re.sub(r"(\.(npy|npz|zip|tgz|tar|gz|bin))+$", "", name) or "images"

    def where(self, name: str) -> Path:
        """The path of a file, for messages."""
        return self.path / name

    def content_hash(self, names: Iterable[str]) -> str:
        """SHA-256 of the names and contents of these files, 64 hexadecimal digits; of an archive, of all of it."""
        return _sha256(self.path.open("rb"))


class _FolderFiles(Files):
    """The files below a folder; `walk` is the result of `os.walk`."""

    is_packed = False

    def __init__(
        self, path: str | Path, walk: Iterable[tuple[str, list[str], list[str]]], only: str | None = None
    ) -> None:
        super().__init__(path, only)
        inside, self.names, num_links = self.path.resolve(), [], 0
        for folder, subfolders, names in walk:
            subfolders[:] = [name for name in subfolders if not _is_ignored(name)]
            below = os.path.relpath(folder, self.path).replace(os.sep, "/")
            for name in names:
                file = os.path.join(folder, name)
                if _is_ignored(name) and name != only:
                    continue
                if os.path.islink(file) and not Path(file).resolve().is_relative_to(inside) and name != only:
                    num_links += 1
                elif os.path.isfile(file):  # reading a pipe or a device would block
                    self.names.append(name if below == "." else f"{below}/{name}")
        self.names.sort()
        if num_links:
            self.notes = (f"{num_links} links out of the folder ignored",)

    def open(self, name: str) -> IO[bytes]:
        return open(self.path / name, "rb")

    def size(self, name: str) -> int:
        return (self.path / name).stat().st_size

    def content_hash(self, names: Iterable[str]) -> str:
        digest = hashlib.sha256()
        for name in names:
            digest.update(f"{name}\0{_sha256(self.open(name))}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()


class _ZipFiles(Files):
    """The files within a .zip."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.archive = zipfile.ZipFile(path)
        self.names, self.notes = _usable(name for name in self.archive.namelist() if not name.endswith("/"))
        self.names.sort()

    def close(self) -> None:
        self.archive.close()

    def open(self, name: str) -> IO[bytes]:
        return self.archive.open(name)

    def size(self, name: str) -> int:
        return self.archive.getinfo(name).file_size

    def most_bytes(self, name: str) -> int:
        info = self.archive.getinfo(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MinidiffError(f"{self.where(name)}: unsupported compression; write the zip with deflate")
        return info.compress_size * DEFLATE_LIMIT


class _TarFiles(Files):
    """The files within a .tar or .tgz.

    A .tgz can only be read forward: once to list the names, and once more for the contents, fastest in the order of
    `names`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.stream = _BoundedStream(path, min(self.path.stat().st_size * DEFLATE_LIMIT, MAX_TAR_BYTES))
        self.members, end = {}, -1
        self.archive = tarfile.open(fileobj=self.stream, mode="r:")  # type: ignore[call-overload]  # noqa: SIM115
        for member in self.archive:
            if member.size < 0 or member.offset_data <= end:  # a damaged header could cause an endless loop
                raise MinidiffError(f"{path}: damaged, its headers point backward; download the file again")
            end = member.offset_data
            if member.isreg() and not member.issparse():
                self.members[member.name] = member
        self.names, self.notes = _usable(self.members)

    def close(self) -> None:
        self.archive.close()
        self.stream.close()

    def open(self, name: str) -> IO[bytes]:
        stream = self.archive.extractfile(self.members[name])
        assert stream is not None  # only regular files are members
        return stream

    def size(self, name: str) -> int:
        return self.members[name].size


class _BoundedStream:
    """A file, decompressed if it is gzip, that allows no read of more than MAX_READ bytes and no seek past `end`.

    `tarfile` trusts its headers: if one announces a name a gigabyte long, it reads that into memory.
    """

    def __init__(self, path: str | Path, end: int) -> None:
        self.raw_file, self.end = open(path, "rb"), end  # noqa: SIM115
        self.file = decompressed(self.raw_file)
        self.tell, self.seekable, self.close = self.file.tell, self.file.seekable, self.raw_file.close

    def seek(self, offset: int) -> int:
        if not 0 <= offset <= self.end:
            raise tarfile.ReadError("a header points outside the file")
        return self.file.seek(offset)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_READ:
            raise tarfile.ReadError("a header announces more than is allowed")
        return self.file.read(size)


def decompressed(raw: Any) -> IO[bytes]:
    """A stream that decompresses `raw` if its content is gzip, or `raw` itself."""
    return gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == GZIP_MAGIC else raw  # type: ignore[return-value]


def printable(name: str) -> str:
    """A file name as text, see `text.clean`."""
    return clean(name)


def beside(name: str, other: str) -> str:
    """The name of another file in the same folder."""
    folder, slash, _ = name.rpartition("/")
    return folder + slash + other


def _is_ignored(name: str) -> bool:
    return (name.startswith(".") and name != ".") or name.lower() in SYSTEM_FILES


def _usable(found: Iterable[str]) -> tuple[list[str], Notes]:
    """The safe names in an archive, each once, and a note on the others."""
    names, num_unsafe = [], 0
    for name in found:
        parts = name.split("/")
        one_line = name.splitlines() == [name]  # false for an empty name too
        if not one_line or ".." in parts or name.startswith("/") or "\\" in name or "\0" in name or ":" in parts[0]:
            num_unsafe += 1
        elif not any(_is_ignored(part) for part in parts):
            names.append(name)
    notes = (f"{num_unsafe} files with unsafe names in the archive ignored",) if num_unsafe else ()
    return list(dict.fromkeys(names)), notes


def _is_tar(path: Path) -> bool:
    """Whether the first block, after decompression, is a tar header: "ustar" at offset 257."""
    with open(path, "rb") as raw:
        try:
            head = decompressed(raw).read(512)
        except DAMAGED:
            return False
    return head[257:262] == b"ustar"


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    with stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
