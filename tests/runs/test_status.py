"""What a running training tells."""

import math
import time

import pytest

from minidiff.runs.pipeline import loss_table
from minidiff.runs.progress import Progress
from minidiff.runs.status import Status, table_header, table_line, time_text
from tests.runs.test_progress import STEPS

ROW = {
    "epoch": 7, "step": 70, "loss": 0.123456, "seconds": 61.234, "images_per_second": 33.33, "learning_rate": 0.00123,
    "gradient_norm": 0.5, "update_ratio": 0.001,
}  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.2, "1 s"), (59, "59 s"), (59.9, "1 min"), (95, "2 min"), (3570, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_times(seconds, text):
    assert time_text(seconds) == text


def test_a_status_is_one_line():
    assert str(Status(7, 20, 240)) == "epoch 7 of 20, 4 min left"
    assert str(Status(1, 20, math.nan)) == "epoch 1 of 20"


@pytest.mark.parametrize("held_out", [False, True])
def test_the_columns_of_the_table_are_below_their_names(held_out):
    row = ROW | ({"held_out_loss": 0.25} if held_out else {})
    header, line = table_header(held_out), table_line(row, 240, is_best=held_out)
    expected = ["7", "0.1235", *(["0.2500*"] if held_out else []), "1.23e-03", "0.500", "33.3", "61.2", "4", "min"]
    assert line.split() == expected
    assert len(line) == len(header)
    for name, value in (("loss", "0.1235"), ("images/s", "33.3"), ("seconds", "61.2"), ("left", "min")):
        assert header.index(name) + len(name) == line.index(value) + len(value)
    assert "*" not in table_line(row, 240, is_best=False)


def test_the_time_left_is_that_of_the_steps_so_far(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    progress = Progress()
    assert math.isnan(progress.seconds_left(5))
    now[0] = 150.0  # compiling kernels
    progress.start()
    for step in STEPS[:2]:
        progress.add(step)
    now[0] = 156.0
    assert progress.seconds_left(5) == 15.0
    assert progress.seconds == 6.0
    arrays, facts = progress.state()
    other = Progress()
    other.restore(arrays, facts)  # what another process did says nothing about the speed of this one
    assert math.isnan(other.seconds_left(5))
    assert other.seconds == 6.0


def test_the_best_epoch_is_named_in_the_final_table():
    history = [{"epoch": epoch, "loss": 1 / epoch, "held_out_loss": abs(epoch - 3) + 0.5} for epoch in range(1, 8)]
    lines = loss_table(history)
    assert "held out" in lines[0]
    assert [line.split()[0] for line in lines[1:-1]] == ["1", "3", "5", "7"]
    assert lines[-1].startswith("   best epoch 3, held-out loss 0.5000")
