"""Hand-ins of students: folders of notebooks, and the cells of code in them.

Which exercises a notebook answers is determined from its code, not from its file name: students rename files.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from minidiff.errors import MinidiffError
from minidiff.exercises.exercise import Exercise
from minidiff.regular import read_text

EXERCISES_HEADING = re.compile(r"^##\s+Exercises\b", re.MULTILINE)
NEXT_HEADING = re.compile(r"^##?\s", re.MULTILINE)
PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture")  # the rest of their cells is Python


@dataclass(frozen=True)
class Cell:
    """A cell of code: its index among those, its text, and whether it is under the heading "Exercises"."""

    number: int
    source: str
    in_exercises: bool

    def mentions(self, exercise: Exercise) -> bool:
        """Whether the cell contains the name of an exercise or of its answer."""
        return bool(re.search(rf"\b({exercise.name}|{exercise.answer})\b", self.source))


def find_hand_ins(folder: str | Path) -> dict[str, list[Path]]:
    """The notebooks in a folder, if it has any, and in each sub-folder: name -> sorted paths, possibly none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise MinidiffError(f"{folder} is not a folder; give one with notebooks, or with a sub-folder for each student")
    found = {}
    if directly := sorted(folder.glob("*.ipynb")):
        found[folder.resolve().name] = directly
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and not inner.name.startswith("."):
            notebooks = [path for path in sorted(inner.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
            if notebooks or not directly:
                found[inner.name] = notebooks
    if not any(found.values()):
        raise MinidiffError(f"no notebooks (.ipynb) in {folder} and its sub-folders; choose another folder")
    return found


def read_cells(path: str | Path) -> list[Cell]:
    """The cells of code of a notebook (`.ipynb`); `MinidiffError` if the file is not one."""
    try:
        notebook = json.loads(read_text(path))
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    except OSError as error:
        raise MinidiffError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MinidiffError(f"{path} is not a notebook: {type(error).__name__} while reading it") from error
    found: list[Cell] = []
    in_exercises = False
    for kind, source in cells:
        if kind == "markdown" and EXERCISES_HEADING.search(source):
            in_exercises = True
        elif kind == "markdown" and NEXT_HEADING.search(source):
            in_exercises = False
        elif kind == "code":
            found.append(Cell(number=len(found), source=source, in_exercises=in_exercises))
    return found


def plain_python(source: str) -> str:
    """The source of a cell without the syntax of Jupyter: magics (%time) and shell commands (!ls)."""
    lines = source.splitlines()
    if lines and lines[0].startswith("%%") and lines[0].split()[0] not in PYTHON_MAGICS:
        return ""
    return "\n".join(re.sub(r"^(\s*)[%!?].*$", r"\1pass", line) for line in lines)
