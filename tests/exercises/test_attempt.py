"""Whatever somebody else's code raises is kept and told in a line; Ctrl-C passes."""

import pytest

from minidiff.exercises.attempt import LONGEST_MESSAGE, Attempt, describe


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), GeneratorExit(), MemoryError(), RecursionError()])
def test_errors_are_kept(error):
    with Attempt() as attempt:
        raise error
    assert attempt.error is error


def test_nothing_is_kept_if_all_is_well():
    with Attempt() as attempt:
        pass
    assert attempt.error is None


def test_ctrl_c_passes():
    with pytest.raises(KeyboardInterrupt), Attempt():
        raise KeyboardInterrupt


def test_an_error_is_told_in_one_short_line_with_the_line_of_the_cell():
    with Attempt() as attempt:
        exec(compile("a = 1\n\n\na / 0", "<cell 3>", "exec"), {})
    assert describe(attempt.error, "<cell 3>") == "ZeroDivisionError: division by zero (line 4 of its cell)"
    assert describe(attempt.error) == "ZeroDivisionError: division by zero"
    assert describe(ValueError("two\n  lines")) == "ValueError: two lines"
    assert describe(ValueError()) == "ValueError"
    assert len(describe(ValueError("x" * 10_000))) < LONGEST_MESSAGE + 20


def test_an_error_whose_message_is_an_error_too():
    class Treacherous(Exception):
        def __str__(self):
            raise RuntimeError

    assert "cannot be read" in describe(Treacherous())
