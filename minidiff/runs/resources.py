"""Disk and memory: a training run that cannot fit is refused before its first step."""

import shutil

from minidiff.data import Dataset
from minidiff.errors import MinidiffError
from minidiff.memory import check_memory
from minidiff.runs.checkpoint import KEPT
from minidiff.runs.folder import Run
from minidiff.training import Trainer

PROGRAM_BYTES = 250_000_000  # of the process itself: Python, its libraries and the compiled kernels


def check_space(run: Run, size: int) -> None:
    """Raises an error if the disk has no space for the checkpoints of a network with `size` parameters."""
    missing = KEPT + 2 - min(len(run.steps()), KEPT + 1)  # one more is written before the oldest is removed
    needed, free = missing * 4 * 4 * size, shutil.disk_usage(run.path).free  # four vectors of float32 each
    if free < needed:
        raise MinidiffError(
            f"{run.path}: checkpoints need {needed / 2**20:.0f} MB and the disk has {free / 2**20:.0f} MB left; "
            "free some space, or use another disk"
        )


def check_enough_memory(trainer: Trainer, dataset: Dataset) -> None:
    """Raises an error if training takes more memory than there is, not counting its activations."""
    vectors = len(trainer.state()) + len(trainer.accumulators.gradients)
    num_bytes = PROGRAM_BYTES + vectors * trainer.p.vector.nbytes + dataset.images.nbytes
    what = f"a network of {trainer.p.size:,} parameters, its optimizer and {len(dataset):,} images"
    check_memory(num_bytes, what, "use fewer channels or images")
