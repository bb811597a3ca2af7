"""The files a data set is made of: in a folder, in a .zip or in a .tgz, all three seen the same way.

    with open_files("photos.zip") as files:
        files.names                     # "cats/1.png", "cats/2.png", ...
        with files.open("cats/1.png") as stream: ...

Archives are read in memory, one file at a time, and never unpacked to the disk: so a name such as `../../.profile` in a
hostile one can do no harm. Names like that are passed over all the same, as are hidden files, the litter of operating
systems, and links that lead out of a folder.
"""

import gzip
import hashlib
import io
import os
import re
import tarfile
import zipfile
from pathlib import Path

from minidiff.data.readers.limits import CHUNK, DAMAGED, DEFLATE_LIMIT
from minidiff.errors import MinidiffError

LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
MAX_READ = 2**26  # from a .tgz at a time
MAX_TAR_BYTES = 2**36  # an unpacked .tgz is read from end to end, never held


def open_files(path):
    """The files at a path.

    Args:
        path: a folder, a .zip, .tar or .tgz file (told by content), or any other file: then it is the files beside it,
            `only` being its name.

    Returns:
        `Files`, to be used with `with`.

    Raises:
        MinidiffError: there is nothing, or the archive is damaged.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return FolderFiles(path, os.walk(path))
        if zipfile.is_zipfile(path):
            return ZipFiles(path)
        if _is_tar(path):
            return TarFiles(path)
        names = sorted(file.name for file in path.parent.iterdir() if file.is_file())
        return FolderFiles(path.parent, [(str(path.parent), [], names)], only=path.name)
    except DAMAGED as error:
        raise MinidiffError(f"{path}: cannot be read ({error}); fetch the file again") from error


class Files:
    """What the three kinds have in common.

    Attributes:
        path: of the folder or archive.
        names: with "/" between folders; sorted, but in a .tar in the order in which they lie there.
        notes: what was passed over.
        only: the name of the one file that was asked for, or None.
        is_packed: whether it is an archive.
    """

    is_packed = True

    def __init__(self, path, only=None):
        self.path, self.only, self.notes = Path(path), only, ()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Nothing is left open by a folder."""

    @property
    def source(self):
        """Where the set comes from: the path that was asked for."""
        return printable(str(self.path / self.only if self.only else self.path))

    @property
    def title(self):
        """A short name of the set: that of the file or folder."""
        name = printable(self.only or self.path.resolve().name)
        return re.sub(r"(\.(npy|npz|zip|tgz|tar|gz|bin))+$", "", name) or "images"

    def where(self, name):
        """How messages call a file."""
        return self.path / name

    def content_hash(self, names):
        """SHA-256 of these files, names and contents, as 64 hexadecimal digits; of the whole archive if it is one."""
        return _sha256(self.path.open("rb"))


class FolderFiles(Files):
    """The files below a folder; `walk` is what os.walk gives."""

    is_packed = False

    def __init__(self, path, walk, only=None):
        super().__init__(path, only)
        inside, self.names, links = self.path.resolve(), [], 0
        for folder, subfolders, names in walk:
            subfolders[:] = [name for name in subfolders if not _is_litter(name)]
            below = os.path.relpath(folder, self.path).replace(os.sep, "/")
            for name in names:
                file = os.path.join(folder, name)
                if _is_litter(name) and name != only:
                    continue
                if os.path.islink(file) and not Path(file).resolve().is_relative_to(inside) and name != only:
                    links += 1
                    continue
                if not os.path.isfile(file):  # a pipe or device would keep us waiting
                    continue
                self.names.append(name if below == "." else f"{below}/{name}")
        self.names.sort()
        if links:
            self.notes = (f"{links} links out of the folder ignored",)

    def open(self, name):
        return open(self.path / name, "rb")

    def size(self, name):
        return (self.path / name).stat().st_size

    def most_bytes(self, name):
        """What the file can unpack to at the very most (the same: it is not packed)."""
        return self.size(name)

    def content_hash(self, names):
        digest = hashlib.sha256()
        for name in names:
            digest.update(f"{name}\0{_sha256(self.open(name))}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()


class ZipFiles(Files):
    """The files within a .zip."""

    def __init__(self, path):
        super().__init__(path)
        self.archive = zipfile.ZipFile(path)
        self.names, self.notes = _judged(name for name in self.archive.namelist() if not name.endswith("/"))
        self.names.sort()

    def close(self):
        self.archive.close()

    def open(self, name):
        return self.archive.open(name)

    def size(self, name):
        return self.archive.getinfo(name).file_size

    def most_bytes(self, name):
        info = self.archive.getinfo(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MinidiffError(f"{self.where(name)}: packed by an unusual method; pack it again as an ordinary zip")
        return info.compress_size * DEFLATE_LIMIT


class TarFiles(Files):
    """The files within a .tar or .tgz.

    A .tgz can only be read forwards: once to list its names, and once more for what is in the files, best in the order
    of `names`.
    """

    def __init__(self, path):
        super().__init__(path)
        stored = self.path.stat().st_size
        self.stream = BoundedStream(path, min(stored * DEFLATE_LIMIT, MAX_TAR_BYTES))
        self.members, end = {}, -1
        self.archive = tarfile.open(fileobj=self.stream, mode="r:")  # noqa: SIM115 (open as long as this object)
        for member in self.archive:
            if member.size < 0 or member.offset_data <= end:  # a damaged header would send us round in circles
                raise MinidiffError(f"{path}: damaged, its headers lead backwards; fetch the file again")
            end = member.offset_data
            if member.isreg() and not member.issparse():
                self.members[member.name] = member
        self.names, self.notes = _judged(self.members)

    def close(self):
        self.archive.close()
        self.stream.close()

    def open(self, name):
        return self.archive.extractfile(self.members[name])

    def size(self, name):
        return self.members[name].size

    def most_bytes(self, name):
        return self.size(name)


class BoundedStream(io.RawIOBase):
    """A file, unpacked if it is gzip, that refuses to be read more than MAX_READ bytes at a time, or past `end`.

    Python's `tarfile` believes its headers: one that announces a name a gigabyte long would be read into memory.
    """

    def __init__(self, path, end):
        super().__init__()
        self.raw_file = open(path, "rb")  # noqa: SIM115
        packed = self.raw_file.peek(2)[:2] == b"\x1f\x8b"
        self.file = gzip.GzipFile(fileobj=self.raw_file) if packed else self.raw_file
        self.end = end

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.file.tell()

    def seek(self, offset, whence=os.SEEK_SET):
        if whence != os.SEEK_SET or not 0 <= offset <= self.end:
            raise tarfile.ReadError("a header points outside the file")
        return self.file.seek(offset)

    def read(self, size=-1):
        if not 0 <= size <= MAX_READ:
            raise tarfile.ReadError("a header announces more than it may")
        return self.file.read(size)

    def readinto(self, buffer):
        content = self.read(min(len(buffer), CHUNK))
        buffer[: len(content)] = content
        return len(content)

    def close(self):
        self.raw_file.close()
        super().close()


def printable(name):
    """A file's name without bytes or signs that a terminal cannot show."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def beside(name, other):
    """The name of another file in the same folder."""
    folder, slash, _ = name.rpartition("/")
    return folder + slash + other


def _is_litter(name):
    return (name.startswith(".") and name != ".") or name.lower() in LITTER


def _judged(found):
    """The names in an archive that may be used, each once, and notes on the others."""
    names, unsafe = {}, 0
    for name in found:
        parts = name.split("/")
        one_line = name.splitlines() == [name]  # false for an empty name too
        if not one_line or ".." in parts or name.startswith("/") or "\\" in name or "\0" in name or ":" in parts[0]:
            unsafe += 1
        elif any(_is_litter(part) for part in parts):
            continue
        else:
            names[name] = None
    return list(names), (f"{unsafe} files with unsafe names in the archive ignored",) if unsafe else ()


def _is_tar(path):
    """Whether the first block, unpacked if need be, is the header of a tar file: its word "ustar" stands at 257."""
    with open(path, "rb") as raw:
        try:
            head = gzip.GzipFile(fileobj=raw).read(512) if raw.peek(2)[:2] == b"\x1f\x8b" else raw.read(512)
        except DAMAGED:
            return False
    return head[257:262] == b"ustar"


def _sha256(stream):
    digest = hashlib.sha256()
    with stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
