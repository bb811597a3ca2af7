"""Shows that kernels are being compiled, which takes seconds and happens once.

Numba compiles a kernel when it is first called with arrays of a new type, and keeps the result on the disk. It
announces each compilation as an event, also that of a kernel which another one calls.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from numba.core.event import Event, Listener, install_listener
from tqdm import tqdm

SECONDS = 30  # that the kernels of a training run take, about, on two cores
TEXT = f"compiling kernels, once (up to {SECONDS} s)"


class CompilationListener(Listener):
    """Counts the kernels that are compiled.

    Args:
        shown: whether to show the count on standard error while kernels are compiled; if that is not a terminal, it
            gets one line before the first.

    Attributes:
        count: number of kernels compiled so far.
    """

    def __init__(self, shown: bool = False) -> None:
        self.shown, self.count = shown, 0
        self._depth, self._bar = 0, None  # of the kernels that call one another

    def on_start(self, event: Event) -> None:
        """Called before a kernel is compiled."""
        self._depth += 1
        if not self.shown or self._depth > 1:
            return
        if sys.stderr.isatty():
            self._bar = tqdm(desc=f"   {TEXT}", initial=self.count, leave=False, bar_format="{desc}: {n_fmt}")
        elif self.count == 0:
            print(f"minidiff: {TEXT}", file=sys.stderr, flush=True)

    def on_end(self, event: Event) -> None:
        """Called after a kernel was compiled."""
        self._depth -= 1
        self.count += 1
        if self._bar is not None:
            self._bar.update()
            if self._depth == 0:
                self._bar.close()
                self._bar = None


@contextmanager
def compilation_shown(shown: bool = True) -> Iterator[CompilationListener]:
    """Counts compilations while the context is open, and shows them unless `shown` is False."""
    with install_listener("numba:compile", CompilationListener(shown)) as listener:
        yield listener
