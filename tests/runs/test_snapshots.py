"""Snapshots: at the right epochs, from the same noise, without effect on the training."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minidiff import plotting
from minidiff.data import to_bytes
from minidiff.errors import MinidiffError
from minidiff.runs.folder import Run
from minidiff.runs.snapshots import COUNT, is_snapshot_epoch, remove_snapshots, save_snapshot, snapshots
from minidiff.sampling import generate
from tests import tiny


def images(run):
    return {epoch: file.read_bytes() for epoch, file in snapshots(run).items()}


def test_the_epochs_of_snapshots():
    assert [epoch for epoch in range(1, 31) if is_snapshot_epoch(epoch, 30)] == [1, 5, 10, 20, 30]
    assert [epoch for epoch in range(1, 4) if is_snapshot_epoch(epoch, 3)] == [1, 3]


def test_snapshots_do_not_change_the_training(tmp_path, workers, monkeypatch):
    with tiny.start(tmp_path / "with") as run:
        tiny.train(run, workers)
        found = tiny.outcome(run)
        assert list(snapshots(run)) == [1, 3]
    monkeypatch.setattr("minidiff.runs.train.save_snapshot", lambda *arguments: None)
    with tiny.start(tmp_path / "without") as run:
        tiny.train(run, workers)
        assert not (run.path / "snapshots").exists()
        assert tiny.outcome(run) == found


@pytest.mark.parametrize(("channels", "classes"), [(3, 3), (1, 0)])
def test_a_snapshot_shows_images_of_the_averaged_parameters_from_seed_0(tmp_path, workers, channels, classes):
    data = tiny.dataset(channels=channels, num_classes=classes)
    with tiny.start(tmp_path / "run", data=data) as run:
        trainer, _ = tiny.train(run, workers, data=data)
    labels = [0, 1, 2, 0] if classes else None
    shape = (COUNT, tiny.SIDE, tiny.SIDE, channels)
    images = generate(trainer.denoiser(), shape, sampler="dpmpp_2m", steps=12, seed=0, labels=labels)
    page = np.asarray(Image.open(snapshots(run)[3]))
    for i, image in enumerate(to_bytes(images)):
        left = plotting.GAP + i * (tiny.SIDE + plotting.GAP)
        shown = page[plotting.GAP : plotting.GAP + tiny.SIDE, left : left + tiny.SIDE]
        np.testing.assert_array_equal(shown, np.broadcast_to(image, shown.shape))


def test_a_schedule_of_two_timesteps_has_snapshots(tmp_path, workers):
    training = replace(tiny.TRAINING, T=2, epochs=1)
    with tiny.start(tmp_path / "run", training) as run:
        tiny.train(run, workers, training)
        assert list(snapshots(run)) == [1]


def test_an_interrupted_run_has_the_same_snapshots(tmp_path, workers):
    with tiny.start(tmp_path / "undisturbed") as run:
        tiny.train(run, workers)
        expected = images(run)
    with tiny.start(tmp_path / "run") as run:
        first = True

        def fail_once(line):
            nonlocal first
            if line.startswith("       1 ") and first:  # epoch 1 has its snapshot and not yet its checkpoint
                first = False
                raise KeyError("stopped here")

        with pytest.raises(KeyError):
            tiny.train(run, workers, on_line=fail_once)
        assert list(snapshots(run)) == [1]
        (run.path / "snapshots" / "epoch_0001.png").write_bytes(b"half an image")
    with Run.open(tmp_path / "run", to_write=True) as run:
        tiny.train(run, workers)
        assert images(run) == expected


def test_snapshots_of_later_epochs_are_removed(tmp_path):
    run = tiny.start(tmp_path / "run")
    (run.path / "snapshots").mkdir()
    own = [
        "epoch_x",
        "other",
        "epoch_0005 best",
        "epoch_5",
        "epoch_00005",
        "epoch_" + "9" * 50,
        "epoch_٠٠٠٥",
        "epoch_²",
    ]
    for name in ("epoch_0001", "epoch_0005", "epoch_12000", *own):
        (run.path / "snapshots" / f"{name}.png").write_bytes(b"")
    assert list(snapshots(run)) == [1, 5, 12000]
    remove_snapshots(run, 1)
    assert list(snapshots(run)) == [1]
    assert all((run.path / "snapshots" / f"{name}.png").exists() for name in own)
    run.close()


def test_an_epoch_that_is_no_longer_the_last_keeps_no_snapshot(tmp_path, workers):
    with tiny.start(tmp_path / "run") as run:
        tiny.train(run, workers)
        assert list(snapshots(run)) == [1, 3]
        for file in run.checkpoints.glob("*9.*"):  # that of the last step, so that epoch 3 is trained again
            file.unlink()
        tiny.train(run, workers, replace(tiny.TRAINING, epochs=4), accept_changes=True)
        assert list(snapshots(run)) == [1, 4]


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path, workers):
    with tiny.start(tmp_path / "run") as run:
        (run.path / "snapshots").write_text("a file")
        with pytest.raises(MinidiffError, match="cannot make the folder"):
            save_snapshot(run, tiny.trainer(workers), 1)
