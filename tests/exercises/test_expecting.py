"""The mistakes that are recognized in every exercise, each with its hint."""

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.exercises import check, solution
from minidiff.exercises.exercise import Wrong
from minidiff.exercises.expecting import agree, call, expect, unpack

RIGHT = np.random.default_rng(0).normal(size=(3, 4))


def hint_of(function, *arguments):
    with pytest.raises(Wrong) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("found", [RIGHT, RIGHT.astype(np.float32), RIGHT.tolist(), RIGHT + 1e-9])
def test_right_results_pass(found):
    expect("dx", found, RIGHT)


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (RIGHT.T, r"shape (4, 3) and should have (3, 4)"),
        (RIGHT[:1], "shape"),  # it would agree partly if it were broadcast
        (-RIGHT, "sign"),
        (3 * RIGHT, "3 times"),
        (np.zeros((3, 4)), "zero everywhere"),
        (np.where(RIGHT > 1, np.nan, RIGHT), "NaN"),
        (RIGHT + np.eye(3, 4), "is not right: dx["),
        ("text", "should be real numbers and is a str"),
        ([[1, 2], [3]], "real numbers"),
        (None, "None"),
        (2j * RIGHT, "real numbers"),
    ],
)
def test_general_mistakes_are_recognized(found, word):
    assert word in hint_of(expect, "dx", found, RIGHT)


def test_a_mistake_of_the_exercise_has_precedence():
    mistakes = [(RIGHT + 1, "other"), (RIGHT + 2, -RIGHT, "this one")]
    assert hint_of(expect, "dx", -RIGHT, RIGHT, mistakes) == "this one"


def test_the_index_of_the_largest_difference_is_shown():
    found = RIGHT.copy()
    found[1, 2] += 1e-3
    assert hint_of(expect, "dx", found, RIGHT).startswith("dx is not right: dx[1, 2] is")


def test_agreement_is_relative_to_the_largest_element_and_never_broadcasts():
    assert agree(1e6 * RIGHT + 0.1, 1e6 * RIGHT)
    assert not agree(RIGHT + 0.1, RIGHT)
    assert not agree(np.ones((3, 4)), np.ones(4))
    assert not agree(np.full((3, 4), np.nan), RIGHT)
    assert not agree(object(), RIGHT)


def test_calling_an_answer():
    def in_place(x):
        x += 1
        return x

    assert call(lambda x, n: x * n, RIGHT, 2) is not None
    before = RIGHT.copy()
    assert "argument 1" in hint_of(call, in_place, RIGHT)
    np.testing.assert_array_equal(RIGHT, before)
    assert "return" in hint_of(call, lambda x: None, RIGHT)
    assert "without parentheses" in hint_of(call, RIGHT)


def test_unpacking_an_answer():
    assert unpack([1, 2], "dx, dw") == (1, 2)
    assert "2 things, `return dx, dw`; it returned a ndarray" in hint_of(unpack, RIGHT, "dx, dw")
    assert "a tuple of 3" in hint_of(unpack, (1, 2, 3), "dx, dw")


@pytest.mark.parametrize("name", ["ex05_99", "ex99_1", "", "nonsense"])
def test_unknown_exercises_are_an_error(name):
    for use in (lambda: check(name, None), lambda: solution(name)):
        with pytest.raises(MinidiffError, match=r"unknown exercise .*; choose from ex"):
            use()
