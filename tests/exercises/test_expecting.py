"""The mistakes that are recognized in every exercise, each with its hint, and the forms in which a result is right."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from minidiff.errors import MinidiffError
from minidiff.exercises import check, solution
from minidiff.exercises.exercise import Wrong
from minidiff.exercises.expecting import agree, call, expect, names_in, unpack

RIGHT = np.random.default_rng(0).normal(size=(3, 4))


def hint_of(function, *arguments):
    with pytest.raises(Wrong) as caught:
        function(*arguments)
    return str(caught.value)


FRACTIONS = [[Fraction(one) for one in row] for row in RIGHT.tolist()]


@pytest.mark.parametrize("found", [RIGHT, RIGHT.astype(np.float32), RIGHT.tolist(), RIGHT + 1e-9, FRACTIONS])
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
    for huge in (10**400, [10**400, 1.5], [10**400, 1], Fraction(10**400), Decimal("sNaN")):
        assert not agree(huge, 1.0)
        assert not agree(huge, [1.0, 1.0])
    assert "NaN or infinity" in hint_of(expect, "n", 10**400, 1.0)


def test_a_right_result_is_right_even_if_it_is_among_the_mistakes():
    expect("dx", RIGHT, RIGHT, [(RIGHT + 1, RIGHT, "a mistake that is right here")])


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


@pytest.mark.parametrize("found", [2, 2.0, Fraction(4, 2), Decimal(2), np.int8(2), np.array(2), [2], np.array([[2]])])
def test_a_number_may_be_of_any_type(found):
    expect("n", found, 2)
    assert "should be about 3" in hint_of(expect, "n", found, 3)


@pytest.mark.parametrize("expected", [0.38333, -1234.5, 5.55e-7, RIGHT])
def test_a_right_result_cannot_be_typed_in_from_the_hints(expected):
    found, hints = np.full(np.shape(expected), 0.1), []
    while not hints or hints[-1] not in hints[:-1]:
        hints.append(hint_of(expect, "x", found, expected))
        shown = re.fullmatch(r"x is not right: x(?:\[(.*)\])? is \S+ and should be about (\S+)", hints[-1])
        if shown is None:
            break
        found[tuple(map(int, shown[1].split(","))) if shown[1] else ()] = float(shown[2])
    assert "nearly right, and should be a little" in hints[-1]


def test_a_result_that_is_nearly_right_is_not_right_except_for_a_factor():
    assert "nearly right" in hint_of(expect, "dx", 1.0001 * RIGHT, RIGHT)


def test_arrays_in_lists_must_not_change_and_each_call_has_its_own():
    def in_place(arrays, rows):
        arrays[0] *= 2
        rows.pop()
        return arrays

    arrays = [RIGHT.copy()]
    assert "argument 1" in hint_of(call, in_place, arrays, [1])
    assert call(lambda rows: [rows.pop()], [1, 2]) == [2]
    np.testing.assert_array_equal(arrays[0], RIGHT)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_elements_that_were_never_set_are_recognized(dtype):
    found = call(lambda x: np.empty((3, 4), dtype), RIGHT)
    assert "np.empty" in hint_of(expect, "dx", found, RIGHT)


def test_names_of_globals_and_attributes_are_found_in_inner_and_called_functions():
    def outer(x):
        return [helper(y) for y in x] + [(lambda z: np.linalg.qr(z))(x)]

    assert {"linalg", "qr", "svd"} <= names_in(outer)
    assert names_in(len) == names_in(None) == set()


def helper(x):
    return helper(x) if x is None else np.linalg.svd(x)


def test_unpacking_an_answer():
    assert unpack([1, 2], "dx, dw") == (1, 2)
    dx, dw = unpack(np.stack([RIGHT, 2 * RIGHT]), "dx, dw")
    np.testing.assert_array_equal(dw, 2 * dx)
    assert unpack(call(lambda: (i for i in (1, 2))), "dx, dw") == (1, 2)
    for found in ("ab", {1: 2, 3: 4}, 7, np.array(7)):
        assert "2 things" in hint_of(unpack, found, "dx, dw")
    assert "2 things, `return dx, dw`; it returned a ndarray" in hint_of(unpack, RIGHT, "dx, dw")
    assert "a tuple of 3" in hint_of(unpack, (1, 2, 3), "dx, dw")


def test_a_check_with_its_arguments_exchanged_is_an_error():
    with pytest.raises(MinidiffError, match=r'comes first; write check\("ex05_1", answer\)'):
        check(helper, "ex05_1")


@pytest.mark.parametrize("name", ["ex05_99", "ex99_1", "", "nonsense"])
def test_unknown_exercises_are_an_error(name):
    for use in (lambda: check(name, None), lambda: solution(name)):
        with pytest.raises(MinidiffError, match=r"unknown exercise .*; choose from ex"):
            use()
