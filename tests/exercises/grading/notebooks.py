"""Notebooks and hand-ins for the tests of the grader."""

import inspect
import json

from minidiff.exercises.checking import definition, exercises, solutions
from minidiff.exercises.grading.grade import grade
from minidiff.exercises.grading.hand_in import find_hand_ins
from minidiff.exercises.grading.session import Limits

EXERCISES = {exercise.name: exercise for exercise in exercises("ex05")}
ALL_RIGHT = dict.fromkeys(EXERCISES, "right")
START = "import numpy as np\nfrom minidiff.exercises import check"
SECONDS = 3  # the time of an endless loop; everything else takes a fraction of a second
LIMITS = Limits(seconds=SECONDS, total_seconds=90)


def notebook(*cells):
    """A notebook as JSON; strings that begin with "# ", "## " or "### " are cells of text."""
    made = [
        {
            "cell_type": "markdown" if cell.startswith(("# ", "## ", "### ")) else "code",
            "source": cell.splitlines(True),
        }
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def source(name, body=None):
    """The solution of an exercise, or a function with the same arguments and another body."""
    module, exercise = solutions(name), EXERCISES[name]
    if body:
        return f"def {exercise.answer}{inspect.signature(getattr(module, exercise.answer))}:\n    {body}"
    lines = definition(module, exercise.answer).splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def answer(name, body=None):
    """The cell of an exercise, with its check; `body` as in `source`."""
    return f'{source(name, body)}\n\ncheck("{name}", {EXERCISES[name].answer})'


def hand_in(folder, *cells, file="05_backpropagation.ipynb"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(notebook("# 05 Backpropagation by hand", *cells), encoding="utf-8")


def graded(folder, limits=LIMITS, **options):
    """Name -> results, for all students in a folder."""
    return {student.name: student.results for student in grade(find_hand_ins(folder), limits, **options)}


def mark(folder, limits=LIMITS, **options):
    """The results of the only student in a folder."""
    (results,) = graded(folder, limits, **options).values()
    return results


def outcomes(results):
    return {name: result.outcome for name, result in results.items()}
