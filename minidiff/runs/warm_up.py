"""Compiles all kernels of a training before its first step, so that images/s and the time left leave that out."""

import copy

import numpy as np

from minidiff.kernels.compilation import compilation_shown
from minidiff.optim import Optimizer
from minidiff.parameters import Parameters
from minidiff.ranks import ALONE
from minidiff.training import Trainer

EXAMPLES = 2


def compile_kernels(trainer: Trainer) -> int:
    """Computes the gradient of two examples and makes an optimizer step on a copy, which changes nothing.

    Returns:
        The number of kernels that were compiled; 0 if all of them were found on the disk or in memory.
    """
    config, batch = trainer.config, np.arange(min(EXAMPLES, len(trainer.dataset), trainer.config.batch_size))
    with compilation_shown(False) as compiled:  # `commands.printing.console` shows it
        alone = copy.copy(trainer)
        alone.ranks = ALONE  # each rank compiles for itself
        g = trainer.p.zeros_like()
        trainer.workers.map(lambda all_: alone.add_gradient(g, all_, len(batch)), [alone.draw(0, batch, batch)])
        p = Parameters(trainer.p.shapes, vector=trainer.p.vector.copy())
        optimizer = Optimizer(
            p,
            config.optimizer,
            weight_decay=config.weight_decay,
            clip=config.clip,
            ema_decay=config.ema_decay,
            kernels=trainer.network.kernels,
        )
        optimizer.step(p, g, config.learning_rate, trainer.workers)
    return compiled.count
