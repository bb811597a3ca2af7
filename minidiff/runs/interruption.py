"""Ctrl-C, or a polite request to end: noted first, so that the step can be finished and the run be saved.

    with Interruption() as interruption:
        for step in trainer.train():
            if interruption.asked: save, and leave

A second Ctrl-C, for the impatient, acts as it would without this: at once.
"""

import signal
import threading

# Ctrl-C, the request that `kill` and a shutdown send, and the closing of the terminal (which Windows does not signal)
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interruption:
    """Notes the first signal that asks the process to end, between entering and leaving.

    Only the main thread of a process is told of signals; elsewhere this does nothing.

    Attributes:
        asked: whether one came.
    """

    def __init__(self):
        self.asked = False
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:  # as under `nohup`: then it is to be ignored
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception):
        self._restore()

    def _note(self, number, frame):
        self.asked = True
        self._restore()

    def _restore(self):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
