"""Finds an exercise by its name; checks an answer to it and shows a solution.

The module of a notebook's exercises is imported when one of them is needed.
"""

import importlib
import importlib.util
import textwrap
from types import ModuleType
from typing import Any

from minidiff.errors import MinidiffError
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.exercise import Exercise, examine
from minidiff.exercises.source import definition, show_text

SECONDS = 8.0  # time limit of a check; a right answer needs a fraction of a second


def check(name: str, answer: Any) -> None:
    """Prints whether the answer to an exercise such as "ex05_1" is right, and a hint if it is not.

    The answer is a function or a value, as the exercise requires. A wrong one raises nothing, and an endless
    loop in it is stopped.
    """
    if not isinstance(name, str):
        raise MinidiffError('the name of the exercise comes first; write check("ex05_1", answer)')
    exercise = find(name)
    result = examine(exercise, answer, SECONDS)
    points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
    print(f"{name}, {exercise.title}: {f'right, {points}.' if result.outcome == 'right' else 'not yet.'}")
    if result.hint:
        print(textwrap.fill(result.hint, 100, initial_indent="    ", subsequent_indent="    "))


def solution(name: str) -> None:
    """Shows a solution of an exercise such as "ex05_1"; try first."""
    exercise = find(name)
    show_text(f"# {name}, {exercise.title}\n{definition(solutions(name), exercise.answer)}")


def find(name: str) -> Exercise:
    """The exercise of a name; `MinidiffError` if there is none."""
    known = {exercise.name: exercise for exercise in exercises(name.partition("_")[0])}
    if name not in known:
        names = ", ".join(known) or ", ".join(sorted(exercise.name for exercise in exercises()))
        raise MinidiffError(f"unknown exercise {name!r}; choose from {names}")
    return known[name]


def exercises(prefix: str | None = None) -> list[Exercise]:
    """The exercises of the notebook with a prefix such as "ex05"; all exercises by default."""
    names = [f"minidiff.exercises.ex{one.name}" for one in NOTEBOOKS if prefix in (None, one.prefix)]
    modules = [importlib.import_module(name) for name in names if importlib.util.find_spec(name)]
    return [found for module in modules for found in vars(module).values() if isinstance(found, Exercise)]


def solutions(name: str) -> ModuleType:
    """The module with the solution of an exercise; the solution has the answer's name."""
    notebook = next(one for one in NOTEBOOKS if name.startswith(one.prefix))
    return importlib.import_module(f"minidiff.exercises.solutions.ex{notebook.name}")
