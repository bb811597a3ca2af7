"""Right answers in other styles than the solution pass: RIGHT = {exercise: [answer, ...]} in `wrong_exNN.py`."""

import importlib.util
from pathlib import Path

import pytest

from minidiff.exercises.checking import find
from minidiff.exercises.exercise import examine


def right_answers():
    found = {}
    for file in sorted(Path(__file__).parent.glob("wrong_ex*.py")):
        specification = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        found |= getattr(module, "RIGHT", {})
    return found


RIGHT = right_answers()


@pytest.mark.parametrize(
    ("name", "answer"),
    [pytest.param(name, answer, id=f"{name}-{i}") for name, some in RIGHT.items() for i, answer in enumerate(some)],
)
def test_right_answers_in_other_styles_pass(name, answer):
    result = examine(find(name), answer)
    assert result.outcome == "right", result.hint


@pytest.mark.parametrize("name", RIGHT)
def test_there_are_at_least_three(name):
    assert len(RIGHT[name]) >= 3
