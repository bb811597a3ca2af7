"""Syntax of Jupyter is left out, and Python is left as it is."""

import ast

import pytest

from minidiff.exercises.grading.jupyter import plain_python

PYTHON = [
    "a = 5 % 3",
    "x = (a\n% b)",
    "x = (a\n!= b)",
    "text = '''\n%time\n!ls\nwhat?\n'''",
    "x = 5  # what?",
    "if True:\n\tx = 1\n\ty = 2",
    "d = [1,\n  2]  \\\n  [0]\n",
]


@pytest.mark.parametrize("source", PYTHON)
def test_python_is_unchanged(source):
    assert plain_python(source) == source


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = 5 % 3\n!ls", "a = 5 % 3\npass"),
        ("%matplotlib inline\nimport os", "pass\nimport os"),
        ("if True:\n    %timeit f(x)", "if True:\n    pass"),
        ("%time x = f(3)", "x = f(3)"),
        ("%time", "pass"),
        ("%time x = f(", "pass"),
        ("x = %time f(3)", "x = f(3)"),
        ("files = !ls *.py", "files = []"),
        ("t = %timeit -o f(x)", "t = None"),
        ("f?", "pass"),
        ("f??\nx = 1", "pass\nx = 1"),
        ("?f", "pass"),
        ("np.*load*?", "pass"),
        ("!echo it's \\\n  on two lines\nx = 1", "pass\n\nx = 1"),
        ("!echo '''\nx = 1", "pass\nx = 1"),
        ("!echo [\nx = 1", "pass\nx = 1"),
        ("%%time\nx = 1", "\nx = 1"),
        ("\n%%capture out\nx = 1", "\n\nx = 1"),
        ("%%bash\nls", ""),
        ("%%html\n<b>", ""),
        ("x = (a\n% b)\n!ls", "x = (a\n% b)\npass"),
        ("x = (a\n!= b)\n%time y = 1", "x = (a\n!= b)\ny = 1"),
        ("  x = 1\n  y = 2", "x = 1\ny = 2"),
        ("if True:\n\tx = 1\n        y = 2\n", "if True:\n    x = 1\n        y = 2\n"),
        ("x = 1\r\n!ls\r\ny = 2", "x = 1\npass\ny = 2"),
    ],
)
def test_syntax_of_jupyter_becomes_python(source, expected):
    assert plain_python(source) == expected


def test_lines_keep_their_numbers():
    source = "%%time\n!ls \\\n -l\n\nx = 1 / 0\nf?"
    assert ast.parse(plain_python(source)).body[1].lineno == 5


@pytest.mark.parametrize("source", ["x = (", "def f(:", "", "\0", "\ud800", "(" * 10_000, "x = 1 +\n!ls\n"])
def test_what_is_not_python_either_way_is_left_or_fails_later(source):
    assert isinstance(plain_python(source), str)
