"""Programming exercises in a terminal: the reader writes code in an editor or types it; then it is run and checked."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minidiff.quiz.question import Practice
from minidiff.quiz.terminal import print_code, print_read_more, show
from minidiff.text import clean

CHOICES = (
    "e to answer in an editor, t to type the answer, h for a hint, s for a solution, n for the next task, q to stop"
)
PACKAGE = Path(__file__).parents[1]
EDITORS = ("notepad",) if os.name == "nt" else ("nano", "vim", "vi")  # if neither VISUAL nor EDITOR is set
SECONDS = 60  # for a check
END = "."


def practice_all(tasks: Sequence[Practice]) -> int:
    """Asks programming exercises one after the other, and returns how many were solved."""
    solved = 0
    for number, task in enumerate(tasks, start=1):
        show(f"Task {number} of {len(tasks)}, {task.level}.")
        is_solved, stops = practice(task)
        solved += is_solved
        if stops:
            break
    show(f"Solved: {solved} of {len(tasks)}.")
    return solved


def practice(task: Practice) -> tuple[bool, bool]:
    """Asks one exercise; returns whether it was solved, and whether the reader stops."""
    show(task.text)
    print_code(task.starting_code)
    show('Change this code until the lines below, run after it, print "right".')
    print_code(task.check)
    code, solved = task.starting_code, False
    show(CHOICES)
    while (answer := read_choice()) not in ("n", "q"):
        if answer == "h":
            show(task.hint, "Hint: ")
        elif answer == "s":
            print_code(task.solution)
            print_read_more(task)
        elif answer in ("e", "t"):
            written = edit(code) if answer == "e" else type_in()
            if written is None:
                continue
            code = written
            problem = check_answer(code, task.check)
            solved = solved or problem is None
            show("Right." if problem is None else f"Not yet. {problem}".strip())
        elif answer:
            show(f"unknown answer {answer!r}; {CHOICES}")
    return solved, answer == "q"


def read_choice() -> str:
    """What the reader chooses; at the end of the input, to stop."""
    try:
        return input("Your choice: ").strip().lower()
    except EOFError:
        print()
        return "q"


def edit(code: str) -> str | None:
    """Lets the reader change code in an editor; None if there is no editor."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = shlex.split(chosen) if chosen else [name for name in EDITORS if shutil.which(name)][:1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.py"
        file.write_text(code, encoding="utf-8")
        try:
            if command:
                subprocess.run([*command, str(file)], check=True)
                return file.read_text(encoding="utf-8")
            problem = "no editor was found"
        except (OSError, subprocess.CalledProcessError, UnicodeDecodeError) as error:
            problem = f"the editor {clean(command[0])} failed ({clean(error)})"
    show(f"{problem}; set EDITOR to another one, or choose t")
    return None


def type_in() -> str:
    """Reads code from standard input, up to a line with a point or the end of the input."""
    show(f"Type or paste the code, then a line with only {END!r}.")
    lines = []
    try:
        while (line := input()).rstrip() != END:
            lines.append(line)
    except EOFError:
        print()
    return "\n".join(lines) + "\n"


def check_answer(code: str, check: str) -> str | None:
    """Runs code and then its check in a new process; None if it prints "right", else what to tell the reader."""
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.py"
        file.write_text(f"{code}\n{check}", encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
        options: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
        try:
            command = [sys.executable, str(file)]
            result = subprocess.run(command, timeout=SECONDS, env=environment, check=False, **options)
        except subprocess.TimeoutExpired:
            return f"The code ran for more than {SECONDS} s."
    printed, problems = result.stdout.split(), result.stderr.strip().splitlines()
    if result.returncode == 0:
        return None if printed[-1:] == ["right"] else ""
    lines = [int(line) for line in re.findall(r'answer\.py", line (\d+)', result.stderr)]
    own = [line for line in lines if line <= code.count("\n")]  # not those of the check below
    last = clean(problems[-1]) if problems else f"the code ended with exit code {result.returncode}"
    return f"{last}, in line {own[-1]}." if own else f"{last}."
