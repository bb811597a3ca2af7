"""Ctrl-C and requests to terminate: recorded first, so that training can finish its step and save the run.

    with Interruption() as interruption:
        for step in trainer.train():
            if interruption.requested:
                save the run and stop

A second signal has its usual effect at once.
"""

import signal
import threading
from types import FrameType

# Ctrl-C, the request that `kill` and a shutdown send, and the closing of the terminal (not on Windows)
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interruption:
    """A context manager that records the first signal to terminate.

    Python delivers signals to the main thread only; in any other thread this does nothing.

    Attributes:
        requested: whether a signal has arrived.
    """

    def __init__(self) -> None:
        self.requested = False
        self._handlers: dict = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:  # `nohup` ignores SIGHUP, and that must stay so
                    self._handlers[number] = signal.signal(number, self._record)
        return self

    def __exit__(self, *exception: object) -> None:
        self._restore_handlers()

    def _record(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
