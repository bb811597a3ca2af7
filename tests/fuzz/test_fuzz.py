"""A short run of the fuzz test, and that it finds what it looks for."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.cases import problem_of

ROOT = Path(__file__).parents[2]
COUNT = 60


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the limits are those of Linux")
def test_random_edits_and_options_end_with_0_or_one_line():
    command = [sys.executable, "-m", "tests.fuzz", "--count", str(COUNT), "--minutes", "5"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(result.stdout.split(" cases from seed 0")[0]) > COUNT / 4  # fewer on a slow machine


@pytest.mark.parametrize(
    ("code", "errors", "expected"),
    [
        (0, "", ""),
        (0, "minidiff: a warning\n", ""),
        (2, "minidiff: a warning\nminidiff: an error\n", ""),
        (2, "", "no message"),
        (
            1,
            "Traceback\n  File \"/x/minidiff/a.py\", line 3\n    x\nKeyError: 'x'\n",
            "exit code 1: KeyError: 'x' File",
        ),
        (0, "RuntimeWarning: overflow\n", "a line that is no message: RuntimeWarning: overflow"),
        (2, "minidiff: \x1b[31m\n", "control characters"),
        (-signal.SIGXCPU, "", "too slow"),
    ],
)
def test_the_verdict(code, errors, expected):
    found = problem_of(code, errors, [])
    assert found.startswith(expected)
    assert bool(found) == bool(expected)
    assert problem_of(code, errors, ["a.png.0a1b2c3d.part"]) != ""
