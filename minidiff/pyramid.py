"""Images with much noise pass through the network at half the size or less.

At the noise level sigma = 1 or more, a single pixel tells almost nothing about fine detail, but the mean of 2 x 2
pixels has half the noise. So from sigma = 1 on, an image enters the network at half the size, from sigma = 2 on at a
quarter, and so on, as far as the network has entries (`UNetConfig.entry_level`; by default it has two). That skips the
finest level, which takes a third of the time, while the network decides what the image shows: its layout, and the
colors of its parts. The finest level is used only at lower noise, where it adds the detail.

The forward process keeps its form, because a mean is linear. For z = signal x0 + noise eps,

    pool(z) = signal pool(x0) + noise pool(eps)

but pool(eps) has the standard deviation 1/2, since it is the mean of four independent values, and 2^-i at level i. The
network's input is scaled accordingly (`Schedule.input_scale_at`).

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
    """Each pixel 2^level x 2^level times: (N, h, w, C) to (N, 2^level h, 2^level w, C), and pool(repeat(x)) = x."""
    return x.repeat(2**level, axis=1).repeat(2**level, axis=2) if level else x


def slices_of_levels(levels: Sequence[int]) -> Iterator[tuple[int, slice]]:
    """Splits a sequence of levels where they change: yields each level and the slice in which it is constant."""
    start = 0
    for level, group in groupby(levels):
        stop = start + len(list(group))
        yield level, slice(start, stop)
        start = stop
