"""Trains a classifier (`classifier.py`) for any task, and caches its parameters.

A task yields the examples of one epoch after another (`Task`). The trained parameters are stored beside the cache of
decoded images, under a hash of the data and the hyperparameters.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minidiff.atomic import write_whole
from minidiff.data.readers.archives import open_files
from minidiff.data.readers.npy import read_npy
from minidiff.errors import MinidiffError
from minidiff.evaluation.classifier import CHANNELS, Classifier
from minidiff.layers import create_parameters
from minidiff.optim import Optimizer, learning_rate_at
from minidiff.parallel import GradientAccumulators, Workers, chunks
from minidiff.parameters import Parameters
from minidiff.randomness import stream

VERSION = 4  # of the network and its training; raise it when they change
BATCH, MICROBATCH = 32, 16
LEARNING_RATE = 5e-3
SEED = 0  # of the initial values, the order and the examples

# from the positions of examples, int (n,), to their images (n, H, W, C) and their labels for each head, int (n,)
Examples = Callable[[np.ndarray], tuple[np.ndarray, Mapping[str, np.ndarray]]]


@dataclass(frozen=True)
class Task:
    """What a classifier is trained for.

    Attributes:
        network: the classifier.
        count: examples in an epoch.
        epochs: of the training.
        examples: gives the examples of an epoch, from its random generator.
        together: number of consecutive examples that are in one batch; divides `count`.
        key: everything that the examples depend on; its `repr` is part of the name in the cache.
    """

    network: Classifier
    count: int
    epochs: int
    examples: Callable[[np.random.Generator], Examples]
    key: tuple
    together: int = 1


def train_classifier(task: Task, workers: Workers) -> Parameters:
    """Trains the classifier of a task; returns its parameters."""
    network = task.network
    p = create_parameters(network.children, SEED)
    optimizer = Optimizer(p, "muon", kernels=network.kernels)
    accumulators = GradientAccumulators(p, BATCH, MICROBATCH, workers)
    steps_per_epoch = -(-task.count // BATCH)
    for epoch in range(task.epochs):
        rng = stream("classifier", SEED, epoch)
        order = rng.permutation(task.count // task.together)[:, None] * task.together + np.arange(task.together)
        order = order.ravel()  # (count,)
        examples = task.examples(rng)
        for step, part in enumerate(chunks(task.count, BATCH)):
            batch = order[part]

            def add_gradient(g: Parameters, part: slice, batch: np.ndarray = batch, draw: Examples = examples) -> float:
                x, labels = draw(batch[part])
                return network.loss(p, g, x, labels, len(batch))

            g = accumulators.sum(len(batch), add_gradient)
            so_far = epoch * steps_per_epoch + step
            rate = learning_rate_at(so_far, task.epochs * steps_per_epoch, LEARNING_RATE, steps_per_epoch)
            optimizer.step(p, g, rate, workers)
    return p


def find_classifier(task: Task, workers: Workers, folder: Path) -> tuple[Parameters, bool]:
    """Loads the parameters of a task's classifier from the cache, or trains it and stores them there.

    Returns the parameters, and whether they were cached.
    """
    p = create_parameters(task.network.children, SEED)
    key = repr((VERSION, p.shapes, CHANNELS, task.count, task.epochs, BATCH, LEARNING_RATE, SEED, task.key))
    entry = folder / "classifiers" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    if entry.is_file():
        with contextlib.suppress(MinidiffError), open_files(entry) as files:  # a damaged file is replaced
            vector = read_npy(files, "parameters.npy", 8 * p.size)
            if vector.shape == p.vector.shape and vector.dtype == p.vector.dtype and np.isfinite(vector).all():
                p.vector[:] = vector
                return p, True
    p = train_classifier(task, workers)
    with contextlib.suppress(OSError, MinidiffError):  # without a writable cache, the next evaluation trains again
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_whole(entry, lambda file: np.savez(file, parameters=p.vector))
    return p, False
