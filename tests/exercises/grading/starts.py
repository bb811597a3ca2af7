"""The answers with which the notebooks of the course begin: `python -m tests.exercises.grading.starts` stores them.

The grader compares answers with them, to tell a wrong answer from none. It has no notebooks, so they are stored.
"""

import json
from pathlib import Path

from minidiff.exercises.checking import exercises
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.grading import grade
from minidiff.exercises.grading.names import names_of
from minidiff.exercises.grading.notebook import read_notebook

TUTORIALS = Path(__file__).parents[3] / "tutorials"
STORED = Path(grade.__file__).with_name("starts.json")


def starts():
    """Exercise -> source of the answer with which its notebook begins."""
    found = {}
    for notebook in NOTEBOOKS:
        cells = read_notebook((TUTORIALS / f"{notebook.name}.ipynb").read_bytes()).cells
        for exercise in exercises(notebook.prefix):
            (cell,) = [cell for cell in cells if f'check("{exercise.name}", {exercise.answer})' in cell.source]
            (statement,) = names_of(cell.source).definitions[exercise.answer]
            lines = cell.source.splitlines()[statement.lineno - 1 : statement.end_lineno]
            found[exercise.name] = "\n".join(lines)
    return found


def as_text(found):
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    STORED.write_text(as_text(starts()), encoding="utf-8")
