"""The task of telling whole images from spliced ones, for any data.

A spliced image consists of two images, joined left and right, top and bottom, or inside and outside of an ellipse:

    x = m a + (1 - m) b,         m rises from 0 to 1 across a seam some pixels wide

b is an image that resembles a along the seam, and the seam is blurred. Then edges that do not meet and other flaws of
the seam do not give a splice away, and the network has to compare what lies far apart. A whole image is spliced with
itself, so it is blurred in the same place. A network that generates parts that do not belong together generates images
like spliced ones.

How much b resembles a along the seam varies (`NEAREST`). With the most similar images the parts sometimes agree by
chance. Nobody can tell such a splice from a whole image, but without them the network would rely on seams.

Read more: `tutorials/14_measuring.ipynb`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from minidiff.data import Dataset
from minidiff.evaluation.classifier import Classifier, shrink
from minidiff.evaluation.classifier_training import Examples, Task
from minidiff.randomness import stream

EXAMPLES = 64_000
POOL = 4_000  # images to splice, at most
CANDIDATES = 1_000  # to be spliced with an image, at most
NEAREST = (1 / 64, 1 / 8, 1.0)  # of the candidates, those that resemble it most along the seam
KINDS = ("left and right", "top and bottom", "inside and outside")
SEAMS = 9  # different ones in an epoch
WIDTH = 1 / 8  # of a seam, as a fraction of the smaller side of the image
SPLICED, WHOLE = 0, 1


def splicing(dataset: Dataset, examples: int = EXAMPLES) -> Task:
    """The task of telling whole images of a data set from spliced ones, with at least `examples` examples."""
    chosen = stream("splice pool", 0).permutation(len(dataset))[:POOL]
    x = shrink(dataset.pixels(np.sort(chosen)))  # (n, H, W, C)

    def draw(rng: np.random.Generator) -> Examples:
        seams, which, partners = find_partners(x, rng)
        mirrored = rng.random(len(x)) < 0.5

        def some(indices: np.ndarray) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
            image, labels = indices // 2, indices % 2
            partner = np.where(labels == WHOLE, image, partners[image])
            examples = splice(x[image], x[partner], seams[which[image]])
            mirror = mirrored[image]
            examples[mirror] = examples[mirror, :, ::-1]  # which teaches more from few images
            return examples, {"whole": labels}

        return some

    return Task(
        network=Classifier(dataset.channels, {"whole": 2}, compares=True),
        count=2 * len(x),
        epochs=-(-examples // (2 * len(x))),
        examples=draw,
        together=2,  # the difference between the two is all that matters, so one batch has both
        key=("splicing", dataset.fingerprint(), POOL, NEAREST, SEAMS, WIDTH),
    )


def draw_seam(rng: np.random.Generator, kind: str, H: int, W: int) -> np.ndarray:
    """The mixture m (H, W, 1) of a splice of one of KINDS; its seam is at a random place near the middle."""
    y, x = np.mgrid[:H, :W] + 0.5
    side = min(H, W)
    if kind == "left and right":
        distance = x - W * rng.uniform(0.4, 0.6)
    elif kind == "top and bottom":
        distance = y - H * rng.uniform(0.35, 0.75)
    else:
        center, radius = rng.uniform(0.3, 0.7, 2), rng.uniform(0.2, 0.35)
        distance = (np.hypot(x / W - center[0], y / H - center[1]) - radius) * side
    return np.clip(0.5 + distance / (WIDTH * side), 0, 1).astype(np.float32)[..., None]


def find_partners(
    x: np.ndarray, rng: np.random.Generator, nearest: Sequence[float] = NEAREST
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chooses a seam for every image (N, H, W, C), and another image that resembles it along the seam.

    `nearest` are fractions of the other images, those that resemble it most: one of them becomes the partner.

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
            count = max(1, round(nearest[i // len(KINDS) % len(nearest)] * (len(others) - 1)))
            ranked = np.argsort(along_the_seam, axis=1)
            partners[own] = others[ranked[np.arange(len(own)), rng.integers(count, size=len(own))]]
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


def spliced(x: np.ndarray, seed: int, nearest: Sequence[float] | None) -> np.ndarray:
    """Images (N, H, W, C) spliced with one another, see `find_partners`; with themselves if `nearest` is None."""
    seams, which, partners = find_partners(x, stream("splices", seed), nearest or NEAREST)
    return splice(x, x if nearest is None else x[partners], seams[which])
