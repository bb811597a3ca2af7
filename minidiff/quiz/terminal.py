"""The quiz in a terminal: plain lines in order, which a screen reader can read."""

import shutil
import sys
import textwrap
from collections.abc import Sequence

from minidiff.quiz.question import Choice, Entry, Question

LETTERS = "abcdefgh"
WIDEST = 100  # characters of a line


def ask_all(questions: Sequence[Question]) -> tuple[int, int]:
    """Asks questions, prints the score, and returns how many were answered and how many of them correctly."""
    answered = right = 0
    try:
        for number, question in enumerate(questions, start=1):
            show(f"Question {number} of {len(questions)}, {question.level}, {question.topic}.")
            choice = ask(question)
            if choice is None:
                break
            answered, right = answered + 1, right + choice.right
            print()
    except EOFError:
        print()
    show(f"Score: {right} right of {answered} answered, {len(questions)} in all.")
    return answered, right


def ask(question: Question) -> Choice | None:
    """Asks one question and explains the answer; None if the reader stops."""
    show(question.text)
    if question.code:
        print_code(question.code)
    letters = LETTERS[: len(question.choices)]
    for letter, choice in zip(letters, question.choices, strict=True):
        show(choice.text, f"  {letter}. ")
    while True:
        answer = input(f"Your answer, {letters[0]} to {letters[-1]}, h for a hint, q to stop: ").strip().lower()
        if answer == "q":
            return None
        if answer == "h":
            show(question.hint, "Hint: ")
        elif len(answer) == 1 and answer in letters:
            choice = question.choices[letters.index(answer)]
            explain(question, choice)
            return choice
        elif answer:
            show(f"unknown answer {answer!r}; choose a letter from {letters[0]} to {letters[-1]}")


def explain(question: Question, choice: Choice) -> None:
    """Prints whether the choice is right, the explanation, why other choices are right or wrong, and a reference."""
    show(f"{'Right' if choice.right else 'Not right'}. {choice.why}")
    if not choice.right:
        show(f"The right answer is {LETTERS[question.answer]}: {question.choices[question.answer].text}")
    for number, step in enumerate(question.explanation, start=1):
        show(step, f"  Step {number}: ")
    for letter, other in zip(LETTERS, question.choices, strict=False):
        if other != choice:
            show(other.why, f"  Why {'' if other.right else 'not '}{letter}: ")
    for mistake in question.mistakes:
        show(mistake, "  Common mistake: ")
    print_read_more(question)


def print_read_more(entry: Entry) -> None:
    """Prints the module and the notebook about the topic."""
    show(f"{entry.module}, {entry.tutorial}", "  Read more: ")


def print_code(code: str) -> None:
    """Prints a program, indented, between blank lines."""
    lines = [f"    {line}" for line in code.splitlines()]
    print("", *lines, "", sep="\n")


def show(text: str, begin: str = "") -> None:
    """Prints a text after `begin`; in a terminal, lines end between words, and further lines are indented."""
    for paragraph in text.split("\n"):
        line = begin + paragraph
        if sys.stdout.isatty():
            width = max(20, min(shutil.get_terminal_size().columns - 1, WIDEST))
            indent = " " * (len(begin) - len(begin.lstrip()) + 2 if begin else 0)
            line = textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        print(line)
        begin = " " * (len(begin) - len(begin.lstrip()))
