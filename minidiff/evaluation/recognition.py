"""The task of recognizing what an image shows: its class, and by how many quarter turns it was rotated.

    class        only for data with classes, and trained on upright images only
    rotation     the image was rotated by 0, 1, 2 or 3 quarter turns

The rotation head makes the features depend on shape and position even where classes differ in color alone, or where
there are none (Gidaris et al., "Unsupervised Representation Learning by Predicting Image Rotations", 2018). Three in
four images of a batch are upright.
"""

from collections.abc import Mapping

import numpy as np

from minidiff.data import Dataset
from minidiff.evaluation.classifier import NO_LABEL, Classifier, shrink
from minidiff.evaluation.classifier_training import Examples, Task

EXAMPLES, EPOCHS = 6_000, 3  # minimum numbers of examples and of epochs; both are met
ROTATIONS = 4
UPRIGHT = 0.75  # fraction of the images


def recognition(dataset: Dataset, examples: int = EXAMPLES) -> Task:
    """The task of recognizing the images of a data set, with at least `examples` examples."""

    def draw(rng: np.random.Generator) -> Examples:
        rotations = (rng.random(len(dataset)) >= UPRIGHT) * rng.integers(1, ROTATIONS, len(dataset))

        def chosen(indices: np.ndarray) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
            turns = rotations[indices]
            labels = {"rotation": turns}
            if dataset.labels is not None:
                labels["class"] = np.where(turns == 0, dataset.labels[indices], NO_LABEL)
            return rotated(shrink(dataset.pixels(indices)), turns), labels

        return chosen

    heads = {"rotation": ROTATIONS} | ({"class": dataset.num_classes} if dataset.num_classes else {})
    return Task(
        network=Classifier(dataset.channels, heads),
        count=len(dataset),
        epochs=max(EPOCHS, -(-examples // len(dataset))),
        examples=draw,
        key=("recognition", dataset.fingerprint(), UPRIGHT),
    )


def rotated(x: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Rotates images (N, H, W, C) by quarter turns; if they are not square, by half turns only."""
    if x.shape[1] != x.shape[2]:
        rotations = rotations // 2 * 2
    return np.stack([np.rot90(image, turns) for image, turns in zip(x, rotations, strict=True)])
