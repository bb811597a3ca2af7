"""The curves: how signal and noise go from image to noise while the time u runs from 0 to 1.

    flow                 signal = 1 - u                   noise = u                (Lipman et al., 2023, eq. 20 to 22)
    cosine               signal = cos(theta(u))           noise = sin(theta(u))    (Nichol and Dhariwal, 2021, eq. 17)
    linear               signal^2 = exp(-integral of beta), beta = 0.1 + 19.9 u    (Song et al., 2021, eq. 33)
    sigmoid              signal^2 falls like a logistic curve from +3 to -3        (Jabri et al., 2023; Chen, 2023)
    variance_exploding   signal = 1                       noise from 0.002 to 80   (Karras et al., 2022, eq. 5)

They come in three families, by what stays at one along the way:

    signal + noise = 1         flow: a straight line from the image to the noise
    signal^2 + noise^2 = 1     cosine, linear, sigmoid: "variance preserving", since images of variance 1 keep it
    signal = 1                 variance_exploding: the image stays what it is, and noise is heaped on it

Within a family, curves differ only in how fast they go. Across families too there is less difference than meets the
eye: divide z by its signal and every one of them is "image + noise_level * noise".

A curve must not reach signal = 0, where the noise would tell nothing about the image and the equations of
`schedule.py` would divide by zero. Flow and cosine therefore stop at 99 % of their way, with a signal of 0.01 and
0.016, and sigmoid, which is steeper at its end, at 99.9 %, with 0.017.

Read more: `tutorials/02_noise.ipynb`; Kingma and Gao, "Understanding Diffusion Objectives as the ELBO", 2023.
"""

import numpy as np

from minidiff.errors import MinidiffError

END = 0.99  # how far flow and cosine go along their way
SIGMOID_END = 0.999
LOWEST_NOISE, HIGHEST_NOISE, RHO = 0.002, 80.0, 7.0  # of variance_exploding (Karras et al., 2022, table 1)


def flow(u):
    """signal and noise on the straight line from image to noise (Lipman et al., 2023, eq. 20 to 22).

    Args:
        u: times in [0, 1], float64 array; so for all curves.

    Returns:
        signal, noise: float64, of u's shape.
    """
    return 1 - END * u, END * u


def cosine(u):
    """A quarter of a circle, slightly offset at its start (Nichol and Dhariwal, 2021, eq. 17, s = 0.008)."""
    f = np.cos((END * u + 0.008) / 1.008 * np.pi / 2) ** 2
    alpha_bar = f / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    return np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


def linear(u):
    """A beta that grows linearly from 0.1 to 20 (Song et al., 2021, eq. 33; Ho et al., 2020, in steps)."""
    integral_of_beta = 0.1 * u + 19.9 * u**2 / 2
    return np.exp(-integral_of_beta / 2), np.sqrt(-np.expm1(-integral_of_beta))


def sigmoid(u):
    """A logistic curve from +3 to -3, stretched to start at 1 (Jabri et al., 2023; Chen, 2023, algorithm 1)."""

    def logistic(x):
        return 1 / (1 + np.exp(-x))

    start, end = logistic(3.0), logistic(-3.0)
    alpha_bar = (logistic(3.0 - 6.0 * SIGMOID_END * u) - end) / (start - end)
    return np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


def variance_exploding(u):
    """Ever more noise, its seventh root growing linearly (Karras et al., 2022, eq. 5), and none at u = 0."""
    lowest, highest = LOWEST_NOISE ** (1 / RHO), HIGHEST_NOISE ** (1 / RHO)
    noise = (lowest + u * (highest - lowest)) ** RHO
    return np.ones_like(u), np.where(u > 0, noise, 0.0)


CURVES = {  # the curve, and what stays at one along it: a function of signal and noise
    "flow": (flow, np.add),
    "cosine": (cosine, np.hypot),
    "linear": (linear, np.hypot),
    "sigmoid": (sigmoid, np.hypot),
    "variance_exploding": (variance_exploding, lambda signal, noise: signal),
}


def levels(name, u, shift=1.0):
    """signal and noise of a curve at times u, with every noise level (noise / signal) multiplied by `shift`.

    Larger images show more of themselves through the same noise, because neighboring pixels say the same and their
    noise averages out; they need more of it. A shift of side / 64 makes a schedule that suits images of 64 x 64 suit
    images of that side (Hoogeboom et al., 2023, section 3.1; for flow: Esser et al., 2024, eq. 23).

    Args:
        name: one of `CURVES`.
        u: times in [0, 1], float64 array.
        shift: more than 0; 1 leaves the curve as it is.

    Returns:
        signal, noise: float64, of u's shape; the curve stays in its family.

    Raises:
        MinidiffError: an unknown name, or a shift that is not positive.
    """
    if name not in CURVES:
        raise MinidiffError(f"no schedule is called {name!r}; there are {', '.join(CURVES)}")
    if not 0 < shift < np.inf:
        raise MinidiffError(f"the shift of a schedule must be more than 0, not {shift}")
    curve, stays_at_one = CURVES[name]
    signal, noise = curve(u)
    noise = shift * noise
    size = stays_at_one(signal, noise)
    return signal / size, noise / size
