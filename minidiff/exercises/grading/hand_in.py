"""What students hand in: folders of notebooks, and the code in them.

A notebook is a JSON file with a list of cells. Which exercises it answers is read from its code, not from its name,
since files get renamed on the way.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from minidiff.errors import MinidiffError

EXERCISES_HEADING = re.compile(r"^##\s+Exercises\b", re.MULTILINE)
NEXT_HEADING = re.compile(r"^##?\s", re.MULTILINE)
CELLS_OF_PYTHON = ("%%time", "%%timeit", "%%capture")  # magics over a whole cell that is Python all the same


@dataclass(frozen=True)
class Cell:
    """A cell of code.

    Attributes:
        number: its place among the cells of code, from 0.
        source: what is in it.
        in_exercises: whether it stands under the heading "Exercises".
    """

    number: int
    source: str
    in_exercises: bool

    def mentions(self, exercise):
        """Whether the cell checks an exercise, or has the name of its answer in it."""
        return bool(re.search(rf"\b({exercise.name}|{exercise.answer})\b", self.source))


def find_hand_ins(folder):
    """The hand-ins in a folder: the folder itself if it holds notebooks, and each of its sub-folders.

    Args:
        folder: a path.

    Returns:
        name -> sorted list of the notebooks' paths, possibly empty.

    Raises:
        MinidiffError: there is no such folder, or nothing in it.
    """
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
        raise MinidiffError(f"{folder} holds no notebooks (.ipynb), nor do its sub-folders")
    return found


def read_cells(path):
    """The cells of code of a notebook.

    Args:
        path: of the `.ipynb` file.

    Returns:
        list of `Cell`s.

    Raises:
        MinidiffError: it is not a notebook.
    """
    try:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    except OSError as error:
        raise MinidiffError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MinidiffError(f"{path} is not a notebook: {type(error).__name__} while reading it") from error
    found, in_exercises = [], False
    for kind, source in cells:
        if kind == "markdown" and EXERCISES_HEADING.search(source):
            in_exercises = True
        elif kind == "markdown" and NEXT_HEADING.search(source):
            in_exercises = False
        elif kind == "code":
            found.append(Cell(len(found), source, in_exercises))
    return found


def plain_python(source):
    """The source of a cell without what only Jupyter understands: magics (%time) and commands of the shell (!ls)."""
    lines = source.splitlines()
    if lines and lines[0].startswith("%%") and lines[0].split()[0] not in CELLS_OF_PYTHON:
        return ""
    return "\n".join(re.sub(r"^(\s*)[%!?].*$", r"\1pass", line) for line in lines)
