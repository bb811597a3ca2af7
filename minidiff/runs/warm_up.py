"""Compiles all kernels that training needs before its first step, so that images/s and the time left leave that out."""

import copy

import numpy as np
from numba.core.event import install_listener

from minidiff.kernels.compilation import compilation_shown
from minidiff.optim import Optimizer
from minidiff.parameters import Parameters
from minidiff.ranks import ALONE
from minidiff.runs.second_compiler import SecondCompiler
from minidiff.training import Trainer
from minidiff.unet import UNet

EXAMPLES = 2


def compile_kernels(trainer: Trainer) -> int:
    """Makes an optimizer step on a copy and computes the gradient of two examples, which changes nothing.

    With two threads or more, a second process compiles the kernels of the backward pass meanwhile.

    Returns:
        The number of kernels that this process compiled; 0 if all of them were found on the disk or in memory.
    """
    alone = copy.copy(trainer)
    alone.ranks = ALONE  # each rank compiles for itself
    batch = np.arange(min(EXAMPLES, len(trainer.dataset), trainer.config.batch_size))
    with compilation_shown(False) as compiled:  # `commands.printing.console` shows it
        if isinstance(trainer.network, UNet) and trainer.workers.threads > 1 and trainer.ranks.size == 1:
            second = SecondCompiler(trainer.network.config)
            try:
                with install_listener("numba:compile", second):
                    _step(trainer)
                    _forward(alone, batch)
                second.wait()
            finally:
                second.end()
        else:
            _step(trainer)
        # every thread computes a microbatch, and its buffers stay for training
        gradients = trainer.accumulators.gradients[: trainer.workers.threads]  # every step overwrites them
        examples = alone.draw(0, batch, batch)
        trainer.workers.map(lambda g: alone.add_gradient(g, examples, len(batch)), gradients)
    return compiled.count


def _step(trainer: Trainer) -> None:
    """An optimizer step on a copy."""
    p, config = Parameters(trainer.p.shapes, vector=trainer.p.vector.copy()), trainer.config
    optimizer = Optimizer(
        p,
        config.optimizer,
        weight_decay=config.weight_decay,
        clip=config.clip,
        ema_decay=config.ema_decay,
        kernels=trainer.network.kernels,
    )
    optimizer.step(p, p, config.learning_rate, trainer.workers)


def _forward(trainer: Trainer, batch: np.ndarray) -> None:
    """A forward pass in every thread."""
    examples = trainer.draw(0, batch, batch)
    log_sigma = trainer.schedule.log_sigma[examples.t]
    trainer.workers.map(
        lambda _: trainer.network.forward(trainer.p, examples.x0, log_sigma, examples.labels, keep=False),
        range(trainer.workers.threads),
    )
