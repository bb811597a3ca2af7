"""The kernels are plain Python as well: a reader may step through them in a debugger, with Numba switched off."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
import pytest
from minidiff.kernels import norm
assert not hasattr(norm.silu, "py_func"), "Numba was not switched off"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-k", "tiny", "tests/kernels", "tests/layers"]))
"""


def test_kernels_and_layers_without_the_compiler():
    """Every test on tiny arrays in this directory and in that of the layers, in a process of its own."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "-c", PROGRAM],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
