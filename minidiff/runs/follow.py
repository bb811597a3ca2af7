"""What ranks other than 0 do in a training run: the same steps, without the folder of the run.

Rank 0 reads and writes the folder (`train.py`). The others get the configuration from it, load the data themselves,
and get the state from `Trainer.train`. Each call that exchanges values has its counterpart in `train_run`.
"""

from pathlib import Path
from typing import Any

from minidiff.kernels.sets import create_kernels
from minidiff.parallel import Workers
from minidiff.ranks import Ranks
from minidiff.runs.agreement import agree, check_data
from minidiff.runs.config import check
from minidiff.runs.interruption import Interruption
from minidiff.runs.pipeline import load_data
from minidiff.runs.resources import check_enough_memory
from minidiff.runs.warm_up import compile_kernels
from minidiff.training import Trainer
from minidiff.unet import UNet


def follow(workers: Workers, ranks: Ranks) -> None:
    """Trains together with rank 0, which calls `train_run`, until that ends or stops.

    Raises:
        MinidiffError: the data cannot be read or differs from that of rank 0, a value is NaN or infinite, or another
            rank has failed.
        KeyboardInterrupt: a rank has received a signal, and rank 0 has saved.
    """
    config: dict[str, Any] = ranks.gather()[0]
    network_config, training, data_options = check(config, Path("configuration of rank 0"))
    dataset, held_out = load_data(data_options)
    network = UNet(network_config, create_kernels(config["kernels"]))
    trainer = Trainer(network, network.create_parameters(), dataset, training, workers, ranks)
    check_enough_memory(trainer, dataset)
    check_data(trainer, held_out)
    compile_kernels(trainer)
    with Interruption() as interruption:
        for step in trainer.train():
            if step.last_of_epoch and held_out:
                trainer.held_out_losses(held_out)
            stopped, due = agree(ranks, interruption)
            if step.last_of_epoch or stopped or due:
                ranks.gather()  # while rank 0 saves
            if stopped:
                break
