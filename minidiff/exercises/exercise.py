"""What an exercise is, and what comes of looking at an answer.

An exercise is a plain function that takes the answer, a function or a value, and raises `Wrong` with a hint unless it
is right. Right means: agrees with a truth that is known without the answer, such as a closed form, a central
difference, or the library on input of odd shapes. `expecting.py` has the few words in which such a function is written.
"""

from collections.abc import Callable
from dataclasses import dataclass

from minidiff.exercises.attempt import Attempt, describe


class Wrong(Exception):
    """The answer is wrong; the message says what is wrong with it and hints at what to do."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        name: "ex05_1": the notebook and the number in it.
        title: a few words.
        points: what it is worth.
        answer: the name that the answer has in the notebook, and in the file of solutions.
        examine: function (answer) that raises `Wrong` unless the answer is right.
    """

    name: str
    title: str
    points: int
    answer: str
    examine: Callable


@dataclass(frozen=True)
class Result:
    """What came of an answer.

    Attributes:
        outcome: "right"; "wrong"; "raised", the answer raised an error; and from a grader also "missing", "too slow"
            and "crashed", it took the whole interpreter with it.
        hint: what is wrong and what to do; empty if right.
    """

    outcome: str
    hint: str = ""


def examine(exercise, answer):
    """Looks at an answer.

    Args:
        exercise: an `Exercise`.
        answer: what the student made: a function, or a value.

    Returns:
        `Result`; nothing that the answer raises gets through.
    """
    with Attempt() as attempt:
        exercise.examine(answer)
    if attempt.error is None:
        return Result("right")
    if isinstance(attempt.error, Wrong):
        return Result("wrong", str(attempt.error))
    code = getattr(answer, "__code__", None)
    return Result("raised", f"your answer raised {describe(attempt.error, code and code.co_filename)}")
