"""Errors of a student's code are caught and described in one line; Ctrl-C passes."""

import pytest

from minidiff.exercises.attempt import LONGEST_MESSAGE, Attempt, describe


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), GeneratorExit(), MemoryError(), RecursionError()])
def test_errors_are_caught(error):
    with Attempt() as attempt:
        raise error
    assert attempt.error is error


def test_the_error_is_none_without_an_error():
    with Attempt() as attempt:
        pass
    assert attempt.error is None


def test_ctrl_c_passes():
    with pytest.raises(KeyboardInterrupt), Attempt():
        raise KeyboardInterrupt


def test_an_error_is_described_in_one_short_line_with_the_line_of_the_cell():
    with Attempt() as attempt:
        exec(compile("a = 1\n\n\na / 0", "<cell 3>", "exec"), {})
    assert describe(attempt.error, "<cell 3>") == "ZeroDivisionError: division by zero (line 4 of its cell)"
    assert describe(attempt.error) == "ZeroDivisionError: division by zero"
    assert describe(ValueError("two\n  lines")) == "ValueError: two lines"
    assert describe(ValueError()) == "ValueError"


def test_a_long_message_is_cut_once_and_keeps_its_line():
    with Attempt() as attempt:
        exec(compile("\n\nraise ValueError('x' * 10_000)", "<cell 3>", "exec"), {})
    described = describe(attempt.error, "<cell 3>")
    assert len(described) == LONGEST_MESSAGE
    assert described.startswith("ValueError: xxx")
    assert described.endswith("x ... (line 3 of its cell)")
    assert describe(ValueError(described.removeprefix("ValueError: "))) == described


def test_an_error_whose_message_raises_an_error():
    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError

    assert "cannot be read" in describe(Unprintable())
