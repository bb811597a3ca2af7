"""The compilation of kernels is announced before the first one, and counted with the kernels that it calls."""

import io
import sys

import numba

from minidiff.kernels.compilation import compilation_shown


def functions():
    @numba.njit
    def inner(x):
        return x + 1

    @numba.njit
    def outer(x):
        return inner(x) * 2

    return inner, outer


def test_every_kernel_is_counted_once_and_announced_before():
    _, outer = functions()
    said = []
    with compilation_shown(lambda: said.append(len(outer.signatures))) as listener:
        assert outer(1) == 4
        assert (listener.count, said) == (2, [0])
        assert outer(2) == 6  # compiled already
        assert listener.count == 2
        outer(1.5)  # another type
    assert (listener.count, said) == (4, [0])
    outer(1j)  # nobody listens any more
    assert listener.count == 4


def test_nothing_is_announced_if_nothing_is_compiled():
    with compilation_shown(lambda: 1 / 0) as listener:
        pass
    assert listener.count == 0


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_shown_in_a_terminal_only_and_leaves_nothing(monkeypatch):
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        _, outer = functions()
        with compilation_shown(bar=True):
            outer(1)
        assert ("compiling kernels, once" in stream.getvalue()) == shown
        assert stream.getvalue().rpartition("\r")[2].strip() == ""
