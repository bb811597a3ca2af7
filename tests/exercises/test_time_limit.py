"""Code with a time limit: endless loops of several kinds are stopped, and everything else is as without it."""

import contextvars
import threading
import time

import numpy as np
import pytest

from minidiff.exercises.time_limit import TooSlow, call_within


def endless():
    while True:
        pass


RELEASED = threading.Event()


def endless_and_deaf():
    while not RELEASED.is_set():
        try:
            sum(range(10))
        except BaseException:
            continue


def recursive(depth=0):
    while True:
        if depth < 50:
            recursive(depth + 1)


def waiting():
    time.sleep(5)


@pytest.mark.parametrize("function", [endless, endless_and_deaf, recursive, waiting])
def test_what_takes_too_long_is_stopped(function):
    RELEASED.clear()
    start = time.monotonic()
    with pytest.raises(TooSlow):
        call_within(0.2, function)
    assert time.monotonic() - start < 4.5
    RELEASED.set()  # what cannot be stopped would slow down all tests that follow


def test_a_stopped_loop_uses_no_more_time():
    before = set(threading.enumerate())
    with pytest.raises(TooSlow):
        call_within(0.1, endless)
    assert not set(threading.enumerate()) - before


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_errors_are_passed_on(error):
    def function():
        raise error

    with pytest.raises(type(error)) as caught:
        call_within(10, function)
    assert caught.value is error


def test_what_is_fast_returns_at_once_and_in_the_context_of_the_caller():
    variable = contextvars.ContextVar("variable")
    variable.set(3)
    seen = []
    start = time.monotonic()
    with np.errstate(divide="raise"):
        call_within(10, lambda: seen.append((variable.get(), np.geterr()["divide"])))
    assert seen == [(3, "raise")]
    assert time.monotonic() - start < 1
