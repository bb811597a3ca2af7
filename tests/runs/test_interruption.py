"""The first signal is recorded, and the previous handlers are restored."""

import os
import signal
import threading

import pytest

from minidiff.runs.interruption import SIGNALS, Interruption


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_recorded_and_the_second_has_its_usual_effect(number):
    heard = []
    before = signal.signal(number, lambda *_: heard.append(number))
    try:
        with Interruption() as interruption:
            assert not interruption.requested
            os.kill(os.getpid(), number)
            assert interruption.requested
            assert heard == []
            os.kill(os.getpid(), number)
            assert heard == [number]
        os.kill(os.getpid(), number)
        assert heard == [number] * 2
    finally:
        signal.signal(number, before)


def test_without_a_signal_the_handler_is_restored():
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Interruption() as interruption:
            assert signal.getsignal(signal.SIGTERM) != signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM) == signal.default_int_handler
        assert not interruption.requested
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_ignored_signal_stays_ignored():
    """As under `nohup`: training continues when the terminal is closed."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not interruption.requested
    finally:
        signal.signal(signal.SIGTERM, before)


def test_outside_of_the_main_thread_it_does_nothing():
    """Python delivers signals to the main thread only; training in another thread must still run."""
    requested = []

    def work():
        with Interruption() as interruption:
            requested.append(interruption.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert requested == [False]
