"""Folders and archives, also malicious and damaged ones."""

import gzip
import io
import os
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from minidiff.data import load
from minidiff.data.readers.archives import open_files
from minidiff.errors import MinidiffError
from tests.data.helpers import memory_below, png, write_folder, write_tar, write_zip

CONTENTS = {"a.txt": b"first", "b/c.txt": b"second", "b/d.txt": b""}


WRITERS = {
    "folder": write_folder,
    "zip": write_zip,
    "stored zip": lambda path, contents: write_zip(path, contents, zipfile.ZIP_STORED),
    "tgz": write_tar,
    "tar": lambda path, contents: write_tar(path, contents, "w"),
    "pax tgz": lambda path, contents: write_tar(path, contents, format=tarfile.PAX_FORMAT),
    "gnu tgz": lambda path, contents: write_tar(path, contents, format=tarfile.GNU_FORMAT),
}
each_kind = pytest.mark.parametrize("kind", WRITERS)


@each_kind
def test_all_kinds_have_one_interface(tmp_path, kind):
    path = tmp_path / "some-files"  # recognized by the content
    WRITERS[kind](path, CONTENTS)
    with open_files(path) as files:
        assert files.names == list(CONTENTS)
        assert files.only is None
        assert files.title == "some-files"
        for name in reversed(files.names):
            with files.open(name) as stream:
                assert stream.read() == CONTENTS[name]
            assert files.size(name) == len(CONTENTS[name]) <= files.most_bytes(name)


@each_kind
def test_images_and_classes_of_every_kind(tmp_path, kind):
    path = tmp_path / "images"
    contents = {"photos/cats/1.png": png("red"), "photos/cats/2.png": png("blue"), "photos/dogs/1.png": png("lime")}
    WRITERS[kind](path, contents)
    dataset = load(path, size=8)
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.images[:, 4, 4].tolist() == [[255, 0, 0], [0, 0, 255], [0, 255, 0]]
    assert dataset.name == "images"


@each_kind
def test_the_hash_depends_on_the_contents(tmp_path, kind):
    hashes = []
    for i, content in enumerate((b"one", b"two", b"one")):
        path = tmp_path / str(i)
        WRITERS[kind](path, {"a": content, "b": b"same"})
        with open_files(path) as files:
            hashes.append(files.content_hash(files.names))
            assert len(hashes[-1]) == 64
    assert hashes[0] != hashes[1]
    if kind == "folder":  # an archive also contains times
        assert hashes[0] == hashes[2]


def test_a_single_file_opens_its_folder(tmp_path):
    write_folder(tmp_path, CONTENTS)
    with open_files(tmp_path / "a.txt") as files:
        assert (files.only, files.names) == ("a.txt", ["a.txt"])


UNSAFE = ["../evil.png", "good/../../evil.png", "/etc/evil.png", "C:/evil.png", "..\\evil.png"]
UNSAFE += ["two\nlines.png", "end\r"]  # would make messages longer than one line


@pytest.mark.parametrize("kind", ["zip", "tgz"])
def test_unsafe_names_are_ignored(tmp_path, kind):
    path = tmp_path / "inner" / "images"
    path.parent.mkdir()
    WRITERS[kind](path, {name: png("red") for name in UNSAFE} | {"good.png": png("blue")})
    before = sorted(tmp_path.rglob("*"))
    dataset = load(path, size=8, cache_folder=None)
    assert len(dataset) == 1
    assert dataset.images[0, 0, 0].tolist() == [0, 0, 255]
    assert any(f"{len(UNSAFE)} files with unsafe names" in note for note in dataset.notes)
    assert sorted(tmp_path.rglob("*")) == before  # nothing was extracted


def test_an_empty_name_is_ignored(tmp_path):
    write_zip(tmp_path / "x.zip", {"abcde": b"?", "good.png": png("blue")})
    content = (tmp_path / "x.zip").read_bytes()
    start = content.index(b"PK\x01\x02")
    nameless = content[start : start + 28] + b"\0\0" + content[start + 30 : start + 46]  # the length of the name
    directory = nameless + content[start + 46 + 5 :]
    end = directory.index(b"PK\x05\x06")
    size = struct.pack("<I", end)
    directory = directory[: end + 12] + size + directory[end + 16 :]
    (tmp_path / "x.zip").write_bytes(content[:start] + directory)
    dataset = load(tmp_path / "x.zip", size=8)
    assert len(dataset) == 1
    assert any("1 files with unsafe names" in note for note in dataset.notes)


@pytest.mark.parametrize("kind", ["zip", "tgz"])
def test_system_files_are_ignored(tmp_path, kind):
    path = tmp_path / "images"
    names = ["__MACOSX/._1.png", ".hidden/1.png", "Thumbs.db", "./1.png"]
    WRITERS[kind](path, {name: png("red") for name in names})
    with open_files(path) as files:
        assert files.names == ["1.png"]
        assert files.notes == ("3 hidden or system files ignored: __MACOSX/._1.png, .hidden/1.png, Thumbs.db",)


def test_links_and_devices_in_an_archive_are_ignored(tmp_path):
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"link{kind!r}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    with pytest.raises(MinidiffError, match="contains no images"):
        load(tmp_path / "x.tgz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no pipes")
def test_a_pipe_in_a_folder_is_ignored(tmp_path):
    write_folder(tmp_path, {"a.png": png("red")})
    os.mkfifo(tmp_path / "b.png")
    assert len(load(tmp_path, size=8)) == 1


def assert_rejected_in_little_memory(path):
    with memory_below(5_000_000), pytest.raises(MinidiffError):
        load(path, size=8, max_bytes=10_000_000)


def test_a_zip_bomb_is_not_decompressed(tmp_path):
    write_zip(tmp_path / "bomb.zip", {"a.png": bytes(50_000_000), "b.npy": bytes(50_000_000)})
    assert_rejected_in_little_memory(tmp_path / "bomb.zip")


def test_an_image_that_decompresses_to_a_giant_is_left_out(tmp_path):
    giant = b"RIFF\0\0\0\5WEBPVP8L" + bytes(50_000_000)  # whose decoder would read the whole file
    write_zip(tmp_path / "bomb.zip", {"a.webp": giant})
    del giant
    assert_rejected_in_little_memory(tmp_path / "bomb.zip")


def test_a_tar_header_that_announces_a_giant_name(tmp_path):
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 100_000_000
    with gzip.open(tmp_path / "bomb.tgz", "wb", 9) as stream:
        stream.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(100_000_000))
    assert_rejected_in_little_memory(tmp_path / "bomb.tgz")


def test_tar_headers_that_point_backward(tmp_path):
    member = tarfile.TarInfo("a.png")
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" + struct.pack(">q", -1024).rjust(11, b"\xff")  # a negative size
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "loop.tar").write_bytes(bytes(header) + bytes(2048))
    with pytest.raises(MinidiffError, match=r"loop\.tar"):
        load(tmp_path / "loop.tar")


@pytest.mark.parametrize("kind", ["zip", "tgz", "tar"])
def test_damaged_archives_are_rejected(tmp_path, kind):
    random = np.random.default_rng(0).bytes(5000)
    WRITERS[kind](tmp_path / "whole", {"a.png": random, "b.png": random[::-1]})
    content = (tmp_path / "whole").read_bytes()
    (tmp_path / "part").write_bytes(content[: len(content) // 2])
    with pytest.raises(MinidiffError, match="part"):
        load(tmp_path / "part")


def test_an_encrypted_zip_is_rejected(tmp_path):
    write_zip(tmp_path / "secret.zip", {"a.png": png("red")})
    content = bytearray((tmp_path / "secret.zip").read_bytes())
    content[6] |= 1  # the flag of encryption, in the local header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(content)
    with pytest.raises(MinidiffError, match=r"none of 1 files.*encrypted"):
        load(tmp_path / "secret.zip")


@pytest.mark.parametrize("kind", ["zip", "tgz"])
def test_backslashes_separate_folders(tmp_path, kind):
    colors = {"pets\\cats\\1.png": "red", "pets\\cats\\2.png": "blue", "pets\\dogs\\1.png": "lime"}
    contents = {name: png(color) for name, color in colors.items()}
    if kind == "tgz":
        write_tar(tmp_path / "x", contents)
    else:
        with zipfile.ZipFile(tmp_path / "x", "w") as archive:
            for name, content in contents.items():
                info = zipfile.ZipInfo()
                info.filename = name  # the constructor would replace the backslashes on Windows
                archive.writestr(info, content)
    dataset = load(tmp_path / "x", size=8)
    assert dataset.class_names == ("cats", "dogs")
    assert dataset.images[:, 4, 4].tolist() == [[255, 0, 0], [0, 0, 255], [0, 255, 0]]


def test_the_error_for_an_archive_without_images_tells_what_was_ignored(tmp_path):
    write_zip(tmp_path / "x.zip", {f"../{i}.png": png("red") for i in range(6)} | {"readme.txt": b"?"})
    message = r"no images \(1 other files not read: readme.txt; 6 files with unsafe names in the archive ignored: "
    with pytest.raises(MinidiffError, match=message):
        load(tmp_path / "x.zip")


def test_names_that_occur_twice_are_counted(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, color in (("a.png", "red"), ("./a.png", "blue")):
            content = png(color)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    dataset = load(tmp_path / "x.tar", size=8)
    assert dataset.images[:, 4, 4].tolist() == [[0, 0, 255]]
    assert "1 names occur again in the archive, where the last file counts: a.png" in dataset.notes


def test_a_giant_entry_is_not_decompressed(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.png", "w") as stream:
        stream.write(png("red"))
        for _ in range(300):
            stream.write(bytes(10**6))
    with memory_below(5_000_000), pytest.raises(MinidiffError, match="larger than 268,435,456 bytes"):
        load(path, size=8)


def test_more_entries_than_an_archive_can_hold(tmp_path):
    block = b"".join(tarfile.TarInfo(f"{i}.png").tobuf() for i in range(1000))
    with gzip.open(tmp_path / "bomb.tgz", "wb", 9) as stream:
        for _ in range(50):
            stream.write(block)
    with memory_below(20_000_000), pytest.raises(MinidiffError, match=r"bomb.tgz: more than \d\d,\d{3} files in \d+"):
        load(tmp_path / "bomb.tgz")


def test_devices_and_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", "/dev/null", tmp_path / "pipe"):
        with pytest.raises(MinidiffError, match="a device, pipe or socket instead of a file"):
            load(path)
