"""Training in a notebook with a live figure: the loss so far, and images from the same noise.

from minidiff import train_live

train_live(trainer)
"""

import io
import time

import numpy as np

from minidiff import plotting
from minidiff.errors import MinidiffError
from minidiff.examples import TrainingData
from minidiff.runs.progress import Progress
from minidiff.runs.snapshots import COUNT, SAMPLER, STEPS
from minidiff.runs.status import Status
from minidiff.runs.warm_up import compile_kernels
from minidiff.sampling import generate
from minidiff.training import Trainer

INTERVAL = 2.0  # seconds between two figures, at least
LARGEST_SHARE = 0.1  # of the time that figures may take


def train_live(trainer: Trainer, held_out: TrainingData | None = None) -> list[dict[str, float]]:
    """Trains to the end of the last epoch, and shows a figure below the cell that changes meanwhile.

    Args:
        trainer: of images.
        held_out: images on which the loss is measured after each epoch.

    Returns:
        A row for each epoch, as in history.csv.

    Raises:
        MinidiffError: not in a notebook, or a value that is NaN or infinite.
    """
    try:
        from IPython import get_ipython
        from IPython.display import Image, display
    except ImportError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        raise MinidiffError("a live figure needs a notebook; use `for step in trainer.train()` elsewhere")
    compile_kernels(trainer)
    progress, interval, shown = Progress(), INTERVAL, time.monotonic()
    rows: list[dict[str, float]] = []
    handle = display(Image(draw(trainer, rows, "starting")), display_id=True)
    for step in trainer.train():
        progress.add(step)
        status = Status(step.epoch, trainer.config.epochs, progress.seconds_left(trainer.total_steps - step.step))
        if step.last_of_epoch:
            losses = None if held_out is None else trainer.held_out_losses(held_out)[1]
            rows.append(progress.end_epoch(step, trainer.schedule.T, losses))
        start = time.monotonic()
        if start - shown >= interval:
            handle.update(Image(draw(trainer, rows, f"running, {status}")))
            shown = time.monotonic()
            interval = max(INTERVAL, (shown - start) / LARGEST_SHARE)
    done = f"{len(rows)} epochs in {progress.seconds:.0f} s"
    handle.update(Image(draw(trainer, rows, done)))
    return rows


def draw(trainer: Trainer, rows: list[dict[str, float]], title: str) -> bytes:
    """The figure as a PNG file: the loss of each epoch, and images that the averaged parameters generate."""
    config = trainer.network.config
    labels = np.arange(COUNT) % config.num_classes if config.num_classes else None
    steps = min(STEPS, trainer.schedule.T)
    shape = (COUNT, *config.example_shape)
    images = generate(trainer.denoiser(), shape, sampler=SAMPLER, steps=steps, seed=0, labels=labels)
    figure = plotting.new_figure(8, 3)
    left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
    if rows:
        plotting.draw_loss(left, rows)
    else:
        left.set(xlabel="epoch", ylabel="loss, noise scale", title="Loss of each epoch", xticks=[], yticks=[])
    right.imshow(plotting.sheet(images), interpolation="nearest")
    right.set(xticks=[], yticks=[], title=f"from noise in {steps} steps")
    right.spines[:].set_visible(False)
    figure.suptitle(title)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
