"""A training for which disk or memory do not suffice stops before its first step."""

import shutil

import pytest

from minidiff import memory
from minidiff.errors import MinidiffError
from tests import tiny


def test_a_disk_without_space_for_checkpoints_is_refused_before_the_first_step(tmp_path, workers, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100_000))
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(MinidiffError, match=r"checkpoints need 1 MB and the disk has 0 MB left; free some space"):
            tiny.train(run, workers)
        assert run.history() == []


def test_a_training_that_cannot_fit_in_memory_is_refused_before_the_first_step(tmp_path, workers, monkeypatch):
    """In a container it would be killed without a word."""
    monkeypatch.setattr(memory, "usable_memory", lambda: 200_000_000)
    with tiny.start(tmp_path / "run") as run:
        with pytest.raises(MinidiffError, match=r"12 images take about 250\.\d MB of 200\.0 MB of memory; use fewer"):
            tiny.train(run, workers)
        assert run.history() == []
