"""The row of an epoch, which is the same after an interruption."""

import math

import numpy as np
import pytest

from minidiff.runs.progress import Progress
from minidiff.training import Step


def a_step(number, last=False, images=3, ratio=math.nan):
    rng = np.random.default_rng(number)
    losses = rng.random(images)
    return Step(
        epoch=2, step=number, last_of_epoch=last, loss=float(losses.mean()), t=rng.integers(1, 101, images),
        losses=losses, learning_rate=0.001234567 / number, gradient_norm=0.5 * number, update_ratio=ratio,
        images=images, seconds=0.25,
    )  # fmt: skip


STEPS = [a_step(1), a_step(2, ratio=0.002), a_step(3), a_step(4, images=1, last=True, ratio=0.004)]


def test_a_row_summarizes_its_epoch():
    progress = Progress()
    for step in STEPS:
        progress.add(step)
    assert progress.images == 10
    losses = np.concatenate([step.losses for step in STEPS])
    assert progress.loss == pytest.approx(losses.mean())
    row = progress.end_epoch(STEPS[-1], T=100)
    assert row["epoch"] == 2
    assert row["step"] == 4
    assert row["loss"] == pytest.approx(losses.mean(), abs=1e-6)
    assert row["images_per_second"] == 10.0
    assert row["learning_rate"] == pytest.approx(0.001234567 / 4, rel=1e-5)
    assert row["gradient_norm"] == pytest.approx(1.25)
    assert row["update_ratio"] == pytest.approx(0.003)  # the mean of the measured ones
    assert row["seconds"] >= 0
    t = np.concatenate([step.t for step in STEPS])
    for quarter in range(1, 5):
        inside = losses[(t > 25 * (quarter - 1)) & (t <= 25 * quarter)]
        expected = inside.mean() if inside.size else math.nan
        assert row[f"loss_quarter_{quarter}"] == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert progress.images == 0  # a new epoch


@pytest.mark.parametrize("stop_after", [0, 1, 2, 3, 4])
def test_an_interruption_only_changes_the_times(stop_after):
    whole, before, after = Progress(), Progress(), Progress()
    for step in STEPS:
        whole.add(step)
    for step in STEPS[:stop_after]:
        before.add(step)
    arrays, facts = before.state()
    after.restore(arrays, facts)
    for step in STEPS[stop_after:]:
        after.add(step)
    expected, found = whole.end_epoch(STEPS[-1], 100), after.end_epoch(STEPS[-1], 100)
    del found["seconds"], expected["seconds"]
    assert str(found) == str(expected)  # as text: NaN equals NaN


def test_the_best_checkpoint_has_the_lowest_held_out_loss():
    progress = Progress()
    best = []
    for number, loss in enumerate([0.5, 0.3, 0.4, math.nan, 0.2], start=1):
        step = a_step(number, last=True, ratio=0.1)
        progress.add(step)
        row = progress.end_epoch(step, 100, np.array([loss - 0.1, loss + 0.1]))
        assert row["held_out_loss"] == pytest.approx(loss, nan_ok=True)
        best.append(progress.best_step)
        again = Progress()
        again.restore(*progress.state())
        progress = again
    assert best == [1, 2, 2, 2, 5]


def test_without_held_out_images_there_is_no_best_checkpoint():
    progress = Progress()
    progress.add(STEPS[-1])
    assert "held_out_loss" not in progress.end_epoch(STEPS[-1], 100)
    assert progress.state()[1]["best_step"] is None


def test_time_before_the_interruption_counts():
    progress = Progress()
    progress.restore(*(Progress().state()[0], {"seconds": 1000.0, "step_seconds": 0.0, "best_step": None}))
    assert 1000 <= progress.seconds < 1100
