"""Calls code of students with a time limit, in a notebook and in a terminal, on every operating system.

The code runs in a thread of its own. After the limit, CPython raises an exception in that thread, between two
instructions of Python (`PyThreadState_SetAsyncExc`). A thread that catches every exception, or that does not return
from compiled code, is left behind. It ends with the interpreter.
"""

import contextvars
import ctypes
import threading
import time
from collections.abc import Callable

POLL_SECONDS = 0.05  # between two looks at the clock, and at Ctrl-C
ATTEMPTS_TO_STOP = 20


class TooSlow(SystemExit):  # a thread that this ends prints no traceback
    """The code was not done after the time limit."""


def call_within(seconds: float, function: Callable[[], None]) -> None:
    """Calls a function and raises what it raises, or `TooSlow` if it is not done after some seconds."""
    raised: list[BaseException] = []

    def body() -> None:
        try:
            function()
        except BaseException as error:  # raised again below, in the thread of the caller
            raised.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(body,), daemon=True)
    thread.start()
    deadline = time.monotonic() + seconds
    try:
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(POLL_SECONDS)
        done = not thread.is_alive()
    finally:  # also after Ctrl-C
        _stop(thread)
    if not done:
        raise TooSlow
    if raised:
        raise raised[0]


def _stop(thread: threading.Thread) -> None:
    """Raises `TooSlow` in a thread until it ends, some times at most: `except:` in a loop may catch it."""
    for _ in range(ATTEMPTS_TO_STOP):
        if not thread.is_alive():
            return
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TooSlow))
        thread.join(POLL_SECONDS)
