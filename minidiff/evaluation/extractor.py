"""Who judges the images: a classifier, and what it sees in real ones. Found once, it serves any number of samples.

Two sets of real images that were never trained on take part. Samples are compared with the *reference*; so is the
*control*, and what it scores is the floor: no honest network can be expected to do better.
"""

from minidiff.data.readers.cache import default_cache_folder
from minidiff.errors import MinidiffError
from minidiff.evaluation.distances import frechet_distance, kernel_distance, scale_of, with_error
from minidiff.evaluation.learning import EXAMPLES, find_classifier, look_at

DISTANCES = {"frechet": frechet_distance, "kernel": kernel_distance}
FEWEST = 32  # images, below which a distance says nothing


class Judge:
    """A classifier of the training images, and the features of real ones that were not trained on.

    Args:
        training: `Dataset` that was trained on.
        real: `Dataset` that was not; its halves are the reference and the control.
        count: how many samples are to be judged; the control has as many images, or as there are.
        workers: `Workers`.
        seed, examples: of the classifier's training.
        cache_folder: where classifiers are kept: "default" is the platform's place, None is nowhere.

    Attributes:
        reference, control: `Dataset`s.
        scale: of the features.
        reference_features, control_features: float64 (N, D).
        control_classes: what the control is taken for, int (N,), or None without classes.

    Raises:
        MinidiffError: too few samples.
    """

    def __init__(self, training, real, count, workers, seed=0, cache_folder="default", examples=EXAMPLES):
        if count < FEWEST:
            raise MinidiffError(f"{count} samples are too few to measure; give at least {FEWEST}")
        folder = default_cache_folder() if cache_folder == "default" else cache_folder
        self.workers, self.scale = workers, 1.0
        self.network, self.p, _ = find_classifier(training, workers, folder, seed, examples)
        half = len(real) // 2
        self.reference, self.control = real.subset(slice(0, half)), real.subset(slice(half, half + min(half, count)))
        features, _ = self.look(self.reference.pixels, half)
        self.scale = scale_of(features)
        self.reference_features = self.scale * features
        self.control_features, self.control_classes = self.look(self.control.pixels, len(self.control))

    def look(self, pixels, count):
        """What the classifier sees.

        Args:
            pixels: function from a slice to images (n, H, W, C) in [-1, 1].
            count: N, how many there are.

        Returns:
            features, float64 (N, D), on the scale of `distances.py`, and classes, int (N,), or None without classes.
        """
        features, classes = look_at(self.network, self.p, pixels, count, self.workers)
        return self.scale * features, classes

    def distance(self, name, features):
        """How far features (N, D) are from the reference's, and the standard error of that.

        Args:
            name: "frechet" or "kernel".
            features: of samples, or of the control for the floor.
        """
        return with_error(DISTANCES[name], features, self.reference_features)
