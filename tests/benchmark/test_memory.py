"""Peak memory, also where the system does not report it in the usual place."""

from pathlib import Path

import pytest

from minidiff.benchmark.memory import peak_memory


def test_the_peak_is_at_least_what_was_used():
    before = peak_memory()
    block = bytearray(300 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    assert peak_memory() >= max(before, 300)


@pytest.mark.parametrize("status", ["", "Name:\tpython\nVmRSS:\t 1000 kB\n"])
def test_without_a_peak_in_the_status_the_system_is_asked_in_another_way(monkeypatch, status):
    monkeypatch.setattr(Path, "read_text", lambda self: status)
    assert 20 < peak_memory() < 100_000
