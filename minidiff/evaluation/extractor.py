"""The feature extractor: two classifiers of images like those of the run, and the features of real images.

The features have two parts of equal weight:

    from the middle of the network that recognizes classes and rotations (`recognition.py`), in each quadrant of the
    image: near the end, all images of a class have nearly the same features, which would hide blur and seams;
    from the last layer of the network that tells whole images from spliced ones (`splices.py`), after attention has
    compared the parts of the image.

The real images were not trained on. One half of them, chosen at random, is the *reference*, which samples are compared
with. The other half is the *control*. Its distance from the reference is the floor that good samples approach.

Read more: `tutorials/14_measuring.ipynb`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from minidiff.data import Dataset
from minidiff.data.readers.cache import default_cache_folder
from minidiff.errors import MinidiffError
from minidiff.evaluation import recognition, splices
from minidiff.evaluation.agreement import share
from minidiff.evaluation.classifier import shrink
from minidiff.evaluation.classifier_training import MICROBATCH, find_classifier
from minidiff.evaluation.distances import frechet_distance, kernel_distance, scale_of, with_standard_error
from minidiff.evaluation.precision import precision, recall
from minidiff.parallel import Workers, chunks
from minidiff.randomness import stream

COMPARISONS = {"frechet": frechet_distance, "kernel": kernel_distance, "precision": precision, "recall": recall}
FEWEST = 32  # images that give a meaningful distance
SEED = 0  # of the halves and the seams


class FeatureExtractor:
    """Extracts features from images, and compares them with the features of real ones.

    Args:
        learning: data that the classifiers learn from.
        real: data that the diffusion model was not trained on; its halves are the reference and the control.
        count: number of samples; the control has as many images, or fewer if there are not enough.
        workers: for the microbatches.
        cache_folder: of the classifiers; by default the user's cache folder.
        examples: of the training of each classifier; by default as many as are needed.

    Attributes:
        reference_features, control_features: float64 (N, D).
        control_classes: predicted for the control, int (N,), or None without classes.
    """

    def __init__(
        self,
        learning: Dataset,
        real: Dataset,
        count: int,
        workers: Workers,
        cache_folder: Path | None = None,
        examples: int | None = None,
    ) -> None:
        if count < FEWEST:
            raise MinidiffError(f"{count} samples are too few to measure; give at least {FEWEST}")
        self.count, self.workers = count, workers
        folder = cache_folder or default_cache_folder()
        tasks = (
            recognition.recognition(learning, examples or recognition.EXAMPLES),
            splices.splicing(learning, examples or splices.EXAMPLES),
        )
        self.networks = [(task.network, find_classifier(task, workers, folder)[0]) for task in tasks]
        half = len(real) // 2
        order = stream("halves", SEED).permutation(len(real))
        self.reference, self.control = real.subset(order[:half]), real.subset(order[half : half + min(half, count)])
        self.scales = np.ones(len(self.networks))
        self.scales = self.find_scales(self.reference.pixels(slice(None)))
        self.reference_features, _ = self.extract(self.reference.pixels, half)
        self.control_features, self.control_classes = self.extract(self.control.pixels, len(self.control))

    def __repr__(self) -> str:
        return f"FeatureExtractor({len(self.reference)} reference and {len(self.control)} control images)"

    def find_scales(self, real: np.ndarray) -> np.ndarray:
        """The factors of the two parts of the features, from real images (N, H, W, C): each part has half the variance.

        The network that tells whole images from spliced ones gives similar features to all real images. So the scale of
        its features is that of images of which half are spliced.
        """
        half_spliced = np.concatenate([real, splices.spliced(real, SEED, splices.NEAREST)])
        parts = [self.extract_parts(x.__getitem__, len(x))[0][i] for i, x in enumerate((real, half_spliced))]
        return np.array([scale_of(part) for part in parts]) / np.sqrt(len(parts))

    def extract(self, pixels: Callable[[slice], np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray | None]:
        """The features of images, float64 (N, D), and their predicted classes, int (N,), or None without classes.

        `pixels` maps a slice of range(count) to images (n, H, W, C) in [-1, 1]. Features are on the scale of
        `distances.py`.
        """
        parts, classes = self.extract_parts(pixels, count)
        return np.concatenate([scale * part for scale, part in zip(self.scales, parts, strict=True)], axis=1), classes

    def extract_parts(
        self, pixels: Callable[[slice], np.ndarray], count: int
    ) -> tuple[list[np.ndarray], np.ndarray | None]:
        """The two parts of the features before they are scaled, and the classes; arguments as in `extract`."""
        (recognizing, p), (splicing, q) = self.networks

        def extract(part: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
            x = shrink(pixels(part))
            quadrants, _, predicted = recognizing.extract(p, x)
            return quadrants, splicing.extract(q, x)[1], predicted.get("class")

        quadrants, means, classes = zip(*self.workers.map(extract, chunks(count, MICROBATCH)), strict=True)
        parts = [np.concatenate(part).astype(np.float64) for part in (quadrants, means)]
        return parts, np.concatenate(classes) if "class" in recognizing.heads else None

    def compare(self, name: str, features: np.ndarray) -> tuple[float, float]:
        """One of COMPARISONS of features (N, D) with those of the reference, and its standard error."""
        return with_standard_error(COMPARISONS[name], features, self.reference_features)

    def whole(self, images: np.ndarray, nearest: Sequence[float] | None = None) -> tuple[float, float]:
        """The share of images (N, H, W, C) taken for whole, and its standard error.

        With `nearest`, the images are first spliced with one another (`splices.find_partners`).
        """
        network, p = self.networks[1]
        x = splices.spliced(shrink(images), SEED, nearest)
        found = self.workers.map(lambda part: network.extract(p, x[part])[2]["whole"], chunks(len(x), MICROBATCH))
        return share(np.concatenate(found) == splices.WHOLE)
