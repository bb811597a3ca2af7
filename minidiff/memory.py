"""Refuses requests that cannot fit in memory, before any work is done."""

import contextlib
import os
from pathlib import Path

from minidiff.errors import MinidiffError

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container on Linux
UNKNOWN = 2**40  # bytes, where the system does not tell


def usable_memory() -> int:
    """The memory of this computer in bytes, or that of the container if it is less."""
    found = [UNKNOWN]
    with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" stands for no limit
            found.append(int(Path(path).read_bytes()))
    return min(size for size in found if size > 0)


def check_memory(num_bytes: int, what: str, remedy: str) -> None:
    """Raises `MinidiffError` if `num_bytes`, an estimate, exceed the memory."""
    usable = usable_memory()
    if num_bytes > usable:
        raise MinidiffError(f"{what} take about {readable(num_bytes)} of {readable(usable)} of memory; {remedy}")


def readable(num_bytes: int) -> str:
    """A number of bytes in a decimal unit, such as "49.2 GB"."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes:,} bytes"
