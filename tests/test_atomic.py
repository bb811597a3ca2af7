"""Atomic writes, with failures while writing."""

import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from minidiff.atomic import check_folder, check_writable, free_name, write_text, write_whole
from minidiff.errors import MinidiffError


def test_a_file_is_written_and_overwritten(tmp_path):
    for content in (b"first", b"second, longer", b""):
        write_whole(tmp_path / "file", lambda file, content=content: file.write(content))
        assert (tmp_path / "file").read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a bug"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, error):
    def write(file):
        file.write(b"half of the n")
        file.flush()
        raise error

    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(MinidiffError if isinstance(error, OSError) else type(error)) as caught:
        write_whole(tmp_path / "file", write)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    if isinstance(error, OSError):
        assert str(caught.value) == f"cannot write {tmp_path / 'file'}: No space left on device"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_nothing_is_left_if_closing_the_file_fails_too(tmp_path):
    """On a full disk, what is still buffered fails again when the file is closed."""

    def write(file):
        os.dup2(os.open("/dev/full", os.O_WRONLY), file.fileno())
        file.write(b"content")

    with pytest.raises(MinidiffError, match="No space left on device"):
        write_whole(tmp_path / "file", write)
    assert list(tmp_path.iterdir()) == []


def test_the_contents_are_flushed_before_the_rename(tmp_path, monkeypatch):
    """After a power cut there must not be a name without its contents: flush, rename, flush the folder."""
    order = []
    path = tmp_path / "file"
    real_fsync, real_replace = os.fsync, type(path).replace

    def fsync(number):
        order.append("flush folder" if os.path.isdir(f"/proc/self/fd/{number}") else "flush file")
        real_fsync(number)

    def replace(self, target):
        assert self.read_bytes() == b"content"
        order.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(type(path), "replace", replace)
    write_whole(path, lambda file: file.write(b"content"))
    assert order[0] == "flush file"
    assert order[1] == "rename"
    assert len(order) == 3


@pytest.mark.parametrize("name", ["missing/file", "file-as-folder/file"])
def test_a_path_that_cannot_exist_is_one_clear_line(tmp_path, name):
    (tmp_path / "file-as-folder").touch()
    with pytest.raises(MinidiffError, match=r"cannot write .*file: No") as caught:
        write_whole(tmp_path / name, lambda file: file.write(b"content"))
    assert "\n" not in str(caught.value)


def test_text_is_written_in_utf_8(tmp_path):
    write_text(tmp_path / "file", "t → 0\n")
    assert (tmp_path / "file").read_bytes() == "t → 0\n".encode()


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "file", lambda file: file.write(b"content"))
        with free_name(tmp_path / "other"):
            pass
    finally:
        os.umask(before)
    for name in ("file", "other"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~umask


def test_several_writers_of_one_file_leave_it_whole_at_any_time(tmp_path):
    """In threads of this process; temporary names are unique in and between processes."""
    path, contents = tmp_path / "file", [bytes([i]) * 200_000 for i in range(4)]
    write_whole(path, lambda file: file.write(contents[0]))
    done, torn = threading.Event(), []

    def read():
        while not done.is_set():
            if path.read_bytes() not in contents:
                torn.append(path.read_bytes())

    def write(content):
        def in_parts(file):
            for start in range(0, len(content), 50_000):
                file.write(content[start : start + 50_000])
                file.flush()
                time.sleep(random.uniform(0, 0.002))

        for _ in range(10):
            write_whole(path, in_parts)

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(len(contents)) as pool:
        written = list(pool.map(write, contents))
    done.set()
    reader.join()
    assert written == [None] * len(contents)  # without an error
    assert torn == []
    assert path.read_bytes() in contents
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


KILLED = """
import sys, time
from minidiff.atomic import write_whole
def write(file):
    file.write(b"half of the")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
write_whole(sys.argv[1], write)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_what_a_killed_writer_leaves_is_removed_by_the_next_and_that_of_a_living_one_is_not(tmp_path):
    path = tmp_path / "file.npz"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "writing\n"
        write_whole(path, lambda file: file.write(b"whole"))
        left = [file.name for file in tmp_path.iterdir() if file != path]
        assert len(left) == 1  # it is still being written
        process.send_signal(signal.SIGKILL)
    (tmp_path / "file.npz.mine.part").touch()  # the user's
    write_whole(path, lambda file: file.write(b"new"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file.npz", "file.npz.mine.part"]
    assert path.read_bytes() == b"new"


def test_the_longest_name_of_the_file_system_is_written(tmp_path):
    for name in ("x" * 255, "é" * 127):
        write_whole(tmp_path / name, lambda file: file.write(b"content"))
        assert (tmp_path / name).read_bytes() == b"content"


def test_a_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(tmp_path / "folder" / name)
    (tmp_path / "folder" / "old").write_bytes(b"old")
    for name in ("old", "new"):
        write_whole(tmp_path / name, lambda file: file.write(b"content"))
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "folder" / name).read_bytes() == b"content"
    assert len(list(tmp_path.iterdir())) == 3
    assert len(list((tmp_path / "folder").iterdir())) == 2


@pytest.fixture
def not_files(tmp_path):
    """Paths that are not regular files, and a link to each."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    paths = [tmp_path / "pipe", tmp_path / "folder", os.devnull, "/dev/full"]
    for i, path in enumerate(paths[:]):
        (tmp_path / f"link{i}").symlink_to(path)
        paths.append(tmp_path / f"link{i}")
    return paths


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes and devices in folders")
@pytest.mark.parametrize("refuse", [check_writable, lambda path: write_text(path, "content")])
def test_what_is_not_a_file_is_never_replaced(not_files, tmp_path, refuse):
    before = [os.lstat(path).st_ino for path in not_files]
    for path in not_files:
        with pytest.raises(MinidiffError, match=f"cannot write {path}: it is (not a regular file|a folder)"):
            refuse(path)
    assert [os.lstat(path).st_ino for path in not_files] == before
    assert len(list(tmp_path.iterdir())) == 6


def test_a_target_is_checked_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"old")
    for path in (tmp_path / "file", tmp_path / "new"):
        check_writable(path)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"
    with pytest.raises(MinidiffError, match=r"missing/file: there is no folder .*missing; make it first"):
        check_writable(tmp_path / "missing" / "file")
    with pytest.raises(MinidiffError, match=r"cannot write .*: File name too long"):
        check_writable(tmp_path / ("x" * 300))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # tests may run as root, who may write everywhere
    with pytest.raises(MinidiffError, match=r"cannot write .*file: it is read-only"):
        check_writable(tmp_path / "file")
    for path in (tmp_path, tmp_path / "new" / "folder"):
        with pytest.raises(MinidiffError, match=f"cannot write to the folder .*{tmp_path} is read-only"):
            check_folder(path)


def test_a_folder_can_be_made_or_written_to(tmp_path):
    for path in (tmp_path, tmp_path / "new" / "folder"):
        check_folder(path)
    (tmp_path / "file").touch()
    with pytest.raises(MinidiffError, match="file is not a folder"):
        check_folder(tmp_path / "file" / "folder")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_free_name_is_numbered_and_reserved(tmp_path):
    (tmp_path / "a.png").write_bytes(b"first")
    with free_name(tmp_path / "a.png") as second, free_name(tmp_path / "a.png") as third:
        assert (second.name, third.name) == ("a-2.png", "a-3.png")
        write_whole(second, lambda file: file.write(b"second"))
    assert (tmp_path / "a.png").read_bytes() == b"first"
    assert second.read_bytes() == b"second"
    with pytest.raises(MinidiffError), free_name(tmp_path / "a.png") as fourth:
        raise MinidiffError("the disk is full")
    assert not fourth.exists()
    with pytest.raises(MinidiffError, match=r"cannot write .*missing"), free_name(tmp_path / "missing" / "a.png"):
        pass
