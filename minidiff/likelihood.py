"""The log-likelihood of data under a denoiser, along the probability-flow ODE.

In the variables z_bar = z / signal = x0 + sigma eps and ln sigma, the ODE is

    d z_bar / d ln sigma = sigma eps_hat = z_bar - x0_hat                           (Karras et al., 2022, eq. 1 and 3)

Along a path, the density changes by the divergence of this velocity (Chen et al., 2018, theorem 1). With the Jacobian
J = dx0_hat/dz and D dimensions, the divergence is D - signal trace(J), and so

    ln p(x; sigma_min) = ln N(z_bar; 0, sigma_T^2 I) + D ln(sigma_T / sigma_min)
                         - integral of signal trace(J) d ln sigma  from sigma_min to sigma_T

where z_bar is the end of the path that starts at x. It is the log-density of x in the model that a deterministic
sampler draws from when it stops at sigma_min, so the smallest sigma is part of the result.

Hutchinson's estimate (1989) of the trace is e' J e with random signs e, whose mean is trace(J). e' J is one backward
pass. The signs stay the same along a path (Grathwohl et al., 2019), and the path does not depend on them, so that the
estimate of ln p is unbiased, up to the error of the solver.

Read more: `tutorials/13_likelihood_and_guidance.ipynb`; Song et al., 2021, section 4.3.
"""

import math
from itertools import pairwise
from typing import Protocol

import numpy as np

from minidiff.denoiser import Denoiser
from minidiff.errors import MinidiffError
from minidiff.randomness import stream
from minidiff.schedule import Schedule

BIN = 2 / 255  # the distance of two bytes in pixels, which are in [-1, 1]


class DifferentiableDenoiser(Denoiser, Protocol):
    """A denoiser with a backward pass; `NetworkDenoiser` and the oracles implement it."""

    def vjp(
        self, z: np.ndarray, t: int, e: np.ndarray, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """x0_hat and e' dx0_hat/dz, of z's shape and dtype; see `NetworkDenoiser.vjp`."""


def log_likelihood(
    denoiser: DifferentiableDenoiser,
    x: np.ndarray,
    sigma_min: float = 0.01,
    steps: int = 50,
    probes: int | None = 1,
    seed: int = 0,
    labels: np.ndarray | None = None,
) -> np.ndarray:
    """ln p(x; sigma_min) in nats, float64 (N,), by Heun's method.

    Args:
        denoiser: with a backward pass.
        x: data, such as images from `dequantize`, float (N, ...).
        sigma_min: the smallest noise level; the nearest one of the schedule is used.
        steps: solver steps, equally spaced in ln sigma; fewer where the schedule has no more timesteps.
        probes: number of random sign vectors for the trace; None for the exact trace, with D backward passes.
        seed: of the signs; those of image i depend only on seed and i.
        labels: class of each image, for ln p(x | label).

    Raises:
        MinidiffError: sigma_min outside the schedule's noise levels, or no steps or probes.
    """
    schedule = denoiser.schedule
    times = rising_timesteps(schedule, sigma_min, steps)
    signal, sigma, D = schedule.signal, schedule.sigma, math.prod(x.shape[1:])
    e = _unit_vectors(x) if probes is None else _random_signs(x, probes, seed)

    def evaluate(z_bar: np.ndarray, t: int) -> tuple[np.ndarray, np.ndarray]:
        """The slope d z_bar / d sigma (N, ...) and signal trace(J) (N,)."""
        z, trace = (signal[t] * z_bar).astype(x.dtype), np.zeros(len(x))
        for direction in e:
            x0_hat, product = denoiser.vjp(z, t, direction, labels)
            trace += np.sum((product * direction).reshape(len(x), -1), axis=1, dtype=np.float64)
        return (z_bar - x0_hat) / sigma[t], signal[t] * trace / (1 if probes is None else probes)

    z_bar, integral = x.astype(np.float64), np.zeros(len(x))
    for t, s in pairwise(times):
        slope, trace = evaluate(z_bar, t)
        slope_ahead, trace_ahead = evaluate(z_bar + (sigma[s] - sigma[t]) * slope, s)
        z_bar = z_bar + (sigma[s] - sigma[t]) * (slope + slope_ahead) / 2
        integral += math.log(sigma[s] / sigma[t]) * (trace + trace_ahead) / 2
    squares = np.square(z_bar).reshape(len(x), -1).sum(axis=1)
    log_p_of_noise = -squares / (2 * sigma[-1] ** 2) - D / 2 * math.log(2 * math.pi * sigma[-1] ** 2)
    return log_p_of_noise + D * math.log(sigma[-1] / sigma[times[0]]) - integral


def rising_timesteps(schedule: Schedule, sigma_min: float, steps: int) -> list[int]:
    """At most steps + 1 timesteps from that nearest to sigma_min to T, about equally spaced in ln sigma."""
    if not schedule.sigma[1] / 2 <= sigma_min < schedule.sigma[-1]:
        lowest, highest = schedule.sigma[1], schedule.sigma[-1]
        raise MinidiffError(f"invalid sigma_min {sigma_min:g}; it must lie between {lowest:.3g} and {highest:.3g}")
    if steps < 1:
        raise MinidiffError(f"the solver cannot take {steps} steps; use at least 1")
    log_sigma = np.linspace(math.log(sigma_min), schedule.log_sigma[-1], steps + 1)
    return np.unique(schedule.nearest_timestep(log_sigma)).tolist()


def dequantize(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniform dequantization: bytes plus uniform noise in [-1/2, 1/2], as pixels; float32 of the same shape.

    The mean of ln p over the noise, plus ln of the bin's size, is at most the logarithm of the bytes' probability, the
    integral of p over the bin (Theis et al., 2016).
    """
    return ((images + rng.uniform(-0.5, 0.5, images.shape)) * BIN - 1).astype(np.float32)


def bits_per_dimension(log_p: np.ndarray, dimensions: int) -> np.ndarray:
    """Bits per value of bytes with the log-density `log_p` after `dequantize`: -log2(p BIN^D) / D; 8 if uniform."""
    return -np.asarray(log_p) / (dimensions * math.log(2)) - math.log2(BIN)


def _random_signs(x: np.ndarray, probes: int, seed: int) -> np.ndarray:
    """Random signs for each probe, (probes, N, ...)."""
    if probes < 1:
        raise MinidiffError(f"the trace cannot be estimated with {probes} probes; use at least 1")
    streams = [stream("probes", seed, i) for i in range(len(x))]
    signs = [2 * rng.integers(0, 2, (probes, *x.shape[1:])) - 1 for rng in streams]
    return np.stack(signs, axis=1).astype(x.dtype)


def _unit_vectors(x: np.ndarray) -> np.ndarray:
    """All D unit vectors, the same for each image, (D, N, ...)."""
    D = math.prod(x.shape[1:])
    unit = np.eye(D, dtype=x.dtype).reshape(D, 1, *x.shape[1:])
    return np.broadcast_to(unit, (D, *x.shape)).copy()
