"""A small run for the tests of this folder."""

import pytest

from minidiff.cli import main


@pytest.fixture(scope="package")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["--data", "shapes", "--channels", "32", "--T", "20", "--size", "16", "--images", "48", "--epochs", "1"]
    assert main(["train", *arguments, "--threads", "1", "--out", str(path)]) == 0
    return path
