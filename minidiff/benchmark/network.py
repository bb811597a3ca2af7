"""How fast the whole network trains and samples, where the time goes, and how both grow."""

import time
from collections import defaultdict
from dataclasses import replace

import numpy as np

from minidiff.benchmark.probe import probe
from minidiff.benchmark.timing import take_turns
from minidiff.data import Dataset
from minidiff.denoiser import NetworkDenoiser
from minidiff.layers import Conv2d
from minidiff.parallel import Workers
from minidiff.schedule import Schedule
from minidiff.training import Trainer, TrainingConfig
from minidiff.unet import UNet, leaves

EPOCH = 50  # steps: so long that what is done at its end does not count


def random_images(config, count):
    """A `Dataset` of noise in the shape a network takes: speed does not depend on what the images show."""
    rng = np.random.default_rng(0)
    shape = (count, config.height, config.width, config.image_channels)
    labels = np.arange(count) % max(1, config.num_classes) if config.num_classes else None
    names = tuple(str(i) for i in range(config.num_classes))
    return Dataset(rng.integers(0, 256, shape, np.uint8), labels, names, name="noise")


def training_step(config, batch, optimizer, workers, microbatch_size=0):
    """A function that makes one training step on a batch, again and again.

    Args:
        config: `UNetConfig`.
        batch: images.
        optimizer: "adamw" or "muon".
        workers: `Workers`.
        microbatch_size: see `training.py`.

    Returns:
        Function without arguments, and the `Trainer` it works on.
    """
    network = UNet(config)
    training = TrainingConfig(batch_size=batch, optimizer=optimizer, microbatch_size=microbatch_size)
    images = random_images(config, EPOCH * batch)
    trainer = Trainer(network, network.create_parameters(), images, training, workers)
    indices = np.arange(batch)
    return lambda: trainer.train_step(0, indices, indices), trainer


def sampling_step(config, batch, workers):
    """A function that asks the network once for a batch, as one step of a sampler does."""
    network = UNet(config)
    denoiser = NetworkDenoiser(network, network.create_parameters(), Schedule(), "flow", workers)
    shape = (batch, config.height, config.width, config.image_channels)
    z = np.random.default_rng(0).standard_normal(shape, np.float32)
    labels = np.arange(batch) % config.num_classes if config.num_classes else None
    return lambda: denoiser(z, 500, labels)


def time_by_layer(config, workers, images=2, rounds=5):
    """Where the time of a forward and backward pass goes, by type of layer.

    Args:
        config: `UNetConfig`.
        workers: `Workers`; one thread is used, with BLAS held to one thread.
        images: in the slice.
        rounds: the fastest of so many counts.

    Returns:
        Rows [type, forward ms, backward ms] for the slice, the longest first.
    """
    network = UNet(config)
    p = network.create_parameters()
    g, z = (
        p.zeros_like(),
        np.random.default_rng(0).standard_normal(
            (images, config.height, config.width, config.image_channels), np.float32
        ),
    )
    spent = defaultdict(lambda: [0.0, 0.0])

    def watch(layer, which, method):
        kind = " ".join([type(layer).__name__, getattr(layer, "method", "")]).strip()

        def watched(*arguments):
            start = time.perf_counter()
            result = method(*arguments)
            spent[kind][which] += time.perf_counter() - start
            return result

        return watched

    for top in network.children():
        for layer in leaves(top):
            layer.forward = watch(layer, 0, layer.forward)
            layer.backward = watch(layer, 1, layer.backward)
    best = None
    for _ in range(rounds):
        spent.clear()

        def run(_):
            prediction, caches = network.forward(p, z, np.zeros(images))
            network.backward(p, g, caches, prediction)

        start = time.perf_counter()
        workers.map(run, [0])
        total = time.perf_counter() - start
        if best is None or total < best[0]:
            best = total, {kind: list(times) for kind, times in spent.items()}
    total, spent = best
    rows = [[kind, *(1e3 * seconds for seconds in times)] for kind, times in spent.items()]
    rest = 1e3 * total - sum(row[1] + row[2] for row in rows)
    return [*sorted(rows, key=lambda row: -row[1] - row[2]), ["everything else", rest, 0.0]]


def growth(workers, config, quick=False):
    """Time and memory of a training step against resolution, channels, batch and threads.

    Args:
        workers: `Workers`, for all but the last.
        config: `UNetConfig` of the reference task.
        quick: leave out the largest.

    Returns:
        dict name -> list of (value, ms an image, MB that a process takes at most).
    """

    def measure(value, config, batch, threads):
        with Workers(threads) as some:
            step, _ = training_step(config, batch, "adamw", some)
            seconds = take_turns({"step": step}, rounds=3, warm_up=1)["step"]
        return value, 1e3 * seconds / batch, probe("minidiff", batch, threads, config=config)["peak_mb"]

    sides = (16, 32, 64) if quick else (16, 32, 64, 128)
    widths = (0.5, 1) if quick else (0.5, 1, 2)
    batches = (1, 4) if quick else (1, 2, 4, 16)
    wider = {width: replace(config, channels=tuple(int(width * c) for c in config.channels)) for width in widths}
    threads = workers.threads
    return {
        "side": [measure(side, replace(config, height=side, width=side), 4, threads) for side in sides],
        "channels": [measure(some.channels[0], some, 4, threads) for some in wider.values()],
        "batch": [measure(batch, config, batch, threads) for batch in batches],
        "threads": [measure(count, config, 4, count) for count in range(1, threads + 1)],
    }


def tricks(config, workers, batch=4):
    """What each trick is worth: the training step with one of them taken back, in turns.

    Args:
        config: `UNetConfig`.
        workers: `Workers`.
        batch: images.

    Returns:
        Rows [what, ms an image, times as long].
    """
    ways = {"everything": training_step(config, batch, "adamw", workers)[0]}

    step, trainer = training_step(config, batch, "adamw", workers)
    for layer in convolutions(trainer.network):
        if layer.method == "winograd":
            layer.method = "im2col"
    ways["im2col instead of Winograd"] = step

    step, trainer = training_step(config, batch, "adamw", workers)
    trainer.p.empty = lambda shape: np.empty(shape, np.float32)
    ways["fresh memory for every array"] = step

    step, _ = training_step(config, batch, "adamw", workers, microbatch_size=batch)
    ways["the whole batch as one slice, one thread"] = step

    seconds = take_turns(ways)
    return [[name, 1e3 * s / batch, s / seconds["everything"]] for name, s in seconds.items()]


def convolutions(network):
    """All the `Conv2d` of a network."""
    return [leaf for layer in network.children() for leaf in leaves(layer) if isinstance(leaf, Conv2d)]
