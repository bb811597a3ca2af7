"""Reads notebooks of every nbformat: their cells of code, and the headings above them.

A notebook may come from any editor, with a byte-order mark, in UTF-8, UTF-16 or UTF-32. Damaged cells are left out.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from minidiff.errors import MinidiffError

MOST_CELLS = 10_000
EXERCISES_HEADING = re.compile(r"^#+\s*Exercises\b", re.MULTILINE | re.IGNORECASE)
NEXT_HEADING = re.compile(r"^##?\s", re.MULTILINE)
EXERCISE_HEADING = re.compile(r"^#+\s*(ex\d\d_\d+)\b", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """A cell of code.

    Attributes:
        number: its index among the cells of code.
        source: its text, with the syntax of Jupyter.
        in_exercises: whether it is under the heading "Exercises".
        exercise: the name of the exercise whose heading is above it, or "".
    """

    number: int
    source: str
    in_exercises: bool
    exercise: str


@dataclass(frozen=True)
class Notebook:
    """The cells of code and the texts of a notebook."""

    cells: list[Cell]
    texts: list[str]


def read_notebook(content: bytes) -> Notebook:
    """The notebook of a file's content; `MinidiffError` if it is none."""
    try:
        pairs = list(_cells_of(json.loads(content)))
    except (ValueError, RecursionError) as error:
        raise MinidiffError(f"not a notebook: {type(error).__name__} while reading it; save it again") from error
    if not pairs:
        raise MinidiffError("not a notebook, or one without cells; save it again")
    if len(pairs) > MOST_CELLS:
        raise MinidiffError(f"a notebook with {len(pairs):,} cells; {MOST_CELLS:,} are allowed")
    cells: list[Cell] = []
    in_exercises, exercise = False, ""
    for kind, source in pairs:
        if kind == "code":
            cells.append(Cell(len(cells), source, in_exercises, exercise))
            continue
        if EXERCISES_HEADING.search(source):
            in_exercises, exercise = True, ""
        elif NEXT_HEADING.search(source):
            in_exercises, exercise = False, ""
        if headings := EXERCISE_HEADING.findall(source):
            exercise = headings[-1]
    return Notebook(cells, [source for kind, source in pairs if kind != "code"])


def _cells_of(notebook: Any) -> list[tuple[str, str]]:
    """Kind ("code" or "markdown") and source of each cell."""
    if not isinstance(notebook, dict):
        return []
    found = []
    for part in [notebook, *_list(notebook.get("worksheets"))]:  # nbformat 3 and earlier have worksheets
        for cell in _list(part.get("cells")) if isinstance(part, dict) else []:
            if not isinstance(cell, dict):
                continue
            source = cell.get("source", cell.get("input", ""))  # nbformat 3 and earlier: input
            text = "".join(map(str, source)) if isinstance(source, list) else str(source)
            kind = cell.get("cell_type")
            if kind == "code":
                found.append(("code", text))
            elif kind == "heading":  # nbformat 3 and earlier
                level = cell.get("level")
                marks = "#" * level if isinstance(level, int) and 1 <= level <= 6 else "#"
                found.append(("markdown", f"{marks} {text}"))
            elif kind == "markdown":
                found.append(("markdown", text))
    return found


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []
