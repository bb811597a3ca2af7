"""The kernels give the same bits whether they are compiled or loaded, and in whichever order; each run is a process.

Kernels contain copies of the functions that they call (`kernels/fast/options.py`). A process with an empty cache loads
others than one with a full cache, or than one that has called such a function itself.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("cache_program.py")


def run(cache: Path, *names: str, **environment: str) -> dict[str, str]:
    """The output of `cache_program.py` for these names, in a new process that caches its kernels in a folder."""
    result = subprocess.run(
        [sys.executable, str(PROGRAM), *names], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(cache)} | environment,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder of a first run, which compiles everything, and its output."""
    cache = tmp_path_factory.mktemp("kernels")
    return cache, run(cache, "check", "training", "all")


def test_the_copies_in_a_kernel_do_not_calculate(compiled):
    """A function that is not inlined may be another kernel's copy of it, so it must contain no float arithmetic."""
    _, first = compiled
    assert len(first) > 15  # entries and "check"
    assert json.loads(first["check"]) == []


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(["training", "all"], id="same"),
        pytest.param(["reversed", "training"], id="reversed"),
        pytest.param(["helpers", "all", "training"], id="helpers-first"),
        pytest.param(["training"], id="training-only"),
    ],
)
def test_loaded_kernels_give_the_bits_of_the_first_run(compiled, order):
    cache, first = compiled
    again = run(cache, *order)
    assert again == {name: first[name] for name in again}


def test_another_order_of_compilation_gives_the_same_bits(compiled, tmp_path):
    """With an empty cache, but the functions that attention calls are compiled and called before it."""
    _, first = compiled
    names = ["attention_backward", "attention"]
    assert run(tmp_path, "helpers", *names) == {name: first[name] for name in names}


def test_each_target_has_kernels_of_its_own_in_a_shared_cache(compiled):
    """A folder filled for this computer is used by a process that compiles for any, and then again for this one."""
    cache, first = compiled
    for _ in range(2):  # compiled, then loaded
        assert run(cache, "lanes", "agree", NUMBA_CPU_NAME="generic") == {"lanes": "8", "agree": "True"}
    assert run(cache, "agree", "convolve_3") == {"agree": "True", "convolve_3": first["convolve_3"]}
