"""One writer per folder; a lock ends with its process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minidiff
from minidiff.errors import MinidiffError
from minidiff.runs.lock import LOCK_FILE, FolderLock

ROOT = Path(minidiff.__file__).parents[1]
PROGRAM = """
import sys, time
from minidiff.runs.lock import FolderLock
lock = FolderLock(sys.argv[1])
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the lock on the folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_with_the_name_of_the_first(tmp_path, other_process):
    with pytest.raises(MinidiffError, match=f"process {other_process.pid} on .* is writing to {tmp_path}") as caught:
        FolderLock(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(MinidiffError):  # the lock is still held
        FolderLock(tmp_path)


def test_the_lock_of_a_dead_process_is_recognized(tmp_path, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    lock = FolderLock(tmp_path)
    assert f"process {other_process.pid} on" in lock.left_by
    lock.release()


def test_a_released_lock_can_be_taken_again(tmp_path):
    for _ in range(2):
        lock = FolderLock(tmp_path)
        assert lock.left_by is None
        with pytest.raises(MinidiffError, match=f"process {os.getpid()} on"):
            FolderLock(tmp_path)
        lock.release()
        lock.release()  # a second release does nothing


@pytest.mark.parametrize("content", ["", "nonsense", "[1, 2]", '{"process": "x", "computer": 3}', "\x00" * 5000])
def test_the_contents_of_the_file_do_not_matter(tmp_path, content):
    (tmp_path / LOCK_FILE).write_text(content)
    lock = FolderLock(tmp_path)
    assert lock.left_by is None
    (tmp_path / LOCK_FILE).write_text(content)
    with pytest.raises(MinidiffError, match="another process is writing"):
        FolderLock(tmp_path)
    lock.release()


def test_the_lock_holds_although_its_file_is_deleted(tmp_path, other_process):
    (tmp_path / LOCK_FILE).unlink()
    with pytest.raises(MinidiffError, match="another process is writing"):
        FolderLock(tmp_path)


def test_without_space_for_the_lock_nothing_is_left_and_nothing_is_locked(tmp_path, monkeypatch):
    def write(self, text):
        raise MinidiffError("cannot write: No space left on device")

    with monkeypatch.context() as patch, pytest.raises(MinidiffError, match="No space"):  # noqa: PT012
        patch.setattr(FolderLock, "_write", write)
        FolderLock(tmp_path)
    assert list(tmp_path.iterdir()) == []
    FolderLock(tmp_path).release()


# `msvcrt.locking` locks bytes from the current position on, as `lockf` does, and the locks belong to the process
AS_ON_WINDOWS = """
import fcntl, os, sys, types
from minidiff import atomic
from minidiff.runs import lock

def locking(file, mode, count):
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, count, 0, os.SEEK_CUR)

windows = types.SimpleNamespace(**vars(os))
windows.name = "nt"
atomic.os = lock.os = windows
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
try:
    held = lock.FolderLock(sys.argv[1])
    print("locked", flush=True)
    sys.stdin.read()
    held.release()
except lock.MinidiffError as error:
    print(error)
"""


def test_there_is_one_writer_on_windows_too(tmp_path):
    """Whatever the length of the file that the first one has written."""
    command = [sys.executable, "-c", AS_ON_WINDOWS, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, **pipes) as first:
        assert first.stdout.readline() == "locked\n"
        second = subprocess.run(command, input="", capture_output=True, text=True, check=True)
        assert second.stdout.startswith(f"process {first.pid} on ")
    third = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    assert third.stdout == "locked\n"


def test_a_missing_folder_is_one_clear_line(tmp_path):
    with pytest.raises(MinidiffError, match=r"cannot write to the folder .*missing: No such file"):
        FolderLock(tmp_path / "missing")
