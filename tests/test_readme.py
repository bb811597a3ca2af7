"""The README: its Python example runs, and its commands can be parsed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from minidiff.cli import build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands():
    """The lines of the shell blocks that call minidiff, each as a list of arguments."""
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.split(r"&&|;", line)]
    words = [shlex.split(part, comments=True) for part in parts]
    return [word[1:] for word in words if word[:1] == ["minidiff"]]


def test_the_python_example_runs_unchanged(tmp_path):
    example = blocks("python")[0]
    assert len([line for line in example.splitlines() if line.strip()]) <= 16  # "about ten lines"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert list(tmp_path.glob("*.png"))


def test_the_readme_has_commands():
    assert {words[0] for words in commands()} >= {"demo", "train", "sample"}


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_the_commands_can_be_parsed(arguments):
    build_parser().parse_args(arguments)
