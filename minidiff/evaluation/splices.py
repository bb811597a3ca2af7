"""The task of telling whole images from spliced ones, for any data.

A spliced image consists of two images, joined left and right, top and bottom, or inside and outside of an ellipse:

    x = m a + (1 - m) b,         m rises from 0 to 1 across a seam some pixels wide

b is an image that resembles a along the seam, and the seam is blurred. Then edges that do not meet and other flaws of
the seam do not give a splice away, and the network has to compare what lies far apart. A whole image is spliced with
itself, so it is blurred in the same place. A network that generates parts that do not belong together generates images
like spliced ones.
"""

from collections.abc import Mapping

import numpy as np

from minidiff.data import Dataset
from minidiff.evaluation.classifier import Classifier, shrink
from minidiff.evaluation.classifier_training import Examples, Task
from minidiff.randomness import stream

EXAMPLES = 24_000
POOL = 4_000  # images to splice, at most
CANDIDATES = 1_000  # to be spliced with an image, at most
NEAREST = (16, 256)  # of the candidates that resemble it most along the seam, one is chosen: a strict and a loose match
KINDS = ("left and right", "top and bottom", "inside and outside")
SEAMS = 2 * len(KINDS)  # different ones in an epoch
WIDTH = 4.0  # of a seam, in pixels of shrunk images
SPLICED, WHOLE = 0, 1


def splicing(dataset: Dataset, examples: int = EXAMPLES) -> Task:
    """The task of telling whole images of a data set from spliced ones, with at least `examples` examples."""
    chosen = stream("splice pool", 0).permutation(len(dataset))[:POOL]
    x = shrink(dataset.pixels(np.sort(chosen)))  # (n, H, W, C)

    def draw(rng: np.random.Generator) -> Examples:
        labels = rng.permutation(len(x)) % 2
        seams, which, partners = find_partners(x, rng)
        partners = np.where(labels == WHOLE, np.arange(len(x)), partners)

        def some(indices: np.ndarray) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
            return splice(x[indices], x[partners[indices]], seams[which[indices]]), {"whole": labels[indices]}

        return some

    return Task(
        network=Classifier(dataset.channels, {"whole": 2}, attention=True),
        count=len(x),
        epochs=-(-examples // len(x)),
        examples=draw,
        key=("splicing", dataset.fingerprint(), POOL, NEAREST, SEAMS, WIDTH),
    )


def draw_seam(rng: np.random.Generator, kind: str, H: int, W: int) -> np.ndarray:
    """The mixture m (H, W, 1) of a splice of one of KINDS; its seam is at a random place near the middle."""
    y, x = np.mgrid[:H, :W] + 0.5
    if kind == "left and right":
        distance = x - W * rng.uniform(0.4, 0.6)
    elif kind == "top and bottom":
        distance = y - H * rng.uniform(0.35, 0.75)
    else:
        center, radius = rng.uniform(0.3, 0.7, 2), rng.uniform(0.2, 0.35)
        distance = (np.hypot(x / W - center[0], y / H - center[1]) - radius) * min(H, W)
    return np.clip(0.5 + distance / WIDTH, 0, 1).astype(np.float32)[..., None]


def find_partners(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chooses a seam for every image (N, H, W, C), and another image that resembles it along the seam only.

    Returns:
        mixtures (SEAMS, H, W, 1), the position of each image's seam in them, int (N,), and its partner, int (N,).
    """
    N, H, W, _ = x.shape
    seams = np.stack([draw_seam(rng, KINDS[i % len(KINDS)], H, W) for i in range(SEAMS)])
    which, partners = rng.permutation(N) % SEAMS, np.arange(N)
    for i, m in enumerate(seams):
        own, others = np.flatnonzero(which == i), rng.permutation(N)[:CANDIDATES]
        if len(own) and N > 2:
            along_the_seam = distances(x[own], x[others], 4 * m * (1 - m))  # (n, M)
            along_the_seam[own[:, None] == others] = np.inf
            nearest = np.argsort(along_the_seam, axis=1)[:, : min(NEAREST[i % 2], N - 1, len(others) - 1)]
            chosen = rng.integers(nearest.shape[1], size=len(own))
            partners[own] = others[nearest[np.arange(len(own)), chosen]]
    return seams, which, partners


def distances(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Squared distances (N, M) between images a (N, H, W, C) and b (M, H, W, C), with a weight (H, W, 1) for pixels."""
    a, b = ((np.sqrt(weight) * images)[:, weight[..., 0] > 0.01].reshape(len(images), -1) for images in (a, b))
    return np.square(a).sum(axis=1)[:, None] - 2 * a @ b.T + np.square(b).sum(axis=1)


def splice(a: np.ndarray, b: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Joins images a and b (N, H, W, C) with mixtures m (N, H, W, 1), and blurs the seam."""
    x = m * a + (1 - m) * b
    seam = 4 * m * (1 - m)  # 1 in its middle
    return x + seam * (blur(x) - x)


def blur(x: np.ndarray) -> np.ndarray:
    """The mean of 3 x 3 pixels of images (N, H, W, C); pixels outside repeat the edge."""
    for axis in (1, 2):
        padded = np.concatenate([x.take([0], axis), x, x.take([-1], axis)], axis)
        n = x.shape[axis]
        x = sum(padded.take(range(i, i + n), axis) for i in range(3)) / x.dtype.type(3)
    return x


def spliced(x: np.ndarray, seed: int, whole: bool) -> np.ndarray:
    """Images (N, H, W, C), from `shrink`, spliced with themselves (`whole`), or with one another."""
    rng = stream("splices", seed)
    seams, which, partners = find_partners(x, rng)
    return splice(x, x if whole else x[partners], seams[which])
