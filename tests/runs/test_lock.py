"""One writer a folder; a lock never outlives its process."""

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
    """Another process that holds the lock of the folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_and_told_who_is_there(tmp_path, other_process):
    with pytest.raises(MinidiffError, match=f"process {other_process.pid} on .* is writing to {tmp_path}") as caught:
        FolderLock(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(MinidiffError):  # asking did not take the lock away
        FolderLock(tmp_path)


def test_the_lock_of_a_dead_process_is_recognized(tmp_path, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    lock = FolderLock(tmp_path)
    assert f"process {other_process.pid} on" in lock.left_by
    lock.release()


def test_a_lock_can_be_had_again_once_it_was_given_back(tmp_path):
    for _ in range(2):
        lock = FolderLock(tmp_path)
        assert lock.left_by is None
        with pytest.raises(MinidiffError, match=f"process {os.getpid()} on"):
            FolderLock(tmp_path)
        lock.release()
        lock.release()  # twice does no harm


@pytest.mark.parametrize("content", ["", "nonsense", "[1, 2]", '{"process": "x", "computer": 3}', "\x00" * 5000])
def test_whatever_is_in_the_file_the_lock_counts(tmp_path, content):
    (tmp_path / LOCK_FILE).write_text(content)
    lock = FolderLock(tmp_path)
    assert lock.left_by is None
    (tmp_path / LOCK_FILE).write_text(content)
    with pytest.raises(MinidiffError, match="another process is writing"):
        FolderLock(tmp_path)
    lock.release()


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(MinidiffError, match=r"cannot write to the folder .*missing: No such file"):
        FolderLock(tmp_path / "missing")
