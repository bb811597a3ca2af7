"""Every exercise: its solution is right, and typical wrong answers get the matching hint.

`wrong_exNN.py` has the wrong answers to the exercises of notebook NN: WRONG = {exercise: [(answer, words), ...]}, where
only the matching hint contains the words.
"""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from minidiff.exercises import check, solution
from minidiff.exercises.checking import exercises, find, solutions
from minidiff.exercises.course import NOTEBOOKS
from minidiff.exercises.exercise import examine

EXERCISES = {exercise.name: exercise for exercise in exercises()}


def load(file):
    specification = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.WRONG


WRONG = {
    name: cases for file in sorted(Path(__file__).parent.glob("wrong_ex*.py")) for name, cases in load(file).items()
}


def test_exercises_are_numbered_and_their_answers_have_different_names():
    assert EXERCISES
    assert len(EXERCISES) == len(exercises())
    assert set(WRONG) <= set(EXERCISES)
    for prefix in {name[:4] for name in EXERCISES}:
        own = [exercise for exercise in exercises(prefix) if exercise.name.startswith(f"{prefix}_")]
        assert own == exercises(prefix)
        assert [exercise.name for exercise in own] == [f"{prefix}_{i}" for i in range(1, len(own) + 1)]
        assert 3 <= len(own) <= 6
        assert max(Counter(exercise.answer for exercise in own).values()) == 1
        assert prefix in [notebook.prefix for notebook in NOTEBOOKS]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_is_right(name, capsys):
    answer = getattr(solutions(name), EXERCISES[name].answer)
    result = examine(EXERCISES[name], answer)
    assert result.outcome == "right", result.hint
    check(name, answer)
    assert f"{name}, {EXERCISES[name].title}: right, {EXERCISES[name].points} point" in capsys.readouterr().out


@pytest.mark.parametrize("name", EXERCISES)
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


@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_at_least_three_wrong_answers_with_different_hints(name):
    hints = {examine(EXERCISES[name], answer).hint for answer, _ in WRONG.get(name, [])}
    assert len(hints) >= 3


@pytest.mark.parametrize("name", EXERCISES)
def test_nonsensical_answers_are_not_right_and_raise_nothing(name, capsys):
    def raises(*inputs):
        raise ZeroDivisionError("nothing works")

    for answer in (raises, None, "text", [1, "two"], {}, float("nan"), lambda: 0, lambda *inputs: "text"):
        check(name, answer)
        printed = capsys.readouterr().out
        assert "not yet" in printed
        assert all(line.startswith("    ") for line in printed.splitlines()[1:])


@pytest.mark.parametrize("name", EXERCISES)
def test_an_error_of_the_answer_is_described_in_one_line(name):
    def raises(*inputs):
        raise ZeroDivisionError("nothing\nworks")

    result = examine(find(name), raises)
    if result.outcome == "wrong":  # the answer is a value and is not called
        assert "lambda" in result.hint or "function" in result.hint
    else:
        assert result.outcome == "raised"
        assert result.hint.startswith("your answer raised ZeroDivisionError: nothing works (line ")
