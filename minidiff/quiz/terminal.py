"""The quiz in a terminal: plain lines in order, which a screen reader can read."""

from collections.abc import Sequence

from minidiff.quiz.question import Choice, Practice, Question

LETTERS = "abcdefgh"
TASK_PROMPT = "h for a hint, s for a solution, n for the next task, q to stop: "


def ask_all(questions: Sequence[Question]) -> tuple[int, int]:
    """Asks questions, prints the score, and returns how many were answered and how many of them correctly."""
    answered = right = 0
    try:
        for number, question in enumerate(questions, start=1):
            print(f"Question {number} of {len(questions)}, {question.level}, {question.topic}.")
            choice = ask(question)
            if choice is None:
                break
            answered, right = answered + 1, right + choice.right
            print()
    except EOFError:
        print()
    print(f"Score: {right} right of {answered} answered, {len(questions)} in all.")
    return answered, right


def ask(question: Question) -> Choice | None:
    """Asks one question and explains the answer; None if the reader stops."""
    print(question.text)
    if question.code:
        print_code(question.code)
    letters = LETTERS[: len(question.choices)]
    for letter, choice in zip(letters, question.choices, strict=True):
        print(f"  {letter}. {choice.text}")
    while True:
        answer = input(f"Your answer, {letters[0]} to {letters[-1]}, h for a hint, q to stop: ").strip().lower()
        if answer == "q":
            return None
        if answer == "h":
            print(f"Hint: {question.hint}")
        elif len(answer) == 1 and answer in letters:
            choice = question.choices[letters.index(answer)]
            explain(question, choice)
            return choice
        elif answer:
            print(f"unknown answer {answer!r}; choose a letter from {letters[0]} to {letters[-1]}")


def explain(question: Question, choice: Choice) -> None:
    """Prints whether the choice is right, the explanation, why other choices are right or wrong, and a reference."""
    print(f"{'Right' if choice.right else 'Not right'}. {choice.why}")
    if not choice.right:
        print(f"The right answer is {LETTERS[question.answer]}: {question.choices[question.answer].text}")
    for number, step in enumerate(question.explanation, start=1):
        print(f"  Step {number}: {step}")
    for letter, other in zip(LETTERS, question.choices, strict=False):
        if other != choice:
            print(f"  Why {'' if other.right else 'not '}{letter}: {other.why}")
    for mistake in question.mistakes:
        print(f"  Common mistake: {mistake}")
    print_read_more(question)


def practice_all(tasks: Sequence[Practice]) -> None:
    """Prints programming exercises one after the other, with a hint and a solution on request."""
    try:
        for number, task in enumerate(tasks, start=1):
            print(f"Task {number} of {len(tasks)}, {task.level}.")
            print(task.text)
            print_code(task.starting_code)
            print('Change this code until the lines below, run after it, print "right".')
            print_code(task.check)
            while (answer := input(TASK_PROMPT).strip().lower()) != "n":
                if answer == "q":
                    return
                if answer == "h":
                    print(f"Hint: {task.hint}")
                elif answer == "s":
                    print_code(task.solution)
                    print_read_more(task)
    except EOFError:
        print()


def print_read_more(entry: Question | Practice) -> None:
    """Prints the module and the notebook about the topic."""
    print(f"  Read more: {entry.module}, {entry.tutorial}")


def print_code(code: str) -> None:
    """Prints a program, indented, between blank lines."""
    lines = [f"    {line}" for line in code.splitlines()]
    print("", *lines, "", sep="\n")
