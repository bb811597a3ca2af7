"""Every exercise: right answers in any style pass, and wrong ones do not and get the matching hint.

`answers_exNN.py` has the answers to the exercises of notebook NN: WRONG = {exercise: [(answer, words), ...]}, where
only the matching hint contains the words, and RIGHT = {exercise: [answer, ...]}. Other answers are made from the
solutions: with a constant result, with an argument that is not used, for one shape only, and in other types.
"""

import importlib.util
import types
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from minidiff.exercises import check, solution
from minidiff.exercises.checking import exercises, find, solutions
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.exercise import examine

EXERCISES = {exercise.name: exercise for exercise in exercises()}
SOLUTIONS = {name: getattr(solutions(name), exercise.answer) for name, exercise in EXERCISES.items()}
FUNCTIONS = [name for name, answer in SOLUTIONS.items() if callable(answer)]

NEEDS_ITS_TYPE = ("ex01_1", "ex11_5")  # the type of the answer is part of the exercise
NOT_COMPARED = ("ex04_1", "ex11_5")  # their results are not numbers that are compared one by one

every_exercise = pytest.mark.parametrize("name", EXERCISES)
every_function = pytest.mark.parametrize("name", FUNCTIONS)


def load(file):
    specification = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


ANSWERS = [load(file) for file in sorted(Path(__file__).parent.glob("*_ex[0-9][0-9].py"))]
WRONG = {name: cases for module in ANSWERS for name, cases in module.WRONG.items()}
RIGHT = {name: cases for module in ANSWERS for name, cases in module.RIGHT.items()}


def test_exercises_are_numbered_and_their_answers_have_different_names():
    assert EXERCISES
    assert len(EXERCISES) == len(exercises())
    for prefix in {name[:4] for name in EXERCISES}:
        own = [exercise for exercise in exercises(prefix) if exercise.name.startswith(f"{prefix}_")]
        assert own == exercises(prefix)
        assert [exercise.name for exercise in own] == [f"{prefix}_{i}" for i in range(1, len(own) + 1)]
        assert 3 <= len(own) <= 6
        assert max(Counter(exercise.answer for exercise in own).values()) == 1
        assert prefix in [notebook.prefix for notebook in NOTEBOOKS]


@every_exercise
def test_the_solution_is_right(name, capsys):
    result = examine(EXERCISES[name], SOLUTIONS[name])
    assert result.outcome == "right", result.hint
    check(name, SOLUTIONS[name])
    assert f"{name}, {EXERCISES[name].title}: right, {EXERCISES[name].points} point" in capsys.readouterr().out


@every_exercise
def test_the_solution_is_shown(name, capsys):
    solution(name)
    shown = capsys.readouterr().out
    assert EXERCISES[name].answer in shown
    assert "return" in shown or "=" in shown


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        pytest.param(name, *case, id=f"{name}-{i}-{case[1]}")
        for name, cases in WRONG.items()
        for i, case in enumerate(cases)
    ],
)
def test_wrong_answers_get_the_matching_hint(name, answer, words):
    result = examine(EXERCISES[name], answer)
    assert result.outcome == "wrong", result.hint
    assert words in result.hint


@pytest.mark.parametrize(
    ("name", "answer"),
    [pytest.param(name, answer, id=f"{name}-{i}") for name, cases in RIGHT.items() for i, answer in enumerate(cases)],
)
def test_right_answers_in_other_styles_pass(name, answer):
    result = examine(EXERCISES[name], answer)
    assert result.outcome == "right", result.hint


def test_every_exercise_has_wrong_answers_with_different_hints_and_right_ones():
    assert set(WRONG) == set(RIGHT) == set(EXERCISES)
    few = [name for name in EXERCISES if len(WRONG[name]) < 5 or len(RIGHT[name]) < 3]
    assert few == []
    hints = {name: {examine(EXERCISES[name], answer).hint for answer, _ in cases} for name, cases in WRONG.items()}
    assert [name for name, found in hints.items() if len(found) < 3] == []


def parts_of(found):
    return found if isinstance(found, (tuple, list)) else [found]


def in_type(change):
    """An answer with `change` applied to each part of the result of a solution."""

    def style(answer, *inputs):
        found = answer(*inputs)
        return tuple(change(part) for part in found) if isinstance(found, tuple) else change(found)

    return style


def stacked(answer, *inputs):
    parts = parts_of(answer(*inputs))
    if len(parts) == 1:
        return np.array(parts[0])
    return np.stack(parts) if len({np.shape(part) for part in parts}) == 1 else list(parts)


def not_contiguous(part):
    array = np.asarray(part)
    return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array


def from_a_generator(answer, *inputs):
    found = answer(*inputs)
    return (part for part in found) if isinstance(found, tuple) else found


STYLES = {
    "lists": in_type(lambda part: np.asarray(part).tolist()),
    "fractions": in_type(
        lambda part: np.vectorize(lambda one: Fraction(one) if np.isfinite(one) else one, otypes=[object])(
            np.asarray(part, float)
        )
    ),
    "float32": in_type(np.float32),
    "order of Fortran": in_type(lambda part: np.asfortranarray(part)),
    "not contiguous": in_type(not_contiguous),
    "read-only": in_type(lambda part: np.broadcast_to(part, np.shape(part))),
    "stacked": stacked,
    "generator": from_a_generator,
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in NEEDS_ITS_TYPE])
def test_results_of_every_type_pass(name, style):
    result = examine(EXERCISES[name], lambda *inputs: STYLES[style](SOLUTIONS[name], *inputs))
    assert result.outcome == "right", result.hint


def calls_of(name):
    """The inputs of all calls of a check."""
    calls = []

    def answer(*inputs):
        calls.append(inputs)
        return SOLUTIONS[name](*inputs)

    examine(EXERCISES[name], answer)
    return calls


@every_function
def test_a_constant_result_is_wrong(name):
    found = []

    def answer(*inputs):
        found.append(found[0] if found else SOLUTIONS[name](*inputs))
        return found[-1]

    assert examine(EXERCISES[name], answer).outcome == "wrong"


@every_function
@pytest.mark.filterwarnings("ignore")
def test_every_argument_matters(name):
    """With any argument fixed at its first value, such as a variable that the notebook happens to define."""
    first = calls_of(name)[0]
    for number in range(len(first)):

        def answer(*inputs, number=number):
            return SOLUTIONS[name](*inputs[:number], first[number], *inputs[number + 1 :])

        assert examine(EXERCISES[name], answer).outcome != "right", number


@every_function
def test_an_answer_for_one_shape_only_is_wrong(name):
    def shapes(inputs):
        return [np.shape(one) for one in inputs if isinstance(one, np.ndarray)]

    first = shapes(calls_of(name)[0])

    def answer(*inputs):
        found = SOLUTIONS[name](*inputs)
        if shapes(inputs) == first:
            return found
        return (
            tuple(np.zeros(np.shape(part)) for part in found) if isinstance(found, tuple) else np.zeros(np.shape(found))
        )

    if first:
        assert examine(EXERCISES[name], answer).outcome == "wrong"
    assert len(calls_of(name)) >= 2


@every_function
def test_arrays_that_were_not_initialized_are_wrong(name):
    found = [parts_of(SOLUTIONS[name](*inputs)) for inputs in calls_of(name)]
    shapes = [[np.shape(part) for part in parts] for parts in found]

    def answer(*inputs):
        parts = [np.empty(shape) for shape in shapes.pop(0)]
        return parts if len(parts) > 1 else parts[0]

    assert examine(EXERCISES[name], answer).outcome == "wrong"


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in NOT_COMPARED])
def test_every_result_matters(name):
    """With one element of one part of the results changed in the last calls."""
    total = len(calls_of(name))
    parts = len(parts_of(SOLUTIONS[name](*calls_of(name)[0])))
    for chosen in range(parts):
        count = 0

        def answer(*inputs, chosen=chosen):
            nonlocal count
            count += 1
            found = SOLUTIONS[name](*inputs)
            changed = [np.array(part, np.float32 if name == "ex01_1" else float) for part in parts_of(found)]
            if count > total // 2:
                changed[chosen].flat[-1] += 0.01 * max(np.abs(changed[chosen]).max(initial=0), 1)
            return changed if isinstance(found, (tuple, list)) else changed[0]

        assert examine(EXERCISES[name], answer).outcome == "wrong", chosen


@every_exercise
def test_nonsensical_answers_are_not_right_and_raise_nothing(name, capsys):
    def raises(*inputs):
        raise ZeroDivisionError("nothing works")

    for answer in (
        raises,
        None,
        "text",
        [1, "two"],
        {},
        float("nan"),
        lambda: 0,
        lambda *inputs: "text",
        int,
        object(),
    ):
        check(name, answer)
        printed = capsys.readouterr().out
        assert printed.startswith(f"{name}, {EXERCISES[name].title}: not yet.\n")
        assert all(line.startswith("    ") for line in printed.splitlines()[1:])


@every_exercise
def test_an_error_of_the_answer_is_described_in_one_line(name):
    def raises(*inputs):
        raise ZeroDivisionError("nothing\nworks")

    result = examine(find(name), raises)
    if result.outcome == "wrong":  # the answer is a value and is not called
        assert "lambda" in result.hint or "function" in result.hint
    else:
        assert result.outcome == "raised"
        assert result.hint.startswith("your answer raised ZeroDivisionError: nothing works (line ")


def test_an_error_is_described_with_the_shapes_of_the_arrays():
    result = examine(EXERCISES["ex05_6"], lambda x: SOLUTIONS["ex05_6"](x.reshape(2, 7)))
    assert result.outcome == "raised"
    assert result.hint.endswith("with arrays of the shapes (5, 3)")


@pytest.mark.parametrize("name", ["ex05_1", "ex08_3", "ex10_5"])
def test_an_endless_loop_is_stopped(name, capsys, monkeypatch):
    def endless(*inputs):
        while True:
            pass

    monkeypatch.setattr("minidiff.exercises.checking.SECONDS", 0.2)
    check(name, endless)
    first, hint = capsys.readouterr().out.splitlines()
    assert first.endswith("not yet.")
    assert hint == "    your answer was stopped after 0.2 seconds: does a loop never end?"


def test_answers_that_are_callable_objects_pass():
    class Answer:
        def __call__(self, y_hat, y, weight):
            return SOLUTIONS["ex05_1"](y_hat, y, weight)

        def method(self, y_hat, y, weight):
            return self(y_hat, y, weight)

    for answer in (Answer(), Answer().method, types.MethodType(lambda self, *given: self(*given), Answer())):
        assert examine(EXERCISES["ex05_1"], answer).outcome == "right"
