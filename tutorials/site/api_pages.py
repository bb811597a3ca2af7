"""The API reference: a page for each module, which Sphinx fills from the docstrings."""

import ast
import re
from functools import cache
from pathlib import Path

import docstrings
import minidiff
from markup import entry, title, toctree

PACKAGE = Path(minidiff.__file__).parent
LEFT_OUT = re.compile(
    r"(__main__|commands|exercises/(ex\d|figures|grading|plots|solutions)"
    r"|benchmark/(against_torch|torch_unet))"  # these two need PyTorch
)
READING_ORDER = (
    "schedule", "curves", "denoiser", "oracles", "samplers", "sampling", "editing", "points", "continuous",
    "examples", "training", "training_config", "optim", "unet", "unet_config", "unet_levels", "pyramid",
    "layers", "kernels", "parameters", "gradient_check", "divergence", "data", "runs", "pretrained",
    "distillation", "likelihood", "evaluation", "benchmark", "plotting", "live", "parallel", "randomness",
)  # fmt: skip


@cache
def page_of() -> dict[str, str]:
    """Path in the repository -> page, of all modules and packages that have a page."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        if not LEFT_OUT.match(inside.as_posix()):
            package = path.stem == "__init__"
            page = inside.with_name("index.rst") if package else inside.with_suffix(".rst")
            found[f"minidiff/{inside.as_posix()}"] = f"api/{page.as_posix()}"
            if package:
                found[f"minidiff/{inside.parent.as_posix()}"] = f"api/{page.as_posix()}"
    return found


def pages() -> dict[str, str]:
    """Path -> text of all pages."""
    paths = {page: PACKAGE.parent / path for path, page in page_of().items() if path.endswith(".py")}
    return {page: text_of(path, paths) for page, path in paths.items()}


def text_of(path: Path, paths: dict[str, Path]) -> str:
    """The page of a module; that of a package lists its modules, that of minidiff also its public names."""
    name = module_name(path)
    heading = title("API" if name == "minidiff" else name)
    parts = [heading, f".. automodule:: {name}\n\n"]
    if path == PACKAGE / "__init__.py":
        public = [n for n in minidiff.__all__ if n in minidiff.MODULES]
        parts += [
            title("Public interface", "-"),
            *(public_entry(n) for n in sorted(public, key=str.lower)),
        ]
    if path.stem == "__init__":
        inside = sorted((other for other in paths.values() if parent_of(other) == path.parent), key=order)
        parts += [title("Modules", "-"), *(module_entry(other) for other in inside)] if inside else []
        short = [f"{module_name(other).rpartition('.')[2]} <{link(other)}>" for other in inside]
        parts.append(toctree(short) if inside else "")
    return "".join(parts)


def parent_of(path: Path) -> Path | None:
    """The folder of the package that contains a module or package; None for minidiff."""
    if path == PACKAGE / "__init__.py":
        return None
    return path.parent.parent if path.stem == "__init__" else path.parent


def order(path: Path) -> tuple[int, str]:
    """The place of a module among the others of its package."""
    name = module_name(path).removeprefix("minidiff.")
    return READING_ORDER.index(name) if name in READING_ORDER else len(READING_ORDER), name


def module_name(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def link(path: Path) -> str:
    """The page of a module, as a link."""
    return "/" + page_of()[path.relative_to(PACKAGE.parent).as_posix()].removesuffix(".rst")


def module_entry(path: Path) -> str:
    """An entry for a module, with the first paragraph of its docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    text = docstrings.inline(docstring.partition("\n\n")[0], module_name(path))
    return entry(f":doc:`{module_name(path)} <{link(path)}>`", text)


def public_entry(name: str) -> str:
    """An entry for a public name of minidiff, with the first sentence of its docstring."""
    thing = getattr(minidiff, name)
    docstring = (thing.__doc__ or "").partition("\n")[0]
    return entry(f":py:obj:`{name} <{thing.__module__}.{name}>`", docstrings.inline(docstring))
