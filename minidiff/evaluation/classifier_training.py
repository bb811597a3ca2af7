"""Trains the classifier of `classifier.py` on the training images of the diffusion model, and caches it.

Three in four images of a batch are upright, the others are rotated by one to three quarter turns. The trained
parameters are stored beside the cache of decoded images, under a hash of the data and the hyperparameters.
"""

import contextlib
import hashlib
from pathlib import Path

import numpy as np

from minidiff.atomic import write_whole
from minidiff.data import Dataset
from minidiff.data.readers.archives import open_files
from minidiff.data.readers.npy import read_npy
from minidiff.errors import MinidiffError
from minidiff.evaluation.classifier import CHANNELS, ROTATIONS, Classifier, shrink
from minidiff.layers import create_parameters
from minidiff.optim import Optimizer, learning_rate_at
from minidiff.parallel import Workers, chunks
from minidiff.parameters import Parameters

VERSION = 1  # of the network and its training; raise it when they change
EXAMPLES, EPOCHS = 6_000, 3  # minimum numbers of examples and of epochs; both are met
BATCH, MICROBATCH = 64, 16
UPRIGHT = 0.75  # fraction of the images
LEARNING_RATE = 3e-3
SEED = 0  # of the initial values, the order and the rotations


def train_classifier(dataset: Dataset, workers: Workers, examples: int = EXAMPLES) -> tuple[Classifier, Parameters]:
    """Trains a classifier with at least `examples` examples; returns it and its parameters."""
    network = Classifier(dataset.channels, dataset.num_classes)
    p = create_parameters(network.children, SEED)
    optimizer = Optimizer(p, "muon", kernels=network.kernels)
    epochs = max(EPOCHS, -(-examples // len(dataset)))
    steps_per_epoch = -(-len(dataset) // BATCH)
    accumulators = [p.zeros_like() for _ in range(BATCH // MICROBATCH)]
    rotations = np.zeros(len(dataset), np.int64)

    def accumulate(work: tuple[Parameters, np.ndarray, int]) -> None:
        g, chosen, total = work
        g.vector.fill(0)
        x = rotated(shrink(dataset.pixels(chosen)), rotations[chosen])
        labels = None if dataset.labels is None else dataset.labels[chosen]
        network.loss(p, g, x, rotations[chosen], labels, total)

    for epoch in range(epochs):
        rng = np.random.default_rng([SEED, epoch])
        order = rng.permutation(len(dataset))
        rotated_ones = rng.random(len(dataset)) >= UPRIGHT
        rotations[:] = rotated_ones * rng.integers(1, ROTATIONS, len(dataset))
        for step in range(steps_per_epoch):
            batch = order[step * BATCH : (step + 1) * BATCH]
            parts = [batch[part] for part in chunks(len(batch), MICROBATCH)]
            workers.map(accumulate, [(g, part, len(batch)) for g, part in zip(accumulators, parts, strict=False)])
            for other in accumulators[1 : len(parts)]:
                accumulators[0].vector += other.vector
            so_far = epoch * steps_per_epoch + step
            rate = learning_rate_at(so_far, epochs * steps_per_epoch, LEARNING_RATE, steps_per_epoch)
            optimizer.step(p, accumulators[0], rate, workers)
    return network, p


def rotated(x: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Rotates images (N, H, W, C) by quarter turns; if they are not square, by half turns only."""
    if x.shape[1] != x.shape[2]:
        rotations = rotations // 2 * 2
    return np.stack([np.rot90(image, turns) for image, turns in zip(x, rotations, strict=True)])


def find_classifier(
    dataset: Dataset, workers: Workers, folder: Path, examples: int = EXAMPLES
) -> tuple[Classifier, Parameters, bool]:
    """Loads the classifier of a data set from the cache, or trains it and stores it there; True if it was cached."""
    network = Classifier(dataset.channels, dataset.num_classes)
    p = create_parameters(network.children, SEED)
    key = repr((VERSION, dataset.fingerprint(), CHANNELS, examples, EPOCHS, UPRIGHT, BATCH, LEARNING_RATE, SEED))
    entry = folder / "classifiers" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    if entry.is_file():
        with contextlib.suppress(MinidiffError), open_files(entry) as files:  # a damaged file is replaced
            vector = read_npy(files, "parameters.npy", 8 * p.size)
            if vector.shape == p.vector.shape and vector.dtype == p.vector.dtype and np.isfinite(vector).all():
                p.vector[:] = vector
                return network, p, True
    network, p = train_classifier(dataset, workers, examples)
    with contextlib.suppress(OSError, MinidiffError):  # without a writable cache, the next evaluation trains again
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_whole(entry, lambda file: np.savez(file, parameters=p.vector))
    return network, p, False
