"""A small run for the tests of this folder, and short training of the networks that measure."""

import pytest

from minidiff.cli import main


@pytest.fixture(autouse=True)
def _short_training(monkeypatch):
    monkeypatch.setattr("minidiff.evaluation.recognition.EXAMPLES", 400)
    monkeypatch.setattr("minidiff.evaluation.splices.EXAMPLES", 400)
    monkeypatch.setattr("minidiff.evaluation.agreement.DRAWN", 48)
    monkeypatch.setattr("minidiff.evaluation.measure.LEARNING_IMAGES", 48)


@pytest.fixture(scope="package")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["--data", "shapes", "--channels", "32", "--T", "20", "--size", "16", "--images", "48", "--epochs", "1"]
    assert main(["train", *arguments, "--threads", "1", "--out", str(path)]) == 0
    return path
