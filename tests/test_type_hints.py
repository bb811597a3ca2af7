"""Every public function, method and dataclass field has type hints, every public function and class a docstring.

Students' answers (`exercises/solutions/`) are excluded: they look as they do in a notebook.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "minidiff"
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.is_relative_to(PACKAGE / "exercises" / "solutions")]
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_public(name: str) -> bool:
    """Whether a name is public; so are special methods such as `__call__`."""
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def decorators(node) -> set[str]:
    return {ast.unparse(decorator).partition("(")[0].rpartition(".")[2] for decorator in node.decorator_list}


def definitions(body: list, owner: ast.ClassDef | None = None) -> Iterator[tuple[ast.AST, ast.ClassDef | None]]:
    """The public functions, classes and methods of a module, each with its class; nested functions are private."""
    for node in body:
        if isinstance(node, (*Function, ast.ClassDef)) and is_public(node.name):
            yield node, owner
            if isinstance(node, ast.ClassDef):
                yield from definitions(node.body, node)
        elif isinstance(node, (ast.If, ast.Try)):
            yield from definitions(node.body, owner)


def missing_hints(source: str) -> Iterator[tuple[int, str]]:
    """The lines of a source at which type hints are missing."""
    for node, owner in definitions(ast.parse(source).body):
        if isinstance(node, ast.ClassDef):
            if "dataclass" in decorators(node):
                for field in (field for field in node.body if isinstance(field, ast.Assign)):
                    if not isinstance(field.value, (ast.Name, ast.Attribute)):  # another name of a method
                        yield field.lineno, f"{node.name}: field {ast.unparse(field.targets[0])}"
            continue
        given = [*node.args.posonlyargs, *node.args.args]
        if owner is not None and "staticmethod" not in decorators(node):
            given = given[1:]  # self or cls
        given += [*node.args.kwonlyargs, *filter(None, (node.args.vararg, node.args.kwarg))]
        lacking = [argument.arg for argument in given if argument.annotation is None]
        if node.returns is None:
            lacking.append("return")
        if lacking:
            yield node.lineno, f"{owner.name + '.' if owner else ''}{node.name}: {', '.join(lacking)}"


def missing_docstrings(source: str) -> Iterator[tuple[int, str]]:
    """The lines of a source at which docstrings are missing; special methods and those of subclasses need none."""
    for node, owner in definitions(ast.parse(source).body):
        inherited = owner is not None and owner.bases
        if not node.name.startswith("__") and not inherited and ast.get_docstring(node) is None:
            yield node.lineno, f"{owner.name + '.' if owner else ''}{node.name}"


@pytest.mark.parametrize("missing", [missing_hints, missing_docstrings])
def test_nothing_public_lacks_type_hints_or_a_docstring(missing):
    found = [
        f"{path.relative_to(PACKAGE.parent).as_posix()}:{line}: {text}"
        for path in FILES
        for line, text in missing(path.read_text(encoding="utf-8"))
    ]
    assert not found, f"{len(found)} places:\n" + "\n".join(found)


SOURCE = '''
def complete(x: int, *more: int, key: str = "") -> None:
    """Documented."""
    def nested(y): ...

def partial(x, *, key: int): ...

def _private(x): ...

@dataclass(frozen=True)
class Settings:
    """Documented."""
    size: int
    name = "unhinted"

    def method(self, x: int) -> int: ...

    @staticmethod
    def create(x) -> int: ...

    def __call__(self, x): ...
'''


def test_what_is_missing_is_found():
    assert [text for _, text in missing_hints(SOURCE)] == [
        "partial: x, return", "Settings: field name", "Settings.create: x", "Settings.__call__: x, return",
    ]  # fmt: skip
    assert [text for _, text in missing_docstrings(SOURCE)] == ["partial", "Settings.method", "Settings.create"]
