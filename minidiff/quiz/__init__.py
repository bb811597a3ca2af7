"""Questions about diffusion models, in the terminal (`minidiff quiz`) and on the page of a run (`minidiff report`)."""

import dataclasses

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.quiz.question import LEVELS, Choice, Practice, Question
from minidiff.quiz.reading import read

__all__ = ["LEVELS", "PRACTICE", "QUESTIONS", "Choice", "Practice", "Question", "choose", "choose_practice"]

QUESTIONS, PRACTICE = read()


def choose(level=None, seed=None):
    """Questions to ask.

    Args:
        level: one of LEVELS, or None for all.
        seed: if given, questions and their choices come in an order that it decides.

    Returns:
        List of `Question`s.

    Raises:
        MinidiffError: an unknown level, or a negative seed.
    """
    check_level(level)
    chosen = [question for question in QUESTIONS if level in (None, question.level)]
    if seed is None:
        return chosen
    if seed < 0:
        raise MinidiffError(f"--seed must be 0 or more, not {seed}")
    rng = np.random.default_rng(seed)
    shuffled = [chosen[i] for i in rng.permutation(len(chosen))]
    return [
        dataclasses.replace(
            question, choices=tuple(question.choices[i] for i in rng.permutation(len(question.choices)))
        )
        for question in shuffled
    ]


def choose_practice(level=None):
    """The practice tasks of a level, or all; `MinidiffError` for an unknown level."""
    check_level(level)
    return [task for task in PRACTICE if level in (None, task.level)]


def check_level(level):
    """Refuses a level that there is not; None is any."""
    if level is not None and level not in LEVELS:
        raise MinidiffError(f"no level is called {level!r}; there are {', '.join(LEVELS)}")
