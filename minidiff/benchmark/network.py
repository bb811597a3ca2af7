"""Speed of the whole network: training and sampling steps, and the effect of each trick."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minidiff.benchmark.timing import take_turns
from minidiff.data import Dataset
from minidiff.denoiser import NetworkDenoiser
from minidiff.kernels.buffers import Buffers
from minidiff.kernels.fast.convolution import convolve_im2col, convolve_im2col_backward
from minidiff.kernels.sets import Kernels, create_kernels, fast_kernels
from minidiff.parallel import Workers
from minidiff.schedule import Schedule
from minidiff.training import Step, Trainer, TrainingConfig
from minidiff.unet import UNet, UNetConfig

EPOCH = 50  # steps, so that the work at the end of an epoch is negligible


def random_images(config: UNetConfig, count: int) -> Dataset:
    """Noise in the shape that a network takes; the speed does not depend on the content of the images."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % config.num_classes if config.num_classes else None
    names = tuple(str(i) for i in range(config.num_classes))
    return Dataset(rng.integers(0, 256, (count, *config.example_shape), np.uint8), labels, names, name="noise")


def training_step(
    config: UNetConfig, batch: int, optimizer: str, workers: Workers, microbatch_size: int = 0,
    kernels: Kernels | None = None,
) -> tuple[Callable[[], Step], Trainer]:  # fmt: skip
    """A function that does one training step, always on the same batch, and its `Trainer`.

    The optimizer is "adamw" or "muon"; microbatch_size is that of `TrainingConfig`; kernels are by default the fast
    ones.
    """
    network = UNet(config, kernels)
    training = TrainingConfig(batch_size=batch, optimizer=optimizer, microbatch_size=microbatch_size)
    images = random_images(config, EPOCH * batch)
    trainer = Trainer(network, network.create_parameters(), images, training, workers)
    indices = np.arange(batch)
    return lambda: trainer.train_step(0, indices, indices), trainer


def sampling_step(config: UNetConfig, batch: int, workers: Workers) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """A function that evaluates the network once for a batch, as one sampler step does."""
    network = UNet(config)
    denoiser = NetworkDenoiser(network, network.create_parameters(), Schedule(), "flow", workers)
    z = np.random.default_rng(0).standard_normal((batch, *config.example_shape), np.float32)
    labels = np.arange(batch) % config.num_classes if config.num_classes else None
    return lambda: denoiser(z, 500, labels)


def tricks(config: UNetConfig, workers: Workers) -> list[list]:
    """Measures the effect of each trick: a training step (AdamW, batch 4) with one of them disabled, in turns.

    "the plain kernels" have none of them.

    Returns:
        Rows [what is different, ms per image, time relative to that with all tricks].
    """
    batch = 4
    sets = {
        "everything": None,
        "im2col instead of Winograd": without_winograd(),
        "fresh memory for every array": fast_kernels(FreshMemory()),
        "the plain kernels": create_kernels("plain"),
    }
    ways = {name: training_step(config, batch, "adamw", workers, kernels=sets[name])[0] for name in sets}
    ways["the whole batch as one microbatch, one thread"], _ = training_step(config, batch, "adamw", workers, batch)

    seconds = take_turns(ways)
    return [[name, 1e3 * s / batch, s / seconds["everything"]] for name, s in seconds.items()]


class FreshMemory(Buffers):
    """Buffers that reuse no memory."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        """`np.empty`."""
        return np.empty(shape, dtype)


def without_winograd() -> Kernels:
    """The fast kernels with im2col for every convolution that is larger than 1x1."""
    buffers = Buffers()
    kernels = fast_kernels(buffers)

    def convolve(x: np.ndarray, w: np.ndarray, *others: Any) -> np.ndarray:
        method = kernels.convolve if len(w) == 1 else partial(convolve_im2col, buffers)
        return method(x, w, *others)

    def convolve_backward(x: np.ndarray, w: np.ndarray, *others: Any) -> np.ndarray:
        method = kernels.convolve_backward if len(w) == 1 else partial(convolve_im2col_backward, buffers)
        return method(x, w, *others)

    return replace(kernels, convolve=convolve, convolve_backward=convolve_backward)
