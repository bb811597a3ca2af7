"""Text from outside: cleaning, and output in every encoding."""

import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidiff.errors import MinidiffError
from minidiff.text import clean, clean_all, print_in_any_encoding

CLEANED = {
    "siamese": "siamese",
    "Ünï — 猫 ½": "Ünï — 猫 ½",
    "a\x1b[31mb": r"a\x1b[31mb",
    "two\nlines\r": r"two\nlines\r",
    "\x00\x7f\x9b": r"\x00\x7f\x9b",
    "\u202egnp.exe": r"\u202egnp.exe",
    "\udcff": r"\udcff",
    "C:\\cats": "C:\\cats",
}


@pytest.mark.parametrize(("text", "expected"), CLEANED.items())
def test_what_is_not_printable_becomes_an_escape(text, expected):
    assert clean(text) == expected
    assert str(MinidiffError(text)) == expected
    assert clean_all({text: [text, 1, None, {"a": text}]}) == {expected: [expected, 1, None, {"a": expected}]}


@given(st.text(st.characters()))
def test_cleaned_text_is_one_printable_line_and_stays_as_it_is(text):
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("ascii", r"## caf\xe9 \u732b \udcff"), ("cp1252", r"## café \u732b \udcff"), ("utf-8", r"██ café 猫 \udcff")],
)
def test_output_falls_back_in_every_encoding(monkeypatch, encoding, expected):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", stream)
    print_in_any_encoding()
    print("██ café 猫 \udcff", end="", flush=True)
    assert stream.buffer.getvalue().decode(encoding) == expected


def test_output_that_cannot_be_reconfigured_stays_as_it_is(monkeypatch):
    for stream in (io.StringIO(), None):  # a notebook's, and a closed one
        monkeypatch.setattr(sys, "stdout", stream)
        print_in_any_encoding()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_command_prints_in_every_encoding(encoding, tmp_path):
    """The path is not ASCII, nor are some names of the program's own charts."""
    command = [sys.executable, "-m", "minidiff", "data", str(tmp_path / "猫")]
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "XDG_CACHE_HOME": str(tmp_path)}
    result = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
    assert result.returncode == 2
    assert result.stderr.decode(encoding).startswith("minidiff: no data at '")
    assert r"\u732b" in result.stderr.decode(encoding)
