"""The kernels also run as plain Python, for example in a debugger, when Numba is disabled."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys
import pytest
from minidiff.kernels.fast import norm
assert not hasattr(norm.silu_of, "py_func"), "Numba is not disabled"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-k", "tiny", "tests/kernels", "tests/layers"]))
"""


def test_kernels_and_layers_without_the_compiler():
    """Runs every test on tiny arrays, of kernels and layers, in a separate process."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    result = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "-c", PROGRAM],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
