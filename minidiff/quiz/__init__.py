"""Questions about diffusion models, in the terminal (`minidiff quiz`) and on the page of a run (`minidiff report`)."""

import dataclasses

import numpy as np

from minidiff.errors import MinidiffError
from minidiff.quiz.easy import EASY
from minidiff.quiz.hard import HARD
from minidiff.quiz.medium import MEDIUM
from minidiff.quiz.practice import PRACTICE
from minidiff.quiz.question import LEVELS, Choice, Practice, Question

__all__ = ["LEVELS", "PRACTICE", "QUESTIONS", "Choice", "Practice", "Question", "choose"]

QUESTIONS = EASY + MEDIUM + HARD


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
    if level is not None and level not in LEVELS:
        raise MinidiffError(f"no level is called {level!r}; there are {', '.join(LEVELS)}")
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
