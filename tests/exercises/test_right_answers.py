"""Right answers in other styles than the solutions pass: RIGHT = {exercise: [answer, ...]} of `wrong_exNN.py`."""

import importlib.util
from pathlib import Path

import pytest

from minidiff.exercises.checking import find
from minidiff.exercises.exercise import examine

FOLDER = Path(__file__).parent


def load(number):
    specification = importlib.util.spec_from_file_location(f"wrong_{number}", FOLDER / f"wrong_{number}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


MODULES = [load("ex12")]
RIGHT = {name: answers for module in MODULES for name, answers in module.RIGHT.items()}


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers])
def test_right_answers_in_other_styles_pass(name, answer):
    result = examine(find(name), answer)
    assert result.outcome == "right", result.hint


def test_each_exercise_has_three_right_and_five_wrong_answers():
    for module in MODULES:
        assert module.RIGHT.keys() == module.WRONG.keys()
        assert min(len(answers) for answers in module.RIGHT.values()) >= 3
        assert min(len(answers) for answers in module.WRONG.values()) >= 5
