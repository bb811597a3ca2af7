"""The folder in which a hand-in runs: its files are limited, and it is removed afterwards."""

import contextlib
import os
import shutil
import subprocess

LARGEST_FILES = 2**30  # bytes of all files in the folder
MOST_FILES = 10_000
SECONDS_TO_REMOVE = 5.0  # the folder, if it cannot be removed in the usual way


def remove_folder(folder: str) -> None:
    """Removes a folder, if that is possible in some seconds: a hand-in may have made folders without end."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder) and os.name != "nt":
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["rm", "-rf", "--", folder], capture_output=True, check=False, timeout=SECONDS_TO_REMOVE)


def files_exceed(folder: str) -> bool:
    """Whether the files in a folder are too many or too large."""
    folders, count, size = [folder], 0, 0
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                count += 1
                if count > MOST_FILES:
                    return True
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
    return size > LARGEST_FILES
