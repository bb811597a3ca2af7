"""Trains the classifier of `classifier.py` on the images that the diffusion model was trained on, and keeps it.

Three in four images of a batch stand upright, the others are turned by one to three quarters. What was learned is
kept beside the cache of decoded images, named after the data and the settings, so that the next evaluation is quick.
"""

import contextlib
import hashlib

import numpy as np

from minidiff.atomic import write_whole
from minidiff.data.readers.archives import open_files
from minidiff.data.readers.npy import read_npy
from minidiff.errors import MinidiffError
from minidiff.evaluation.classifier import CHANNELS, TURNS, Classifier, shrink
from minidiff.optim import Optimizer, learning_rate_at
from minidiff.parallel import slices

VERSION = 1  # of the network and its training; raise it when they change
EXAMPLES, EPOCHS = 6_000, 3  # so many images are looked at, or so many passes made, whichever is more
BATCH, SLICE = 64, 16
UPRIGHT = 0.75  # share of the images
LEARNING_RATE = 3e-3


def train_classifier(dataset, workers, seed=0, examples=EXAMPLES):
    """A trained classifier.

    Args:
        dataset: a `Dataset`.
        workers: `Workers` that share the work.
        seed: of the first values, the order and the turns.
        examples: how many images to look at, at least, besides EPOCHS passes.

    Returns:
        `Classifier` and its `Parameters`.
    """
    network = Classifier(dataset.channels, dataset.num_classes)
    p = network.create_parameters(seed)
    optimizer = Optimizer(p, "muon")
    epochs = max(EPOCHS, -(-examples // len(dataset)))
    steps_per_epoch = -(-len(dataset) // BATCH)
    gradients = [p.zeros_like() for _ in range(BATCH // SLICE)]
    for epoch in range(epochs):
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(dataset))
        turns = np.where(rng.random(len(dataset)) < UPRIGHT, 0, rng.integers(1, TURNS, len(dataset)))
        for step in range(steps_per_epoch):
            batch = order[step * BATCH : (step + 1) * BATCH]
            parts = slices(len(batch), SLICE)

            def work(number, batch=batch, parts=parts, turns=turns):
                gradients[number].vector.fill(0)
                chosen = batch[parts[number]]
                x = turned(shrink(dataset.pixels(chosen)), turns[chosen])
                labels = None if dataset.labels is None else dataset.labels[chosen]
                network.loss(p, gradients[number], x, turns[chosen], labels, len(batch))

            workers.map(work, range(len(parts)))
            for other in gradients[1 : len(parts)]:
                gradients[0].vector += other.vector
            rate = learning_rate_at(
                epoch * steps_per_epoch + step, epochs * steps_per_epoch, LEARNING_RATE, steps_per_epoch
            )
            optimizer.step(p, gradients[0], rate, workers)
    return network, p


def turned(x, turns):
    """Images (N, H, W, C) turned by so many quarters; an image that is no square is turned by halves only."""
    if x.shape[1] != x.shape[2]:
        turns = turns // 2 * 2
    return np.stack([np.rot90(image, quarters) for image, quarters in zip(x, turns, strict=True)])


def look_at(network, p, pixels, count, workers):
    """What a classifier sees in any number of images.

    Args:
        network, p: from `train_classifier`.
        pixels: function from a slice to images (n, H, W, C) in [-1, 1].
        count: N, how many there are.
        workers: `Workers`.

    Returns:
        features, float64 (N, 256), and classes, int (N,), or None.
    """
    seen = workers.map(lambda part: network.look(p, shrink(pixels(part))), slices(count, SLICE))
    features, classes = zip(*seen, strict=True)
    return np.concatenate(features).astype(np.float64), np.concatenate(classes) if network.kind else None


def find_classifier(dataset, workers, folder, seed=0, examples=EXAMPLES):
    """The classifier of a data set: the one that is kept, or else a new one, which is kept from then on.

    Args:
        dataset: a `Dataset`.
        workers: `Workers`.
        folder: where classifiers are kept; None is nowhere.
        seed, examples: of the training.

    Returns:
        `Classifier`, its `Parameters`, and whether it was kept.
    """
    network = Classifier(dataset.channels, dataset.num_classes)
    p = network.create_parameters(seed)
    key = repr((VERSION, dataset.fingerprint(), CHANNELS, examples, EPOCHS, UPRIGHT, BATCH, LEARNING_RATE, seed))
    entry = folder and folder / "classifiers" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    if entry and entry.is_file():
        with contextlib.suppress(MinidiffError), open_files(entry) as files:  # a damaged one is made anew
            vector = read_npy(files, "parameters.npy", 8 * p.size)
            if vector.shape == p.vector.shape and vector.dtype == p.vector.dtype and np.isfinite(vector).all():
                p.vector[:] = vector
                return network, p, True
    network, p = train_classifier(dataset, workers, seed, examples)
    if entry:
        # A cache that cannot be written is no reason to fail: the next time takes as long as this one
        with contextlib.suppress(OSError, MinidiffError):
            entry.parent.mkdir(parents=True, exist_ok=True)
            write_whole(entry, lambda file: np.savez(file, parameters=p.vector))
    return network, p, False
