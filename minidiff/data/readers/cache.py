"""Cache of decoded images on the disk.

The name of an entry is a hash of everything the result depends on: the contents of the files, the options, and the
versions of this code and of Pillow. So a changed file leads to a new entry, and an old entry is never wrong. Only the
most recently used entries are kept.
"""

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from minidiff.atomic import write_whole
from minidiff.data.dataset import Notes
from minidiff.data.readers.archives import Files, open_files
from minidiff.data.readers.npy import read_npy
from minidiff.errors import MinidiffError

VERSION = 2  # of the decoding; increase it when that changes
MAX_ENTRIES = 16


def default_cache_folder() -> Path:
    """The platform's cache folder: ~/.cache/minidiff (Linux), ~/Library/Caches/minidiff (macOS) or
    %LOCALAPPDATA%/minidiff (Windows); where the home folder is unknown, a path at which nothing can be written."""
    home = Path(os.path.expanduser("~"))  # "~" for a user without a name and HOME
    home = home if home.is_absolute() else Path(os.devnull)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return Path(base) / "minidiff"


def entry_path(folder: str | Path, files: Files, names: list[str], *settings: object) -> Path:
    """The path of the entry for these images, decoded with these settings; it may not exist yet."""
    key = repr((VERSION, files.content_hash(names), names, settings))
    return Path(folder) / f"{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:32]}.npz"


def find(entry: Path, max_bytes: int) -> tuple[np.ndarray, np.ndarray, Notes] | None:
    """The images (N, H, W, C), positions (N,) and notes of an entry; None if it is missing or damaged."""
    if not entry.is_file():
        return None
    with contextlib.suppress(MinidiffError, OSError, ValueError), open_files(entry) as files:
        images, positions, notes = (
            read_npy(files, f"{key}.npy", max_bytes) for key in ("images", "positions", "notes")
        )
        os.utime(entry)
        return images, positions, tuple(json.loads(notes.tobytes()))
    return None


def keep(entry: Path, images: np.ndarray, positions: np.ndarray, notes: Notes) -> Notes:
    """Writes an entry, and deletes the least recently used ones; the note says if that failed, which is no error."""
    text = np.frombuffer(json.dumps(notes).encode(), np.uint8)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_whole(entry, lambda file: np.savez(file, images=images, positions=positions, notes=text))
        for old in sorted(entry.parent.glob("*.npz"), key=lambda path: path.stat().st_mtime)[:-MAX_ENTRIES]:
            old.unlink(missing_ok=True)
    except (MinidiffError, OSError) as error:
        return (f"not cached: {error}",)
    return ()
