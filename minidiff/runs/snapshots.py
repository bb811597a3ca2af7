"""Snapshots: images generated during training, always from the same noise.

After epochs 1, 5, 10, 20 and the last one, the averaged parameters generate four images in few sampler steps, which
are saved side by side as RUN/snapshots/epoch_0005.png. Their noise has seed 0, whatever the seed of the training.
Snapshots do not affect the training: a run with them is bit-for-bit identical to one without.

A snapshot is saved before the checkpoint of its epoch, so a run that was killed in between generates it again.
"""

from pathlib import Path

from minidiff import plotting
from minidiff.runs.checkpoint import remove
from minidiff.runs.compatibility import find_folder
from minidiff.runs.folder import Run, make_folder
from minidiff.sampling import generate
from minidiff.training import Trainer

SNAPSHOT_EPOCHS = (1, 5, 10, 20)
COUNT, SAMPLER, STEPS = 4, "dpmpp_2m", 12  # deterministic, so that the images of all epochs start alike


def is_snapshot_epoch(epoch: int, last_epoch: int) -> bool:
    """Whether a snapshot is taken after this epoch."""
    return epoch in SNAPSHOT_EPOCHS or epoch == last_epoch


def save_snapshot(run: Run, trainer: Trainer, epoch: int) -> None:
    """Generates and saves the images of an epoch (from 1) that has just ended.

    Raises:
        MinidiffError: they cannot be written.
    """
    classes = trainer.network.config.num_classes
    labels = [i % classes for i in range(COUNT)] if classes else None
    shape = (COUNT, *trainer.network.config.example_shape)
    steps = min(STEPS, trainer.schedule.T)
    images = generate(trainer.denoiser(), shape, sampler=SAMPLER, steps=steps, seed=0, labels=labels)
    folder = find_folder(run.path, "snapshots")
    make_folder(folder)
    plotting.save_sheet(folder / name_of(epoch), images, COUNT, scale=1)


def name_of(epoch: int) -> str:
    """The name of the file with the images of an epoch."""
    return f"epoch_{epoch:04}.png"


def snapshots(run: Run) -> dict[int, Path]:
    """epoch -> path of its images, in order; empty for a run without."""
    found = {}
    for file in find_folder(run.path, "snapshots").glob("epoch_*.png"):
        number = file.stem.removeprefix("epoch_")
        if len(number) < 10 and number.isdecimal() and file.name == name_of(int(number)):  # else it is the user's own
            found[int(number)] = file
    return dict(sorted(found.items()))


def remove_snapshots(run: Run, after_epoch: int) -> None:
    """Removes the snapshots of later epochs, which the training will reach again."""
    for epoch, file in snapshots(run).items():
        if epoch > after_epoch:
            remove(file)
