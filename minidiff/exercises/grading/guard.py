"""What the process of a hand-in may not do: import or open the checks and solutions, end the grader, use all memory.

An audit hook (PEP 578) cannot be removed. The audit hook prevents the plain ways only: other programs, machine code and
paths relative to a directory descriptor pass it.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

from minidiff import exercises

FOLDER = os.path.realpath(Path(exercises.__file__).parent) + os.sep
SECRET_MODULE = re.compile(r"minidiff\.exercises\.(ex\d|solutions)")
SECRET_FILE = re.compile(r"(__pycache__.)?(ex\d|solutions)")
ADDRESS_SPACE = 2**31  # bytes that libraries reserve and do not use
LARGEST_FILE = 2**28


def forbid_checks() -> None:
    """Forbids the modules with checks and solutions, and signals to the grader or to all processes."""
    forbidden = {os.getppid(), -1}
    # bound here, since code of the hand-in can replace the names of a module
    folder, secret_file, secret_module, real_path = FOLDER, SECRET_FILE, SECRET_MODULE, os.path.realpath

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import" and secret_module.match(arguments[0]):
            raise ModuleNotFoundError(f"{arguments[0]} cannot be imported while a hand-in is graded")
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = real_path(os.fsdecode(arguments[0]))
            if path.startswith(folder) and secret_file.match(path[len(folder) :]):
                raise PermissionError(f"{path} cannot be opened while a hand-in is graded")
        if event in ("os.kill", "os.killpg") and arguments[0] in forbidden:
            raise PermissionError("a hand-in cannot end other processes while it is graded")

    sys.addaudithook(hook)


def limit_resources(memory: int) -> None:
    """Limits memory, so that an endless loop raises MemoryError, and the size of files; does nothing on Windows."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {resource.RLIMIT_AS: memory + ADDRESS_SPACE, resource.RLIMIT_FSIZE: LARGEST_FILE, resource.RLIMIT_CORE: 0}
    for number, limit in limits.items():
        hard = resource.getrlimit(number)[1]
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(number, (soft, soft))
