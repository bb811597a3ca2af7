"""The library's source, shown in a notebook as it stands in the files: never a pasted copy.

What was shown is noted in the output's metadata, so that `tutorials/execute.py` can compare it with today's source.
"""

import ast
import importlib
import inspect
import textwrap
from pathlib import Path

from minidiff.errors import MinidiffError

ROOT = Path(__file__).parents[2]  # the folder that holds the package


def show(*things, docstring=True):
    """Shows the source of functions, methods, classes or kernels, with file and line above each.

    Args:
        things: what to show; a string such as "minidiff.kernels.winograd.G" shows the line that defines a constant.
        docstring: False leaves out the docstrings.

    Raises:
        MinidiffError: something has no source in Python.
    """
    for thing in things:
        name = name_of(thing)
        note = {"source": name, "docstring": docstring} if name.startswith("minidiff.") else {}
        show_text(f"# {place_of(thing)}\n{source_of(thing, docstring)}", {"minidiff": note} if note else {})


def show_text(text, metadata=None):
    """Python source on the screen: colored in a notebook, printed elsewhere."""
    if in_notebook():
        from IPython.display import display

        bundle = {"text/plain": text, "text/markdown": f"```python\n{text}\n```"}
        display(bundle, raw=True, metadata=metadata or {})
    else:
        print(text)


def in_notebook():
    """Whether this runs in Jupyter (or in IPython), which shows more than text."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None


def source_of(thing, docstring=True):
    """The source of a function, method, class, kernel or named constant.

    Args:
        thing: the object, or a dotted name.
        docstring: False leaves out the docstrings.

    Returns:
        string, indented like a module's own.

    Raises:
        MinidiffError: it has no source in Python.
    """
    if isinstance(thing, str):
        found = resolve(thing)
        if not _is_defined(found):
            module, _, name = thing.rpartition(".")
            return definition(importlib.import_module(module), name)
        thing = found
    try:
        source = textwrap.dedent(inspect.getsource(_unwrapped(thing))).rstrip()
    except (TypeError, OSError) as error:
        raise MinidiffError(f"{thing!r} has no source in Python; show its class or function") from error
    return source if docstring else without_docstrings(source)


def definition(module, name):
    """The source of what defines a name in a module, with the comment that stands directly above it.

    Raises:
        MinidiffError: the module does not define it.
    """
    source = inspect.getsource(module)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        targets = getattr(node, "targets", [])
        if getattr(node, "name", None) == name or name in [getattr(target, "id", None) for target in targets]:
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]) - 1
            while first > 0 and lines[first - 1].startswith("#"):
                first -= 1
            return "\n".join(lines[first : node.end_lineno])
    raise MinidiffError(f"{module.__name__} defines no {name}")


def without_docstrings(source):
    """A function's or class's source without docstrings, comments kept."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", [])
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None and len(body) > 1:
            for number in range(body[0].lineno - 1, body[0].end_lineno):
                lines[number] = None
            following = body[0].end_lineno
            if following < len(lines) and lines[following] == "":
                lines[following] = None
    return "\n".join(line for line in lines if line is not None)


def name_of(thing):
    """The dotted name by which `resolve` finds an object again: "minidiff.layers.linear.Linear.backward"."""
    if isinstance(thing, str):
        return thing
    thing = _unwrapped(thing)
    return f"{getattr(thing, '__module__', None)}.{getattr(thing, '__qualname__', thing)}"


def resolve(name):
    """The object of a dotted name.

    Raises:
        MinidiffError: there is none.
    """
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
    raise MinidiffError(f"nothing is called {name}")


def place_of(thing):
    """ "minidiff/layers/linear.py, line 58: Linear.backward", or the bare name of what is not in a file of minidiff."""
    if isinstance(thing, str):
        found = resolve(thing)
        if not _is_defined(found):
            module, _, name = thing.rpartition(".")
            return f"{_relative(importlib.import_module(module).__file__)}: {name}"
        thing = found
    thing = _unwrapped(thing)
    try:
        line, file = inspect.getsourcelines(thing)[1], inspect.getsourcefile(thing)
    except (TypeError, OSError) as error:
        raise MinidiffError(f"{thing!r} has no source in Python; show its class or function") from error
    relative = _relative(file)
    return f"{relative}, line {line}: {thing.__qualname__}" if relative else thing.__qualname__


def _relative(file):
    path = Path(file)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT / "minidiff") else ""


def _is_defined(thing):
    """Whether an object knows where it was defined, as functions and classes do and constants do not."""
    return hasattr(_unwrapped(thing), "__qualname__")


def _unwrapped(thing):
    """The function inside of a property, a method or a compiled kernel."""
    thing = getattr(thing, "fget", None) or thing
    thing = getattr(thing, "__func__", thing)
    return getattr(thing, "py_func", thing)
