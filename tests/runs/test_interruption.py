"""A signal is recorded until the end of the block, and the previous handlers are restored."""

import os
import signal
import threading
import time

import pytest

from minidiff.runs.interruption import SIGNALS, Interruption


@pytest.fixture
def heard():
    """The signals that arrive outside of an `Interruption`."""
    heard = []
    before = {number: signal.signal(number, lambda number, _: heard.append(number)) for number in SIGNALS}
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("second", SIGNALS)
@pytest.mark.parametrize("first", SIGNALS)
def test_any_two_signals_are_recorded_and_raise_at_the_end(first, second, heard):
    """A terminal that is closed sends SIGHUP twice, and a shutdown sends SIGTERM after it."""
    done = []
    with pytest.raises(KeyboardInterrupt, match="saved"), Interruption() as interruption:  # noqa: PT012
        assert not interruption.requested
        os.kill(os.getpid(), first)
        assert interruption.requested
        os.kill(os.getpid(), second)
        interruption.message = "saved"
        done.append("saving")
    assert done == ["saving"]
    assert interruption.number == first
    assert heard == []
    os.kill(os.getpid(), first)
    assert heard == [first]


def test_an_error_in_the_block_is_not_replaced(heard):
    with pytest.raises(ZeroDivisionError), Interruption():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGTERM)
        raise ZeroDivisionError


def test_at_once_raises_once_in_a_second(heard, monkeypatch):
    """What the first one leads to must not be cut short, but a library may have discarded it."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    interruption = Interruption(at_once=True)
    with pytest.raises(KeyboardInterrupt), interruption:  # noqa: PT012
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        now = 101.5
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        now, interruption.ending = 103, True
        os.kill(os.getpid(), signal.SIGINT)
    assert interruption.number == signal.SIGTERM
    assert heard == []


def test_after_one_block_has_recorded_a_signal_the_outer_one_ignores_the_next(heard):
    outer = Interruption(at_once=True)
    with pytest.raises(KeyboardInterrupt, match="saved"), outer:  # noqa: PT012
        with Interruption() as inner:
            os.kill(os.getpid(), signal.SIGTERM)
            inner.message = "saved"
        raise AssertionError("not reached")
    assert (outer.number, outer.ending) == (signal.SIGTERM, True)


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
