"""The formulas of the schedules: signal and noise at time u, from the clean image at u = 0 to noise at u = 1.

    flow                 signal = 1 - u                   noise = u                (Lipman et al., 2023, eq. 20 to 22)
    cosine               signal = cos(theta(u))           noise = sin(theta(u))    (Nichol and Dhariwal, 2021, eq. 17)
    linear               signal^2 = exp(-integral of beta), beta = 0.1 + 19.9 u    (Song et al., 2021, eq. 33)
    sigmoid              signal^2 = logistic(x), x from 3 to -3, rescaled          (Jabri et al., 2023; Chen, 2023)
    variance_exploding   signal = 1                       noise from 0.002 to 80   (Karras et al., 2022, eq. 5)

There are three families. In each, one quantity is constant:

    signal + noise = 1         flow: a straight line from the image to the noise
    signal^2 + noise^2 = 1     cosine, linear, sigmoid: "variance preserving" for data of unit variance
    signal = 1                 variance_exploding: noise is added to the unchanged image

Within a family, curves differ only in how the noise level sigma = noise / signal grows with u. At the same noise level,
z of two families differs only by a factor, because z / signal = x0 + sigma eps for all of them.

Every curve can end at a chosen noise level `sigma_max`, which should suit the images
(`schedule.sufficient_sigma_max`). By default it ends where its paper's does, but signal = 0 is excluded: z would not
depend on the image, and the equations of `schedule.py` would divide by zero. Flow and cosine therefore stop at 99 % of
their curve, with a signal of 0.01 and 0.016. Sigmoid is steeper at its end and stops at 99.9 %, with a signal of 0.017.

Read more: `tutorials/02_noise.ipynb`; Kingma and Gao, "Understanding Diffusion Objectives as the ELBO", 2023.
"""

from collections.abc import Callable

import numpy as np

from minidiff.errors import MinidiffError

Levels = tuple[np.ndarray, np.ndarray]  # signal and noise

END = 0.99  # the part of their curve that flow and cosine use by default
SIGMOID_END = 0.999
LARGEST_SHIFT, LARGEST_SIGMA_MAX = 1000.0, 1e6  # far beyond what is useful; with larger ones, float64 rounds to 0 or 1
LOWEST_NOISE, HIGHEST_NOISE, RHO = 0.002, 80.0, 7.0  # of variance_exploding (Karras et al., 2022, table 1)


def flow(u: np.ndarray, sigma_max: float = 0.0) -> Levels:
    """The straight line from image to noise (Lipman et al., 2023, eq. 20 to 22).

    Args:
        u: times in [0, 1], float64.
        sigma_max: the noise level at u = 1; 0 for the default end of the curve.

    Returns:
        signal, noise: float64, of u's shape; arguments and results are the same for all curves.
    """
    end = sigma_max / (1 + sigma_max) if sigma_max else END
    return 1 - end * u, end * u


def cosine(u: np.ndarray, sigma_max: float = 0.0) -> Levels:
    """A quarter of a circle with an offset at its start (Nichol and Dhariwal, 2021, eq. 17, s = 0.008)."""
    start, end = np.cos(0.008 / 1.008 * np.pi / 2), END
    if sigma_max:  # the part of the curve up to alpha_bar = 1 / (1 + sigma^2)
        end = np.arccos(start / np.hypot(1, sigma_max)) / (np.pi / 2) * 1.008 - 0.008
    f = np.cos((end * u + 0.008) / 1.008 * np.pi / 2) ** 2
    alpha_bar = f / start**2
    return np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


def linear(u: np.ndarray, sigma_max: float = 0.0) -> Levels:
    """beta increases linearly from 0.1 to 20 (Song et al., 2021, eq. 33; Ho et al., 2020, in discrete time)."""
    integral_of_beta = 0.1 * u + 19.9 * u**2 / 2
    if sigma_max:  # beta is scaled so that alpha_bar = exp(-integral) ends at 1 / (1 + sigma^2)
        integral_of_beta = integral_of_beta * np.log1p(sigma_max**2) / (0.1 + 19.9 / 2)
    return np.exp(-integral_of_beta / 2), np.sqrt(-np.expm1(-integral_of_beta))


def sigmoid(u: np.ndarray, sigma_max: float = 0.0) -> Levels:
    """alpha_bar is logistic(x), x from 3 to -3, rescaled (Jabri et al., 2023; Chen, 2023, algorithm 1).

    With sigma_max, x decreases further instead, until alpha_bar = 1 / (1 + sigma^2). The rescaled curve falls to zero
    so steeply that the last of 1000 timesteps would change the noise level from 60 to any sigma_max.
    """

    def logistic(x):
        return 1 / (1 + np.exp(-x))

    start, end = logistic(3.0), logistic(-3.0)
    if sigma_max:
        lowest_x = -np.log((1 + sigma_max**2) / start - 1)
        alpha_bar = logistic(3.0 + (lowest_x - 3.0) * u) / start
    else:
        alpha_bar = (logistic(3.0 - 6.0 * SIGMOID_END * u) - end) / (start - end)
    return np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar)


def variance_exploding(u: np.ndarray, sigma_max: float = 0.0) -> Levels:
    """noise^(1/7) increases linearly (Karras et al., 2022, eq. 5), except for noise = 0 at u = 0."""
    lowest, highest = LOWEST_NOISE ** (1 / RHO), (sigma_max or HIGHEST_NOISE) ** (1 / RHO)
    noise = (lowest + u * (highest - lowest)) ** RHO
    return np.ones_like(u), np.where(u > 0, noise, 0.0)


# the curve, and the function of signal and noise that equals 1 along it
CURVES: dict[str, tuple[Callable[[np.ndarray, float], Levels], Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "flow": (flow, np.add),
    "cosine": (cosine, np.hypot),
    "linear": (linear, np.hypot),
    "sigmoid": (sigmoid, np.hypot),
    "variance_exploding": (variance_exploding, lambda signal, noise: signal),
}


def levels(name: str, u: np.ndarray, shift: float = 1.0, sigma_max: float = 0.0) -> Levels:
    """signal and noise of a curve at times u, with every noise level (noise / signal) multiplied by `shift`.

    Neighboring pixels of a large image are similar. Their mean has less noise and nearly the same signal, so the same
    noise level destroys less of the image. A shift of side / 64 adapts a schedule for images of 64 x 64 to images of
    side x side (Hoogeboom et al., 2023, section 3.1; for flow: Esser et al., 2024, eq. 23).

    Args:
        name: one of `CURVES`.
        u: times in [0, 1], float64.
        shift: from 1 / LARGEST_SHIFT to LARGEST_SHIFT; 1 leaves the curve unchanged.
        sigma_max: the noise level at u = 1, whatever the shift; 0 for the default end of the curve, times the shift.

    Returns:
        signal, noise: float64, of u's shape, on a curve of the same family.

    Raises:
        MinidiffError: an unknown name, or a shift or sigma_max out of range.
    """
    if name not in CURVES:
        raise MinidiffError(f"unknown schedule {name!r}; choose from {', '.join(CURVES)}")
    if not 1 / LARGEST_SHIFT <= shift <= LARGEST_SHIFT:
        raise MinidiffError(
            f"invalid shift {shift:g} of a schedule; it must lie between {1 / LARGEST_SHIFT:g} and {LARGEST_SHIFT:g}"
        )
    if not 0 <= sigma_max <= LARGEST_SIGMA_MAX:
        raise MinidiffError(
            f"invalid sigma_max {sigma_max:g} of a schedule; it must lie between 0 and {LARGEST_SIGMA_MAX:,.0f}"
        )
    curve, constant = CURVES[name]
    signal, noise = curve(u, sigma_max / shift)
    noise = shift * noise
    scale = constant(signal, noise)
    return signal / scale, noise / scale
