"""Peak memory of this process."""

import sys
from pathlib import Path


def peak_memory() -> float | None:
    """The peak memory of this process so far, in MB (2^20 bytes); None on Windows, which does not report it."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux: getrusage would include the memory of the process that started this one
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):  # some containers and emulators of Linux leave it out
                return int(line.split()[1]) / 2**10  # "VmHWM:   123456 kB"
    try:
        import resource  # does not exist on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KB; on macOS in bytes
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
