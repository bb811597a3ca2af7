"""What `import minidiff` does: almost nothing, so that `minidiff --help` answers at once."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import minidiff

ROOT = Path(minidiff.__file__).parents[1]


def in_a_new_process(program):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("package", ["minidiff", "minidiff.cli"])
def test_importing_brings_in_nothing_that_draws(package):
    program = f"import sys, {package}; print(*sorted(name.split('.')[0] for name in sys.modules))"
    loaded = set(in_a_new_process(program).split())
    assert "numba" in loaded
    assert loaded & {"matplotlib", "PIL", "torch", "scipy"} == set()


def test_importing_compiles_nothing():
    program = """
import importlib, pkgutil, minidiff, minidiff.cli, minidiff.kernels
from numba.core.dispatcher import Dispatcher
kernels = []
for module in pkgutil.iter_modules(minidiff.kernels.__path__):
    members = vars(importlib.import_module("minidiff.kernels." + module.name)).values()
    kernels += [member for member in members if isinstance(member, Dispatcher)]
print(len(kernels), sum(len(kernel.signatures) for kernel in kernels))
"""
    count, compiled = map(int, in_a_new_process(program).split())
    assert count > 10
    assert compiled == 0


def test_every_module_can_be_the_first_to_be_imported():
    """No circles. One process for all of them: what minidiff had loaded is forgotten before each."""
    names = [module.name for module in pkgutil.walk_packages(minidiff.__path__, "minidiff.")]
    assert len(names) > 20
    program = f"""
import importlib, sys
for name in {names!r}:
    for loaded in [key for key in sys.modules if key.split(".")[0] == "minidiff"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":  # what the benchmark compares with, and not a dependency
            raise
"""
    in_a_new_process(program)


def test_everything_that_is_promised_is_there():
    for name in minidiff.__all__:
        assert getattr(minidiff, name) is not None
    assert minidiff.__version__.count(".") == 2
