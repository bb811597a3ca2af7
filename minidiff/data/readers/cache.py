"""Decoded images kept on the disk, so that the second time is quick.

The name of an entry is a hash of everything it depends on: the contents of the files, what was asked for, and the
versions of this code and of Pillow. So a changed file leads to a new entry, and an old one is never wrong, only unused.
The entries used last are kept, the others deleted.
"""

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from minidiff.data.readers.archives import open_files
from minidiff.data.readers.npy import read_npy
from minidiff.data.readers.saved import write_npz
from minidiff.errors import MinidiffError

VERSION = 1  # of the way images are decoded; raise it when that changes
MAX_ENTRIES = 16


def default_cache_folder():
    """Where the platform wants such files: ~/.cache/minidiff on Linux, ~/Library/Caches/minidiff on macOS,
    %LOCALAPPDATA%/minidiff on Windows."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "minidiff"


def entry_path(folder, files, names, *settings):
    """The file that keeps these images, decoded with these settings, whether it exists or not."""
    key = repr((VERSION, files.content_hash(names), names, settings))
    return Path(folder) / f"{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:32]}.npz"


def find(entry, max_bytes):
    """What an entry keeps: images (N, H, W, C), positions (N,) and notes; None if it is missing or damaged."""
    if not entry.is_file():
        return None
    with contextlib.suppress(MinidiffError, OSError, ValueError), open_files(entry) as files:
        images = read_npy(files, "images.npy", max_bytes)
        positions = read_npy(files, "positions.npy", max_bytes)
        notes = tuple(json.loads(read_npy(files, "notes.npy", max_bytes).tobytes()))
        os.utime(entry)
        return images, positions, notes
    return None


def keep(entry, images, positions, notes):
    """Write an entry, and delete those that have not been used for longest.

    Returns:
        Notes: that it could not be written, if so. That is no error; the next time will take as long as this one.
    """
    text = np.frombuffer(json.dumps(notes).encode(), np.uint8)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_npz(entry, {"images": images, "positions": positions, "notes": text}, compress=False)
        for old in sorted(entry.parent.glob("*.npz"), key=lambda path: path.stat().st_mtime)[:-MAX_ENTRIES]:
            old.unlink(missing_ok=True)
    except (MinidiffError, OSError) as error:
        return (f"not kept for the next time: {error}",)
    return ()
