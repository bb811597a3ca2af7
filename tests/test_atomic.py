"""Atomic writes, with failures while writing."""

import os

import pytest

from minidiff.atomic import write_text, write_whole
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
