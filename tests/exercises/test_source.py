"""Source is shown exactly as in the files, and found again by its name."""

import ast
import inspect
from pathlib import Path

import pytest

from minidiff.errors import MinidiffError
from minidiff.exercises import show
from minidiff.exercises.source import name_of, resolve, source_of, without_docstrings
from minidiff.kernels.fast.norm import silu_of
from minidiff.layers import Linear, UpsampleAndJoin
from minidiff.unet import UNetConfig

ROOT = Path(inspect.getsourcefile(Linear)).parents[2]


def test_the_source_is_at_the_line_that_is_shown(capsys):
    show(Linear.forward, Linear.backward)
    shown = capsys.readouterr().out
    for part, method in zip(shown.split("# minidiff/")[1:], ("forward", "backward"), strict=True):
        head, _, source = part.partition("\n")
        file, _, rest = head.partition(", line ")
        number, _, name = rest.partition(": ")
        assert name == f"Linear.{method}"
        lines = (ROOT / "minidiff" / file).read_text(encoding="utf-8").splitlines()
        for i, line in enumerate(source.rstrip().splitlines()):
            assert line.strip() == lines[int(number) - 1 + i].strip()


def test_kernels_properties_and_constants_are_shown(capsys):
    show(silu_of, UNetConfig.example_shape, "minidiff.schedule.TARGETS", "minidiff.layers.Linear")
    shown = capsys.readouterr().out
    assert "@numba.njit(**KERNEL_OPTIONS)\ndef silu_of(" in shown
    assert "@property\ndef example_shape(self)" in shown
    assert 'minidiff/schedule.py: TARGETS\nTARGETS = ("flow"' in shown
    assert "class Linear(" in shown


def test_a_constant_may_have_an_annotation(tmp_path, monkeypatch):
    (tmp_path / "annotated.py").write_text("# sizes\nSIZES: list[int] = [\n    1,\n]\nEMPTY = {}\nEMPTY[0]: int = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert source_of("annotated.SIZES") == "# sizes\nSIZES: list[int] = [\n    1,\n]"


@pytest.mark.parametrize("thing", [Linear, Linear.forward, silu_of, UNetConfig.example_shape, source_of])
def test_the_name_gives_the_same_source(thing):
    name = name_of(thing)
    assert name.startswith("minidiff.")
    assert source_of(name) == source_of(thing)


def test_only_docstrings_are_left_out():
    shown = source_of(UpsampleAndJoin, docstring=False)
    assert '"""' not in shown
    assert shown.count("  # ") == source_of(UpsampleAndJoin).count("  # ") > 0

    def code(source):
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
                del node.body[0]
        return ast.dump(tree)

    assert code(shown) == code(source_of(UpsampleAndJoin))
    assert without_docstrings('def f():\n    """Doc\n\n    more."""\n\n    # kept\n    return 1') == (
        "def f():\n    # kept\n    return 1"
    )
    assert without_docstrings('def f():\n    """All there is."""') == 'def f():\n    """All there is."""'


@pytest.mark.parametrize("thing", [3, "minidiff.nothing.here", "minidiff.schedule.NOTHING", len])
def test_objects_without_source_are_an_error(thing):
    with pytest.raises(MinidiffError, match=r"no Python source|unknown name"):
        show(thing)


def test_a_name_is_resolved_through_modules_and_classes():
    assert resolve("minidiff.layers.linear.Linear.forward") is Linear.forward
    with pytest.raises(MinidiffError, match="unknown name"):
        resolve("no_such_package.at_all")
