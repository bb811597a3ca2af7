"""The README and the page on using minidiff: their Python examples run, and their commands can be parsed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from minidiff.cli import build_parser

ROOT = Path(__file__).parents[1]
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "tutorials/using.md")}


def blocks(language, page=None):
    texts = PAGES.values() if page is None else [PAGES[page]]
    return [
        block for text in texts for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    ]


def commands():
    """The lines of the shell blocks that call minidiff, each as a list of arguments."""
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.split(r"&&|;", line)]
    words = [shlex.split(part, comments=True) for part in parts]
    return [word[1:] for word in words if word[:1] == ["minidiff"]]


def test_the_readme_is_short():
    assert len(PAGES["README.md"].splitlines()) <= 200
    assert len([line for line in blocks("python", "README.md")[0].splitlines() if line.strip()]) == 4


@pytest.mark.parametrize("page", PAGES)
def test_the_python_example_runs_unchanged(tmp_path, page):
    (example,) = blocks("python", page)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.glob("*.png"))


def test_the_pages_have_commands():
    assert {words[0] for words in commands()} >= {"demo", "train", "sample", "evaluate"}


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_the_commands_can_be_parsed(arguments):
    build_parser().parse_args(arguments)
