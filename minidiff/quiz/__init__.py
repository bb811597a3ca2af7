"""Questions about diffusion models, for the terminal (`minidiff quiz`) and the report of a run (`minidiff report`)."""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from minidiff.errors import MinidiffError
from minidiff.quiz.question import LEVELS, Choice, Entry, Practice, Question
from minidiff.quiz.reading import read
from minidiff.randomness import stream

__all__ = ["LEVELS", "PRACTICE", "QUESTIONS", "Choice", "Practice", "Question", "choose", "choose_practice"]

QUESTIONS, PRACTICE = read()
AnyEntry = TypeVar("AnyEntry", bound=Entry)


def choose(level: str | None = None, seed: int | None = None, count: int | None = None) -> list[Question]:
    """Questions of a level, by default all, in order of their level.

    A seed draws `count` of them at random and shuffles their choices; by default the order is that of the file.
    """
    chosen = with_level(QUESTIONS, level)
    if seed is not None:
        if seed < 0:
            raise MinidiffError(f"--seed is {seed}; choose 0 or more")
        rng = stream("quiz", seed)
        chosen = [chosen[i] for i in rng.permutation(len(chosen))]
        for i, question in enumerate(chosen):
            choices = tuple(question.choices[j] for j in rng.permutation(len(question.choices)))
            chosen[i] = dataclasses.replace(question, choices=choices)
    return sorted(chosen[:count], key=lambda question: LEVELS.index(question.level))


def choose_practice(level: str | None = None) -> list[Practice]:
    """The programming exercises of a level, all by default; `MinidiffError` for an unknown level."""
    return with_level(PRACTICE, level)


def with_level(entries: Sequence[AnyEntry], level: str | None) -> list[AnyEntry]:
    """The entries of a level, all if it is None."""
    if level is not None and level not in LEVELS:
        raise MinidiffError(f"unknown level {level!r}; choose from {', '.join(LEVELS)}")
    return [entry for entry in entries if level in (None, entry.level)]
