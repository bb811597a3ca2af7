"""The nearest training image of each sample, to detect memorization.

A network that memorizes generates training images. Its samples are then closer to them than held-out images are, so
the distances of held-out images serve as the comparison.

Read more: `tutorials/14_measuring.ipynb`.
"""

import numpy as np

ROWS = 256  # references compared at a time


def nearest(queries: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest reference of each query.

    With |q - r|^2 = |q|^2 - 2 q'r + |r|^2 all distances of queries (N, ...) and references (M, ...) are one matrix
    product. Returns the position of the nearest, int (N,), and the root mean square of the difference, (N,).
    """
    q = np.asarray(queries, np.float32).reshape(len(queries), -1)
    best, smallest = np.zeros(len(q), np.int64), np.full(len(q), np.inf, np.float32)
    squares = np.square(q).sum(axis=1)
    for first in range(0, len(references), ROWS):
        r = np.asarray(references[first : first + ROWS], np.float32).reshape(-1, q.shape[1])
        distances = squares[:, None] - 2 * (q @ r.T) + np.square(r).sum(axis=1)
        closest = distances.argmin(axis=1)
        distance = distances[np.arange(len(q)), closest]
        closer = distance < smallest
        best[closer], smallest[closer] = first + closest[closer], distance[closer]
    return best, np.sqrt(np.maximum(smallest, 0) / q.shape[1])
