"""The checkpoint of a process that is about to be killed."""

import os
import time

import pytest

from minidiff.runs.last_save import LastSave
from minidiff.runs.progress import Progress
from tests import tiny

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def trained(workers):
    """A trainer and its progress after two of the three steps of an epoch."""
    trainer, progress = tiny.trainer(workers), Progress()
    steps = trainer.train()
    for _ in range(2):
        progress.add(next(steps))
    return trainer, progress


def test_the_child_writes_the_state_at_the_signal(trained, tmp_path):
    trainer, progress = trained

    def write():
        time.sleep(0.2)  # while the parent goes on
        (tmp_path / "state").write_bytes(trainer.p.vector.tobytes())

    before = trainer.p.vector.tobytes()
    last = LastSave(trainer, progress, write)
    last.begin()
    last.begin()  # a second signal starts no second child
    trainer.p.vector[:] = 0
    assert not (tmp_path / "state").exists()
    last.finish()
    assert (tmp_path / "state").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "state"]


def test_nothing_is_written_within_an_optimizer_step_or_before_the_progress_knows_it(trained, tmp_path):
    trainer, progress = trained
    last = LastSave(trainer, progress, (tmp_path / "state").touch)
    trainer.optimizer.steps += 1
    last.begin()
    trainer.step += 1  # the end of an epoch, which is saved anyway
    last.finish()
    assert list(tmp_path.iterdir()) == []
    assert repr(last) == "LastSave(child None)"


def test_an_error_ends_only_the_child(trained, tmp_path):
    last = LastSave(*trained, (tmp_path / "missing" / "state").touch)
    last.finish()
    assert list(tmp_path.iterdir()) == []
