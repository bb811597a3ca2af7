"""Half the size for images with much noise.

A pixel with the noise level sigma = 1 or more tells almost nothing about the detail between it and its neighbors, but
the mean of 2 x 2 pixels has half the noise. So an image enters the network at half the size if sigma is 1 or more. This
skips the finest level, 30 % of the operations for 64 x 64, and the network decides there what the image shows: its
layout, and the colors of its parts. The finest level is left with the detail, which it adds at less noise.

All formulas stay the same, because the mean over pixels commutes with them. For z = signal x0 + noise eps,

    pool(z) = signal pool(x0) + noise pool(eps)

but pool(eps) has the standard deviation 1/2, since it is the mean of four independent values. Level i of the network
sees the mean over 2^i x 2^i pixels, with the standard deviation 2^-i.

Read more: `tutorials/07_unet.ipynb`; Jing, Corso, Berlinghieri, Jaakkola, "Subspace Diffusion Generative
Models", 2022; Gu et al., "f-DM: A Multi-stage Diffusion Model via Progressive Signal Transformation", 2022.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np


def pool(x: np.ndarray, level: int) -> np.ndarray:
    """The mean over blocks of 2^level x 2^level pixels: (N, H, W, C) to (N, H / 2^level, W / 2^level, C)."""
    if level == 0:
        return x
    N, H, W, C = x.shape
    side = 2**level
    return np.ascontiguousarray(x.reshape(N, H // side, side, W // side, side, C).mean(axis=(2, 4), dtype=x.dtype))


def repeat(x: np.ndarray, level: int) -> np.ndarray:
    """Each pixel 2^level x 2^level times, the opposite of `pool`: (N, h, w, C) to (N, 2^level h, 2^level w, C)."""
    return x.repeat(2**level, axis=1).repeat(2**level, axis=2) if level else x


def slices_of_levels(levels: Sequence[int]) -> Iterator[tuple[int, slice]]:
    """Splits a sequence of levels where they change: yields each level and the slice in which it is constant."""
    start = 0
    for level, group in groupby(levels):
        stop = start + len(list(group))
        yield level, slice(start, stop)
        start = stop
