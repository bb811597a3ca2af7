"""The share of images whose parts agree, for synthetic data, whose attributes are known.

A reader is a classifier that gets one part of an image, such as one half of a cat, and has a head for every attribute
of it. It learns from images whose parts were drawn independently (`data/synthetic/parts.py`), so it cannot guess from
one part what the other one shows. Two parts agree in an attribute if the reader predicts the same value for both. In
real images they always do, so the share of real images is the accuracy of the reader.

An attribute counts only in images in which both parts show it: a closed eye has no color.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minidiff.data.dataset import to_bytes, to_pixels
from minidiff.data.readers.sizing import Size
from minidiff.data.synthetic.parts import DIVISIONS, HIDDEN, Division
from minidiff.evaluation.classifier import Classifier, shrink
from minidiff.evaluation.classifier_training import MICROBATCH, Examples, Task, find_classifier
from minidiff.parallel import Workers, chunks
from minidiff.parameters import Parameters
from minidiff.randomness import stream

DRAWN, EPOCHS = 2_000, 8  # images that a reader learns from, each with two parts
SEED = 0

Agreement = dict[str, tuple[float, float]]  # attribute -> share of images, standard error


def reading(name: str, division: Division, size: Size, workers: Workers, drawn: int) -> Task:
    """The task of reading one part of the images of a synthetic data set of a size."""

    def draw(i: int) -> tuple[np.ndarray, dict[str, int], dict[str, int]]:
        image, first, second = division.draw(stream("parts", SEED, i), size)
        return to_bytes(2 * image - 1), first, second

    parts: list = []  # drawn when they are needed: not for a reader from the cache

    def examples(rng: np.random.Generator) -> Examples:
        if not parts:
            images, *attributes = zip(*workers.map(draw, range(drawn)), strict=True)
            x = shrink(to_pixels(np.stack(images)))
            parts.append(np.concatenate(division.cut(x)))
            parts.append({key: np.array([a[key] for one in attributes for a in one]) for key in division.attributes})
        x, labels = parts
        return lambda chosen: (x[chosen], {key: values[chosen] for key, values in labels.items()})

    return Task(
        network=Classifier(3, division.attributes),
        count=2 * drawn,
        epochs=EPOCHS,
        examples=examples,
        key=("reading", name, division.name, size, SEED),
    )


class Readers:
    """The trained readers of a synthetic data set.

    Args:
        name: of the data set.
        size: height and width of its images.
        workers: the threads.
        cache_folder: of the classifiers.
        drawn: images that each reader learns from; by default as many as are needed.
    """

    def __init__(self, name: str, size: Size, workers: Workers, cache_folder: Path, drawn: int | None = None) -> None:
        self.workers = workers
        self.readers: list[tuple[Division, Classifier, Parameters]] = []
        for division in DIVISIONS[name]:
            task = reading(name, division, size, workers, drawn or DRAWN)
            self.readers.append((division, task.network, find_classifier(task, workers, cache_folder)[0]))

    def __repr__(self) -> str:
        return f"Readers({', '.join(division.name for division, _, _ in self.readers)})"

    def agreement(self, x: np.ndarray) -> Agreement:
        """The share of images (N, H, W, C) whose parts agree: in each attribute, in several together, and in "all"."""
        shares: Agreement = {}
        everything = np.ones(len(x), bool)
        for division, network, p in self.readers:
            one, other = (self.read(network, p, part) for part in division.cut(shrink(x)))
            agrees = {}
            for key in division.attributes:
                agree, seen = one[key] == other[key], visible(division, key, one, other)
                shares[key], agrees[key] = share(agree[seen]), agree | ~seen
            for name, keys in division.together.items():
                shares[name] = share(np.logical_and.reduce([agrees[key] for key in keys]))
            everything &= np.logical_and.reduce(list(agrees.values()))
        return shares | {"all": share(everything)}

    def read_parts(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """What the two parts of the first division show, in images (N, H, W, C): attribute -> int (N, 2), or HIDDEN."""
        division, network, p = self.readers[0]
        one, other = (self.read(network, p, part) for part in division.cut(shrink(x)))
        found = {key: np.stack([one[key], other[key]], axis=1) for key in division.attributes}
        for key, (hiding, value) in division.hidden_by.items():
            found[key] = np.where(found[hiding] == value, HIDDEN, found[key])
        return found

    def read(self, network: Classifier, p: Parameters, x: np.ndarray) -> dict[str, np.ndarray]:
        """The attributes that a reader predicts for parts (N, h, w, C): name -> int (N,)."""
        found = self.workers.map(lambda part: network.extract(p, x[part])[2], chunks(len(x), MICROBATCH))
        return {key: np.concatenate([labels[key] for labels in found]) for key in found[0]}


def visible(division: Division, key: str, one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> np.ndarray:
    """In which images both parts show an attribute, bool (N,)."""
    if key not in division.hidden_by:
        return np.ones(len(one[key]), bool)
    hiding, value = division.hidden_by[key]
    return (one[hiding] != value) & (other[hiding] != value)


def share(agree: np.ndarray) -> tuple[float, float]:
    """The mean of bool (N,) and its standard error; NaN for none."""
    if not len(agree):
        return float("nan"), float("nan")
    mean = float(agree.mean())
    return mean, float(np.sqrt(mean * (1 - mean) / len(agree)))
