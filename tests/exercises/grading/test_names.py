"""The names that a cell defines, changes and needs."""

import pytest

from minidiff.exercises.grading.names import names_of


@pytest.mark.parametrize(
    ("source", "defined", "needed"),
    [
        ("import numpy as np\nx = np.ones(3)", "np x", ""),
        ("from a.b import c, d as e", "c e", ""),
        ("x = x + 1", "x", "x"),
        ("x += 1", "x", "x"),
        ("x = 1\ny = x", "x y", ""),
        ("y = x\nx = 1", "x y", "x"),
        ("def f(a, b=c):\n    d = a + e\n    return g(d)", "f", "c e g"),
        ("def f():\n    return g()\ndef g():\n    return f()", "f g", ""),
        ("def f():\n    global x\n    x = 1", "f x", ""),
        ("class A(B):\n    c = d\n    def m(self):\n        return e", "A", "B d e"),
        ("for i in range(n):\n    print(i)", "i", "n"),
        ("with a as b: pass", "b", "a"),
        ("[x for x in xs if (y := x)]", "y", "xs"),
        ("a, (b, *c) = d", "a b c", "d"),
        ("try:\n    import x\nexcept E as e:\n    pass", "x e", "E"),
        ("from a import *", "*", ""),
        ("@decorate\ndef f(): pass", "f", "decorate"),
        ("f = lambda x: x * y", "f", "y"),
        ("print(len('x'))", "", ""),
        ("x: int = y", "x", "y"),
    ],
)  # fmt: skip
def test_names(source, defined, needed):
    found = names_of(source)
    assert found.defined == set(defined.split())
    assert found.needed == set(needed.split())
    assert found.parsed


def test_changed_names_and_definitions():
    found = names_of("table[0] = 1\nmodel.weight.data[3] += 2\nx = 1\nx = 2\ndef f(): pass")
    assert found.changed == {"table", "model"}
    assert [len(found.definitions[name]) for name in ("x", "f")] == [2, 1]


@pytest.mark.parametrize("source", ["def f(:", "\0", "(" * 10_000, "\ud800"])
def test_what_cannot_be_parsed_has_no_names(source):
    found = names_of(source)
    assert not found.parsed
    assert not found.defined | found.needed
