"""From the name of an exercise to the exercise, its check, and its solution.

The modules of exercises are looked up in the table of `course.py` and imported when one of their names is asked for.
"""

import importlib
import importlib.util
import textwrap

from minidiff.errors import MinidiffError
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.exercise import examine
from minidiff.exercises.source import definition, show_text


def check(name, answer):
    """Says whether the answer to an exercise is right, or what is wrong with it, and a hint.

    Args:
        name: of the exercise, such as "ex05_1".
        answer: a function or a value, as the exercise asks for.

    Raises:
        MinidiffError: no exercise has this name. An answer, however wrong, raises nothing.
    """
    exercise = find(name)
    result = examine(exercise, answer)
    points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
    print(f"{name}, {exercise.title}: {f'right, {points}.' if result.outcome == 'right' else 'not yet.'}")
    if result.hint:
        print(textwrap.fill(result.hint, 100, initial_indent="    ", subsequent_indent="    "))


def solution(name):
    """Shows a solution of an exercise: try first.

    Args:
        name: of the exercise, such as "ex05_1".

    Raises:
        MinidiffError: no exercise has this name.
    """
    exercise = find(name)
    module = solutions(name)
    show_text(f"# {name}, {exercise.title}\n{definition(module, exercise.answer)}")


def find(name):
    """The `Exercise` of a name.

    Raises:
        MinidiffError: there is none.
    """
    known = {exercise.name: exercise for exercise in exercises(name.partition("_")[0])}
    if name not in known:
        names = ", ".join(known) or ", ".join(sorted({one.name for one in exercises()}))
        raise MinidiffError(f"no exercise is called {name!r}; there are {names}")
    return known[name]


def exercises(prefix=None):
    """The exercises of a notebook, or of all.

    Args:
        prefix: "ex05"; all notebooks if not given.

    Returns:
        list of `Exercise`s.
    """
    names = [f"minidiff.exercises.ex{one.name}" for one in NOTEBOOKS if prefix in (None, one.prefix)]
    modules = [importlib.import_module(name) for name in names if importlib.util.find_spec(name)]
    return [exercise for module in modules for exercise in module.EXERCISES]


def solutions(name):
    """The module with the solution of an exercise, in which it has the name that it has in the notebook."""
    notebook = next(one for one in NOTEBOOKS if name.startswith(one.prefix))
    return importlib.import_module(f"minidiff.exercises.solutions.ex{notebook.name}")
