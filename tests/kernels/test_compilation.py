"""Compilations are counted, with the kernels that a kernel calls, and shown on standard error."""

import io
import sys

import numba
import pytest

from minidiff.kernels.compilation import TEXT, compilation_shown


def functions():
    @numba.njit
    def inner(x):
        return x + 1

    @numba.njit
    def outer(x):
        return inner(x) * 2

    return inner, outer


def test_every_kernel_is_counted_once():
    _, outer = functions()
    with compilation_shown(False) as listener:
        assert outer(1) == 4
        assert listener.count == 2
        assert outer(2) == 6  # compiled already
        assert listener.count == 2
        outer(1.5)  # another type
    assert listener.count == 4
    outer(1j)  # nobody listens any more
    assert listener.count == 4


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_the_count_and_keeps_nothing_of_it(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    _, outer = functions()
    with compilation_shown():
        outer(1)
        outer(1.5)
    shown = sys.stderr.getvalue()
    assert f"{TEXT}: 0" in shown
    assert f"{TEXT}: 2" in shown
    assert shown.rpartition("\r")[2].strip() == ""


@pytest.mark.parametrize("shown", [True, False])
def test_a_file_gets_one_line_before_the_first(monkeypatch, shown):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    _, outer = functions()
    with compilation_shown(shown):
        outer(1)
        outer(1.5)
    assert sys.stderr.getvalue() == (f"minidiff: {TEXT}\n" if shown else "")


def test_nothing_is_shown_if_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with compilation_shown() as listener:
        pass
    assert (listener.count, sys.stderr.getvalue()) == (0, "")
