"""The parts of a question and of a programming exercise. Texts are plain, with code between `backticks`."""

from dataclasses import dataclass

LEVELS = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Choice:
    """One of the answers to a question, and why it is right or wrong."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What questions and programming exercises have in common.

    Attributes:
        name: short and unique.
        text: the question or the task.
        hint: a hint that does not contain the answer.
        module, tutorial: the file and the notebook about the topic.
    """

    name: str
    level: str
    topic: str
    text: str
    hint: str
    module: str
    tutorial: str


@dataclass(frozen=True, kw_only=True)
class Question(Entry):
    """A multiple-choice question with one right answer.

    Attributes:
        explanation: the right answer, step by step.
        code: a complete program that the question is about, or None.
    """

    choices: tuple[Choice, ...]
    explanation: tuple[str, ...]
    mistakes: tuple[str, ...]
    code: str | None = None

    @property
    def answer(self) -> int:
        """The index of the right choice."""
        return [choice.right for choice in self.choices].index(True)


@dataclass(frozen=True, kw_only=True)
class Practice(Entry):
    """A programming exercise.

    Attributes:
        starting_code: runs, but is wrong.
        check: code to run after the reader's code; prints "right" or "not yet".
    """

    starting_code: str
    solution: str
    check: str
