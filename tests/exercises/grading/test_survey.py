"""Answers are found in a notebook, and the cells that they need, before anything is run."""

import ast

import pytest

from minidiff.exercises.checking import exercises
from minidiff.exercises.grading.grade import STARTS
from minidiff.exercises.grading.notebook import read_notebook
from minidiff.exercises.grading.survey import Sought, _dump, survey
from tests.exercises.grading.notebooks import START, answer, notebook, source

SOUGHT = [Sought(one.name, one.answer, STARTS[one.name]) for one in exercises()]


def look(*cells, stem="my work"):
    return survey(read_notebook(notebook(*cells).encode()), stem, SOUGHT)


def states(found):
    return {name: one.state for name, one in found.by_exercise.items() if one.state != "missing"}


def prefixes(found):
    return {name[:4] for name in found.by_exercise}


def test_the_notebook_of_the_course_is_known_by_checks_headings_title_file_or_answers():
    assert prefixes(look('check("ex05_1", f)', "x = 1")) == {"ex05"}
    assert prefixes(look("### ex07_2: the receptive field", "x = 1")) == {"ex07"}
    assert prefixes(look("# 09 Sampling", "x = 1")) == {"ex09"}
    assert prefixes(look("x = 1", stem="03_without_a_network (2)")) == {"ex03"}
    assert prefixes(look("def midpoint(): pass", "def look_back(): pass", "def step(): pass")) == {"ex09"}
    assert prefixes(look("def step(): pass")) == {"ex03"}
    assert prefixes(look('check("ex05_1", f)', 'check("ex06_1", g)')) == {"ex05", "ex06"}
    assert prefixes(look("x = 1")) == prefixes(look("## Exercises", "x = 1", 'check("ex99_1", x)')) == set()


def test_answers_are_told_apart():
    found = look(
        "## Exercises", START, answer("ex05_1"), STARTS["ex05_2"] + '\ncheck("ex05_2", swish_slopes)',
        "### ex05_3: three", "def mine(labels, dy, num_classes):\n    return dy",
        "### ex05_4: four", "def other(x): pass",
        'check("ex05_5", my_function)',
    )  # fmt: skip
    assert states(found) == {
        "ex05_1": "answered", "ex05_2": "unanswered", "ex05_3": "renamed", "ex05_5": "answered",
    }  # fmt: skip
    assert found.by_exercise["ex05_3"].names == ["mine"]


def test_a_function_of_the_lesson_with_a_similar_name_is_no_answer():
    lesson = "def lossy_backward(y_hat, y, weight): pass"
    assert states(look(lesson, STARTS["ex05_1"], 'check("ex05_1", loss_backward)')) == {"ex05_1": "unanswered"}
    assert look(lesson, "# ex05", 'check("ex05_2", 1)').by_exercise["ex05_1"].names == ["lossy_backward"]


def test_comparing_a_statement_does_not_change_it():
    statement = ast.parse('def f():\n    """Doc."""\n    "more"\n    return 1').body[0]
    assert (
        _dump(statement)
        == _dump(statement)
        == _dump(ast.parse('def f():\n    "Doc"\n    "more"\n    return 1').body[0])
    )
    assert len(statement.body) == 3


def test_layout_and_comments_do_not_make_an_answer():
    start = STARTS["ex05_1"].replace("\n    ", '\n\n        """My idea."""\n        # not done\n        ')
    assert states(look("# ex05", 'check("ex05_1", loss_backward)', start)) == {"ex05_1": "unanswered"}


def test_a_start_beside_an_answer_is_no_answer_and_hides_none():
    assert states(look(STARTS["ex05_1"], answer("ex05_1")))["ex05_1"] == "answered"
    checked = STARTS["ex05_1"] + '\ncheck("ex05_1", lambda *a: 1)'
    assert states(look(checked))["ex05_1"] == "answered"


def test_a_cell_that_is_not_python_is_found_by_the_name_of_the_answer():
    found = look("## Exercises", 'check("ex05_2", 1)', "def loss_backward(:")
    assert states(found)["ex05_1"] == "answered"
    assert found.by_exercise["ex05_1"].cells == [1]


def test_definitions_under_the_heading_come_before_those_of_the_lesson():
    lesson = source("ex05_1", "return 'lesson'")
    found = look(lesson, "## Exercises", START, answer("ex05_1"), "## More", lesson)
    assert found.by_exercise["ex05_1"].cells == [2]
    assert found.run == [1, 2]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["a = 1", "b = a", "c = 3"], []),
        (["factor = 1", "helper = factor", "c = 3"], [0, 1]),
        (["factor = 1", "factor = 2", "helper = factor"], [1, 2]),
        (["table = {}", "table['x'] = 1", "def helper():\n    return table"], [0, 1, 2]),
        (["from numpy import *", "x = 1", "helper = ones(3)"], [0, 2]),
        (["import numpy as helper", "raise SystemExit"], [0]),
    ],
)
def test_the_cells_that_an_answer_needs(cells, expected):
    found = look(*cells, "## Exercises", answer("ex05_1", "return helper(y)"), "## More", "x = 1")
    assert found.run == [*expected, len(cells)]
    assert found.all == list(range(len(cells) + 2))


def test_a_helper_may_be_defined_later():
    found = look(answer("ex05_1", "return helper(y)"), "x = 1", "def helper(y): pass")
    assert found.run == [0, 2]


def test_without_a_heading_only_cells_of_answers_and_what_they_need_are_run():
    found = look("x = 1", START, "y = x", answer("ex05_1"), "print(x)", source("ex05_2"))
    assert found.run == [1, 3, 5]
