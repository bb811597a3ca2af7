"""What `import minidiff` does: almost nothing, so that `minidiff --help` answers at once."""

import ast
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import minidiff

ROOT = Path(minidiff.__file__).parents[1]
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for file in (ROOT / "minidiff").rglob("*.py")
}


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


def imports_of(file):
    """The modules of minidiff that a file imports when it is imported itself, not later inside of functions."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & MODULES.keys()


def test_no_module_imports_itself_in_a_circle():
    graph = {name: imports_of(file) - {name} for name, file in MODULES.items()}
    assert len(graph) > 40
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)  # CycleError if there is one


@pytest.mark.parametrize(
    ("floor", "may_import"),
    [
        ("minidiff.kernels", {"kernels"}),
        ("minidiff.data", {"data", "atomic", "errors"}),
        ("minidiff.layers", {"layers", "kernels", "parameters", "errors"}),
        ("minidiff.schedule", {"curves", "errors"}),
        ("minidiff.unet", {"layers", "parameters", "errors", "unet_config"}),
        ("minidiff.unet_config", {"errors"}),
        ("minidiff.samplers", {"schedule"}),
        ("minidiff.atomic", {"errors"}),
    ],
)
def test_no_import_runs_upwards(floor, may_import):
    for name, file in MODULES.items():
        if name == floor or name.startswith(f"{floor}."):
            assert {imported.split(".")[1] for imported in imports_of(file) - {"minidiff"}} <= may_import, name


def test_everything_that_is_promised_is_there():
    for name in minidiff.__all__:
        assert getattr(minidiff, name) is not None
    assert minidiff.__version__.count(".") == 2
