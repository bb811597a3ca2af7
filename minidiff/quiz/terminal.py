"""The quiz in a terminal: plain lines, one after the other, that a screen reader reads as they are meant."""

from minidiff.quiz.question import LEVELS

LETTERS = "abcdefgh"
TASK_PROMPT = "h for a hint, s for a solution, n for the next task, q to stop: "


def ask_all(questions, read, say):
    """Asks questions and says the score.

    Args:
        questions: list of `Question`s.
        read: function (prompt) -> line, raising EOFError at the end of the input, as `input` does.
        say: function that takes a line, as `print` does.

    Returns:
        how many were answered, and how many of them right.
    """
    answered = right = 0
    try:
        for number, question in enumerate(questions, start=1):
            say(f"Question {number} of {len(questions)}, {question.level}, {question.topic}.")
            choice = ask(question, read, say)
            if choice is None:
                break
            answered, right = answered + 1, right + choice.right
            say("")
    except EOFError:
        say("")
    say(f"Score: {right} right of {answered} answered, {len(questions)} asked for.")
    return answered, right


def ask(question, read, say):
    """Asks one question, explains the answer, and returns the `Choice`, or None if the reader wants to stop."""
    say(question.text)
    if question.code:
        show_code(question.code, say)
    for letter, choice in zip(LETTERS, question.choices, strict=False):
        say(f"  {letter}. {choice.text}")
    letters = LETTERS[: len(question.choices)]
    while True:
        answer = read(f"Your answer, {letters[0]} to {letters[-1]}, h for a hint, q to stop: ").strip().lower()
        if answer == "q":
            return None
        if answer == "h":
            say(f"Hint: {question.hint}")
        elif len(answer) == 1 and answer in letters:
            choice = question.choices[letters.index(answer)]
            explain(question, choice, letters, say)
            return choice
        elif answer:
            say(f"{answer!r} is not an answer; type a letter from {letters[0]} to {letters[-1]}.")


def explain(question, choice, letters, say):
    """Says whether a choice is right, why it is or is not, why the others tempt, and where to read more."""
    solution = next(i for i, other in enumerate(question.choices) if other.right)
    if choice.right:
        say(f"Right. {choice.why}")
    else:
        say(f"Not right. {choice.why}")
        say(f"The right answer is {letters[solution]}: {question.choices[solution].text}")
    for number, step in enumerate(question.explanation, start=1):
        say(f"  Step {number}: {step}")
    for letter, other in zip(letters, question.choices, strict=True):
        if other != choice:
            say(f"  Why {'' if other.right else 'not '}{letter}: {other.why}")
    for mistake in question.mistakes:
        say(f"  Usual mistake: {mistake}")
    say(f"  Read more: {question.module}, {question.tutorial}")


def practise_all(tasks, read, say):
    """Shows practice tasks, one after the other, with a hint and a solution for whoever asks for them.

    Args:
        tasks: list of `Practice`s.
        read, say: as in `ask_all`.
    """
    try:
        for number, task in enumerate(tasks, start=1):
            say(f"Task {number} of {len(tasks)}, {task.level}.")
            say(task.text)
            show_code(task.starting_code, say)
            say('Change this code until the lines below, run after it, print "right".')
            show_code(task.check, say)
            while (answer := read(TASK_PROMPT).strip().lower()) != "n":
                if answer == "q":
                    return
                if answer == "h":
                    say(f"Hint: {task.hint}")
                elif answer == "s":
                    show_code(task.solution, say)
                    say(f"  Read more: {task.module}, {task.tutorial}")
    except EOFError:
        say("")


def show_code(code, say):
    """Says a program, indented, with a blank line around it."""
    say("")
    for line in code.splitlines():
        say(f"    {line}")
    say("")


def sort_by_level(questions):
    """Easy ones first; the order within a level stays."""
    return sorted(questions, key=lambda question: LEVELS.index(question.level))
