"""What an exercise is, and how an answer is examined.

An exercise has a check: a function that takes the answer and raises `Wrong` with a hint unless the answer is right. It
compares the answer with a result obtained independently: a closed form, a central difference, or the library on inputs
of odd shapes. `expecting.py` has the helpers with which checks are written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from minidiff.exercises.attempt import Attempt, describe
from minidiff.exercises.time_limit import TooSlow, call_within

SHAPES = "_shapes"  # attribute of an error of an answer: the shapes of the arrays that it was called with


class Wrong(Exception):
    """The answer is wrong; the message says why and hints at the correction."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        name: "ex05_1", from the number of the notebook and the number of the exercise.
        title: its heading in the notebook.
        points: awarded by the grader for a right answer.
        answer: name of the answer in the notebook and in the file of solutions.
        check: raises `Wrong` unless the answer is right.
    """

    name: str
    title: str
    points: int
    answer: str
    check: Callable[[Any], None]


@dataclass(frozen=True)
class Result:
    """The result of an examined answer, and a hint at the correction, empty if it is right.

    The outcome is "right", "wrong", "raised" (an error) or "too slow"; the grader has more (`grading/grade.py`). The
    grader also adds a hint to a right answer that has another name than the exercise's.
    """

    outcome: str
    hint: str = ""


def exercise(name: str, title: str, points: int) -> Callable[[Callable[[Any], None]], Exercise]:
    """Decorator that makes an `Exercise` of a check: that of the answer `blend` is a function `_check_blend`."""

    def decorate(check: Callable[[Any], None]) -> Exercise:
        return Exercise(name, title, points, answer=check.__name__.removeprefix("_check_"), check=check)

    return decorate


def examine(exercise: Exercise, answer: Any, seconds: float | None = None) -> Result:
    """Checks an answer, a function or a value; no error of the answer gets through.

    Args:
        exercise: the exercise.
        answer: the answer to it.
        seconds: time limit of the whole check, which then runs in a thread of its own; default: no limit.
    """
    with Attempt() as attempt:
        if seconds is None:
            exercise.check(answer)
        else:
            call_within(seconds, lambda: exercise.check(answer))
    if attempt.error is None:
        return Result("right")
    if isinstance(attempt.error, Wrong):
        return Result("wrong", str(attempt.error))
    if isinstance(attempt.error, TooSlow):
        return Result("too slow", f"your answer was stopped after {seconds:g} seconds: does a loop never end?")
    file = answer.__code__.co_filename if isinstance(answer, FunctionType) else None
    shapes = vars(attempt.error).get(SHAPES)
    given = f", with arrays of the shapes {shapes}" if shapes else ""
    return Result("raised", f"your answer raised {describe(attempt.error, file)}{given}")
