"""Shows that kernels are being compiled, which takes seconds and happens once.

Numba compiles a kernel when it is first called with arrays of a new type, and keeps the result on the disk. It
announces each compilation as an event, also that of a kernel which another one calls.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core.event import Event, Listener, install_listener
from tqdm import tqdm

KERNELS, SECONDS = 105, 30  # that a training compiles, and about how long that takes on two cores


class CompilationListener(Listener):
    """Calls a function before the first kernel is compiled, and shows a progress bar in a terminal.

    Args:
        on_first: the function, or None.
        bar: whether to show a bar.

    Attributes:
        count: number of kernels compiled so far.
    """

    def __init__(self, on_first: Callable[[], Any] | None = None, bar: bool = False) -> None:
        self.on_first, self.shows_bar, self.count = on_first, bar, 0
        self._depth, self._bar = 0, None  # of the kernels that call one another

    def on_start(self, event: Event) -> None:
        """Called before a kernel is compiled."""
        if self.on_first is not None and self.count == 0 and self._depth == 0:
            self.on_first()
        self._depth += 1
        if self._depth == 1 and self.shows_bar:
            total = max(KERNELS, self.count + 1)
            name = "   compiling kernels, once"
            options = {"leave": False, "disable": None, "bar_format": "{desc} |{bar:30}| {n_fmt} of {total_fmt}"}
            self._bar = tqdm(total=total, initial=self.count, desc=name, **options)

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
def compilation_shown(on_first: Callable[[], Any] | None = None, bar: bool = False) -> Iterator[CompilationListener]:
    """Listens to compilations while the context is open; arguments as in `CompilationListener`."""
    with install_listener("numba:compile", CompilationListener(on_first, bar)) as listener:
        yield listener
