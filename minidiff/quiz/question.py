"""What a question and a practice task are made of. Texts are plain; code in them stands between `backticks`."""

from dataclasses import dataclass

LEVELS = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Choice:
    """An answer to choose, and why it is right, or why it tempts and what is wrong with it."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """A question with several answers, one of them right.

    Attributes:
        name: short, unique.
        level: one of LEVELS.
        topic: a word or two.
        text: the question.
        choices: `Choice`s.
        hint: a nudge that does not give the answer away.
        explanation: the right answer, step by step.
        mistakes: what usually goes wrong here.
        module, tutorial: the file and the notebook that teach it.
        code: what the question is about, a program that runs as it stands; None if there is none.
    """

    name: str
    level: str
    topic: str
    text: str
    choices: tuple[Choice, ...]
    hint: str
    explanation: tuple[str, ...]
    mistakes: tuple[str, ...]
    module: str
    tutorial: str
    code: str | None = None


@dataclass(frozen=True)
class Practice:
    """A small piece of code to write.

    Attributes:
        name, level, topic, text, hint, module, tutorial: as of a `Question`.
        starting_code: what is there already; it runs, and does the wrong thing.
        solution: one that is right.
        check: run after the reader's code, it prints "right" or "not yet".
    """

    name: str
    level: str
    topic: str
    text: str
    starting_code: str
    solution: str
    check: str
    hint: str
    module: str
    tutorial: str
