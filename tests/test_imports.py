"""Imports: `import minidiff` is cheap, there is no circle, and none runs upwards through the layers."""

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


def test_importing_the_package_is_immediate():
    """A command prepares for signals before it imports the rest."""
    loaded = set(in_a_new_process("import sys, minidiff; print(*sys.modules)").split())
    assert {name for name in loaded if name.startswith("minidiff")} == {"minidiff", "minidiff.version"}
    assert loaded & {"numpy", "numba"} == set()


def test_names_are_imported_from_their_modules_when_they_are_used():
    program = "import minidiff; print(minidiff.UNet.__module__, minidiff.data.load.__module__, dir(minidiff)[0])"
    assert in_a_new_process(program).split() == ["minidiff.unet", "minidiff.data.loading", "GaussianDenoiser"]
    with pytest.raises(AttributeError, match="module 'minidiff' has no attribute 'Unet'"):
        minidiff.Unet  # noqa: B018


@pytest.mark.parametrize("package", ["minidiff.training", "minidiff.cli"])
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
for module in pkgutil.walk_packages(minidiff.kernels.__path__, "minidiff.kernels."):
    members = vars(importlib.import_module(module.name)).values()
    kernels += [member for member in members if isinstance(member, Dispatcher)]
print(len(kernels), sum(len(kernel.signatures) for kernel in kernels))
"""
    count, compiled = map(int, in_a_new_process(program).split())
    assert count > 10
    assert compiled == 0


# Each module imports only from its own package and from packages further up in this list, inside functions too.
LAYERS = (
    ("text", "version", "streams", "captions"),
    ("errors",),
    ("fields", "regular"),
    ("randomness", "memory", "ranks", "kernels", "parameters", "atomic", "curves", "unet_config", "pyramid"),
    ("parallel", "schedule", "data"),
    ("layers", "samplers", "oracles", "optim"),
    ("unet_levels",),
    ("unet", "gradient_check", "denoiser", "training_config", "plotting"),
    ("sampling", "examples", "continuous", "likelihood"),
    ("divergence",),
    ("editing", "training"),
    ("distillation",),
    ("points", "runs", "quiz"),
    ("benchmark", "pretrained"),
    ("evaluation", "live"),
    ("page",),
    ("commands",),
    ("exercises",),
    ("cli",),
    ("__main__",),
)
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}
UPWARDS = {("minidiff.commands.grade", "exercises")}  # a command that grades exercises; exercises parse other commands


def imports_of(file):
    """The modules of minidiff that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & MODULES.keys()


IMPORTS = {name: imports_of(file) - {name} for name, file in MODULES.items()}


def top(module):
    """ "minidiff.kernels.muon" -> "kernels"; "" for minidiff itself, which re-exports names."""
    return module.partition(".")[2].partition(".")[0]


def test_there_is_no_import_circle():
    assert len(IMPORTS) > 40
    assert len(list(TopologicalSorter(IMPORTS).static_order())) == len(IMPORTS)  # CycleError if there is one


def test_every_module_has_a_layer():
    assert {top(name) for name in MODULES} - {""} == LEVELS.keys()


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"minidiff"}))
def test_no_import_runs_upwards(module):
    wrong = {
        imported
        for imported in IMPORTS[module]
        if top(imported) != top(module) and LEVELS.get(top(imported), len(LAYERS)) >= LEVELS[top(module)]
    }
    assert not {name for name in wrong if (module, top(name)) not in UPWARDS}


@pytest.mark.parametrize(
    ("package", "may_import"),
    [
        ("kernels", set()),
        ("data", {"atomic", "errors", "memory", "randomness", "regular", "text"}),
        ("layers", {"kernels", "parameters", "errors", "randomness"}),
        ("schedule", {"curves", "errors"}),
        ("unet", {"unet_levels", "layers", "kernels", "parameters", "errors", "unet_config"}),
        ("unet_levels", {"layers", "kernels", "parameters", "unet_config"}),
        ("pyramid", set()),
        ("unet_config", {"errors", "fields"}),
        ("samplers", {"schedule"}),
        ("atomic", {"errors"}),
    ],
)
def test_the_foundations_import_little(package, may_import):
    for module in MODULES:
        if top(module) == package:
            assert {top(imported) for imported in IMPORTS[module]} <= may_import | {package}, module


def test_every_exported_name_exists():
    for name in minidiff.__all__:
        assert getattr(minidiff, name) is not None
    assert minidiff.__version__.count(".") == 2
