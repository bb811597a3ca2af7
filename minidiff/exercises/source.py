"""Shows the library's source in a notebook, read from its files.

The output's metadata contain the name of what is shown, so that `tutorials/execute.py` can compare it with the current
source.
"""

import ast
import importlib
import inspect
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

from minidiff.errors import MinidiffError

ROOT = Path(__file__).parents[2]  # the folder that contains the package


def show(*things: Any, docstring: bool = True) -> None:
    """Shows the source of functions, methods, classes or kernels, with file and line above each.

    A string such as "minidiff.kernels.plain.winograd.G" shows the definition of a constant.
    """
    for thing in things:
        name = name_of(thing)
        note = {"source": name, "docstring": docstring} if name.startswith("minidiff.") else {}
        show_text(f"# {_location(thing)}\n{source_of(thing, docstring)}", {"minidiff": note} if note else {})


def show_text(text: str, metadata: dict | None = None) -> None:
    """Shows Python source with colors in a notebook; prints it elsewhere."""
    show_bundle({"text/plain": text, "text/markdown": f"```python\n{text}\n```"}, metadata or {})


def show_bundle(bundle: dict[str, Any], metadata: dict) -> None:
    """Shows something in a notebook, from its representations by MIME type; prints its plain text elsewhere."""
    ipython = sys.modules.get("IPython")  # imported by Jupyter, which is optional
    if ipython is not None and ipython.get_ipython() is not None:
        from IPython.display import display

        display(bundle, raw=True, metadata=metadata)
    else:
        print(bundle["text/plain"])


def source_of(thing: Any, docstring: bool = True) -> str:
    """The source of a function, method, class, kernel or named constant, not indented."""
    found, constant = _look_up(thing)
    if constant:
        return definition(*constant)
    source = textwrap.dedent("".join(_inspect(found)[0])).rstrip()
    return source if docstring else without_docstrings(source)


def definition(module: ModuleType, name: str) -> str:
    """The source of the definition of a name in a module, with the comment directly above it."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])  # `a = b = 1`, `a: int = 1`
        if getattr(node, "name", None) == name or name in [getattr(target, "id", None) for target in targets]:
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]) - 1
            while first > 0 and lines[first - 1].startswith("#"):
                first -= 1
            return "\n".join(lines[first : node.end_lineno])
    raise MinidiffError(f"{module.__name__} does not define {name}; check the spelling")


def without_docstrings(source: str) -> str:
    """The source of a function or class without docstrings; comments are kept."""
    lines: list[str | None] = [*source.splitlines()]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) and len(node.body) > 1:
            first, last = node.body[0].lineno - 1, node.body[0].end_lineno or 0
            if last < len(lines) and lines[last] == "":
                last += 1
            lines[first:last] = [None] * (last - first)
    return "\n".join(line for line in lines if line is not None)


def name_of(thing: Any) -> str:
    """The dotted name from which `resolve` gets the object: "minidiff.layers.linear.Linear.backward"."""
    if isinstance(thing, str):
        return thing
    thing = _unwrapped(thing)
    return f"{getattr(thing, '__module__', None)}.{getattr(thing, '__qualname__', thing)}"


def resolve(name: str) -> Any:
    """The object of a dotted name."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        try:
            for part in parts[length:]:
                found = inspect.getattr_static(found, part)
        except AttributeError:
            break
        return found
    raise MinidiffError(f"unknown name {name!r}; write it with its module, such as 'minidiff.schedule.TARGETS'")


def _location(thing: Any) -> str:
    """ "minidiff/layers/linear.py, line 58: Linear.backward"; only the name of what is not in a file of minidiff."""
    found, constant = _look_up(thing)
    if constant:
        return f"{_relative(str(constant[0].__file__))}: {constant[1]}"
    _, line, file = _inspect(found)
    relative = _relative(file)
    return f"{relative}, line {line}: {found.__qualname__}" if relative else found.__qualname__


def _look_up(thing: Any) -> tuple[Any, tuple[ModuleType, str] | None]:
    """The function or class of an object or a dotted name; or, of a constant, its module and its name in it."""
    found = _unwrapped(resolve(thing) if isinstance(thing, str) else thing)
    if isinstance(thing, str) and not hasattr(found, "__qualname__"):
        module, _, name = thing.rpartition(".")
        return found, (importlib.import_module(module), name)
    return found, None


def _inspect(thing: Any) -> tuple[list[str], int, str]:
    """The lines of the source of a function or class, the number of the first one, and the file."""
    try:
        return *inspect.getsourcelines(thing), str(inspect.getsourcefile(thing))
    except (TypeError, OSError) as error:
        raise MinidiffError(f"{thing!r} has no Python source; show its class or function") from error


def _relative(file: str) -> str:
    """A file of minidiff relative to the folder that contains the package; "" for other files."""
    path = Path(file)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT / "minidiff") else ""


def _unwrapped(thing: Any) -> Any:
    """The function of a property, a method or a compiled kernel."""
    thing = getattr(thing, "fget", None) or thing
    thing = getattr(thing, "__func__", thing)
    return getattr(thing, "py_func", thing)
