"""How much memory a process took."""

import sys
from pathlib import Path


def peak_memory():
    """The most memory that this process has held so far.

    Returns:
        MB (2^20 bytes), or None where the operating system does not tell (Windows).
    """
    status = Path("/proc/self/status")
    if status.is_file():  # Linux: getrusage would also count what the process that started this one held
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10  # "VmHWM:   123456 kB"
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KB; on macOS in bytes
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
