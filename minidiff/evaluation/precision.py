"""Precision and recall of generated images (Kynkaanniemi et al., "Improved Precision and Recall Metric", 2019).

Each set of features is modeled as a union of balls: around every image, a ball that reaches its third nearest neighbor
in the same set (section 2, equation 1).

    precision    fraction of the samples within the balls of real images: are samples realistic?
    recall       fraction of the real images within the balls of samples: do samples cover all kinds of images?

Both are less than 1 for two sets of real images, which serve as the floor.

Read more: `tutorials/14_measuring.ipynb`.
"""

import numpy as np

NEIGHBOR = 3


def precision(x: np.ndarray, y: np.ndarray) -> float:
    """The fraction of features x (N, D) within the balls of y (M, D), M more than NEIGHBOR."""
    own = squared_distances(y, y)
    radii = np.partition(own, NEIGHBOR, axis=1)[:, NEIGHBOR]  # the nearest is the image itself
    return float((squared_distances(x, y) <= radii).any(axis=1).mean())


def recall(x: np.ndarray, y: np.ndarray) -> float:
    """The fraction of features y (M, D) within the balls of x (N, D), N more than NEIGHBOR."""
    return precision(y, x)


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|x - y|^2 = |x|^2 - 2 x'y + |y|^2 of features x (N, D) and y (M, D): (N, M)."""
    return np.square(x).sum(axis=1)[:, None] - 2 * x @ y.T + np.square(y).sum(axis=1)
