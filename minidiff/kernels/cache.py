"""Where compiled kernels are kept: usually beside the source or in the user's cache folder, as Numba decides.

If it can write to neither, as in a read-only installation without a home folder, it refuses to compile anything. Then
they are kept in a temporary folder, until the process ends.
"""

import logging
import os
import tempfile
from pathlib import Path

import numba
from numba.core import config

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent


def find_cache() -> tempfile.TemporaryDirectory | None:
    """Makes a temporary folder for Numba's cache if it has no other, and returns it, to be kept."""
    if _numba_finds_one():
        return None
    folder = tempfile.TemporaryDirectory(prefix="minidiff-kernels-")
    config.CACHE_DIR = folder.name  # type: ignore[attr-defined]
    logger.warning("minidiff: no folder for compiled kernels, so they are compiled every time; set NUMBA_CACHE_DIR")
    return folder


def _numba_finds_one() -> bool:
    # where the home folder is unknown, Numba would make a folder "~" in the working directory
    if not os.path.isabs(os.path.expanduser("~")):
        return bool(config.CACHE_DIR) or os.access(HERE, os.W_OK)  # type: ignore[attr-defined]
    try:
        numba.njit(cache=True)(_nothing)  # looks for a folder, and compiles nothing yet
    except RuntimeError:
        return False
    return True


def _nothing() -> None:
    pass
