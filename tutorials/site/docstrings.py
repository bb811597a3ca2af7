"""Translates the docstrings of minidiff, which are nearly Markdown, to reStructuredText.

An indented block is shown as it is written. Text in backticks becomes a link if it names an object, a file of minidiff
or a notebook, and code otherwise. Sections such as Args are left to Napoleon.
"""

import re
from importlib.util import find_spec

SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises):$")
CODE = re.compile(r"`([^`]+)`")
EMPHASIS = re.compile(r"(?<![\w*])\*[^\s*](?:[^*]*[^\s*])?\*(?![\w*])")
SPECIAL = re.compile(r"[*|\\]|(?<=\w)_(?!\w)")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?")
FILE = re.compile(r"(?:minidiff/)?([\w/]+)\.py")
PAGE = re.compile(r"(tutorials/\w+)\.(ipynb|md)")
NAMES = re.compile(r"(?m)^    (\w+(?:, \w+)+): (.*(?:\n     .*)*)")


def process(app, what, name, thing, options, lines):
    """The handler of Sphinx's event autodoc-process-docstring: changes the lines of a docstring."""
    lines[:] = translate("\n".join(lines), name).splitlines()


def translate(docstring: str, place: str = "minidiff") -> str:
    """A docstring in reStructuredText.

    Args:
        docstring: of a module, class or function.
        place: its dotted name, since a docstring names what is near without the packages around it.
    """
    translated, text = [], []
    for indented, block in blocks(docstring.splitlines()):
        if indented:
            translated += [paragraphs(text, place), "", ".. code-block:: text", "", *block, ""]
            text = []
        else:
            text += block
    return "\n".join([*translated, paragraphs(text, place)])


def paragraphs(lines: list[str], place: str) -> str:
    """Text and sections, with an entry for each name where several share one: "signal, noise: float64"."""
    one_by_one = NAMES.sub(lambda match: entries(*match.groups()), "\n".join(lines))
    return inline(one_by_one, place)


def entries(names: str, text: str) -> str:
    """Entries of a section with the same text."""
    return "\n".join(f"    {name}: {text}" for name in names.split(", "))


def blocks(lines: list[str]) -> list[tuple[bool, list[str]]]:
    """Splits a docstring into blocks: whether a block is indented and outside of all sections, and its lines."""
    found: list[tuple[bool, list[str]]] = []
    section = literal = False
    for line in lines:
        if line.strip():
            if not line.startswith(" "):
                section = bool(SECTION.match(line))
            literal = line.startswith("    ") and not section
        if not found or found[-1][0] != literal:
            found.append((literal, []))
        found[-1][1].append(line)
    return found


def inline(text: str, place: str = "minidiff") -> str:
    """Text with emphasis and code in the form of reStructuredText, and other special characters escaped."""
    parts, end = [], 0
    for match in CODE.finditer(text):
        markup = code(" ".join(match[1].split()), place)
        parts += [plain(text[end : match.start()]), separated(text, match, markup)]
        end = match.end()
    return "".join([*parts, plain(text[end:])])


def plain(text: str) -> str:
    """Text without code."""
    parts, end = [], 0
    for match in EMPHASIS.finditer(text):
        parts += [escape(text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def escape(text: str) -> str:
    """Text without markup; the star that begins the item of a list stays."""
    return re.sub(r"(?m)^( *)\\\*(?= )", r"\1*", SPECIAL.sub(r"\\\g<0>", text))


def separated(text: str, match: re.Match, markup: str) -> str:
    """Markup with the separators that it needs beside letters."""
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    return f"{chr(92) + ' ' if before.isalnum() else ''}{markup}{chr(92) + ' ' if after.isalnum() else ''}"


def code(text: str, place: str) -> str:
    """The markup of what stands in backticks."""
    if match := PAGE.fullmatch(text):
        return f":doc:`{text} </{match[1]}>`"
    if (match := FILE.fullmatch(text)) and (module := module_of(match[1], place)):
        return f":py:mod:`{text} <{module}>`"
    if not NAME.fullmatch(text):
        return f"``{text}``"
    first, _, rest = text.partition(".")
    if rest and (module := module_of(first, place)):
        return f":py:obj:`{text} <{module}.{rest.removesuffix('()')}>`"
    return f":py:obj:`{text}`"


def module_of(path: str, place: str) -> str | None:
    """The module of a path without suffix, such as "layers/linear", in the nearest package around a place."""
    packages = place.split(".")
    for length in range(len(packages), 0, -1):
        name = ".".join(packages[:length]) + "." + path.replace("/", ".").removesuffix(".__init__")
        try:
            if find_spec(name):
                return name
        except ModuleNotFoundError:  # a part of the name is not a package
            continue
    return None
