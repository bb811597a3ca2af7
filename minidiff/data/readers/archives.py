"""Opens the files of a data set: a folder, a .zip or a .tgz, with one interface.

    with open_files("photos.zip") as files:
        files.names                     # "cats/1.png", "cats/2.png", ...
        with files.open("cats/1.png") as stream: ...

Archives are read in memory, one file at a time, and never extracted to the disk, so a hostile name such as
`../../.profile` is harmless. Such names are ignored all the same, as are hidden files, files of the operating system
(Thumbs.db and the like), and the files of runs of minidiff. `Files.notes` lists what was ignored.
"""

import stat
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from minidiff.data.dataset import Notes
from minidiff.data.readers.files import GZIP_MAGIC, REMEDY, Files, decompressed
from minidiff.data.readers.limits import DAMAGED, DEFLATE_LIMIT
from minidiff.data.readers.names import beside, counted, is_ignored, safe_name
from minidiff.data.readers.tree import FolderFiles
from minidiff.errors import MinidiffError
from minidiff.regular import check_regular

__all__ = ["GZIP_MAGIC", "Files", "beside", "decompressed", "open_files"]

MAX_READ = 2**26  # bytes per read from a .tgz
MAX_TAR_BYTES = 2**36  # limit on the position within a .tgz; it is streamed, not held in memory
# A .tgz may have this many entries, and one more for each so many bytes: a million empty ones compress to almost
# nothing, but an image with its header takes at least 100 bytes.
MIN_ENTRIES, BYTES_PER_ENTRY = 10_000, 64


def open_files(path: str | Path) -> Files:
    """Opens the files at a path.

    The path is that of a folder; of a .zip, .tar or .tgz file, recognized by its content; or of any other file, which
    opens the folder that contains it with `only` set to its name.

    Raises:
        MinidiffError: nothing is there, it is a device or a pipe, it cannot be read, or an archive is damaged.
    """
    path = Path(path)
    try:
        files = _open(path)
    except DAMAGED as error:
        raise MinidiffError(f"{path}: cannot be read ({reason(error)}); {REMEDY}") from error
    if files.only is None:
        files.leave_out_runs()
    return files


def _open(path: Path) -> Files:
    if stat.S_ISDIR(check_regular(path).st_mode):
        return FolderFiles(path)
    if zipfile.is_zipfile(path):
        return _ZipFiles(path)
    if _is_tar(path):
        return _TarFiles(path)
    return FolderFiles(path.parent, only=path.name)


def reason(error: BaseException) -> str:
    """What an exception says, without the path that `OSError` repeats."""
    return str(getattr(error, "strerror", None) or error)


class _ZipFiles(Files):
    """The files within a .zip."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.archive = zipfile.ZipFile(path)
        infos = ((info.filename, info) for info in self.archive.infolist() if not info.filename.endswith(("/", "\\")))
        self.members, self.notes = _usable(infos)
        self.names = sorted(self.members)

    def close(self) -> None:
        self.archive.close()

    def open(self, name: str) -> IO[bytes]:
        return self.archive.open(self.members[name].filename)

    def size(self, name: str) -> int:
        return self.members[name].file_size

    def most_bytes(self, name: str) -> int:
        info = self.members[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MinidiffError(f"{self.where(name)}: unsupported compression; write the zip with deflate")
        return info.compress_size * DEFLATE_LIMIT


class _TarFiles(Files):
    """The files within a .tar or .tgz; of each, only its place in the archive is kept.

    A .tgz can only be read forward: once to list the names, and once more for the contents, fastest in the order of
    `names`.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        num_bytes = self.path.stat().st_size
        self.stream = _BoundedStream(path, min(num_bytes * DEFLATE_LIMIT, MAX_TAR_BYTES))
        self.archive = tarfile.open(fileobj=self.stream, mode="r:")  # type: ignore[call-overload]  # noqa: SIM115
        found, other = [], []
        most, end = MIN_ENTRIES + num_bytes // BYTES_PER_ENTRY, -1
        for count, member in enumerate(iter(self.archive.next, None)):
            if member.size < 0 or member.offset_data <= end:  # a damaged header could cause an endless loop
                raise MinidiffError(f"{path}: damaged, its headers point backward; download the file again")
            if count >= most:
                raise MinidiffError(f"{path}: more than {most:,} files in {num_bytes:,} bytes; unpack it first")
            end = member.offset_data
            self.archive.members.clear()  # tarfile would keep them all, in ten times the memory
            if member.isreg() and not member.issparse():
                found.append((member.name, (member.offset_data, member.size)))
            elif not member.isdir():
                other.append(member.name)
        self.members, self.notes = _usable(found)
        self.notes += counted(other, "links, devices or pipes in the archive ignored")
        self.names = list(self.members)

    def close(self) -> None:
        self.archive.close()
        self.stream.close()

    def open(self, name: str) -> IO[bytes]:
        member = tarfile.TarInfo(name)
        member.offset_data, member.size = self.members[name]
        stream = self.archive.extractfile(member)
        assert stream is not None  # only regular files are members
        return stream

    def size(self, name: str) -> int:
        return self.members[name][1]


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


def _usable(found: Iterable[tuple[str, Any]]) -> tuple[dict[str, Any], Notes]:
    """The members of an archive by their safe names, and notes on the others."""
    members: dict[str, Any] = {}
    unsafe, hidden, repeated = [], [], []
    for name, member in found:
        safe = safe_name(name)
        if safe is None:
            unsafe.append(name)
        elif any(map(is_ignored, safe.split("/"))):
            hidden.append(safe)
        else:
            if safe in members:
                repeated.append(safe)
            members[safe] = member
    return members, (
        *counted(unsafe, "files with unsafe names in the archive ignored"),
        *counted(hidden, "hidden or system files ignored"),
        *counted(repeated, "names occur again in the archive, where the last file counts"),
    )


def _is_tar(path: Path) -> bool:
    """Whether the first block, after decompression, is a tar header: "ustar" at offset 257."""
    with open(path, "rb") as raw:
        try:
            head = decompressed(raw).read(512)
        except DAMAGED:
            return False
    return head[257:262] == b"ustar"
