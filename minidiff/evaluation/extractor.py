"""The feature extractor: a classifier of the training images, and the features of real images for comparison.

The real images were not trained on. One half of them is the *reference*, which samples are compared with. The other
half is the *control*. Its distance from the reference is the floor that good samples approach.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from minidiff.data import Dataset
from minidiff.data.readers.cache import default_cache_folder
from minidiff.errors import MinidiffError
from minidiff.evaluation.classifier import shrink
from minidiff.evaluation.classifier_training import EXAMPLES, MICROBATCH, find_classifier
from minidiff.evaluation.distances import frechet_distance, kernel_distance, scale_of, with_standard_error
from minidiff.parallel import Workers, chunks

DISTANCES = {"frechet": frechet_distance, "kernel": kernel_distance}
FEWEST = 32  # images that give a meaningful distance


class FeatureExtractor:
    """Extracts features from images, and measures distances from the features of real ones.

    Args:
        training: data that the diffusion model was trained on.
        real: data that it was not trained on; its halves are the reference and the control.
        count: number of samples; the control has as many images, or fewer if there are not enough.
        workers: for the microbatches.
        cache_folder: of the classifiers; by default the user's cache folder.
        examples: of the classifier's training.

    Attributes:
        scale: factor of the features.
        reference_features, control_features: float64 (N, D).
        control_classes: predicted for the control, int (N,), or None without classes.
    """

    def __init__(
        self,
        training: Dataset,
        real: Dataset,
        count: int,
        workers: Workers,
        cache_folder: Path | None = None,
        examples: int = EXAMPLES,
    ) -> None:
        if count < FEWEST:
            raise MinidiffError(f"{count} samples are too few to measure; give at least {FEWEST}")
        self.count, self.workers, self.scale = count, workers, 1.0
        self.network, self.p, _ = find_classifier(training, workers, cache_folder or default_cache_folder(), examples)
        half = len(real) // 2
        self.reference, self.control = real.subset(slice(0, half)), real.subset(slice(half, half + min(half, count)))
        features, _ = self.extract(self.reference.pixels, half)
        self.scale = scale_of(features)
        self.reference_features = self.scale * features
        self.control_features, self.control_classes = self.extract(self.control.pixels, len(self.control))

    def __repr__(self) -> str:
        return f"FeatureExtractor({len(self.reference)} reference and {len(self.control)} control images)"

    def extract(self, pixels: Callable[[slice], np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The features of images, float64 (N, D), and their predicted classes, int (N,), or None without classes.

        `pixels` maps a slice of range(count) to images (n, H, W, C) in [-1, 1]. Features are on the scale of
        `distances.py`.
        """
        results = self.workers.map(
            lambda part: self.network.extract(self.p, shrink(pixels(part))), chunks(count, MICROBATCH)
        )
        features, classes = zip(*results, strict=True)
        scaled = self.scale * np.concatenate(features).astype(np.float64)
        return scaled, np.concatenate(classes) if self.network.class_head else None

    def distance(self, name: str, features: np.ndarray) -> tuple[float, float]:
        """The distance "frechet" or "kernel" of features (N, D) from those of the reference, and its standard error."""
        return with_standard_error(DISTANCES[name], features, self.reference_features)
