"""Requests that cannot fit in memory."""

import pytest

from minidiff import memory
from minidiff.cli import main
from minidiff.errors import MinidiffError


def test_the_limit_of_a_container_counts_if_it_is_less(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "LIMITS", ())
    whole = memory.usable_memory()
    assert 10**8 < whole <= memory.UNKNOWN
    for name, content in (("max", "max\n"), ("small", "260000000\n"), ("large", f"{2**62}\n")):
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(memory, "LIMITS", tuple(str(tmp_path / name) for name in ("max", "nowhere", "large")))
    assert memory.usable_memory() == whole
    monkeypatch.setattr(memory, "LIMITS", (str(tmp_path / "small"),))
    assert memory.usable_memory() == 260_000_000
    memory.check_memory(260_000_000, "images", "give fewer")
    with pytest.raises(MinidiffError, match=r"^images take about 260.0 MB of 260.0 MB of memory; give fewer$"):
        memory.check_memory(260_000_001, "images", "give fewer")


@pytest.mark.parametrize(
    ("num_bytes", "text"),
    [(999_999, "999,999 bytes"), (10**6, "1.0 MB"), (49_152_000_000, "49.2 GB"), (10**13, "10.0 TB")],
)
def test_numbers_of_bytes_are_readable(num_bytes, text):
    assert memory.readable(num_bytes) == text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "1000000000", "--size", "1024"], "cats: 1,000,000,000 images of 1024 x 1024 take 3,145.7 TB"),
        (["--images", "1000000000", "--max-bytes", str(10**18)], "take about 12.3 TB of"),
        (["--images", "5", "--size", "8", "--max-bytes", "959"], "take 960 bytes, more than the limit of 959 bytes"),
    ],
)
def test_impossible_numbers_of_synthetic_images_are_refused_with_an_estimate(options, message, capsys):
    assert main(["data", "cats", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
