"""Reading regular files only."""

import os
import socket

import pytest

from minidiff.regular import NotRegularError, check_regular, open_regular, read_text

pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no pipes")


def test_files_and_folders_and_links_to_them_are_regular(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    os.symlink(tmp_path / "a", tmp_path / "link")
    assert check_regular(tmp_path).st_mode == tmp_path.stat().st_mode
    for name in ("a", "link"):
        assert check_regular(tmp_path / name).st_size == 3
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"abc"


@pipes
def test_pipes_devices_sockets_and_links_to_them_are_refused_without_opening(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    os.symlink("/dev/zero", tmp_path / "link")
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")
        for path in (tmp_path / "pipe", "/dev/zero", tmp_path / "link", tmp_path / "socket"):
            for read in (check_regular, open_regular, read_text):
                with pytest.raises(NotRegularError, match="a device, pipe or socket instead of a file"):
                    read(path)


@pytest.mark.parametrize(
    ("path", "reason"), [("a\0b", "not a possible path"), ("x" * 300, "name too long"), ("nowhere", "No such file")]
)
def test_impossible_paths_are_an_os_error(path, reason):
    with pytest.raises(OSError, match=reason):
        check_regular(path)


def test_the_length_of_a_text_is_limited(tmp_path):
    (tmp_path / "a").write_text("wörter", encoding="utf-8")
    assert read_text(tmp_path / "a", 7) == "wörter"
    with pytest.raises(OSError, match="larger than 6 bytes"):
        read_text(tmp_path / "a", 6)
