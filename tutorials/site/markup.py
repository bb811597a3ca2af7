"""Pieces of reStructuredText for the generated pages."""

import re

SPECIAL = re.compile(r"[*`|\\]|(?<=\w)_(?!\w)")


def title(text: str, underline: str = "=") -> str:
    """A title, or the heading of a section with another underline."""
    return f"{text}\n{underline * len(text)}\n\n"


def toctree(names: list[str]) -> str:
    """A hidden table of contents, for the navigation."""
    return ".. toctree::\n   :hidden:\n\n" + "".join(f"   {name}\n" for name in names)


def code_block(text: str, language: str) -> str:
    """A block of code."""
    return f".. code-block:: {language}\n\n" + "".join(f"   {line}\n" for line in text.splitlines()) + "\n"


def entry(name: str, text: str) -> str:
    """An entry of a list of definitions; both parts are markup."""
    return f"{name}\n    {' '.join(text.split())}\n\n"


def escape(text: str) -> str:
    """Text without markup."""
    return SPECIAL.sub(r"\\\g<0>", text)
