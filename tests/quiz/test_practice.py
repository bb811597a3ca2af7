"""Programming exercises in the terminal: answered in an editor or typed, run, and checked."""

import io
import os
import stat
import sys

import pytest

from minidiff.cli import main
from minidiff.quiz import PRACTICE, practice
from minidiff.quiz.practice import check_answer, practice_all
from minidiff.quiz.terminal import show

TASK = PRACTICE[0]


@pytest.fixture
def answer(monkeypatch, capsys):
    """A function that gives the lines of standard input, and returns the number of solved tasks and the output."""

    def give(*lines, tasks=PRACTICE[:2]):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return practice_all(tasks), capsys.readouterr().out

    return give


@pytest.mark.parametrize("task", PRACTICE, ids=lambda task: task.name)
def test_the_solution_is_right_and_the_starting_code_is_not(task):
    assert check_answer(task.solution, task.check) is None
    assert check_answer(task.starting_code, task.check) is not None


def test_a_typed_answer_is_run_and_checked(answer):
    solved, output = answer("t", *TASK.starting_code.splitlines(), ".", "t", *TASK.solution.splitlines(), ".", "n", "q")
    assert solved == 1
    assert output.index("Not yet.") < output.index("Right.") < output.index("Task 2 of 2")
    assert output.endswith("Solved: 1 of 2.\n")


def test_the_answer_may_end_with_the_input(answer):
    solved, output = answer("t", *TASK.solution.splitlines())
    assert solved == 1
    assert output.endswith("Solved: 1 of 2.\n")


def test_stopping_after_a_solution_counts_it_and_stops(answer):
    solved, output = answer("t", *TASK.solution.splitlines(), ".", "q")
    assert solved == 1
    assert "Task 2" not in output


def test_an_error_is_reported_with_its_line(answer):
    _, output = answer("t", "def add_noise(schedule, x0, eps, t):", "    return 1 / 0", ".", "t", "1 +", ".", "?", "q")
    assert "Not yet. ZeroDivisionError: division by zero, in line 2." in output
    assert "SyntaxError" in output
    assert "unknown answer '?'" in output
    assert "in line" not in check_answer("def add_noise(x):\n    return x\n", TASK.check)  # called by the check


def test_code_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr(practice, "SECONDS", 1)
    assert check_answer("while True:\n    pass\n", TASK.check) == "The code ran for more than 1 s."


def test_the_last_line_printed_decides():
    assert check_answer(TASK.starting_code + "print('right')\n", TASK.check) == ""
    assert check_answer(TASK.solution + "print('hello')\n", TASK.check) is None
    assert check_answer(TASK.solution + "raise SystemExit(3)\n", TASK.check) == "the code ended with exit code 3."


@pytest.mark.skipif(os.name == "nt", reason="the editor is a shell script")
def test_an_editor_gets_the_last_answer(answer, monkeypatch, tmp_path):
    editor = tmp_path / "my editor"
    editor.write_text(f'#!/bin/sh\ncat "$2" >> "{tmp_path}/seen"\nprintf "%s" "$SOLUTION" > "$2"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"'{editor}' --wait")
    monkeypatch.setenv("SOLUTION", TASK.solution)
    solved, _ = answer("e", "e", "q")
    assert solved == 1
    assert (tmp_path / "seen").read_text() == TASK.starting_code + TASK.solution


def test_without_an_editor_there_is_a_remedy(answer, monkeypatch):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "no-such-editor")
    assert "the editor no-such-editor failed" in answer("e", "q")[1]
    monkeypatch.delenv("EDITOR")
    monkeypatch.setattr(practice, "EDITORS", ())
    assert "no editor was found; set EDITOR to another one, or choose t" in answer("e", "q")[1]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_words_wrap_whole_in_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", Terminal())
    text = "The standard deviation of the noise at the last timestep, signal[T] x0 + noise[T] eps, " + "x" * 50
    show(f"{text}\n\nA second paragraph.", "  a. ")
    lines = sys.stdout.getvalue().splitlines()
    assert " ".join(" ".join(lines).split()) == f"a. {text} A second paragraph."
    assert all(len(line) < 40 or "x" * 50 in line for line in lines)
    assert lines[0].startswith("  a. The")
    assert lines[1].startswith("    ")


def test_elsewhere_lines_stay_whole(capsys):
    show("word " * 60)
    assert capsys.readouterr().out.count("\n") == 1


def test_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("q\n"))
    assert main(["quiz", "--practice", "--count", "1"]) == 0
    assert capsys.readouterr().out.endswith("Solved: 0 of 1.\n")
