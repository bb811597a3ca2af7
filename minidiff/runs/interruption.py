"""Ctrl-C and requests to terminate: recorded first, so that training can finish its step and save the run.

    with Interruption() as interruption:
        for step in trainer.train():
            if interruption.requested:
                save the run
                break

At the end of the block, a signal that was recorded raises KeyboardInterrupt. Further signals change nothing: a terminal
that is closed sends SIGHUP twice. What ends a process at once is SIGKILL, or Ctrl-\\.

The process of a command opens another `Interruption` around everything, which raises KeyboardInterrupt at once where
nothing has to be saved.
"""

import math
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

# Ctrl-C, the request that `kill` and a shutdown send, and the closing of the terminal (not on Windows)
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interruption:
    """A context manager that records the first signal to terminate.

    Python delivers signals to the main thread only; in any other thread this does nothing.

    Args:
        at_once: whether a signal raises KeyboardInterrupt when it arrives, not at the end.
        on_request: called when the first signal arrives.

    Attributes:
        number: that of the first signal, or None.
        message: of the KeyboardInterrupt at the end.
        ending: whether further signals are ignored, because the process ends anyway.
    """

    def __init__(self, at_once: bool = False, on_request: Callable[[], None] = lambda: None) -> None:
        self.at_once, self.ending, self.on_request = at_once, False, on_request
        self.number: int | None = None
        self.message, self._raised = "", -math.inf
        self._handlers: dict = {}

    def __repr__(self) -> str:
        return f"Interruption(signal {self.number})"

    @property
    def requested(self) -> bool:
        """Whether a signal has arrived."""
        return self.number is not None

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:  # `nohup` ignores SIGHUP, and that must stay so
                    self._handlers[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, kind: type | None, *exception: object) -> None:
        for number, handler in self._handlers.items():
            outer = getattr(handler, "__self__", None)
            if self.requested and isinstance(outer, Interruption):
                outer.number, outer.ending = self.number, True
            signal.signal(number, handler)
        self._handlers = {}
        if self.requested and kind is None:
            raise KeyboardInterrupt(self.message)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
            self.on_request()
        # again after a second: the first exception may have been discarded by a library, but must not be cut short
        if self.at_once and not self.ending and time.monotonic() > self._raised + 1:
            self._raised = time.monotonic()
            raise KeyboardInterrupt
