"""Images from the middle of a training: the same noises, drawn again as the network gets better.

After epochs 1, 5, 10, 20 and the last one, four images are drawn with few steps by the averaged parameters, and kept
as RUN/trace/epoch_0005.png, side by side. Their noises are those of seed 0, whatever the training draws, and nothing of
the training is touched: a run with snapshots and one without give the same bytes.

A snapshot is kept before the checkpoint of its epoch. So a training that was killed between the two draws it again.
"""

from minidiff import plotting
from minidiff.errors import MinidiffError
from minidiff.sampling import generate

TRACE_EPOCHS = (1, 5, 10, 20)
FOLDER = "trace"
COUNT, STEPS = 4, 6


def is_traced(epoch, last_epoch):
    """Whether an epoch is one of those to be looked at."""
    return epoch in TRACE_EPOCHS or epoch == last_epoch


def save_snapshot(run, trainer, epoch):
    """Draws and keeps the images of an epoch.

    Args:
        run: `Run`.
        trainer: `Trainer`, at the end of that epoch.
        epoch: from 1.

    Raises:
        MinidiffError: they cannot be written.
    """
    classes = trainer.network.config.num_classes
    labels = [i % classes for i in range(COUNT)] if classes else None
    shape = (COUNT, *trainer.network.config.example_shape)
    images = generate(
        trainer.denoiser(), shape, sampler="heun", steps=min(STEPS, trainer.schedule.T), seed=0, labels=labels
    )
    folder = run.path / FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise MinidiffError(f"cannot make the folder {folder}: {error.strerror}") from error
    plotting.save_sheet(folder / f"epoch_{epoch:04}.png", images, COUNT, scale=1)


def snapshots(run):
    """epoch -> path of its sheet, in order; empty for a run without."""
    files = (run.path / FOLDER).glob("epoch_*.png")
    epochs = {int(number): file for file in files if (number := file.stem.removeprefix("epoch_")).isdecimal()}
    return dict(sorted(epochs.items()))


def forget_snapshots(run, after_epoch):
    """Removes what a training that now goes on after some epoch had drawn of later ones."""
    for epoch, file in snapshots(run).items():
        if epoch > after_epoch:
            file.unlink(missing_ok=True)
