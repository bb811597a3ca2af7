"""What the ranks of a training run agree on: the same data before the first step, and after each step whether to go on.

A rank that decided by itself to stop or to save would leave the others waiting for it.
"""

import logging
from typing import Any

from minidiff.data import Dataset
from minidiff.errors import MinidiffError
from minidiff.parallel import chunks
from minidiff.ranks import Ranks
from minidiff.runs.interruption import Interruption
from minidiff.training import Trainer
from minidiff.training_config import TrainingConfig

logger = logging.getLogger(__name__)


def check_same(ranks: Ranks, values: dict[str, Any]) -> None:
    """Refuses values, name -> plain value, that are not the same on all ranks; each raises the same error."""
    found = ranks.gather(values)
    for rank, others in enumerate(found):
        for name in found[0].keys() | others.keys():
            first, other = found[0].get(name), others.get(name)
            if first != other:
                raise MinidiffError(
                    f"{name}: rank {rank} of {ranks.size} has {other} and rank 0 has {first}; start all ranks alike"
                )


def check_data(trainer: Trainer, held_out: Dataset | None) -> None:
    """Refuses other images on one of the ranks, and logs how many ranks there are and whether some are idle."""
    ranks, dataset = trainer.ranks, trainer.dataset
    if ranks.size == 1:
        return
    sets = {"the images": dataset, "the held-out images": held_out}
    check_same(ranks, {name: data.fingerprint() if isinstance(data, Dataset) else None for name, data in sets.items()})
    threads = ranks.gather(trainer.workers.threads)
    logger.info("   %d ranks with %s threads", ranks.size, " + ".join(map(str, threads)))
    if note := idle_ranks(trainer.config, min(trainer.config.batch_size, len(dataset)), ranks.size):
        logger.info("   %s", note)


def idle_ranks(training: TrainingConfig, batch: int, ranks: int) -> str:
    """A note with the batch size that fits if a batch has fewer microbatches than there are ranks, otherwise ""."""
    size = training.microbatch_size
    count = len(chunks(batch, size))
    if count >= ranks:
        return ""
    option = f"--batch-size {ranks * size}"
    if TrainingConfig(batch_size=ranks * size).microbatch_size != size:
        option += f" --microbatch-size {size}"
    microbatches = "1 microbatch" if count == 1 else f"{count} microbatches"
    return (
        f"a batch of {batch} has {microbatches} of {size}, so {ranks - count} of {ranks} ranks are idle; {option} has "
        "one for each"
    )


def agree(ranks: Ranks, interruption: Interruption, save: bool = False) -> tuple[bool, bool]:
    """Decides after a step whether all ranks stop and whether rank 0 saves.

    Args:
        ranks: the processes.
        interruption: of this rank; if all stop, it gets the signal of the first rank that has received one.
        save: whether this rank finds it time to save.

    Returns:
        Whether to stop, because any rank has received a signal, and whether to save.
    """
    found = ranks.gather([interruption.number, save])
    numbers = [number for number, _ in found if number is not None]
    if numbers:
        interruption.number = numbers[0]
    return bool(numbers), any(save for _, save in found)
