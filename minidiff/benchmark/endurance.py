"""What it costs that nothing is lost, and whether a long training stays as small as it began.

    python -m minidiff.benchmark.endurance

prints the share of the time that checkpoints take on the reference task, and the memory of a training while it goes on.
"""

import gc
import os
import tempfile
from pathlib import Path

from minidiff.benchmark.network import training_step
from minidiff.benchmark.timing import take_turns
from minidiff.parallel import Workers
from minidiff.runs.folder import Run
from minidiff.runs.progress import Progress
from minidiff.runs.train import save
from minidiff.unet import UNetConfig

IMAGES, BATCH = 1000, 4  # the reference task: an epoch has 250 steps


def checkpoint_cost(config, workers, folder, rounds=7):
    """The time of a checkpoint and of a training step, measured in turns.

    Args:
        config: `UNetConfig`.
        workers: `Workers`.
        folder: an empty one, on the disk that is to be measured.
        rounds: how often each is timed.

    Returns:
        seconds of a step, seconds of a checkpoint, and the share of the time of an epoch of the reference task and its
        checkpoint that the checkpoint takes.
    """
    step, trainer = training_step(config, BATCH, "muon", workers)
    with Run.create(folder, {}) as run:

        def save_it():
            trainer.step += 1
            save(run, trainer, Progress(), {"network": config.as_dict(), "training": trainer.config.as_dict()})

        seconds = take_turns({"step": step, "checkpoint": save_it}, rounds)
    epoch = IMAGES / BATCH * seconds["step"]
    return seconds["step"], seconds["checkpoint"], seconds["checkpoint"] / (epoch + seconds["checkpoint"])


def memory_while_training(config, workers, steps=2000, every=200):
    """The memory of this process while it trains.

    Args:
        config: `UNetConfig`.
        workers: `Workers`.
        steps: how many.
        every: steps between two looks.

    Yields:
        (step, MB of memory held); the first after `every` steps.
    """
    step, _ = training_step(config, BATCH, "muon", workers)
    so_far = Progress()
    for number in range(1, steps + 1):
        so_far.add(step())
        if number % every == 0:
            so_far = Progress()
            gc.collect()
            yield number, resident_memory()


def resident_memory():
    """MB (2^20 bytes) of memory that this process holds; Linux alone tells."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    """Measures and prints both."""
    config = UNetConfig(num_classes=8)
    with Workers() as workers, tempfile.TemporaryDirectory(dir=".") as folder:
        step, checkpoint, share = checkpoint_cost(config, workers, Path(folder) / "run")
        print(f"a training step takes {1000 * step:.0f} ms, a checkpoint {1000 * checkpoint:.0f} ms:")
        print(f"that is {100 * share:.2f} % of the time of the reference task, with one checkpoint an epoch")
        small = UNetConfig(16, 16, 3, channels=(32, 64), attention_levels=1)
        print("memory of a small training (16 x 16 images):")
        for number, held in memory_while_training(small, workers):
            print(f"   after {number:5} steps {held:7.1f} MB")


if __name__ == "__main__":
    main()
